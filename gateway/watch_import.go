package main

import (
	"context"
	"iter"
	"maps"
	"path"
	"slices"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/watch"
)

// Import takes what is in watched folders; see operate.Gateway.
func (o operations) Import(ctx context.Context, options operate.ImportOptions) iter.Seq2[operate.Import, error] {
	return func(yield func(operate.Import, error) bool) {
		folders := o.watches.list()
		if options.Folder != "" || len(folders) == 0 {
			f, err := o.watchNamed(options.Folder)
			if err != nil {
				yield(operate.Import{}, err)
				return
			}
			folders = []*watched{f}
		}
		for _, f := range folders {
			if !importFolder(ctx, f, options.DryRun, yield) {
				return
			}
		}
	}
}

// importFolder yields the import of one folder, and reports whether it came to its
// end and the caller wants more.
func importFolder(ctx context.Context, f *watched, dry bool, yield func(operate.Import, error) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps, ended := make(chan operate.Import), make(chan error, 1)
	run := &importing{watched: f, dry: dry, began: time.Now(), yield: func(i operate.Import) {
		i.Folder = f.config.Folder
		select {
		case steps <- i:
		case <-ctx.Done():
		}
	}}
	go func() {
		defer close(steps)
		ended <- run.all(ctx)
	}()
	left := false
	for i := range steps {
		if !left && !yield(i, nil) {
			left = true
			cancel()
		}
	}
	if err := <-ended; err != nil {
		if !left {
			yield(operate.Import{Folder: f.config.Folder}, err)
		}
		return false
	}
	return !left
}

// importing is one import of one folder.
type importing struct {
	*watched
	dry   bool
	began time.Time
	yield func(operate.Import)

	progress operate.ImportProgress
	summary  operate.ImportSummary
	said     map[int64]bool // uploads whose end was told
	changed  map[int64]bool // entries that changed since it began; nil: it may be any
}

// importFinish is how long what follows the last upload (sidecars, `after`) is waited
// for, while nothing of it gets done.
const importFinish = 15 * time.Second

// all takes, and waits for what is owed.
func (i *importing) all(ctx context.Context) error {
	changes := i.app.ledger.Listen()
	defer changes.Close()
	i.changed = make(map[int64]bool)
	err := i.exclusively(ctx, func(ctx context.Context) error {
		s, err := i.folder.Scan(ctx, watch.ScanOptions{DryRun: i.dry, Progress: i.scanned, Step: func(s watch.Step) { i.step(ctx, s) }})
		i.summary = operate.ImportSummary{
			Taken: operate.Amount(s.Taken), Same: operate.Amount(s.Same), Moved: operate.Amount(s.Moved), Waiting: operate.Amount(s.Waiting),
			Failed: operate.Amount(s.Failed), Refused: operate.Amount(s.Refused), Empty: s.Empty, Problem: s.Problem,
		}
		return err
	})
	if err == nil && !i.dry && i.summary.Problem == "" {
		err = i.wait(ctx, changes)
	}
	if err != nil {
		return err
	}
	if i.summary.Problem == "" {
		i.summary.Problem = i.folder.Status().Problem // what is written to is not mounted
	}
	i.summary.Took = time.Since(i.began)
	i.yield(operate.Import{Summary: &i.summary})
	return nil
}

// scanned tells how far the scan has come.
func (i *importing) scanned(p watch.Progress) {
	i.progress = operate.ImportProgress{
		Found: operate.Amount(p.Found), Taken: operate.Amount(p.Taken), Same: operate.Amount(p.Same), Waiting: operate.Amount(p.Waiting),
		Total: operate.Amount(p.Total), Left: p.Left,
	}
	now := i.progress
	i.yield(operate.Import{Progress: &now})
}

// step tells what was done with one file.
func (i *importing) step(ctx context.Context, s watch.Step) {
	f := &operate.ImportedFile{Path: s.Path, To: path.Join(i.config.Into, s.Path), Step: s.Kind, From: s.From, Why: s.Why, Size: s.Bytes}
	if i.dry && s.Kind == watch.StepTake {
		table := i.app.settings.Load().table
		told := table.Explain(ctx, f.To, "", s.Bytes, nil)
		for _, d := range told.Destinations {
			if d.Owed {
				f.Destinations = append(f.Destinations, d.Destination)
			}
		}
		if f.Why == "" && len(f.Destinations) == 0 {
			f.Why = told.Why
		}
	}
	i.yield(operate.Import{File: f})
}

// wait waits until nothing of the folder's files is on its way, and nothing is left
// to be done in the folder.
func (i *importing) wait(ctx context.Context, changes *ledger.Listener) error {
	i.hold()
	defer i.letGo()
	open, since := -1, time.Now()
	first, most := time.Now(), 0
	for {
		began := time.Now()
		owed, unsent, err := i.uploads(ctx)
		if err != nil {
			return err
		}
		if owed == 0 {
			i.heed(changes.Take())
			if err := i.exclusively(ctx, i.attend); err != nil {
				return err
			}
		}
		left, err := i.unfinished(ctx, unsent)
		if err != nil {
			return err
		}
		if left != open {
			open, since = left, time.Now()
		}
		if owed > most {
			first, most = began, owed
		}
		i.progress.Owed, i.progress.Waiting, i.progress.Left = owed, operate.Amount{}, leftAt(most-owed, owed, time.Since(first))
		now := i.progress
		i.yield(operate.Import{Progress: &now})
		if owed == 0 && (left == 0 || time.Since(since) > importFinish) {
			i.summary.Unsent = len(unsent)
			i.summary.Failed.Files += left
			return nil
		}
		if err := i.pause(ctx, changes, time.Since(began)); err != nil {
			return err
		}
	}
}

// leftAt returns how long the rest lasts at the pace of what is done; 0: not known.
func leftAt(done, rest int, took time.Duration) time.Duration {
	if done <= 0 {
		return 0
	}
	return time.Duration(float64(took) * float64(rest) / float64(done))
}

// heed notes what changed.
func (i *importing) heed(c ledger.Changed) {
	if c.All {
		i.changed = nil
	}
	for _, id := range c.Entries {
		if i.changed != nil {
			i.changed[int64(id)] = true
		}
	}
}

// attend brings the folder in line with what became of its files meanwhile.
func (i *importing) attend(ctx context.Context) error {
	if i.changed == nil {
		return i.folder.AttendTo(ctx, nil)
	}
	return i.folder.AttendTo(ctx, append([]int64{}, slices.Sorted(maps.Keys(i.changed))...))
}

// pause waits for a change, or a while, but for long enough that looking at many
// files does not keep the gateway from its work.
func (i *importing) pause(ctx context.Context, changes *ledger.Listener, took time.Duration) error {
	least := time.NewTimer(max(progressEvery, 5*took))
	defer least.Stop()
	most := time.NewTimer(max(5*progressEvery, 10*took))
	defer most.Stop()
	select {
	case <-least.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-i.life.Done():
		return errRetired
	}
	select {
	case <-changes.Changed():
		i.heed(changes.Take())
	case <-most.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-i.life.Done():
		return errRetired
	}
	return nil
}

// onTheWay and stuck are the states of uploads that go on by themselves, and of those
// that do not, but for one without a certain end that is asked about again.
var (
	onTheWay = []uploader.State{uploader.Settling, uploader.Sending}
	stuck    = []uploader.State{uploader.Held, uploader.Failed, uploader.AmbiguousState}
)

// uploads counts what is owed for files of the folder, and tells of those uploads
// that do not go on, once each. unsent are their entries.
func (i *importing) uploads(ctx context.Context) (owed int, unsent map[int64]bool, err error) {
	unsent = make(map[int64]bool)
	filter := ledger.Filter{States: slices.Concat(onTheWay, stuck), Prefix: i.config.Into, Limit: uploadsPage}
	for {
		page, err := i.app.ledger.List(ctx, filter)
		if err != nil {
			return 0, nil, err
		}
		ours, err := i.ours(ctx, page)
		if err != nil {
			return 0, nil, err
		}
		for _, u := range page {
			filter.After = u.ID
			k, ok := ours[int64(u.Entry)]
			switch {
			case !ok || !u.Present:
			case slices.Contains(stuck, u.State) && (u.State != uploader.AmbiguousState || u.Due.IsZero()):
				unsent[int64(u.Entry)] = true
				i.unsent(k, u)
			default:
				owed++
			}
		}
		if len(page) < filter.Limit {
			return owed, unsent, nil
		}
	}
}

// ours returns what is remembered of the files of uploads, by entry.
func (i *importing) ours(ctx context.Context, page []uploader.Upload) (map[int64]watch.Known, error) {
	var ids []int64
	for _, u := range page {
		ids = append(ids, int64(u.Entry))
	}
	known, err := i.memory.Entries(ctx, i.config.name(), ids)
	by := make(map[int64]watch.Known, len(known))
	for _, k := range known {
		by[k.Entry] = k
	}
	return by, err
}

// unsent tells of an upload that does not go on.
func (i *importing) unsent(k watch.Known, u uploader.Upload) {
	if i.said[u.ID] {
		return
	}
	if i.said == nil {
		i.said = make(map[int64]bool)
	}
	i.said[u.ID] = true
	why := u.Destination + ": " + string(u.State)
	if u.Error != "" {
		why += ": " + u.Error
	} else if u.Reason != "" {
		why += " (" + u.Reason + ")"
	}
	i.yield(operate.Import{File: &operate.ImportedFile{
		Path: k.Path, To: u.Path, Step: operate.ImportUnsent, Why: why, Size: u.Size, Destinations: []string{u.Destination},
	}})
}

// unfinished counts the files for which something is left to be done in the folder,
// but for those whose uploads are stuck and those of which nothing is owed.
func (i *importing) unfinished(ctx context.Context, unsent map[int64]bool) (n int, err error) {
	after := ""
	for {
		page, err := i.memory.Open(ctx, i.config.name(), after, uploadsPage)
		if err != nil {
			return 0, err
		}
		for _, k := range page {
			after = k.Path
			if !unsent[k.Entry] && (k.State == watch.Taken || k.State == watch.Removing) {
				n++
			}
		}
		if len(page) < uploadsPage {
			return n, nil
		}
	}
}
