package watch

import (
	"context"
	"sync"
	"time"
)

const (
	progressEvery = 500 * time.Millisecond
	// unsettledFor is how long Scan waits for a file that keeps changing.
	unsettledFor = 10 * time.Minute
)

// Scan takes what is in the folder now, and returns when nothing in it is unsettled.
// Files that keep changing for more than ten minutes are left, as Waiting. An error
// is one of ctx or of the memory; what is wrong with files is in the summary.
func (f *Folder) Scan(ctx context.Context, o ScanOptions) (Summary, error) {
	began := f.o.Clock()
	if err := f.begin(ctx); err != nil {
		return Summary{}, err
	}
	defer f.end()
	f.mu.Lock()
	f.step = o.Step
	f.mu.Unlock()
	var err error
	if o.DryRun {
		err = f.rehearse(ctx)
	} else {
		err = f.scan(ctx, o, began)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Summary{Progress: f.progress(), Problem: f.problem(), Troubles: f.told(), Took: f.o.Clock().Sub(began)}
	s.Left = 0
	if o.Progress != nil {
		o.Progress(s.Progress)
	}
	f.step, f.counts.Total = nil, Amount{}
	if o.DryRun {
		f.counts = Progress{} // nothing was done
	}
	return s, err
}

// scan runs the loop until everything was looked at once, and nothing is on its way.
func (f *Folder) scan(ctx context.Context, o ScanOptions, began time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	f.measure(ctx)
	for range f.o.Takers {
		all.Go(func() { f.takeAll(ctx) })
	}
	var reports sync.WaitGroup
	reporting, stop := context.WithCancel(ctx)
	if o.Progress != nil {
		reports.Go(func() { f.report(reporting, o.Progress, began) })
	}
	f.loop(ctx, f.still)
	stop()
	reports.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.Attend(ctx)
}

// still reports whether everything was looked at, and nothing is on its way.
func (f *Folder) still() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.walk.failed {
		return true
	}
	if f.walk.on || f.walk.ended.IsZero() || f.walk.ended.Before(f.walk.began) || f.todo.len() > 0 || f.walk.began.IsZero() {
		return false
	}
	latest := f.o.Clock().Add(-unsettledFor)
	for _, x := range f.coming {
		if x.phase != settling || x.began.After(latest) {
			return false
		}
	}
	return f.ended()
}

// ended reports whether the walk that this Scan began has ended, and all looks that
// follow from it.
func (f *Folder) ended() bool {
	if len(f.busy) > 0 {
		return false
	}
	now := f.o.Clock()
	for dir, at := range f.later {
		if n := f.dirs[dir]; n != nil && !at.After(now.Add(time.Second)) {
			return false
		}
	}
	return true
}

// measure counts what there is to be taken, for the estimate.
func (f *Folder) measure(ctx context.Context) {
	var total Amount
	f.each(ctx, func(rel string, s Stat) {
		if f.o.Ours != nil {
			if _, ours := f.o.Ours(rel); ours {
				return
			}
		}
		total.add(s.Size)
	}, func(string, error) {})
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() == nil {
		f.counts.Total = total
	}
}

// measureAfter is how long a first walk lasts until people want to know how much is left.
const measureAfter = 2 * time.Second

// measureFirst measures the folder while the first walk of all is on, if that lasts.
func (f *Folder) measureFirst(ctx context.Context) {
	began := f.o.Clock()
	wait(ctx, measureAfter)
	f.mu.Lock()
	lasts := f.walk.whole.IsZero() && f.walk.on || len(f.coming) > maxComing/2
	f.mu.Unlock()
	if !lasts || ctx.Err() != nil {
		return
	}
	f.measure(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.measured = began
}

// firstLeft returns p with how much of the first scan is left, until that has ended and
// what it found is taken.
func (f *Folder) firstLeft(p Progress) Progress {
	through := p.Taken.Files + p.Same.Files + p.Moved.Files + p.Failed.Files + p.Refused.Files
	if f.measured.IsZero() {
		return p
	}
	if !f.walk.on && (len(f.coming) == 0 || through >= p.Total.Files) {
		f.measured, f.counts.Total, p.Total = time.Time{}, Amount{}, Amount{}
		return p
	}
	p.Left = p.left(f.o.Clock().Sub(f.measured))
	return p
}

// each calls visit with the files that may be taken, in the order of a walk, and
// failed with directories that cannot be read.
func (f *Folder) each(ctx context.Context, visit func(rel string, s Stat), failed func(dir string, err error)) {
	dirs := []string{""}
	for len(dirs) > 0 && ctx.Err() == nil {
		dir := dirs[len(dirs)-1]
		dirs = dirs[:len(dirs)-1]
		l, err := f.list(dir)
		if err != nil {
			failed(dir, err)
			continue
		}
		for _, x := range l.files {
			visit(under(dir, x.name), x.stat)
		}
		for i := len(l.subs) - 1; i >= 0; i-- {
			dirs = append(dirs, under(dir, l.subs[i]))
		}
	}
}

// report tells how far the scan has come.
func (f *Folder) report(ctx context.Context, tell func(Progress), began time.Time) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.mu.Lock()
		p := f.progress()
		f.mu.Unlock()
		p.Left = p.left(f.o.Clock().Sub(began))
		tell(p)
	}
}

// left returns how long the rest will take at the pace so far; each file counts as some
// bytes too.
func (p Progress) left(took time.Duration) time.Duration {
	const perFile = 64 << 10
	work := func(a Amount) float64 { return float64(a.Bytes) + perFile*float64(a.Files) }
	worked := work(p.Taken.plus(p.Moved))
	rest := work(p.Total) - worked - work(p.Same.plus(p.Failed).plus(p.Refused))
	if worked <= 0 || rest <= 0 {
		return 0
	}
	return time.Duration(float64(took) * rest / worked)
}

// rehearse tells for each file what would be done.
func (f *Folder) rehearse(ctx context.Context) error {
	known := make(map[string]Known)
	dir, first := "", true
	var failed error
	f.each(ctx, func(rel string, s Stat) {
		if failed != nil {
			return
		}
		if parent(rel) != dir || first {
			dir, first = parent(rel), false
			clear(known)
			var list []Known
			if list, failed = f.o.Memory.Dir(ctx, f.o.Name, dir); failed != nil {
				return
			}
			for _, k := range list {
				known[k.Path] = k
				for p := range k.Beside {
					known[p] = Known{Path: p, State: Ignored}
				}
			}
		}
		k := known[rel]
		if k.State == Ignored && k.Entry == 0 || k.Path == "" && f.seemsOurs(rel, s, known) {
			return
		}
		var step Step
		if step, failed = f.foresee(ctx, rel, s, k); failed != nil {
			return
		}
		f.mu.Lock()
		f.foretell(step)
		f.mu.Unlock()
		f.tell(step)
	}, func(dir string, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.home.missing == "" {
			f.trouble(dir, Stat{}, err, 0)
		}
	})
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// seemsOurs reports whether the file at rel, of which nothing is known, is left alone
// as a sidecar; see comparison.resembles.
func (f *Folder) seemsOurs(rel string, s Stat, known map[string]Known) bool {
	if f.o.Ours == nil {
		return false
	}
	of, ours := f.o.Ours(rel)
	if !ours || of == "" {
		return ours
	}
	k, had := known[of]
	return !had || max(s.Changed, s.Modified) < k.Since
}

// foresee returns what would be done with the file at rel.
func (f *Folder) foresee(ctx context.Context, rel string, s Stat, k Known) (Step, error) {
	step := Step{Path: rel, Kind: StepTake, Bytes: s.Size}
	if k.Path == rel && (k.State == Taken || k.State == Missing || k.State == Removing) && k.Stat.same(s) {
		step.Kind = StepSame
		return step, nil
	}
	if k.Path == "" && s.Inode != 0 {
		twins, err := f.twins(ctx, s, [32]byte{})
		if err != nil {
			return step, err
		}
		for _, t := range twins {
			if t.Stat.Size != s.Size || t.Stat.Modified != s.Modified || t.State != Taken && t.State != Missing {
				continue
			}
			if stands, err := f.standsAt(t.Path); err == nil && !stands {
				step.Kind, step.From = StepMove, t.Path
				return step, nil
			}
		}
	}
	if err := f.admit(ctx, rel, s.Size); err != nil {
		step.Kind, step.Why = StepFail, plain(err)
		if refused(err) {
			step.Kind = StepRefuse
		}
		return step, nil //nolint:nilerr // It is what would happen.
	}
	if err := f.readable(rel); err != nil {
		step.Kind, step.Why = StepFail, plain(err)
	}
	return step, nil
}

// readable tries to open a file.
func (f *Folder) readable(rel string) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	h, err := root.OpenFile(onDisk(rel), readFlags, 0)
	if err != nil {
		return readError(err)
	}
	return h.Close()
}

// foretell counts a step that would be.
func (f *Folder) foretell(s Step) {
	f.counts.Found.add(s.Bytes)
	f.counts.Total.add(s.Bytes)
	switch s.Kind {
	case StepTake:
		f.counts.Taken.add(s.Bytes)
	case StepSame:
		f.counts.Same.add(s.Bytes)
	case StepMove:
		f.counts.Moved.add(s.Bytes)
	case StepRefuse, StepFail:
		tr := &trouble{stat: Stat{Size: s.Bytes}, text: s.Why, since: f.o.Clock()}
		if s.Kind == StepFail {
			tr.next = tr.since
		}
		if len(f.troubles) < maxTroubles {
			f.troubles[s.Path] = tr
		}
	}
}
