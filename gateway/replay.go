package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"time"

	"slipway/gateway/operate"
	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// replayBatch is how many files are looked at and owed in one transaction: few enough
// that nobody who writes waits for long.
const replayBatch = 200

// errEnough ends a walk whose caller wants no more.
var errEnough = errors.New("nobody wants more")

// Replay owes the files below a path to a destination; see operate.Gateway.
func (o operations) Replay(ctx context.Context, options operate.ReplayOptions) iter.Seq2[operate.Replay, error] {
	return func(yield func(operate.Replay, error) bool) {
		r := &replaying{operations: o, options: options, began: time.Now()}
		r.tell = func(step operate.Replay) error {
			if !yield(step, nil) {
				return errEnough
			}
			return nil
		}
		if err := r.all(ctx); err != nil && !errors.Is(err, errEnough) {
			yield(operate.Replay{}, err)
		}
	}
}

// replaying is one replay.
type replaying struct {
	operations
	options  operate.ReplayOptions
	to       uploader.Destination
	again    ledger.Again
	began    time.Time
	told     time.Time // when progress was last told of
	tell     func(operate.Replay) error
	progress operate.ReplayProgress
	summary  operate.ReplaySummary
	said     map[int64]bool // uploads that do not go on, which were told of
}

// all owes, and waits where that is asked for.
func (r *replaying) all(ctx context.Context) (err error) {
	if r.to, err = r.configured(r.options.To); err != nil {
		return err
	}
	switch r.options.Only {
	case "", operate.OnlyFailed, operate.OnlyAll:
		r.again = ledger.Again(r.options.Only)
	default:
		return operate.Errorf(operate.Usage, "there is nothing called %q to replay; %s", r.options.Only,
			strict.Suggest(r.options.Only, []string{operate.OnlyFailed, operate.OnlyAll}))
	}
	if r.options.Path, err = vfs.Clean(r.options.Path); err != nil {
		return operate.Errorf(operate.Usage, "%v", err)
	}
	if err := r.walk(ctx, r.options.Path, r.page); err != nil {
		return err
	}
	if r.summary.Problem, err = r.stopped(ctx); err != nil {
		return err
	}
	if r.options.Wait && !r.options.DryRun {
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	r.summary.Took = time.Since(r.began)
	return r.tell(operate.Replay{Summary: &r.summary})
}

// configured returns the destination called name, or says which was meant.
func (o operations) configured(name string) (uploader.Destination, error) {
	s := o.settings.Load()
	for _, d := range s.destinations {
		if d.Name == name {
			return d, nil
		}
	}
	return uploader.Destination{}, operate.Errorf(operate.Usage, "there is no destination %q; %s", name, strict.Suggest(name, s.names()))
}

// stopped says why the destination takes nothing now.
func (r *replaying) stopped(ctx context.Context) (string, error) {
	all, err := r.Destinations(ctx)
	for _, d := range all {
		if d.Name == r.to.Name && d.Paused {
			return d.Error, err
		}
	}
	return "", err
}

// walk calls f with the files at p or below it, some at a time, of one directory each.
// Its memory does not grow with their number.
func (o operations) walk(ctx context.Context, p string, f func(ctx context.Context, dir string, files []vfs.Entry) error) error {
	e, err := o.tree.Lookup(ctx, p)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) {
		return operate.Errorf(operate.NotFound, "nothing is at %s", p)
	}
	if err != nil {
		return err
	}
	if !e.Dir {
		return f(ctx, path.Dir(p), []vfs.Entry{e})
	}
	return o.walkDir(ctx, p, e.ID, f)
}

func (o operations) walkDir(ctx context.Context, dir string, id vfs.ID, f func(ctx context.Context, dir string, files []vfs.Entry) error) error {
	for after := ""; ; {
		page, err := o.tree.List(ctx, id, after, replayBatch)
		if err != nil {
			return err
		}
		full := len(page) == replayBatch
		if len(page) > 0 {
			after = page[len(page)-1].Name
		}
		files := make([]vfs.Entry, 0, len(page))
		var dirs []vfs.Entry
		for _, e := range page {
			if e.Dir {
				dirs = append(dirs, e)
			} else {
				files = append(files, e)
			}
		}
		if len(files) > 0 {
			if err := f(ctx, dir, files); err != nil {
				return err
			}
		}
		for _, d := range dirs {
			if err := o.walkDir(ctx, path.Join(dir, d.Name), d.ID, f); err != nil {
				return err
			}
		}
		if !full {
			return ctx.Err()
		}
	}
}

// page owes what is to be owed of some files.
func (r *replaying) page(ctx context.Context, dir string, files []vfs.Entry) error {
	table := r.settings.Load().table
	var takes []ledger.Candidate
	var of []vfs.Entry
	for _, e := range files {
		p := path.Join(dir, e.Name)
		owed, why := table.Takes(p, e.Type, e.Size, r.to.Name)
		if why == "" {
			settled := r.again == ledger.AgainAll && table.Repeats(p, r.to.Name) != uploader.ReuseDuplicate
			takes = append(takes, ledger.Candidate{Entry: e.ID, Path: p, Sum: e.SHA256, Order: owed.Order, Settled: settled})
			of = append(of, e)
			continue
		}
		add(&r.summary.Skipped, e.Size)
		if err := r.file(operate.ReplaySkip, p, e.Size, why); err != nil {
			return err
		}
	}
	told, err := r.ledger.Owe(ctx, r.to.Name, r.to.Driver.Properties().Host, r.again, takes, r.options.DryRun)
	if err != nil {
		return err
	}
	for i, what := range told {
		add(r.sum(what), of[i].Size)
		if what != ledger.OwingNow {
			continue
		}
		if err := r.file(operate.ReplayOwe, takes[i].Path, of[i].Size, ""); err != nil {
			return err
		}
	}
	for _, e := range files {
		add(&r.progress.Looked, e.Size)
	}
	r.progress.Owed = r.summary.Owed
	return r.far(false)
}

func add(a *operate.Amount, size int64) { a.Files, a.Bytes = a.Files+1, a.Bytes+size }

// sum is where files are counted.
func (r *replaying) sum(what ledger.Owing) *operate.Amount {
	switch what {
	case ledger.OwingNow:
		return &r.summary.Owed
	case ledger.OwingWaiting:
		return &r.summary.Waiting
	case ledger.OwingDone:
		return &r.summary.There
	case ledger.OwingByHand, ledger.OwingInDoubt:
		return &r.summary.Kept
	case ledger.OwingOther:
		return &r.summary.Other
	}
	return &r.summary.Changed
}

func (r *replaying) file(step, p string, size int64, why string) error {
	return r.tell(operate.Replay{File: &operate.ReplayedFile{Path: p, Destination: r.to.Name, Step: step, Why: why, Size: size}})
}

// far tells how far the replay has come, now and then.
func (r *replaying) far(now bool) error {
	if !now && time.Since(r.told) < progressEvery {
		return nil
	}
	r.told = time.Now()
	p := r.progress
	return r.tell(operate.Replay{Progress: &p})
}

// wait waits until nothing below the path is on its way to the destination.
func (r *replaying) wait(ctx context.Context) error {
	changed, cancel := r.ledger.Watch()
	defer cancel()
	r.said = make(map[int64]bool)
	first, most := time.Now(), -1
	for {
		began := time.Now()
		waiting, err := r.count(ctx)
		if err != nil {
			return err
		}
		if waiting > most {
			first, most = began, waiting
		}
		r.progress.Waiting, r.progress.Left = waiting, leftAt(most-waiting, waiting, time.Since(first))
		if r.progress.Newer, err = r.ledger.Newer(ctx, r.to.Name); err != nil {
			return err
		}
		if err := r.far(true); err != nil {
			return err
		}
		if waiting == 0 {
			return nil
		}
		if err := r.pause(ctx, changed, time.Since(began)); err != nil {
			return err
		}
	}
}

// pause waits for a change, but for long enough that looking at many uploads does not
// keep the gateway from its work.
func (r *replaying) pause(ctx context.Context, changed <-chan struct{}, took time.Duration) error {
	least := time.NewTimer(max(progressEvery, 5*took))
	defer least.Stop()
	most := time.NewTimer(max(5*progressEvery, 10*took))
	defer most.Stop()
	for _, c := range []<-chan time.Time{least.C, most.C} {
		hint := changed
		if c == least.C {
			hint = nil
		}
		select {
		case <-c:
		case <-hint:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// count returns how many uploads are on their way, and tells of those that do not go
// on, once each.
func (r *replaying) count(ctx context.Context) (waiting int, err error) {
	r.summary.Unsent = 0
	filter := ledger.Filter{States: slices.Concat(onTheWay, stuck), Destination: r.to.Name, Prefix: r.options.Path, Limit: uploadsPage}
	for {
		page, err := r.ledger.List(ctx, filter)
		if err != nil {
			return 0, err
		}
		for _, u := range page {
			filter.After = u.ID
			switch {
			case !u.Present:
			case slices.Contains(stuck, u.State) && (u.State != uploader.AmbiguousState || u.Due.IsZero()):
				r.summary.Unsent++
				if err := r.unsent(u); err != nil {
					return 0, err
				}
			default:
				waiting++
			}
		}
		if len(page) < filter.Limit {
			return waiting, nil
		}
	}
}

// unsent tells of an upload that does not go on.
func (r *replaying) unsent(u uploader.Upload) error {
	if r.said[u.ID] {
		return nil
	}
	r.said[u.ID] = true
	return r.tell(operate.Replay{File: &operate.ReplayedFile{
		ID: u.ID, Path: u.Path, Destination: u.Destination, Step: operate.ReplayUnsent, Why: whyStuck(u), Size: u.Size,
	}})
}

// whyStuck says why an upload does not go on.
func whyStuck(u uploader.Upload) string {
	why := string(u.State)
	if u.Error != "" {
		why += ": " + u.Error
	} else if u.Reason != "" {
		why += " (" + u.Reason + ")"
	}
	return why
}
