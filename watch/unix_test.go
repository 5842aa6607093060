//go:build unix

package watch_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/watch"
)

// asNobody runs the test that calls it as a user without rights, and reports whether
// that was done: root reads everything.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return false
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("root reads everything: ", err)
	}
	dir, err := os.MkdirTemp("", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o777), os.WriteFile(dir+"/test", self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/test", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
	return true
}

// TestUnreadable: errors are the file's own, and tried again.
func TestUnreadable(t *testing.T) {
	if asNobody(t) {
		return
	}
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.write("closed/c.jpg", "C")
		w.ok(os.Chmod(w.at("a.jpg"), 0))
		w.ok(os.Chmod(w.at("closed"), 0))
		defer os.Chmod(w.at("closed"), 0o755) //nolint:errcheck // For the clean-up.
		w.start()
		w.wait(4 * time.Second)
		w.took("b.jpg=B")
		s := w.f.Status()
		if len(s.Troubles) != 2 || s.Troubles[0].Path != "a.jpg" || s.Troubles[0].Next.IsZero() || s.Troubles[1].Path != "closed" {
			t.Errorf("%+v", s.Troubles)
		}
		w.ok(os.Chmod(w.at("a.jpg"), 0o644))
		w.ok(os.Chmod(w.at("closed"), 0o755))
		w.wait(70 * time.Second)
		w.took("a.jpg=A", "b.jpg=B", "closed/c.jpg=C")
		if s := w.f.Status(); len(s.Troubles) != 0 {
			t.Errorf("%+v", s.Troubles)
		}
	})
}

// TestOnlyFilesOfTheFolder: links and special files are left alone, and nothing is
// read through a link.
func TestOnlyFilesOfTheFolder(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		outside := t.TempDir()
		w.ok(os.WriteFile(outside+"/secret.jpg", []byte("S"), 0o644))
		w.write("a.jpg", "A")
		w.ok(os.Symlink(outside, w.at("dir")))
		w.ok(os.Symlink(outside+"/secret.jpg", w.at("file.jpg")))
		w.ok(os.Symlink("a.jpg", w.at("inner.jpg")))
		w.ok(syscall.Mkfifo(w.at("pipe.jpg"), 0o644))
		w.o.Hints = w.hints
		w.start()
		w.hints.tell("dir", true)
		w.wait(70 * time.Second)
		w.took("a.jpg=A")
		for _, rel := range []string{"dir/secret.jpg", "file.jpg", "pipe.jpg", "../x"} {
			if e := w.explain(rel); rel != "../x" && e.State != watch.Ignored || e.Text == "" {
				t.Errorf("%s: %+v", rel, e)
			}
		}
		if s := w.f.Status(); s.Files != 1 || s.Waiting.Files != 0 {
			t.Errorf("%+v", s)
		}
		// What was taken becomes a link: it is not read, and the file is missing.
		w.remove("a.jpg")
		w.ok(os.Symlink(outside+"/secret.jpg", w.at("a.jpg")))
		w.wait(130 * time.Second)
		w.took("a.jpg=A")
	})
}
