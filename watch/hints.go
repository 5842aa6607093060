package watch

import (
	"context"
	"time"
)

// maxHinted is how many directories hints may name until everything is looked at.
const maxHinted = 4096

// changed notes a hint.
func (f *Folder) changed(dir string, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.hinted) >= maxHinted {
		clear(f.hinted)
		dir, all = "", true
	}
	f.hinted[dir] = f.hinted[dir] || all
	poke(f.wake)
}

// listen asks for hints until ctx ends. Where they end early, the folder is polled,
// and they are asked for again after a rescan's time.
func (f *Folder) listen(ctx context.Context) {
	if f.o.Hints == nil {
		return
	}
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		f.setWhy("")
		err := f.o.Hints.Watch(ctx, f.changed)
		if ctx.Err() != nil {
			return
		}
		why := "events have ended"
		if err != nil {
			why = err.Error()
		}
		f.setWhy(why)
		f.o.Log.Info("a watched folder is polled", "folder", f.o.Root, "why", why)
		again.Reset(f.o.Rescan)
	}
}

func (f *Folder) setWhy(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = why
}
