package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// operations is what commands ask of this gateway.
type operations struct{ *app }

var _ operate.Gateway = operations{}

// Status says what runs where.
func (o operations) Status(ctx context.Context) (operate.Status, error) {
	webhooks, err := o.webhookStatus(ctx)
	if err != nil {
		return operate.Status{}, err
	}
	watches, err := o.Watches(ctx)
	if err != nil {
		return operate.Status{}, err
	}
	addresses := make(map[string]string)
	o.addresses.Range(func(k, v any) bool {
		addresses[k.(string)] = v.(string)
		return true
	})
	return operate.Status{
		Version: o.version, PID: os.Getpid(), Started: o.started, Serving: o.serving.Load(),
		Addresses: addresses, Connect: o.connections(), DataDir: o.settings.Load().config.dataDir(),
		Webhooks: webhooks, Watches: watches, Keeping: o.keepStatus(),
	}, nil
}

// uploadsPage is how many rows one query of a list brings.
const uploadsPage = 500

// Uploads lists uploads, oldest first.
func (o operations) Uploads(ctx context.Context, f operate.Filter) iter.Seq2[operate.Upload, error] {
	return func(yield func(operate.Upload, error) bool) {
		for u, err := range o.rows(ctx, f) {
			if !yield(shown(u), err) || err != nil {
				return
			}
		}
	}
}

// rows lists rows page by page.
func (o operations) rows(ctx context.Context, f operate.Filter) iter.Seq2[uploader.Upload, error] {
	return func(yield func(uploader.Upload, error) bool) {
		filter, err := o.filter(f)
		for left := f.Limit; err == nil; {
			var page []uploader.Upload
			if page, err = o.ledger.List(ctx, filter); err != nil {
				break
			}
			for _, u := range page {
				if !yield(u, nil) {
					return
				}
				filter.After = u.ID
				if left--; left == 0 {
					return
				}
			}
			if len(page) < filter.Limit {
				return
			}
		}
		yield(uploader.Upload{}, err)
	}
}

// filter checks what commands ask for.
func (o operations) filter(f operate.Filter) (ledger.Filter, error) {
	filter := ledger.Filter{Destination: f.Destination, Limit: uploadsPage}
	for _, name := range f.States {
		state := uploader.State(name)
		if !slices.Contains(uploader.States, state) {
			return filter, operate.Errorf(operate.Usage, "there is no state %q; the states are %v", name, uploader.States)
		}
		filter.States = append(filter.States, state)
	}
	if f.Path != "" {
		p, err := vfs.Clean(f.Path)
		if err != nil {
			return filter, operate.Errorf(operate.Usage, "%v", err)
		}
		filter.Prefix = p
	}
	return filter, nil
}

// shown returns a row as commands show it.
func shown(u uploader.Upload) operate.Upload {
	s := operate.Upload{
		ID: u.ID, Path: u.Path, Destination: u.Destination, State: string(u.State), Reason: u.Reason, Attempts: u.Attempts,
		Due: u.Due, Size: u.Size, SHA256: u.SHA256.String(), Present: u.Present,
		Entry: int64(u.Entry), Type: u.Type, Changed: u.Changed, SentAt: u.Sent, Late: u.Late && u.State.Live(),
	}
	s.Error, s.Remedy = happened(&u)
	if u.Picture != nil {
		s.URL, s.ViewerURL, s.Thumbnail = u.Picture.URL, u.Picture.ViewerURL, u.Picture.ThumbnailURL
		if gone(u.Picture) { // an address that shows nothing, or other bytes, is none
			s.URL, s.ViewerURL, s.Thumbnail, s.DeletedAt = "", "", "", cmp.Or(u.Picture.Deleted, u.Changed)
		}
	}
	return s
}

// Act does verb to uploads.
func (o operations) Act(ctx context.Context, verb operate.Verb, ids []int64, f operate.Filter) iter.Seq2[operate.Upload, error] {
	do, ok := o.verbs()[verb]
	if len(ids) == 0 && verb == operate.Retry && !slices.Contains(f.States, string(uploader.Done)) {
		do = o.retryUndone
	}
	return func(yield func(operate.Upload, error) bool) {
		if !ok {
			yield(operate.Upload{}, operate.Errorf(operate.Usage, "there is no verb %q", verb))
			return
		}
		chosen := func(yield func(int64, error) bool) {
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
		}
		if len(ids) == 0 {
			chosen = func(yield func(int64, error) bool) {
				for u, err := range o.rows(ctx, f) {
					if !yield(u.ID, err) || err != nil {
						return
					}
				}
			}
		}
		for id, err := range chosen {
			var u operate.Upload
			if err == nil {
				u, err = o.act(ctx, do, id)
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// act does one verb to one upload; that it does not apply is no error.
func (o operations) act(ctx context.Context, do func(context.Context, int64) error, id int64) (operate.Upload, error) {
	refused := do(ctx, id)
	switch {
	case errors.Is(refused, uploader.ErrNoUpload):
		return operate.Upload{ID: id, Refused: "there is no such upload"}, nil
	case refused != nil && !errors.Is(refused, uploader.ErrState):
		return operate.Upload{}, refused
	}
	row, err := o.ledger.Get(ctx, id)
	if err != nil {
		return operate.Upload{}, err
	}
	u := shown(row)
	if refused != nil {
		u.Refused = refused.Error()
	}
	return u, nil
}

// List lists a directory, or one file.
func (o operations) List(ctx context.Context, name string) iter.Seq2[operate.Entry, error] {
	return func(yield func(operate.Entry, error) bool) {
		view := o.fs.WithContext(ctx)
		info, err := view.Stat(name)
		if err != nil {
			yield(operate.Entry{}, err)
			return
		}
		e := info.Sys().(vfs.Entry)
		if !e.Dir {
			rows, err := o.ledger.Entry(ctx, e.ID)
			yield(entryShown(path.Clean("/"+name), e, rows), err)
			return
		}
		rows, err := o.ledger.Folder(ctx, e.ID)
		if err != nil {
			yield(operate.Entry{}, err)
			return
		}
		after := ""
		for {
			page, err := o.tree.List(ctx, e.ID, after, uploadsPage)
			for _, child := range page {
				after = child.Name
				if !yield(entryShown(path.Join("/", name, child.Name), child, rows[child.ID]), nil) {
					return
				}
			}
			if err != nil {
				yield(operate.Entry{}, err)
			}
			if err != nil || len(page) < uploadsPage {
				return
			}
		}
	}
}

func entryShown(p string, e vfs.Entry, rows []uploader.Upload) operate.Entry {
	s := operate.Entry{ID: int64(e.ID), Path: p, Dir: e.Dir, Size: e.Size, Type: e.Type, Modified: e.Modified}
	if !e.Dir {
		s.SHA256 = e.SHA256.String()
	}
	for _, u := range rows {
		if u.Present {
			s.Uploads = append(s.Uploads, shown(u))
		}
	}
	return s
}

// Put stores a file at p, making the folders that are missing.
func (o operations) Put(ctx context.Context, p string, size int64, modified time.Time, r io.Reader) (operate.Entry, error) {
	view := o.fs.Sub(vfs.View{Door: doorPut}).WithContext(ctx).(*vfs.FS)
	if err := view.Admit(p, size); err != nil {
		return operate.Entry{}, plain(err)
	}
	if err := view.MkdirAll(path.Dir(path.Clean("/"+p)), 0o755); err != nil {
		return operate.Entry{}, err
	}
	h, err := view.Create(p)
	if err != nil {
		return operate.Entry{}, err
	}
	f := h.(*vfs.File)
	n, err := io.Copy(f, r)
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("%d of %d bytes came: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		f.TransferError(err)
	}
	f.SetModTime(modified)
	if err := f.Close(); err != nil {
		return operate.Entry{}, plain(err)
	}
	rows, err := o.ledger.Entry(ctx, f.Result().ID)
	return entryShown(path.Join(path.Dir(path.Clean("/"+p)), f.Result().Name), f.Result(), rows), err
}

// plain returns what a refusal says, without the operation and the path that
// everybody knows.
func plain(err error) error {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return operate.Errorf(operate.Failed, "%s", r.Reason())
	}
	return err
}

// onItsWay reports whether any of the rows may still end by itself.
func onItsWay(rows []uploader.Upload) bool {
	return slices.ContainsFunc(rows, func(u uploader.Upload) bool {
		return u.Present && (u.State == uploader.Settling || u.State == uploader.Sending)
	})
}

// progressEvery is how often Follow tells how much has gone out.
const progressEvery = 200 * time.Millisecond

// Follow yields the uploads of an entry until none is on its way.
func (o operations) Follow(ctx context.Context, entry int64) iter.Seq2[operate.Progress, error] {
	return func(yield func(operate.Progress, error) bool) {
		changed, cancel := o.ledger.Watch()
		defer cancel()
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			rows, err := o.ledger.Entry(ctx, vfs.ID(entry))
			if err != nil {
				yield(operate.Progress{}, err)
				return
			}
			if !yield(o.progress(rows), nil) || !onItsWay(rows) {
				return
			}
			select {
			case <-changed:
			case <-tick.C:
			case <-ctx.Done():
				yield(operate.Progress{}, ctx.Err())
				return
			}
		}
	}
}

// progress returns the present rows and how far each has come.
func (o operations) progress(rows []uploader.Upload) operate.Progress {
	p := operate.Progress{Sent: make(map[int64]int64)}
	for _, u := range rows {
		if u.Present {
			p.Uploads = append(p.Uploads, shown(u))
		}
	}
	if pool := o.pool.Load(); pool != nil {
		for _, active := range pool.Active() {
			p.Sent[active.Upload.ID] = active.Sent
		}
	}
	return p
}

// Destinations lists the destinations that are configured or have uploads.
func (o operations) Destinations(ctx context.Context) ([]operate.Destination, error) {
	stats, err := o.ledger.Stats(ctx)
	if err != nil {
		return nil, err
	}
	by := make(map[string]*operate.Destination)
	limits := o.hostLimits()
	for _, d := range o.settings.Load().destinations {
		p := d.Driver.Properties()
		by[d.Name] = &operate.Destination{Name: d.Name, Driver: p.Driver, Host: p.Host, Configured: true, Counts: map[string]int{}}
		for _, w := range o.hostWindows(ctx, p.Host, limits[p.Host]) {
			by[d.Name].Windows = append(by[d.Name].Windows, operate.Window{Per: w.Per, Limit: int(w.Limit), Used: int(w.Used)})
		}
	}
	for name, s := range stats {
		if by[name] == nil {
			by[name] = &operate.Destination{Name: name, Counts: map[string]int{}}
		}
		d := by[name]
		d.Paused, d.Since, d.Probe, d.Error, d.Remedy = !s.Paused.IsZero(), s.Paused, s.Probe, s.Error, s.Remedy
		d.LastDone, d.LastFailed, d.LastError = s.LastDone, s.LastFailed, s.LastError
		for state, n := range s.Count {
			d.Counts[string(state)] = n
		}
	}
	hosts, err := o.ledger.HostPauses(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range by {
		if h, slow := hosts[d.Host]; slow && !d.Paused {
			d.Paused, d.Probe, d.Error = true, h.Until, h.Reason
			d.Remedy = "It goes on by itself; `slipway queue resume " + d.Name + "` goes on now."
		}
	}
	list := make([]operate.Destination, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		list = append(list, *by[name])
	}
	return list, nil
}

// destination returns the configured destination called name.
func (o operations) destination(name string) (uploader.Destination, error) {
	s := o.settings.Load()
	for _, d := range s.destinations {
		if d.Name == name {
			return d, nil
		}
	}
	return uploader.Destination{}, operate.Errorf(operate.Usage, "there is no destination %q; the destinations are %v", name, s.names())
}

// Pause stops a destination by hand.
func (o operations) Pause(ctx context.Context, name string) error {
	if _, err := o.destination(name); err != nil {
		return err
	}
	return o.ledger.Pause(ctx, name, "Paused by hand.")
}

// Resume starts it again.
func (o operations) Resume(ctx context.Context, name string) error {
	d, err := o.destination(name)
	if err != nil {
		return err
	}
	if err := o.ledger.ResumeHost(ctx, d.Driver.Properties().Host); err != nil {
		return err
	}
	return o.ledger.Resume(ctx, name)
}

// Reload reads certificates and configuration again.
func (o operations) Reload(ctx context.Context) (operate.Reloaded, error) { return o.reload(ctx) }

// Explain says what becomes, or became, of the file at p.
func (o operations) Explain(ctx context.Context, p string) (operate.Explanation, error) {
	p, err := vfs.Clean(p)
	if err != nil {
		return operate.Explanation{}, operate.Errorf(operate.Usage, "%v", err)
	}
	e, err := o.entryAt(ctx, p)
	if err != nil {
		return operate.Explanation{}, err
	}
	return o.explain(ctx, p, e)
}

// explain says what becomes, or became, of a file at p: e, or one that is yet to
// come.
func (o operations) explain(ctx context.Context, p string, e *operate.Entry) (operate.Explanation, error) {
	mediaType, size := "", int64(-1)
	if e != nil {
		mediaType, size = e.Type, e.Size
	}
	told := o.settings.Load().table.Explain(ctx, p, mediaType, size, func() (map[string]string, error) {
		if e == nil {
			return nil, nil // nothing is there to ask
		}
		return o.metadataAt(ctx, p)
	})
	x := operate.Explanation{
		Path: p, Entry: e, Route: told.Route, Pattern: told.Pattern, Captures: told.Captures, Refused: told.Refused, Why: told.Why,
	}
	destinations, err := o.Destinations(ctx)
	if err == nil && e != nil {
		x.Bytes, err = o.bytesOf(ctx, p)
	}
	if err != nil {
		return x, err
	}
	for _, d := range told.Destinations {
		t := operate.Taker{Destination: d.Destination, Owed: d.Owed, Why: d.Why, Held: d.Held, Remedy: d.Remedy, Keys: map[string]string{}}
		for _, k := range d.Keys {
			t.Keys[k.Key] = k.Value
		}
		if e != nil {
			for _, u := range e.Uploads {
				if u.Destination == d.Destination {
					t.Upload = &u
				}
			}
		}
		for _, state := range destinations {
			if state.Name == d.Destination && t.Upload != nil {
				t.Waiting = o.waiting(*t.Upload, state, time.Now())
			}
		}
		x.Takes = append(x.Takes, t)
	}
	if x.Deletions, err = o.deletionsAt(ctx, p, e); err != nil {
		return x, err
	}
	return x, o.explainLinks(ctx, &x)
}

// entryAt returns the file at p with its uploads, or nil where nothing is.
func (o operations) entryAt(ctx context.Context, p string) (*operate.Entry, error) {
	e, err := o.tree.Lookup(ctx, p)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := o.ledger.Entry(ctx, e.ID)
	shown := entryShown(p, e, rows)
	return &shown, err
}

func (o operations) metadataAt(ctx context.Context, p string) (map[string]string, error) {
	e, err := o.tree.Lookup(ctx, p)
	if err != nil {
		return nil, nil // nothing is there to ask
	}
	return o.readMetadata(ctx, uploader.Upload{Path: p, Type: e.Type, Blob: e.Blob, Inline: e.Inline}, func(ctx context.Context) (blob.Reader, error) {
		return o.fs.OpenEntry(ctx, e)
	})
}
