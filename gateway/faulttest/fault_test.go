package faulttest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to let time pass

	"slipway/gateway/crashtest/programtest"
	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/chevereto/cheveretotest"
)

const (
	token    = "cms-token-5f1d9c"
	key      = "chev-key-77ab0e"
	userName = "demo"
	password = "a-password-of-nobody"

	// patience is how long all states together may take to be reached; the machine
	// may be busy.
	patience = 2 * time.Minute
)

// table is the program and everything that it speaks to.
type table struct {
	t          *testing.T
	trials     []*trial
	selfSigned string
	options    programtest.Options
	log        *programtest.Log
	process    *programtest.Process
	dav        *programtest.Client
	begun      time.Time // when the first file was put
	until      time.Time // when patience ends
}

// trial is one fault at one host, with a site, a proxy, a destination, a route and
// a folder of its own.
type trial struct {
	scenario
	table         *table
	want          want
	id            string // destination and folder
	driver        string
	proxy         *Proxy
	site          *httptest.Server
	chev          *cheveretotest.Server
	cms           *anqicmstest.Server
	first, second programtest.Picture
}

// TestFaults runs the whole table at once: in one program, as it would be.
func TestFaults(t *testing.T) {
	b := newTable(t)
	b.start()
	b.begun = time.Now()
	for _, c := range b.trials {
		c.put("first.jpg", c.first)
	}
	b.each("while it lasts", (*trial).troubled)
	b.secrets()
	b.lift()
	b.pass(15 * time.Minute)
	for _, c := range b.trials { // and life goes on
		c.put("second.jpg", c.second)
	}
	b.each("once it is gone", (*trial).ended)
	b.each("once a person asks", (*trial).asked)
	b.secrets()
	if err := b.process.Stop(); err != nil {
		t.Errorf("the program did not stop well: %v", err)
	}
}

// each judges every trial, at a time at which all of them have had theirs.
func (b *table) each(when string, judge func(*trial, *testing.T)) {
	b.until = time.Now().Add(patience)
	b.t.Run(when, func(t *testing.T) {
		for _, c := range b.trials {
			t.Run(c.driver+"/"+c.name, func(t *testing.T) { judge(c, t) })
		}
	})
}

func newTable(t *testing.T) *table {
	dir := t.TempDir()
	b := &table{t: t, log: &programtest.Log{}}
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	b.selfSigned = tls.URL
	base, seed := programtest.Base(), uint64(0)
	for i, s := range scenarios() {
		for driver, w := range map[string]*want{"chevereto": s.chev, "anqicms": s.cms} {
			if w == nil {
				continue
			}
			c := &trial{scenario: s, table: b, want: *w, driver: driver, id: fmt.Sprintf("f%02d-%s", i, driver)}
			c.open()
			fill := 20 << 10
			if s.large {
				fill = 7 << 20
			}
			seed += 2
			c.first = programtest.NewPicture(base, c.id+" first", fill, seed)
			c.second = programtest.NewPicture(base, c.id+" second", 5<<10, seed+1)
			b.trials = append(b.trials, c)
		}
	}
	b.options = programtest.Options{
		Program: programtest.Build(t), Config: filepath.Join(dir, "config.toml"), DataDir: filepath.Join(dir, "data"), Log: b.log,
		Env: []string{"DEMO_PASSWORD=" + password, "CMS_TOKEN=" + token, "CHEV_KEY=" + key},
	}
	return b
}

// open starts the trial's site and its proxy.
func (c *trial) open() {
	var handler http.Handler
	if c.driver == "chevereto" {
		c.chev = cheveretotest.New(cheveretotest.Config{Key: key, KeepBytes: true, Albums: []string{"Zf1"}})
		handler = c.chev
	} else {
		c.cms = anqicmstest.New(anqicmstest.Config{Token: token})
		handler = c.cms
	}
	c.account(!c.refuse)
	c.site = httptest.NewUnstartedServer(handler)
	c.site.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.site.Start()
	var err error
	if c.proxy, err = NewProxy(c.site.Listener.Addr().String()); err != nil {
		c.table.t.Fatal(err)
	}
	if c.fault != nil {
		f := *c.fault
		f.Reply = strings.ReplaceAll(f.Reply, secret, c.secret())
		c.proxy.Set(&f)
	}
	c.table.t.Cleanup(func() {
		c.proxy.Close()
		if c.chev != nil {
			c.chev.Close()
		} else {
			c.cms.Close()
		}
		c.site.Close()
	})
}

// secret returns what must not be seen.
func (c *trial) secret() string {
	if c.chev != nil {
		return key
	}
	return token
}

// account makes the site accept the account, or not.
func (c *trial) account(good bool) {
	k, t := key, token
	if !good {
		k, t = "another", "another"
	}
	if c.chev != nil {
		c.chev.Configure(func(cfg *cheveretotest.Config) { cfg.Key = k })
	} else {
		c.cms.SetToken(t)
	}
}

// write writes the configuration, with wrong addresses where a scenario wants
// them and lifted is not set.
func (b *table) write(lifted bool) {
	var text strings.Builder
	fmt.Fprintf(&text, head, userName)
	for _, c := range b.trials {
		url := "http://" + c.proxy.Address()
		if c.url != nil && !lifted {
			url = c.url(c)
		}
		account := `key = "env:CHEV_KEY"`
		if c.driver == "anqicms" {
			account = `token = "env:CMS_TOKEN"`
		}
		more := c.destination
		if strings.Contains(more, "%s") {
			more = fmt.Sprintf(more, c.proxy.Address())
		}
		fmt.Fprintf(&text, "[destination.%s]\ndriver = %q\nurl = %q\n%s\n%s\n", c.id, c.driver, url, account, more)
		fmt.Fprintf(&text, "[[route]]\npath = \"/%s/{rest...}\"\nto = [%q]\n%s\n", c.id, c.id, c.route)
	}
	if err := os.WriteFile(b.options.Config, []byte(text.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

const head = `data_dir = "data"
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[settle]
quiet = "50ms"
[log]
level = "debug"
format = "json"
[[user]]
name = %q
password = "env:DEMO_PASSWORD"
`

func (b *table) start() {
	b.write(false)
	var err error
	if b.process, err = programtest.Start(context.Background(), b.options); err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.Tail(4000))
	}
	b.t.Cleanup(b.process.Kill)
	b.dav = b.process.Client(userName, password)
	b.t.Cleanup(b.dav.Close)
}

// lift ends every fault; wrong addresses are put right and reloaded.
func (b *table) lift() {
	for _, c := range b.trials {
		c.proxy.Set(nil)
		c.account(true)
		if c.want.state == failed { // given up: a person asks for another try
			if err := b.dav.Delete(context.Background(), c.path("first.jpg.error.txt")); err != nil {
				b.t.Errorf("%s: the .error.txt cannot be removed: %v", c.id, err)
			}
		}
	}
	b.write(true)
	g, end, err := b.process.Gateway(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	defer end()
	if _, err := g.Reload(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// pass lets d pass for whatever waits in the ledger, as if it had begun to wait
// so much earlier. The program notices when next it looks.
func (b *table) pass(d time.Duration) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.options.DataDir, "index.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE uploads SET due = due - ? WHERE state IN ('settling', 'ambiguous') AND due < 9000000000000000000",
		"UPDATE uploads SET lost = lost - ? WHERE lost <> 0",
		"UPDATE hosts SET until = until - ?",
		"UPDATE destinations SET probe = probe - ? WHERE probe <> 0",
	} {
		if _, err := db.Exec(statement, d.Nanoseconds()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// secrets looks for them in everything that the program says.
func (b *table) secrets() {
	b.t.Helper()
	list, err := b.process.Run(context.Background(), "queue", "list", "--json")
	if err != nil {
		b.t.Errorf("queue list: %v\n%s", err, list)
	}
	b.innocent("queue list", list)
	b.innocent("the log", b.log.String())
}

// innocent reports a secret in text.
func (b *table) innocent(where, text string) {
	b.t.Helper()
	for _, s := range []string{key, token, password, "/delete/"} {
		if i := strings.Index(text, s); i >= 0 {
			b.t.Errorf("%s has a secret: …%s…", where, text[max(0, i-200):min(len(text), i+len(s)+20)])
		}
	}
	for _, c := range b.trials {
		if c.chev == nil {
			continue
		}
		for _, p := range c.chev.Stored() {
			if strings.Contains(text, p.DeleteHash) {
				b.t.Errorf("%s has the address that deletes a picture", where)
			}
		}
	}
}
