package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/gateway/webhook"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hookSite is a site that hears webhooks, and answers with a status.
type hookSite struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	status int
	bodies []webhookBody
	keys   []string
}

func newHookSite(t *testing.T) *hookSite {
	s := &hookSite{t: t, status: http.StatusNoContent}
	s.Server = httptest.NewServer(http.HandlerFunc(s.hear))
	t.Cleanup(s.Close)
	return s
}

func (s *hookSite) hear(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var body webhookBody
	if err != nil || json.Unmarshal(text, &body) != nil {
		s.t.Errorf("body %q: %v", text, err)
	}
	secret, _ := webhook.ParseSecret(webhookSecret)
	seconds, _ := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	if key := r.Header.Get("Webhook-Id"); r.Header.Get("Webhook-Signature") != secret.Sign(key, time.Unix(seconds, 0), text) {
		s.t.Errorf("the signature of %s is wrong", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies, s.keys = append(s.bodies, body), append(s.keys, r.Header.Get("Webhook-Id"))
	w.WriteHeader(s.status)
}

// heard waits until n messages came.
func (s *hookSite) heard(n int) []webhookBody {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		bodies := s.bodies
		s.mu.Unlock()
		if len(bodies) >= n {
			return bodies
		}
	}
	s.t.Fatalf("%d messages did not come in time", n)
	return nil
}

func hooked(url, more string) string {
	return webOnly + fmt.Sprintf("\n[[webhook]]\nname = \"site\"\nurl = %q\nsecret = \"env:HOOK\"\n%s", url+"/hook?token=t0ken", more)
}

var hookEnv = map[string]string{"PASSWORD": "correct-horse", "HOOK": webhookSecret}

// TestWebhook: a site hears of an upload that is done, with its receipt, once.
func TestWebhook(t *testing.T) {
	site := newHookSite(t)
	a, _ := testApp(t, hooked(site.URL, `paths = ["/inbox/told"]`), hookEnv)
	s := davSite{t, "http://" + a.address("web")}
	s.want(201, "full", "PUT", "/dav/inbox/quiet.gif", pictureOf("quiet"))
	s.want(201, "full", "MKCOL", "/dav/inbox/told", "")
	s.want(201, "full", "PUT", "/dav/inbox/told/a.gif", pictureOf("a"))
	url := s.done("/dav/inbox/told/a.gif")
	s.done("/dav/inbox/quiet.gif")
	body := site.heard(1)[0]
	if body.Type != "upload.done" || body.Destination != "home" || body.Upload == 0 || time.Since(body.Timestamp) > time.Minute {
		t.Errorf("%+v", body)
	}
	var receipt struct {
		Version int
		Path    string
		Uploads []struct{ State, URL, Destination string }
	}
	if err := json.Unmarshal(body.Data, &receipt); err != nil || receipt.Version != 1 || receipt.Path != "/inbox/told/a.gif" ||
		len(receipt.Uploads) != 1 || receipt.Uploads[0].State != "done" || receipt.Uploads[0].URL != url {
		t.Errorf("%s %v", body.Data, err)
	}
	if strings.Contains(string(body.Data), "delete") {
		t.Errorf("%s", body.Data)
	}
	beside := s.want(200, "full", "GET", "/dav/inbox/told/a.gif.json", "").body
	if strings.TrimSpace(beside) != string(body.Data) {
		t.Errorf("the sidecar is %s, and the message has %s", beside, body.Data)
	}
	s.metric(`slipway_webhook_deliveries_total{result="delivered",webhook="site"} 1`)
	s.metric(`slipway_webhooks_waiting{webhook="site"} 0`)
	if n := len(site.heard(1)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// TestWebhookWaits: while its site says no, messages wait, status says so without the
// address's token, and a reload delivers to the new address.
func TestWebhookWaits(t *testing.T) {
	site, other := newHookSite(t), newHookSite(t)
	site.status = http.StatusInternalServerError
	a, path := testApp(t, hooked(site.URL, ""), hookEnv)
	s := davSite{t, "http://" + a.address("web")}
	s.want(201, "full", "PUT", "/dav/inbox/a.gif", pictureOf("a"))
	s.done("/dav/inbox/a.gif")
	site.heard(1)
	var w operate.Webhook
	for end := time.Now().Add(patience); time.Now().Before(end) && w.Error == ""; time.Sleep(10 * time.Millisecond) {
		status, err := operations{a}.Status(t.Context())
		if err != nil || len(status.Webhooks) != 1 {
			t.Fatal(status, err)
		}
		w = status.Webhooks[0]
	}
	if w.Name != "site" || w.Waiting != 1 || w.GivenUp != 0 || w.Oldest.IsZero() || w.Error != "the site answered HTTP 500" {
		t.Errorf("%+v", w)
	}
	s.metric(`slipway_webhooks_waiting{webhook="site"} 1`)
	if err := os.WriteFile(path, []byte(hooked(other.URL, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	// The message is due again within some seconds.
	if _, err := a.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.heard(1)
	if other.keys[0] != site.keys[0] {
		t.Errorf("the message was called %s, and now %s", site.keys[0], other.keys[0])
	}
}

// TestWebhookMistakes: what is wrong is said with its place.
func TestWebhookMistakes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"[[webhook]]\nname = 'a b'\nurl = 'https://h/'\nsecret = 'env:HOOK'", `config.toml:2: webhook 1.name: "a b" is no name`},
		{"[[webhook]]\nname = 'a'\nurl = 'ftp://h/'\nsecret = 'env:HOOK'", `webhook 1.url: "ftp://h/": it is no address of a site`},
		{"[[webhook]]\nname = 'a'\nurl = 'https://h/'", `webhook 1.secret: it is missing: it is to be "whsec_" and 24 to 64 random bytes`},
		{"[[webhook]]\nname = 'a'\nurl = 'https://h/'\nsecret = 'env:HOOK'\nevents = ['doen']", `webhook 1.events: "doen" is not known; did you mean "done"?`},
		{"[[webhook]]\nname = 'a'\nurl = 'https://h/'\nsecret = 'env:HOOK'\npaths = ['holiday/']", `webhook 1.paths: "holiday/" is no folder`},
		{"[[webhook]]\nname = 'a'\nurl = 'https://h/'\nsecret = 'env:HOOK'\ndestinations = ['x']", `webhook 1.destinations: there is no destination "x"`},
		{"[[webhook]]\nname = 'a'\nurl = 'https://h/'\nsecret = 'env:HOOK'\n[[webhook]]\nname = 'a'\nurl = 'https://h/'\nsecret = 'env:HOOK'", `webhook 2.name: another webhook is called "a"`},
	} {
		_, err := loadConfig(writeConfig(t, tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n%v\nwant %s", tt.text, err, tt.want)
		}
	}
}
