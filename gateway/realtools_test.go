package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
	"slipway/gateway/ingesttest"
	"slipway/gateway/web/browsertest"
	"slipway/uploader/whole/wholetest"
)

// toolSettle is how long files must be left alone in these tests: longer than the
// pauses of programs that write.
const toolSettle = time.Second

// folderStation is a gateway with a watched folder for programs of somebody else's to
// work in.
type folderStation struct {
	*station
	folder string // that is watched
	client *folderClient
}

// newFolderStation starts a gateway for programs, all of which must be installed.
func newFolderStation(t *testing.T, programs ...string) *folderStation {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed; .ci/run installs it", p)
		}
	}
	g := startWatch(t, toolSettle, "")
	c := g.Door(t).(*folderClient)
	return &folderStation{
		station: &station{ingestGateway: g, t: t, dir: t.TempDir(), look: newDAVClient(t, g.dav(), ingestUser, ingestPassword)},
		folder:  c.path(ingesttest.Folder), client: c,
	}
}

// tool runs a program in the programs' folder; "IN" in its arguments is the watched
// one.
func (s *folderStation) tool(name string, args ...string) {
	s.t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "IN", s.folder)
	}
	s.must("", nil, name, args...)
}

// shell runs a script.
func (s *folderStation) shell(script string) { s.t.Helper(); s.tool("sh", "-ec", script) }

// large makes a picture of about 300 KiB in the programs' folder.
func (s *folderStation) large(name string) []byte {
	s.t.Helper()
	s.seed++
	data := wholetest.WebP(320, 320, 1000+s.seed)
	s.write(name, data)
	return data
}

func (s *folderStation) write(name string, data []byte) {
	s.t.Helper()
	full := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// arrives says that data is to have been uploaded from path, once, and waits until it
// has been, and all is at rest.
func (s *folderStation) arrives(path string, data []byte) {
	s.t.Helper()
	s.owed(path, data)
	s.rests(path, data)
}

// rests waits until path has data, and all is at rest.
func (s *folderStation) rests(path string, data []byte) {
	s.t.Helper()
	if err := s.client.Flush(); err != nil {
		s.t.Fatal(err)
	}
	s.stored(path, data)
}

// TestToolsRsync: with temporary names, in place, and with a folder for what was cut.
func TestToolsRsync(t *testing.T) {
	for name, args := range map[string][]string{
		"default": nil, "inplace": {"--inplace"}, "partial": {"--partial-dir=.rsync-partial", "--delay-updates"}, "append": {"--append"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFolderStation(t, "rsync")
			a, b := s.large("from/a.webp"), s.large("from/2026/b c.webp")
			rsync := append([]string{"-a", "--bwlimit=200k"}, args...)
			s.tool("rsync", append(rsync, "from/", "IN/")...)
			s.owed("/in/a.webp", a)
			s.arrives("/in/2026/b c.webp", b)
			s.tool("rsync", append(rsync, "from/", "IN/")...) // nothing is new
			s.rests("/in/a.webp", a)
			if name == "append" {
				return // it never changes what is there
			}
			other := s.large("from/a.webp")
			s.tool("rsync", append(rsync, "from/", "IN/")...)
			s.arrives("/in/a.webp", other)
		})
	}
}

// TestToolsCopyAndMove: cp, and mv of files and of whole folders.
func TestToolsCopyAndMove(t *testing.T) {
	t.Parallel()
	s := newFolderStation(t, "cp", "mv")
	_, a := s.file("from/a.jpg")
	_, b := s.file("from/deep/er/b ü.jpg")
	_, c := s.file("c.jpg")
	_, d := s.file("d.jpg")
	s.tool("cp", "-a", "from", "IN/copied")
	s.owed("/in/copied/a.jpg", a)
	s.arrives("/in/copied/deep/er/b ü.jpg", b)
	s.tool("mv", "c.jpg", "IN/")
	s.arrives("/in/c.jpg", c)
	_, e := s.file("from/e.jpg")
	s.tool("mv", "from", "IN/moved") // a.jpg and b.jpg are the same bytes again
	s.arrives("/in/moved/e.jpg", e)
	s.rests("/in/moved/deep/er/b ü.jpg", b)
	s.tool("cp", "--preserve=timestamps", "d.jpg", "IN/c.jpg")
	s.arrives("/in/c.jpg", d)
	s.tool("mv", "IN/moved", "IN/copied/within") // within the folder nothing is new
	s.rests("/in/copied/within/deep/er/b ü.jpg", b)
	s.tool("mv", "IN/c.jpg", "IN/copied/other name.jpg")
	s.rests("/in/copied/other name.jpg", d)
	s.gone("/in/moved/e.jpg")
	s.gone("/in/c.jpg")
}

// TestToolsArchives: tar, unzip and 7-Zip, which set old times.
func TestToolsArchives(t *testing.T) {
	for name, programs := range map[string][]string{"tar": {"tar"}, "zip": {"zip", "unzip"}, "7z": {"7zz"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFolderStation(t, programs...)
			file, a := s.file("from/album/a.jpg")
			_, b := s.file("from/album/2 0 2 6/b.jpg")
			old := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
			switch name {
			case "tar":
				s.shell("tar cf a.tar -C from album; tar xf a.tar -C 'IN'")
			case "zip":
				s.shell("(cd from; zip -qr ../a.zip album); unzip -q a.zip -d 'IN'")
			case "7z":
				s.shell("(cd from; 7zz a ../a.7z album >/dev/null); 7zz x a.7z '-oIN' >/dev/null")
			}
			s.owed("/in/album/a.jpg", a)
			s.arrives("/in/album/2 0 2 6/b.jpg", b)
			if info, err := s.look.Get("/in/album/a.jpg.json"); name != "zip" && (err != nil || !strings.Contains(string(info), "2020-02-29")) {
				t.Errorf("the time of the file did not stay: %s, %v", info, err)
			}
		})
	}
}

// TestToolsExiftool: pictures that were taken are changed in place, with a backup and
// without.
func TestToolsExiftool(t *testing.T) {
	t.Parallel()
	s := newFolderStation(t, "exiftool")
	name, a := s.file("a.jpg")
	s.tool("cp", name, "IN/a.jpg")
	s.arrives("/in/a.jpg", a)
	s.tool("exiftool", "-q", "-overwrite_original", "-Artist=Ann", "IN/a.jpg")
	changed, err := os.ReadFile(filepath.Join(s.folder, "a.jpg"))
	if err != nil || bytes.Equal(a, changed) {
		t.Fatalf("exiftool changed nothing (%v)", err)
	}
	s.arrives("/in/a.jpg", changed)
	s.tool("exiftool", "-q", "-overwrite_original_in_place", "-Artist=Ben", "IN/a.jpg")
	if changed, err = os.ReadFile(filepath.Join(s.folder, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	s.arrives("/in/a.jpg", changed)
	s.tool("exiftool", "-q", "-Artist=Cid", "IN/a.jpg") // leaves a.jpg_original behind
	if changed, err = os.ReadFile(filepath.Join(s.folder, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	s.arrives("/in/a.jpg", changed)
}

// TestToolsVim: the two ways in which vim saves: over the file, and as a new one while
// the old one is a backup.
func TestToolsVim(t *testing.T) {
	for _, backupcopy := range []string{"yes", "no"} {
		t.Run(backupcopy, func(t *testing.T) {
			t.Parallel()
			s := newFolderStation(t, "vim")
			one := programtest.NewPicture(wholetest.JPEG(32, 24, s.seed), "picture-one", 20_000, 7).Bytes()
			two := bytes.Replace(one, []byte("picture-one"), []byte("picture-two"), 1)
			s.write("a.jpg", one)
			s.tool("cp", "a.jpg", "IN/a.jpg")
			s.arrives("/in/a.jpg", one)
			s.tool("vim", "-es", "-u", "NONE", "-i", "NONE", "-b", "--cmd", "set nocompatible encoding=latin1", "-c", "set backup writebackup backupcopy="+backupcopy,
				"-c", "%s/picture-one/picture-two/", "-c", "wq", "IN/a.jpg")
			if got, err := os.ReadFile(filepath.Join(s.folder, "a.jpg")); err != nil || !bytes.Equal(got, two) {
				t.Fatalf("vim left %d bytes (%v), want %d", len(got), err, len(two))
			}
			s.arrives("/in/a.jpg", two)
		})
	}
}

// TestToolsSlowWriters: what comes in pieces, into the final name: curl, dd, and
// programs that first make room for the whole file, as Samba does.
func TestToolsSlowWriters(t *testing.T) {
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		s := newFolderStation(t, "curl")
		data := s.large("a.webp")
		site := httptest.NewServer(http.FileServer(http.Dir(s.dir)))
		t.Cleanup(site.Close)
		s.tool("curl", "-sS", "--limit-rate", "200k", "-o", "IN/a.webp", site.URL+"/a.webp")
		s.arrives("/in/a.webp", data)
		s.tool("curl", "-sS", "-R", "-o", "IN/b.webp", site.URL+"/a.webp") // the same bytes
		s.rests("/in/b.webp", data)
	})
	t.Run("dd", func(t *testing.T) {
		t.Parallel()
		s := newFolderStation(t, "dd")
		data := s.large("a.webp")
		piece := len(data)/5 + 1
		s.shell(fmt.Sprintf("for i in 0 1 2 3 4; do dd if=a.webp of='IN/a.webp' bs=%d skip=$i seek=$i count=1 conv=notrunc status=none; sleep 0.4; done", piece))
		s.arrives("/in/a.webp", data)
		other := s.large("a.webp")
		// With pauses in which a part counts as settled: it is not whole, and stays here.
		s.shell(fmt.Sprintf("rm 'IN/a.webp'; for i in 0 1 2 3 4; do dd if=a.webp of='IN/c.webp' bs=%d skip=$i seek=$i count=1 conv=notrunc status=none; sleep 1.5; done", len(other)/5+1))
		s.arrives("/in/c.webp", other)
	})
	t.Run("preallocated", func(t *testing.T) {
		t.Parallel()
		s := newFolderStation(t, "fallocate", "dd")
		data := s.large("a.webp")
		half := len(data) / 2
		s.shell(fmt.Sprintf("fallocate -l %[1]d 'IN/a.webp'; sleep 2.5; dd if=a.webp of='IN/a.webp' bs=%[2]d count=1 conv=notrunc status=none; sleep 2.5;"+
			"dd if=a.webp of='IN/a.webp' bs=%[2]d skip=1 seek=1 conv=notrunc status=none", len(data), half))
		s.arrives("/in/a.webp", data)
	})
}

// TestToolsBrowser: a real browser saves what it was sent.
func TestToolsBrowser(t *testing.T) {
	t.Parallel()
	s := newFolderStation(t)
	data := s.large("a.webp")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="down load.webp"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		for part := range 5 {
			from, to := len(data)*part/5, len(data)*(part+1)/5
			w.Write(data[from:to]) //nolint:errcheck // the browser is gone
			w.(http.Flusher).Flush()
			time.Sleep(300 * time.Millisecond)
		}
	}))
	t.Cleanup(site.Close)
	b := browsertest.Start(t)
	b.Download(s.folder)
	b.Go(site.URL)
	s.owed("/in/down load.webp", data)
	s.stored("/in/down load.webp", data)
	s.rests("/in/down load.webp", data)
}

// TestToolsDownloads: what browsers do, step by step: a placeholder of the final name
// (Firefox), a temporary name beside it, and the rename over it.
func TestToolsDownloads(t *testing.T) {
	t.Parallel()
	s := newFolderStation(t, "mv")
	data := s.large("a.webp")
	s.shell("head -c 100000 a.webp > 'IN/a.webp.crdownload'; sleep 1.5; cp a.webp 'IN/a.webp.crdownload'; mv 'IN/a.webp.crdownload' 'IN/a.webp'")
	s.arrives("/in/a.webp", data)
	data = s.large("b.webp")
	s.shell(": > 'IN/b.webp'; head -c 100000 b.webp > 'IN/b.Xy12.webp.part'; sleep 1.5; cp b.webp 'IN/b.Xy12.webp.part'; mv 'IN/b.Xy12.webp.part' 'IN/b.webp'")
	s.arrives("/in/b.webp", data)
}
