package main

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"

	"slipway/gateway/operate"
	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// Map yields the addresses of files at two destinations; see operate.Gateway.
func (o operations) Map(ctx context.Context, options operate.MapOptions) iter.Seq2[operate.Mapped, error] {
	return func(yield func(operate.Mapped, error) bool) {
		m := &mapping{operations: o, options: options}
		m.tell = func(pair operate.Mapped) error {
			if !yield(pair, nil) {
				return errEnough
			}
			return nil
		}
		if err := m.all(ctx); err != nil && !errors.Is(err, errEnough) {
			yield(operate.Mapped{}, err)
		}
	}
}

// mapping is one map.
type mapping struct {
	operations
	options operate.MapOptions
	tell    func(operate.Mapped) error
}

func (m *mapping) all(ctx context.Context) error {
	if err := m.check(ctx); err != nil {
		return err
	}
	p, err := vfs.Clean(m.options.Path)
	if err != nil {
		return operate.Errorf(operate.Usage, "%v", err)
	}
	return m.walk(ctx, p, m.page)
}

// check judges what is asked for. A destination that the configuration has no more can
// be mapped as long as uploads of it are known.
func (m *mapping) check(ctx context.Context) error {
	all, err := m.Destinations(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	for _, name := range []string{m.options.From, m.options.To} {
		if !slices.Contains(names, name) {
			return operate.Errorf(operate.Usage, "there is no destination %q; %s", name, strict.Suggest(name, names))
		}
	}
	kinds := []string{operate.MapURLs, operate.MapViewers, operate.MapThumbnails}
	switch {
	case m.options.From == m.options.To:
		return operate.Errorf(operate.Usage, "a map goes from one destination to another, and both are %q", m.options.To)
	case m.options.Kind != "" && !slices.Contains(kinds, m.options.Kind):
		return operate.Errorf(operate.Usage, "there is no kind of address %q; %s", m.options.Kind, strict.Suggest(m.options.Kind, kinds))
	}
	return nil
}

// page maps some files.
func (m *mapping) page(ctx context.Context, dir string, files []vfs.Entry) error {
	ids := make([]vfs.ID, len(files))
	for i, e := range files {
		ids[i] = e.ID
	}
	rows, err := m.ledger.Addresses(ctx, ids, m.options.From, m.options.To)
	if err != nil {
		return err
	}
	for _, e := range files {
		if err := m.file(path.Join(dir, e.Name), rows[e.ID]); err != nil {
			return err
		}
	}
	return nil
}

// file maps one file.
func (m *mapping) file(p string, rows []ledger.Address) error {
	var to *ledger.Address
	for i, a := range rows {
		if a.Destination == m.options.To && a.Present {
			to = &rows[i]
		}
	}
	var said []string
	for _, a := range rows {
		if a.Destination != m.options.From || !a.Present && !m.options.Previous {
			continue
		}
		from := m.url(&a) // articles have it, whatever became of the picture since
		if from == "" || slices.Contains(said, from) {
			continue
		}
		said = append(said, from)
		pair := operate.Mapped{Path: p, From: from}
		pair.To, pair.Missing = m.address(to)
		if err := m.tell(pair); err != nil {
			return err
		}
	}
	return nil
}

// address is what a file has at the destination that the map leads to, or why none.
func (m *mapping) address(a *ledger.Address) (url, missing string) {
	to := m.options.To
	switch {
	case a == nil:
		return "", "it is not owed to " + to
	case a.State == uploader.Settling || a.State == uploader.Sending:
		return "", "it is on its way to " + to
	case a.State == uploader.Awaiting:
		return "", to + " does not show it before somebody there approves it"
	case a.State != uploader.Done:
		return "", to + ": " + string(a.State)
	case a.Gone:
		return "", "it is not at " + to + " any more: deleted, expired or replaced"
	case m.url(a) == "":
		return "", to + " told no such address"
	}
	return m.url(a), ""
}

// url is the picture's address of the kind that is wanted; "": none is known.
func (m *mapping) url(a *ledger.Address) string {
	switch m.options.Kind {
	case operate.MapViewers:
		return a.Viewer
	case operate.MapThumbnails:
		return a.Thumbnail
	}
	return a.URL
}
