package crashtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
	"slipway/gateway/operate"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/whole/wholetest"
)

const (
	shortKills = 8
	clients    = 4
	userName   = "demo"
	password   = "a-password-of-nobody"
)

// TestKill is the loop: start, let people work, kill, and again; then it looks
// whether everything that was promised holds.
func TestKill(t *testing.T) {
	kills := number(t, "SLIPWAY_CRASH_KILLS", shortKills)
	seed := number(t, "SLIPWAY_CRASH_SEED", int(time.Now().UnixNano()%1e9))
	t.Logf("SLIPWAY_CRASH_SEED=%d", seed)
	r := newRun(t, uint64(seed))
	for i := range kills {
		r.round()
		if (i+1)%10 == 0 {
			t.Logf("%s", r.progress(i+1, kills))
		}
		if t.Failed() {
			t.Fatalf("after %d kills\n%s", i+1, r.log.Tail(4000))
		}
	}
	r.finish()
	t.Logf("%s", r.progress(kills, kills))
	if strings.Contains(r.log.String(), "DATA RACE") {
		t.Error("the race detector found something in the program's log")
	}
	if t.Failed() {
		t.Logf("SLIPWAY_CRASH_SEED=%d, kept: the end of the program's log\n%s", seed, r.log.Tail(4000))
	}
}

// number reads an environment variable.
func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s = %q is no number", name, text)
	}
	return n
}

// run is one test: a program that is killed, hosts and clients that are not.
type run struct {
	t       *testing.T
	rand    *rand.Rand
	options programtest.Options
	log     *programtest.Log
	hazard  *Hazard
	hosts   *hosts
	clients []*client
	process *programtest.Process
	started time.Time
	struck  map[string]int // kills by what they hit
}

func newRun(t *testing.T, seed uint64) *run {
	dir := t.TempDir()
	r := &run{t: t, rand: rand.New(rand.NewPCG(seed, 0)), log: &programtest.Log{}, hazard: &Hazard{}, started: time.Now(), struck: map[string]int{}}
	r.hosts = newHosts(t, r.hazard)
	r.options = programtest.Options{
		Program: programtest.Build(t, programtest.RaceFlag), Config: filepath.Join(dir, "config.toml"), DataDir: filepath.Join(dir, "data"), Log: r.log,
		Env: []string{"DEMO_PASSWORD=" + password, "CMS_TOKEN=" + token, "CHEV_KEY=" + key},
	}
	text := fmt.Sprintf(config, userName, r.hosts.cmsURL, r.hosts.chevURL)
	if err := os.WriteFile(r.options.Config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bases := [][]byte{programtest.Base(), wholetest.JPEG(60, 40, 2), wholetest.JPEG(120, 90, 3)}
	for i := range clients {
		r.clients = append(r.clients, &client{
			t: t, dir: fmt.Sprintf("/in/c%d", i), rand: rand.New(rand.NewPCG(seed, uint64(i)+1)), bases: bases,
			hazard: r.hazard, now: world{}, made: map[string]*sent{},
		})
	}
	r.start()
	for _, c := range r.clients {
		if err := r.dav().Mkdir(context.Background(), c.dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { r.process.Kill() })
	return r
}

// config is the program's. No limits: the hosts are to be busy.
const config = `data_dir = "data"
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "%s"
password = "env:DEMO_PASSWORD"
[destination.cms]
driver = "anqicms"
url = "%s"
token = "env:CMS_TOKEN"
concurrency = 6
[destination.chev]
driver = "chevereto"
url = "%s"
key = "env:CHEV_KEY"
concurrency = 6
per_minute = 0
per_hour = 0
per_day = 0
[[route]]
path = "/in/{rest...}"
to = ["cms", "chev"]
[settle]
quiet = "50ms"
[log]
format = "json"
`

func (r *run) dav() *programtest.Client { return r.process.Client(userName, password) }

// start runs the program, if none runs, until it is ready.
func (r *run) start() {
	r.t.Helper()
	if r.process != nil {
		select {
		case <-r.process.Done():
		default:
			return
		}
	}
	var err error
	if r.process, err = programtest.Start(context.Background(), r.options); err != nil {
		r.t.Fatalf("%v\n%s", err, r.log.Tail(4000))
	}
}

// round lets people work until the program is killed.
func (r *run) round() {
	if r.rand.IntN(8) == 0 {
		r.killStart()
	}
	r.start()
	// How long a host works on a picture, within which the next start may fall.
	delay := time.Duration(r.rand.IntN(3)) * 100 * time.Millisecond
	r.hosts.chev.Configure(func(c *cheveretotest.Config) { c.Delay = 5*time.Millisecond + delay })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var struck string
	kill := func(how string) func() {
		return func() {
			struck = how
			r.process.Kill()
		}
	}
	wait := time.Duration(r.rand.IntN(800)) * time.Millisecond
	if r.rand.IntN(2) == 0 {
		e := Events[r.rand.IntN(len(Events))]
		r.hazard.Arm(e, 1+r.rand.IntN(12), kill(string(e)))
		wait = 1500 * time.Millisecond
	}
	context.AfterFunc(ctx, r.process.Kill)
	var working sync.WaitGroup
	for _, c := range r.clients {
		working.Go(func() {
			dav := r.dav()
			defer dav.Close()
			c.work(ctx, dav)
		})
	}
	select {
	case <-time.After(wait):
		r.hazard.Arm("now", 1, kill("any moment"))
		r.hazard.At("now")
	case <-r.process.Done():
	}
	cancel()
	working.Wait()
	r.hazard.Arm("", 0, nil)
	r.struck[struck]++
}

// killStart kills the program while it starts.
func (r *run) killStart() {
	r.process.Kill()
	p, err := programtest.Launch(r.options)
	if err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(time.Duration(r.rand.IntN(120)) * time.Millisecond)
	p.Kill()
	r.struck["the start"]++
}

func (r *run) progress(done, kills int) string {
	var all counts
	for _, c := range r.clients {
		all.add(c.counts)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "kill %d/%d, %.0f s: %d requests acknowledged, %d in doubt (%d done, %d not), pictures at the hosts %d and %d",
		done, kills, time.Since(r.started).Seconds(), all.acked, all.inDoubt, all.done, all.undone, len(r.hosts.cms.Stored()), r.hosts.chev.Count())
	if done == kills {
		for _, how := range slices.Sorted(maps.Keys(r.struck)) {
			fmt.Fprintf(&b, "\n  %3d × %s", r.struck[how], how)
		}
	}
	return b.String()
}

// finish starts the program for the last time, waits until it owes nothing, and
// looks at everything.
func (r *run) finish() {
	r.start()
	r.hosts.chev.Configure(func(c *cheveretotest.Config) { c.Delay = 5 * time.Millisecond })
	dav := r.dav()
	defer dav.Close()
	for _, c := range r.clients {
		if !c.settle(dav) {
			r.t.Fatalf("the program does not answer\n%s", r.log.Tail(4000))
		}
	}
	r.quiet()
	for _, c := range r.clients {
		c.verify(dav)
	}
	uploads, err := r.process.Uploads(context.Background(), operate.Filter{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.checkUploads(uploads)
	if err := r.process.Stop(); err != nil {
		r.t.Errorf("the program did not stop well: %v", err)
	}
	r.checkData()
}

// quiet waits until no upload is on its way.
func (r *run) quiet() {
	r.t.Helper()
	said := 0
	for begun := time.Now(); ; {
		moving, err := r.process.Uploads(context.Background(), operate.Filter{States: []string{"settling", "sending", "ambiguous"}})
		if err != nil {
			r.t.Fatal(err)
		}
		if len(moving) == 0 {
			return
		}
		if time.Since(begun) > 5*time.Minute {
			r.t.Fatalf("%d uploads do not come to an end, among them %+v", len(moving), moving[0])
		}
		if waited := int(time.Since(begun).Seconds()); waited > said+14 {
			said = waited
			r.t.Logf("%d s after the last start, %d uploads are on their way, the first %s at %s, due %v", waited, len(moving), end(moving[0]), moving[0].Destination, time.Until(moving[0].Due))
		}
		time.Sleep(100 * time.Millisecond)
	}
}
