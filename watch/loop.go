package watch

import (
	"context"
	"strings"
	"time"
)

// loop looks at directories until ctx ends or stop, asked when nothing is due, says so.
func (f *Folder) loop(ctx context.Context, stop func() bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if f.turn(ctx) {
			continue
		}
		if stop != nil && stop() {
			return
		}
		timer.Reset(f.pause())
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// turn does the next thing that is due; false: nothing is.
func (f *Folder) turn(ctx context.Context) bool {
	f.settle(ctx)
	f.heedHints()
	f.heedTime()
	f.startWalk(ctx)
	t, ok := f.nextTask()
	if ok {
		f.look(ctx, t)
	}
	return ok
}

// pause returns how long there is nothing to do.
func (f *Folder) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.walk.next
	if f.walk.on {
		next = f.o.Clock().Add(f.o.Rescan)
	}
	for _, at := range f.later {
		next = earlier(next, at)
	}
	for _, c := range f.coming {
		if c.phase == settling {
			next = earlier(next, c.due)
		}
	}
	return max(0, next.Sub(f.o.Clock()))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// heedHints makes tasks of what hints named. What is not known of lies in a directory
// that is.
func (f *Folder) heedHints() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Clock()
	for dir, all := range f.hinted {
		if dir == "" && all {
			f.walkSoon()
			continue
		}
		for dir != "" && f.dirs[dir] == nil {
			dir, all = parent(dir), false
		}
		if n := f.dirs[dir]; n == nil {
			continue // the walk comes there
		} else if n.rest.After(now) && !all {
			f.lookLater(dir, n.rest)
			continue
		}
		f.todo.push(task{dir: dir, deep: all})
	}
	clear(f.hinted)
}

// walkSoon makes everything be looked at from now on: one walk after another at the
// most, however often it is asked for.
func (f *Folder) walkSoon() {
	if f.walk.on {
		f.walk.again = true
		return
	}
	f.walk.next = earlier(f.walk.next, later(f.o.Clock(), f.walk.ended.Add(restAfter(f.walk.took))))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lookLater makes dir be looked at again.
func (f *Folder) lookLater(dir string, at time.Time) {
	if before, ok := f.later[dir]; !ok || at.Before(before) {
		f.later[dir] = at
	}
}

// heedTime makes tasks of directories whose time has come.
func (f *Folder) heedTime() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Clock()
	for dir, at := range f.later {
		if at.After(now) {
			continue
		}
		if n := f.dirs[dir]; n != nil && n.rest.After(now) {
			f.later[dir] = n.rest
			continue
		}
		delete(f.later, dir)
		f.todo.push(task{dir: dir, force: true})
	}
}

// nextTask returns the directory to look at next, if there is room for what may be
// in it.
func (f *Folder) nextTask() (t task, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full && len(f.coming) > maxComing/2 {
		return t, false
	}
	f.full = false
	if f.todo.len() == 0 && f.walk.on && !f.walk.lost {
		f.findLost()
	}
	if f.todo.len() == 0 {
		f.endWalk()
	}
	return f.todo.pop()
}

// startWalk begins a scan of everything where it is time.
func (f *Folder) startWalk(ctx context.Context) {
	f.mu.Lock()
	due := !f.walk.on && !f.walk.next.After(f.o.Clock())
	f.mu.Unlock()
	if !due {
		return
	}
	ready := f.visit(ctx)
	f.liftBrake(ctx)
	if r, ok := f.o.Beside.(Reopener); ok && ready && r.Reopened() {
		f.noticeAll(nil)
	}
	for _, t := range f.o.Targets {
		if t.Returned(ctx) {
			f.noticeAll(nil)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Clock()
	f.walk.next, f.walk.failed = now.Add(f.o.Rescan), !ready
	if !ready {
		return
	}
	f.walk.on, f.walk.lost, f.walk.began = true, false, now
	f.walk.round++
	f.deletes.waiting, f.deletes.why = 0, ""
	f.todo.pushLast(task{deep: true})
	f.forgetPatience(now)
}

// findLost makes tasks of the directories that the walk has not come to.
func (f *Folder) findLost() {
	f.walk.lost = true
	for dir, n := range f.dirs {
		if n.round == f.walk.round {
			continue
		}
		if f.ignored(dir, true) != "" {
			f.dropNode(dir)
			continue
		}
		f.todo.push(task{dir: dir, force: true, lost: true})
	}
}

// endWalk notes that everything has been looked at.
func (f *Folder) endWalk() {
	if !f.walk.on {
		return
	}
	f.walk.on, f.walk.through, f.walk.whole = false, true, f.walk.began
	f.walk.ended = f.o.Clock()
	f.walk.took = f.walk.ended.Sub(f.walk.began)
	f.walk.next = f.walk.ended.Add(f.o.Rescan)
	if f.walk.again {
		f.walk.again, f.walk.next = false, f.walk.ended.Add(restAfter(f.walk.took))
	}
	if f.deletes.waiting > 0 && f.home.sure() && f.home.unsure {
		f.walk.next = f.walk.ended // what was seen before the folder was recognised
	}
	f.home.unsure = false
	for dir := range f.deletes.unsearched {
		f.lookLater(dir, f.walk.ended)
	}
	clear(f.deletes.unsearched)
	f.attends.open = true
	poke(f.call)
}

// dropNode forgets a directory that is not there, or not ours.
func (f *Folder) dropNode(dir string) {
	if n := f.dirs[dir]; n != nil {
		f.count(n, Amount{}, 0)
		delete(f.dirs, dir)
		delete(f.later, dir)
	}
}

// dropBelow forgets a directory with all below it.
func (f *Folder) dropBelow(dir string) {
	f.dropNode(dir)
	for d := range f.dirs {
		if strings.HasPrefix(d, dir+"/") {
			f.dropNode(d)
		}
	}
}

// count notes how much is in n now.
func (f *Folder) count(n *node, files Amount, empty int) {
	f.counts.Found.Files += files.Files - n.files.Files
	f.counts.Found.Bytes += files.Bytes - n.files.Bytes
	f.counts.Empty += empty - n.empty
	n.files, n.empty = files, empty
}
