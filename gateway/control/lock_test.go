package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o700 {
		t.Errorf("the data directory: %v, %v", fi.Mode(), err)
	}
	_, err = Acquire(dir)
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Dir != dir {
		t.Fatalf("the second: %v", err)
	}
	if s := err.Error(); !strings.Contains(s, fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(s, "stop that one first") {
		t.Error(s)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockOverwritesALongerNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte("\x004294967295          \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readPID(path); got != 4294967295 {
		t.Errorf("read %d", got)
	}
	if err := writePID(path); err != nil {
		t.Fatal(err)
	}
	if got := readPID(path); got != os.Getpid() {
		t.Errorf("read %d", got)
	}
	for _, text := range []string{"", "\x00123", "\x00xxxxxxxxxxxxxxxxxxxx\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readPID(path); got != 0 {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	if (&LockedError{Dir: "x"}).Error() != "the data directory x is in use by another slipway: stop that one first, or name another data_dir" {
		t.Error(&LockedError{Dir: "x"})
	}
}

func TestLockOnAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(path); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("a file as data directory: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadAddresses(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before: %v", err)
	}
	for _, want := range []map[string]string{{"web": "127.0.0.1:8080", "ftp": "[::1]:2121"}, {"web": "127.0.0.1:1"}} {
		if err := WriteAddresses(dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadAddresses(dir)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}

	// A killed gateway's are gone once the next one has the lock.
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock() //nolint:errcheck // the test is over
	if _, err := ReadAddresses(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the next start: %v", err)
	}
	if err := RemoveAddresses(dir); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	if err := os.WriteFile(addressesFile(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAddresses(dir); err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("broken: %v", err)
	}
	if err := WriteAddresses(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("written into no directory")
	}
}
