package place

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMountPoint finds where what is there is mounted, and where what is not there would
// be.
func TestMountPoint(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("left out: there are no numbers of devices")
		return
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	want, err := MountPoint(dir)
	if err != nil || want == "" || !strings.HasPrefix(dir, want) {
		t.Fatalf("%s is on %q, %v", dir, want, err)
	}
	for _, p := range []string{link, filepath.Join(dir, "none"), filepath.Join(link, "none", "at all")} {
		if got, err := MountPoint(p); got != want || err != nil {
			t.Errorf("%s is on %q, not %q: %v", p, got, want, err)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	for _, p := range []string{"/proc", "/proc/self", "/proc/none/at/all"} {
		if got, err := MountPoint(p); got != "/proc" || err != nil {
			t.Errorf("%s is on %q: %v", p, got, err)
		}
	}
	away := filepath.Join(dir, "away")
	if err := os.Symlink("/proc/none", away); err != nil {
		t.Fatal(err)
	}
	if got, err := MountPoint(away); got != want || err != nil {
		t.Errorf("a link to nothing is on %q: %v", got, err)
	}
}
