package beside

import (
	"os"
	"path"
	"strings"
	"time"
)

const (
	sweepAge = time.Hour // nobody takes that long to write a sidecar
	maxSwept = 100_000   // directories that are remembered as swept
)

// sweep removes what a crash left in a directory, the first time that anything is
// written there.
func (b *Beside) sweep(root *os.Root, dir string) {
	b.mu.Lock()
	again := b.swept[dir] || len(b.swept) >= maxSwept
	if !again {
		b.swept[dir] = true
	}
	b.mu.Unlock()
	if again {
		return
	}
	d, err := root.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	for {
		list, err := d.ReadDir(1024)
		for _, e := range list {
			if !strings.HasPrefix(e.Name(), prefix) || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > sweepAge {
				root.Remove(path.Join(dir, e.Name())) //nolint:errcheck // It does no harm.
			}
		}
		if err != nil || len(list) == 0 {
			return
		}
	}
}
