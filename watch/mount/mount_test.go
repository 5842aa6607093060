package mount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/watch"
	"slipway/watch/watchtest"
)

// machine has file systems mounted where a test says.
type machine struct {
	t      *testing.T
	memory *watchtest.Memory
	at     string // where that is mounted that the directory is on
	err    error
	top    string
}

func (m *machine) target() *Target {
	return New(Options{
		Dir: filepath.FromSlash("/mnt/nas/side"), Top: m.top, What: "sidecars", Memory: m.memory, Name: "drop",
		Point: func(string) (string, error) { return filepath.FromSlash(m.at), m.err },
	})
}

func (m *machine) check(t *Target, away bool) {
	m.t.Helper()
	err := t.Check(m.t.Context())
	if errors.Is(err, watch.ErrAway) != away || err != nil && !away {
		m.t.Errorf("with %q mounted: %v", m.at, err)
	}
	if p := t.Problem(); (p != "") != away || away && !strings.Contains(p, filepath.FromSlash("/mnt/nas")) {
		m.t.Errorf("with %q mounted there is the problem %q", m.at, p)
	}
}

// TestTarget: where another file system was, the one below it is not written to, before
// and after a restart, until one is there again.
func TestTarget(t *testing.T) {
	m := &machine{t: t, memory: &watchtest.Memory{}, at: "/"}
	target := m.target()
	m.check(target, false) // nothing is known yet
	m.at = "/mnt/nas"
	m.check(target, false)
	for _, at := range []string{"/mnt", "/"} {
		m.at = at
		m.check(target, true)
		m.check(m.target(), true)
	}
	if target.Returned(t.Context()) {
		t.Error("it has returned")
	}
	m.at = "/mnt/nas/side" // another one, below
	if !target.Returned(t.Context()) || target.Returned(t.Context()) {
		t.Error("that it has returned is told once")
	}
	m.check(m.target(), false)
	m.at = "/mnt/nas" // as it was: but it lay deeper since
	m.check(m.target(), true)
	m.at = "/mnt/n" // a link leads elsewhere now
	m.check(m.target(), false)
	m.at = "/mnt/nas"
	m.check(m.target(), false)
}

// TestReleased: a person may agree to what is there, if he was asked.
func TestReleased(t *testing.T) {
	m := &machine{t: t, memory: &watchtest.Memory{}, at: "/mnt/nas"}
	target := m.target()
	m.check(target, false)
	target.Release() // for another reason
	m.at = "/"
	m.check(target, true)
	target.Release()
	m.check(target, false)
	m.check(m.target(), false)
	m.at = "/mnt/nas"
	m.check(target, false)
	m.at = "/"
	m.check(target, true) // it was not released for ever
}

// TestTop: what the directory above lies on does not matter, as it may be another each
// time.
func TestTop(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, memory: &watchtest.Memory{}, at: top, top: top}
	target := m.target()
	m.check(target, false)
	m.at = filepath.Dir(top)
	m.check(target, false)
	m.at = filepath.Join(top, "mnt/nas")
	m.check(target, false)
	for _, at := range []string{top, filepath.Dir(top)} {
		m.at = at
		m.check(target, true)
	}
}

// TestErrors: what cannot be found out is an error, and no problem; nothing is
// remembered before it is durable.
func TestErrors(t *testing.T) {
	cut := new(watchtest.Cut)
	m := &machine{t: t, memory: &watchtest.Memory{Cut: cut}, at: "/mnt/nas", err: os.ErrPermission}
	target := m.target()
	if err := target.Check(t.Context()); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
	m.err = nil
	cut.After(0)
	if err := target.Check(t.Context()); !errors.Is(err, watchtest.ErrCut) {
		t.Error(err)
	}
	cut.Off()
	m.check(target, false)
	m.at = "/"
	m.check(m.target(), true)
}
