package watch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// attends is what the attendant has to look at.
type attends struct {
	entries map[int64]bool  // whose outcome may have changed
	all     bool            // any may have
	allNext time.Time       // when all may be looked at again
	open    bool            // what is not done
	dirs    map[string]bool // whose own sidecars are to be brought in line
}

// maxNoticed is how many entries are noted by themselves.
const maxNoticed = 10_000

// attended reports whether anything comes after a file was taken.
func (f *Folder) attended() bool {
	return f.o.Beside != nil || f.o.Finisher != nil || f.o.Undo != nil
}

// notice makes the attendant look at the outcome of an entry.
func (f *Folder) notice(entry int64) {
	if f.attended() {
		f.noticeAll([]int64{entry})
	}
}

// noticeAll is notice for many, nil for any.
func (f *Folder) noticeAll(entries []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &f.attends
	a.all = a.all || entries == nil
	if len(a.entries)+len(entries) > maxNoticed {
		a.all = true
		clear(a.entries) // so that those that come now are noted, and come first
	}
	for _, e := range entries[:min(len(entries), maxNoticed)] {
		a.entries[e] = true
	}
	poke(f.call)
}

// hear hears of outcomes until ctx ends.
func (f *Folder) hear(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.o.Outcomes.Changes(ctx, f.noticeAll)
		if ctx.Err() != nil {
			return
		}
		f.o.Log.Warn("changes of uploads are not told any more; they are asked for again", "folder", f.o.Root, "error", err)
		wait(ctx, retryFirst)
	}
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Between two passes of the attendant lies attendEvery, and between two that look at
// everything attendAllEvery: what comes meanwhile comes together.
const (
	attendEvery    = 100 * time.Millisecond
	attendAllEvery = 10 * time.Second
	attendPage     = 200
)

// attendAll attends to what comes until ctx ends.
func (f *Folder) attendAll(ctx context.Context) {
	later := time.NewTimer(attendAllEvery)
	defer later.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.call:
		case <-later.C:
		}
		pause := attendEvery
		if err := f.attendNow(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("what comes after uploads of a watched folder waits", "folder", f.o.Root, "error", err)
			pause = retryFirst
		}
		wait(ctx, pause)
		later.Reset(attendAllEvery)
	}
}

// Attend does once what is to be done after uploads: sidecars, and what Finisher does.
// It is for a program that has scanned and does not Run.
func (f *Folder) Attend(ctx context.Context) error {
	if !f.attended() {
		return nil
	}
	for again := false; ; again = true {
		f.mu.Lock()
		f.attends.open = f.attends.open || !again
		more := !again || len(f.attends.dirs) > 0
		f.mu.Unlock()
		if !more {
			return nil
		}
		if err := f.attendNow(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		if again {
			wait(ctx, attendEvery)
		}
	}
}

// AttendTo is Attend, and looks again at what became of entries; nil: of any.
func (f *Folder) AttendTo(ctx context.Context, entries []int64) error {
	f.mu.Lock()
	f.attends.allNext = time.Time{}
	f.mu.Unlock()
	f.noticeAll(entries)
	return f.Attend(ctx)
}

// attendNow makes one pass over what is noted. After an error it is noted again.
func (f *Folder) attendNow(ctx context.Context) error {
	a := f.noted()
	p := pass{Folder: f, dirs: a.dirs}
	if p.dirs == nil {
		p.dirs = make(map[string]bool)
	}
	newest := slices.SortedFunc(maps.Keys(a.entries), func(a, b int64) int { return cmp.Compare(b, a) })
	err := p.entries(ctx, newest)
	switch {
	case err != nil:
	case a.all:
		err = p.pages(ctx, func(after string) ([]Known, error) { return f.o.Memory.Below(ctx, f.o.Name, "", after, attendPage) })
	case a.open:
		err = p.pages(ctx, func(after string) ([]Known, error) { return f.o.Memory.Open(ctx, f.o.Name, after, attendPage) })
	}
	if e := p.folders(ctx); err == nil {
		err = e
	}
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.attends.all, f.attends.open = f.attends.all || a.all || len(a.entries) > 0, true
		poke(f.call)
	}
	return err
}

// noted takes what there is to look at. A look at all of it comes only so often.
func (f *Folder) noted() attends {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, now := f.attends, f.o.Clock()
	f.attends = attends{entries: make(map[int64]bool), allNext: a.allNext}
	if a.all && now.Before(a.allNext) {
		a.all, f.attends.all = false, true
	}
	if a.all {
		f.attends.allNext = now.Add(attendAllEvery)
	}
	return a
}
