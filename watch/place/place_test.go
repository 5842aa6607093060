package place

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"slipway/watch"
)

// TestOf makes sure that a file replaced by another of the same size and time is
// seen.
func TestOf(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "a.jpg"), filepath.Join(dir, "b.jpg")
	when := time.Unix(1700000000, 123456789)
	for _, n := range []string{name, other} {
		if err := os.WriteFile(n, []byte("picture"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(n, when, when); err != nil {
			t.Fatal(err)
		}
	}
	before := stat(t, name)
	if before.Size != 7 || before.Modified != when.UnixNano() {
		t.Errorf("size %d, modified %d; want 7 and %d", before.Size, before.Modified, when.UnixNano())
	}
	if runtime.GOOS == "windows" {
		if before.Device != 0 || before.Inode != 0 || before.Changed != 0 {
			t.Errorf("a Stat of Windows has numbers: %+v", before)
		}
		return
	}
	if before.Device == 0 || before.Inode == 0 || before.Changed == 0 {
		t.Errorf("numbers are missing: %+v", before)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if open := Of(info); open != before {
		t.Errorf("the open file is %+v, by its name it is %+v", open, before)
	}
	if err := os.Rename(other, name); err != nil {
		t.Fatal(err)
	}
	after := stat(t, name)
	if after.Size != before.Size || after.Modified != before.Modified || after.Inode == before.Inode {
		t.Errorf("a file put in another's place: %+v, before %+v", after, before)
	}
}

func stat(t *testing.T, name string) watch.Stat {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return Of(info)
}

// TestOfForeignInfo makes sure that infos of other file systems do no harm.
func TestOfForeignInfo(t *testing.T) {
	info, err := fs.Stat(fstest.MapFS{"a": {Data: []byte("x")}}, "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := Of(info); got != (watch.Stat{Size: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestNanoseconds(t *testing.T) {
	for _, test := range []struct {
		t    time.Time
		want int64
	}{
		{time.Time{}, 0},
		{time.Unix(1, 5), 1000000005},
		{time.Unix(-1, 0), -1000000000},
		{time.Unix(1<<40, 0), math.MaxInt64},
		{time.Unix(-1<<40, 0), -math.MaxInt64},
	} {
		if got := nanoseconds(test.t); got != test.want {
			t.Errorf("%v: %d, want %d", test.t, got, test.want)
		}
	}
}

func TestAt(t *testing.T) {
	dir := t.TempDir()
	m, err := At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && (m.Device == 0 || m.Inode == 0) {
		t.Errorf("a folder without numbers: %+v", m)
	}
	again, err := At(dir)
	if err != nil || m != again {
		t.Errorf("the same folder is another: %+v, %+v, %v", m, again, err)
	}
	if (System{}).Network(dir) != m.Network || (System{}).Network(filepath.Join(dir, "none")) {
		t.Error("the kinds of file system differ")
	}
	if (System{}).Volume(dir) != m.Volume || (System{}).Volume(filepath.Join(dir, "none")) != "" {
		t.Error("the volumes differ")
	}
	if _, err := At(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := At(file); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("a file as a folder: %v", err)
	}
}

// TestKind looks at file systems that every Linux has.
func TestKind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no /dev/shm")
	}
	m, err := At("/dev/shm")
	if err != nil {
		t.Skip(err)
	}
	if m.Kind != "tmpfs" || m.Network {
		t.Errorf("/dev/shm is %+v", m)
	}
}

const table = `22 1 0:20 / /proc rw shared:5 - proc proc rw
36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
51 22 0:45 / /home/a\040b rw,nosuid - fuse.sshfs me@there:/ rw,user_id=1000
52 22 0:46 / /media/usb rw - fuseblk /dev/sdb1 rw
`

func TestKindIn(t *testing.T) {
	for _, test := range []struct {
		major, minor uint32
		want         string
	}{{98, 0, "ext3"}, {0, 45, "fuse.sshfs"}, {0, 46, "fuseblk"}, {0, 4, ""}, {9, 0, ""}} {
		if got := kindIn(table, test.major, test.minor); got != test.want {
			t.Errorf("%d:%d is %q, want %q", test.major, test.minor, got, test.want)
		}
	}
}

// FuzzKindIn makes sure that a kind is a word of the table, whatever is in it.
func FuzzKindIn(f *testing.F) {
	f.Add(table, uint32(98), uint32(0))
	f.Add("a b 0:0 c d e - ", uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, table string, major, minor uint32) {
		kind := kindIn(table, major, minor)
		if strings.ContainsAny(kind, " \n") || !strings.Contains(table, kind) {
			t.Errorf("%q is no word of %q", kind, table)
		}
	})
}

func TestForeign(t *testing.T) {
	for kind, want := range map[string]bool{
		"apfs": false, "hfs": false, "ufs": false, "zfs": false, "msdosfs": false, "exfat": false,
		"nfs": true, "smbfs": true, "afpfs": true, "webdav": true, "macfuse": true, "osxfuse": true, "fusefs.sshfs": true, "p9fs": true,
	} {
		if got := foreign(kind); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// TestRename makes sure that nothing is renamed over anything, in either way.
func TestRename(t *testing.T) {
	for name, rename := range map[string]func(root *os.Root, from, to string) error{"at once": Rename, "by a link": linkNew} {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		for _, n := range []string{"a", "b"} {
			if err := root.WriteFile(n, []byte(n), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := root.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := rename(root, "a", "b"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s, over a file: %v", name, err)
		}
		if err := rename(root, "none", "c"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, what is not there: %v", name, err)
		}
		if err := rename(root, "a", "d/c"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := SyncDir(root, "d"); err != nil {
			t.Error(err)
		}
		a, _ := root.ReadFile("d/c")
		b, _ := root.ReadFile("b")
		if string(a) != "a" || string(b) != "b" {
			t.Errorf("%s: the files say %q and %q", name, a, b)
		}
		if _, err := root.Lstat("a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the old name is still there: %v", name, err)
		}
	}
}
