package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
	"slipway/gateway/operate"
	"slipway/uploader/whole/wholetest"
)

// watchKills is how often the program is killed while its folders are filled.
const watchKills = 8

// watchConfigText is a program with a folder whose files stay, and one whose files go
// once they are done. The host knows bytes that it has.
const watchConfigText = `data_dir = "data"
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[destination.cms]
driver = "anqicms"
url = %q
token = "env:CMS_TOKEN"
concurrency = 6
[[route]]
path = "/in/{rest...}"
to = ["cms"]
[[watch]]
folder = "stay"
into = "/in/stay"
settle = "150ms"
rescan = "1s"
[[watch]]
folder = "go"
into = "/in/go"
settle = "150ms"
rescan = "1s"
after = "delete"
sidecars = []
[[watch]]
folder = "moved"
into = "/in/moved"
settle = "150ms"
rescan = "1s"
after = "move:done"
sidecar_dir = "urls"
[log]
format = "json"
`

// watchFolders are those of watchConfigText.
var watchFolders = []string{"stay", "go", "moved"}

// filling is a person that fills watched folders, and is never killed.
type filling struct {
	t    *testing.T
	dir  string
	rand *rand.Rand
	mu   sync.Mutex
	made map[string]programtest.Picture // by path below dir
}

// file makes one more file in one of the ways that programs have.
func (f *filling) file() {
	n := len(f.made)
	p := programtest.NewPicture(wholetest.JPEG(32, 24, 1), fmt.Sprintf("watch-%d", n), f.rand.IntN(200_000), uint64(n))
	dir := filepath.Join(watchFolders[f.rand.IntN(len(watchFolders))], fmt.Sprint("album ", f.rand.IntN(3)))
	name := filepath.Join(dir, fmt.Sprintf("%d.jpg", n))
	full := filepath.Join(f.dir, name)
	data := p.Bytes()
	must := func(err error) {
		if err != nil {
			f.t.Error(err)
		}
	}
	must(os.MkdirAll(filepath.Dir(full), 0o700))
	switch f.rand.IntN(3) {
	case 0:
		must(os.WriteFile(full, data, 0o600))
	case 1:
		must(os.WriteFile(full+".part", data, 0o600))
		must(os.Rename(full+".part", full))
	case 2:
		must(os.WriteFile(full, data[:len(data)/2], 0o600))
		time.Sleep(20 * time.Millisecond)
		must(os.WriteFile(full, data, 0o600))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made[name] = p
}

// TestKillWatch: a program that is killed while its watched folders are filled takes
// and sends each file once, loses none, and removes none that is not at the host.
func TestKillWatch(t *testing.T) {
	seed := number(t, "SLIPWAY_CRASH_SEED", int(time.Now().UnixNano()%1e9))
	t.Logf("SLIPWAY_CRASH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 7))
	dir := t.TempDir()
	h := newHosts(t, &Hazard{})
	log := &programtest.Log{}
	o := programtest.Options{
		Program: programtest.Build(t, programtest.RaceFlag), Config: filepath.Join(dir, "config.toml"), DataDir: filepath.Join(dir, "data"), Log: log,
		Env: []string{"CMS_TOKEN=" + token},
	}
	if err := os.WriteFile(o.Config, fmt.Appendf(nil, watchConfigText, h.cmsURL), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range watchFolders {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	person := &filling{t: t, dir: dir, rand: rand.New(rand.NewPCG(uint64(seed), 8)), made: make(map[string]programtest.Picture)}
	ctx, stop := context.WithCancel(t.Context())
	var filled sync.WaitGroup
	filled.Go(func() {
		for ctx.Err() == nil {
			person.file()
			time.Sleep(15 * time.Millisecond)
		}
	})
	defer filled.Wait()
	defer stop()
	for i := range number(t, "SLIPWAY_CRASH_KILLS", watchKills) {
		p, err := programtest.Start(t.Context(), o)
		if err != nil {
			t.Fatalf("start %d: %v\n%s", i, err, log.Tail(4000))
		}
		time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond)
		p.Kill()
	}
	stop()
	filled.Wait()
	p, err := programtest.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("the last start: %v\n%s", err, log.Tail(4000))
	}
	t.Cleanup(p.Kill)
	said, err := p.Run(t.Context(), "watch", "--once", "--timeout", "2m")
	if err != nil {
		t.Errorf("the import of what was left: %v\n%s\n%s", err, said, log.Tail(4000))
	}
	person.verify(h, p)
	if err := p.Stop(); err != nil {
		t.Errorf("the program did not stop well: %v", err)
	}
	if strings.Contains(log.String(), "DATA RACE") {
		t.Errorf("the race detector found something:\n%s", log.Tail(8000))
	}
	t.Logf("%d files, %d at the host", len(person.made), len(h.cms.Stored()))
}

// verify compares the host, the folders and the uploads with what was made.
func (f *filling) verify(h *hosts, p *programtest.Process) {
	at := make(map[string]int)
	for _, s := range h.cms.Stored() {
		at[s.MD5]++
	}
	if len(at) != len(f.made) {
		f.t.Errorf("the host has %d pictures, want %d", len(at), len(f.made))
	}
	uploads, err := p.Uploads(f.t.Context(), operate.Filter{})
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(map[string]int) // by path
	for _, u := range uploads {
		if u.State == "done" {
			done[u.Path]++
		}
	}
	for name, picture := range f.made {
		if at[picture.MD5] != 1 {
			f.t.Errorf("%s is %d times at the host", name, at[picture.MD5])
		}
		if virtual := "/in/" + filepath.ToSlash(name); done[virtual] != 1 {
			f.t.Errorf("%s has %d uploads that are done", virtual, done[virtual])
		}
		f.verifyFile(name, picture)
	}
}

// verifyFile looks whether a file is where its folder's `after` says, and its sidecar.
func (f *filling) verifyFile(name string, picture programtest.Picture) {
	folder, rest, _ := strings.Cut(name, string(filepath.Separator))
	where, sidecar := name, name+".url"
	switch folder {
	case "go":
		where, sidecar = "", ""
	case "moved":
		where, sidecar = filepath.Join(folder, "done", rest), filepath.Join("urls", rest+".url")
	}
	if data, err := os.ReadFile(filepath.Join(f.dir, where)); where != "" && (err != nil || !bytes.Equal(data, picture.Bytes())) {
		f.t.Errorf("%s: %d bytes (%v), want %d", where, len(data), err, picture.Size)
	}
	if _, err := os.Stat(filepath.Join(f.dir, name)); where != name && err == nil {
		f.t.Errorf("%s is still there", name)
	}
	if _, err := os.Stat(filepath.Join(f.dir, sidecar)); sidecar != "" && err != nil {
		f.t.Errorf("its URL is not beside %s: %v", name, err)
	}
}
