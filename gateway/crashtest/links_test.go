package crashtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
	"slipway/uploader/whole/wholetest"
)

// TestLinksSurviveKills: a link that was acknowledged has its picture in the end, once,
// however often the gateway is killed while it fetches.
func TestLinksSurviveKills(t *testing.T) {
	const kills, each, listed = 8, 12, 5
	seed := uint64(number(t, "SLIPWAY_CRASH_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("SLIPWAY_CRASH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	picture := func(p string) []byte {
		var n uint64
		fmt.Sscanf(filepath.Base(p), "%d", &n)
		return wholetest.JPEG(64, 64, n+1)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := picture(r.URL.Path)
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond) // so that kills come in between
		w.Write(data[len(data)/2:])
	}))
	defer site.Close()
	dir := t.TempDir()
	config := `data_dir = "data"
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
links = true
[settle]
quiet = "0s"
[links]
allow = ["127.0.0.1"]
`
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	o := programtest.Options{Program: programtest.Build(t), Config: filepath.Join(dir, "config.toml"), DataDir: filepath.Join(dir, "data"),
		Env: []string{"PASSWORD=secret-password"}, Log: new(programtest.Log)}
	want := make(map[string][]byte) // what has to be there, by its name
	put := func(c *programtest.Client, name, text string) bool {
		_, err := c.Do(t.Context(), http.MethodPut, "/in/"+name, strings.NewReader(text), int64(len(text)), nil)
		return err == nil
	}
	number := 0
	start := func() (*programtest.Process, *programtest.Client) {
		p, err := programtest.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err, o.Log.Tail(2000))
		}
		return p, p.Client("u", "secret-password")
	}
	for range kills {
		p, c := start()
		go func(after time.Duration) {
			time.Sleep(after)
			p.Kill()
		}(time.Duration(random.IntN(400)) * time.Millisecond)
		for range each {
			number++
			address := fmt.Sprintf("%s/%d.jpg", site.URL, number)
			if random.IntN(3) > 0 {
				if put(c, fmt.Sprintf("%d.url", number), "[InternetShortcut]\r\nURL="+address+"\r\n") {
					want[fmt.Sprintf("%d.jpg", number)] = picture(address)
				}
				continue
			}
			list, names := "", []string{}
			for range listed {
				number++
				names = append(names, fmt.Sprintf("%d.jpg", number))
				list += fmt.Sprintf("%s/%d.jpg\n", site.URL, number)
			}
			if put(c, fmt.Sprintf("%d.txt", number), list) {
				for _, name := range names {
					want[name] = picture(name)
				}
			}
		}
		<-p.Done()
		c.Close()
	}
	p, c := start()
	defer p.Kill()
	defer c.Close()
	until(t, 10*time.Minute, func() bool { // a link that was cut short several times waits for minutes
		for name := range want {
			b, err := c.Get(t.Context(), "/in/"+name+".json")
			var receipt struct{ Uploads []struct{ State string } }
			if err != nil || json.Unmarshal(b, &receipt) != nil || len(receipt.Uploads) != 1 || receipt.Uploads[0].State != "done" {
				return false
			}
		}
		return true
	})
	for name, data := range want {
		if b, err := c.Get(t.Context(), "/in/"+name); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%s has other bytes: %v", name, err)
		}
	}
	names, err := c.List(t.Context(), "/in")
	if err != nil {
		t.Fatal(err)
	}
	twice := slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "(") })
	if len(twice) > 0 {
		t.Errorf("there are second pictures: %v", twice)
	}
	if len(want) < kills*each/4 {
		t.Errorf("only %d pictures were owed: the kills come too early", len(want))
	}
	t.Logf("%d pictures of links, %d kills", len(want), kills)
}
