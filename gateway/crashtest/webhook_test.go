package crashtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
)

// deafSite is a site that answers no webhook until it hears.
type deafSite struct {
	mu    sync.Mutex
	hears bool
	seen  map[string]int    // attempts by webhook-id
	taken map[string]string // path by webhook-id, of those that were answered with yes
}

func (s *deafSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Webhook-Id")
	s.seen[key]++
	if !s.hears {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, rest, _ := strings.Cut(string(body), `"path":"`)
	s.taken[key], _, _ = strings.Cut(rest, `"`)
}

func (s *deafSite) counts() (seen, taken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen), len(s.taken)
}

// TestWebhooksSurviveKills: messages that nobody took are delivered after kill -9, one
// for each upload, under the webhook-id that they had.
func TestWebhooksSurviveKills(t *testing.T) {
	const files, wait = 5, 2 * time.Minute
	deaf := &deafSite{seen: make(map[string]int), taken: make(map[string]string)}
	site := httptest.NewServer(deaf)
	defer site.Close()
	dir := t.TempDir()
	config := fmt.Sprintf(`data_dir = "data"
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "u"
password = "env:PASSWORD"
[destination.home]
driver = "local"
[[route]]
path = "/in/{rest...}"
to = ["home"]
[settle]
quiet = "0s"
[[webhook]]
name = "site"
url = %q
secret = "env:HOOK"
`, site.URL)
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	o := programtest.Options{Program: programtest.Build(t), Config: filepath.Join(dir, "config.toml"), DataDir: filepath.Join(dir, "data"),
		Env: []string{"PASSWORD=secret-password", "HOOK=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, Log: new(programtest.Log)}
	p, err := programtest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err, o.Log.Tail(2000))
	}
	c := p.Client("u", "secret-password")
	for i := range files {
		name := fmt.Sprintf("/in/%d.txt", i)
		if _, err := c.Do(t.Context(), http.MethodPut, name, strings.NewReader(name), int64(len(name)), nil); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	until(t, wait, func() bool { seen, _ := deaf.counts(); return seen > 0 })
	var first string
	deaf.mu.Lock()
	for key := range deaf.seen {
		first = key
	}
	deaf.mu.Unlock()
	p.Kill()

	for range 2 { // it is killed again as soon as it hears
		if p, err = programtest.Start(t.Context(), o); err != nil {
			t.Fatal(err, o.Log.Tail(2000))
		}
		deaf.mu.Lock()
		deaf.hears = true
		deaf.mu.Unlock()
		until(t, wait, func() bool { _, taken := deaf.counts(); return taken > 0 })
		p.Kill()
	}
	if p, err = programtest.Start(t.Context(), o); err != nil {
		t.Fatal(err, o.Log.Tail(2000))
	}
	defer p.Kill()
	until(t, wait, func() bool { _, taken := deaf.counts(); return taken >= files })
	time.Sleep(time.Second)
	deaf.mu.Lock()
	defer deaf.mu.Unlock()
	paths := make(map[string]bool)
	for _, path := range deaf.taken {
		paths[path] = true
	}
	if len(deaf.taken) != files || len(paths) != files || deaf.taken[first] == "" {
		t.Errorf("taken: %v; the first to be refused was %s", deaf.taken, first)
	}
}

// until waits for something to come true.
func until(t *testing.T, patience time.Duration, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to that in time")
		}
	}
}
