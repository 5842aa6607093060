package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// pass is one pass of the attendant.
type pass struct {
	*Folder
	mu   sync.Mutex
	dirs map[string]bool // with changes directly in them
}

// attendAtOnce is how many files are attended to at a time: each waits for the disk
// again and again.
const attendAtOnce = 8

// pages attends to pages of what is remembered.
func (p *pass) pages(ctx context.Context, next func(after string) ([]Known, error)) error {
	for after := ""; ; {
		list, err := next(after)
		if err != nil {
			return err
		}
		if err := p.page(ctx, list); err != nil {
			return err
		}
		if len(list) < attendPage {
			return nil
		}
		if err := p.fresh(ctx); err != nil {
			return err
		}
		after = list[len(list)-1].Path
	}
}

// entries attends to those with entries, and between their pages to what is fresh.
func (p *pass) entries(ctx context.Context, entries []int64) error {
	for len(entries) > 0 {
		n := min(len(entries), attendPage)
		if err := p.few(ctx, entries[:n]); err != nil {
			return err
		}
		if entries = entries[n:]; len(entries) == 0 {
			return nil
		}
		if err := p.fresh(ctx); err != nil {
			return err
		}
	}
	return nil
}

// few attends to a page of those with entries.
func (p *pass) few(ctx context.Context, entries []int64) error {
	list, err := p.o.Memory.Entries(ctx, p.o.Name, entries)
	if err != nil {
		return err
	}
	return p.page(ctx, list)
}

// fresh attends to a page of what was noticed since the pass began, the newest first: a
// new file does not wait for all that is behind.
func (p *pass) fresh(ctx context.Context) error {
	p.Folder.mu.Lock()
	a := &p.attends
	ids := slices.Sorted(maps.Keys(a.entries))
	ids = ids[max(0, len(ids)-attendPage):]
	for _, id := range ids {
		delete(a.entries, id)
	}
	p.Folder.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := p.few(ctx, ids)
	if err != nil {
		p.noticeAll(ids)
	}
	return err
}

// page attends to a few.
func (p *pass) page(ctx context.Context, list []Known) error {
	ids := make([]int64, 0, len(list))
	for _, k := range list {
		if k.Entry != 0 {
			ids = append(ids, k.Entry)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	out, err := p.o.Outcomes.Outcomes(ctx, ids)
	if err != nil {
		return err
	}
	todo := make(chan Known, len(list))
	for _, k := range list {
		if k.Entry != 0 && k.State != Taking && k.State != Missing { // those are about to become others
			todo <- k
		}
	}
	close(todo)
	return p.atOnce(ctx, todo, out)
}

// atOnce attends to several at a time, until one fails.
func (p *pass) atOnce(ctx context.Context, todo <-chan Known, out map[int64]Outcome) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range min(attendAtOnce, len(todo)) {
		all.Go(func() {
			for k := range todo {
				if ctx.Err() != nil {
					return
				}
				o, there := out[k.Entry]
				if err := p.one(ctx, k, &o, there); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// one attends to the file that is remembered as seen was, unless somebody else changes
// it: it is then looked at again.
func (p *pass) one(ctx context.Context, seen Known, o *Outcome, there bool) error {
	if !p.claim(seen.Path) {
		p.notice(seen.Entry)
		return nil
	}
	defer p.unclaim(seen.Path)
	k, had, err := p.known(ctx, seen.Path)
	if err != nil || !had || k.Entry != seen.Entry {
		return err
	}
	if !there || o.Path == "" || k.State == Gone {
		o = nil
	}
	after, done := p.attend(ctx, k, o)
	after.Done = done
	if same(after, k) {
		return nil
	}
	p.mu.Lock()
	p.dirs[parent(k.Path)] = true
	p.mu.Unlock()
	return p.o.Memory.Store(context.WithoutCancel(ctx), p.o.Name, []Known{after}, nil)
}

// same reports whether two say the same.
func same(a, b Known) bool {
	return a.Path == b.Path && a.Stat == b.Stat && a.Sum == b.Sum && a.Entry == b.Entry && a.State == b.State &&
		a.Since == b.Since && a.Done == b.Done && maps.Equal(a.Beside, b.Beside)
}

// attend calls what comes after for k, and reports whether that is all.
func (p *pass) attend(ctx context.Context, k Known, o *Outcome) (Known, bool) {
	store := func(ctx context.Context, k Known) error {
		k.Done = false
		return p.o.Memory.Store(context.WithoutCancel(ctx), p.o.Name, []Known{k}, nil)
	}
	done := true
	if p.o.Beside != nil {
		after, settled, err := p.o.Beside.Update(ctx, k, o, store)
		p.complain(ctx, k.Path, "its sidecars cannot be brought in line", err)
		k, done = after, settled && err == nil
	}
	switch {
	case k.State == Removing && (p.o.Finisher == nil || o == nil || !o.Complete || o.Sum != k.Sum):
		k, done = p.undo(ctx, k)
	case o == nil || p.o.Finisher == nil || k.State != Taken && k.State != Removing:
	case o.Owed > 0 && !o.Complete:
		done = false
	case o.Complete && o.Sum == k.Sum && p.resting(k):
		done = false
	case o.Complete && o.Sum == k.Sum:
		after, finished, err := p.o.Finisher.Finish(ctx, k, *o, store)
		p.complain(ctx, k.Path, "it cannot be finished with", err)
		if ctx.Err() == nil && !errors.Is(err, ErrAway) {
			p.unfinished(after, err)
		}
		k, done = after, done && finished && err == nil
		if k.State == Removed && err == nil {
			return p.follow(ctx, k, o, store, done)
		}
	}
	return k, done
}

// follow lets the sidecars follow a file that was moved away just now.
func (p *pass) follow(ctx context.Context, k Known, o *Outcome, store Store, done bool) (Known, bool) {
	if p.o.Beside == nil {
		return k, done
	}
	if err := store(ctx, k); err != nil {
		p.complain(ctx, k.Path, "that it has gone cannot be remembered", err)
		return k, false
	}
	after, settled, err := p.o.Beside.Update(ctx, k, o, store)
	p.complain(ctx, k.Path, "its sidecars cannot be brought in line", err)
	return after, done && settled && err == nil
}

// undo puts back what was about to go and is not to go any more.
func (p *pass) undo(ctx context.Context, k Known) (Known, bool) {
	u := p.o.Undo
	if u == nil {
		u, _ = p.o.Finisher.(Undoer)
	}
	if u == nil {
		return k, false
	}
	after, err := u.Undo(ctx, k)
	p.complain(ctx, k.Path, "it cannot be put back", err)
	return after, err == nil
}

// complain notes what is wrong with what comes after a file; nil: nothing is.
func (p *pass) complain(ctx context.Context, path, what string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrAway) {
		return
	}
	p.o.Log.Warn("after the uploads of a watched file", "folder", p.o.Root, "file", path, "error", fmt.Errorf("%s: %w", what, err))
}

// folders brings what there is one of for each directory in line.
func (p *pass) folders(ctx context.Context) (failed error) {
	if p.o.Beside == nil {
		return nil
	}
	for _, dir := range slices.Sorted(maps.Keys(p.dirs)) {
		err := p.o.Beside.Folder(ctx, dir)
		if err == nil {
			delete(p.dirs, dir)
		} else if !errors.Is(err, ErrLater) {
			failed = errors.Join(failed, err)
		}
	}
	if len(p.dirs) > 0 {
		p.Folder.mu.Lock()
		defer p.Folder.mu.Unlock()
		if p.attends.dirs == nil {
			p.attends.dirs = make(map[string]bool)
		}
		maps.Copy(p.attends.dirs, p.dirs)
	}
	return failed
}
