package place

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWriting: it tells who writes, and keeps nobody waiting.
func TestWriting(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	w, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !(System{}).Writing(r) {
		t.Error("nobody writes")
	}
	w.Close()
	if (System{}).Writing(r) {
		t.Error("somebody writes")
	}
	began := time.Now()
	if w, err = os.OpenFile(name, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("a writer waited for %v", took)
	}
}
