package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// linksUnderWay are the links that are being fetched now, for those who look.
type linksUnderWay struct {
	mu sync.Mutex
	by map[fetchedLink]bool
}

// fetchedLink is a link of a file: a file has each link once.
type fetchedLink struct {
	file vfs.ID
	url  string
}

func (f *linksUnderWay) begin(k ledger.Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = make(map[fetchedLink]bool)
	}
	f.by[fetchedLink{k.File, k.URL}] = true
}

func (f *linksUnderWay) end(k ledger.Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.by, fetchedLink{k.File, k.URL})
}

// has reports whether a link of a file is being fetched.
func (f *linksUnderWay) has(file vfs.ID, url string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.by[fetchedLink{file, url}]
}

// linkShown returns a link of a file as commands and the page show it.
func (o operations) linkShown(file vfs.ID, k ledger.LinkShown) operate.Link {
	return operate.Link{
		URL: k.URL, State: k.State, Picture: k.Picture, Error: k.Error, Remedy: k.Remedy, NextTry: k.Due,
		Fetching: k.State == ledger.LinkSettling && o.linking.has(file, k.URL),
	}
}

// linkQuery checks what is asked for; found is false where nothing is at the path.
func (o operations) linkQuery(ctx context.Context, f operate.LinkFilter) (q ledger.LinkQuery, found bool, err error) {
	q = ledger.LinkQuery{States: f.States, After: f.After, Limit: f.Limit}
	if f.Limit < 0 || f.Limit > pageMost {
		return q, false, operate.Errorf(operate.Usage, "a page has 1 to %d links", pageMost)
	}
	for _, name := range f.States {
		if !slices.Contains(operate.LinkStates, name) {
			return q, false, operate.Errorf(operate.Usage, "there is no state %q; the states of links are %v", name, operate.LinkStates)
		}
	}
	if !storable(f.Path) || !storable(f.After) {
		return q, false, operate.Errorf(operate.Usage, "%+q is no text that anything here has", f.Path+f.After)
	}
	p, err := vfs.Clean(f.Path)
	if err != nil {
		return q, false, operate.Errorf(operate.Usage, "%v", err)
	}
	e, err := o.tree.Lookup(ctx, p)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, vfs.ErrNotDir):
		return q, false, nil
	case err != nil:
		return q, false, err
	case e.Dir:
		q.Dir = e.ID
	default:
		q.Entry = e.ID
	}
	return q, true, nil
}

// Links lists the links of files whose pictures are fetched.
func (o operations) Links(ctx context.Context, f operate.LinkFilter) (operate.LinkPage, error) {
	page := operate.LinkPage{Links: []operate.ListedLink{}}
	q, found, err := o.linkQuery(ctx, f)
	if err != nil || !found {
		return page, err
	}
	list, err := o.ledger.LinkList(ctx, q)
	if errors.Is(err, ledger.ErrCursor) {
		err = operate.Errorf(operate.Usage, "this is no place in a list of links; begin at its start")
	}
	for _, k := range list.Links {
		page.Links = append(page.Links, operate.ListedLink{
			Link: o.linkShown(k.Entry, k.LinkShown), Path: k.Path, Entry: int64(k.Entry), Tries: k.Tries, Changed: k.Changed,
		})
	}
	page.Next, page.Partly = list.Next, list.Partly
	return page, err
}

// RetryLinks has links tried again that failed, or wait after an error.
func (o operations) RetryLinks(ctx context.Context, p string) (operate.Answered, error) {
	var done operate.Answered
	q, found, err := o.linkQuery(ctx, operate.LinkFilter{Path: p, States: []string{ledger.LinkFailed, ledger.LinkSettling}, Limit: pageMost})
	if err == nil && !found {
		err = errNothingThere("file or folder")
	}
	files := make(map[vfs.ID]bool)
	for more := true; more && err == nil; more = q.After != "" {
		var page ledger.LinkPage
		page, err = o.ledger.LinkList(ctx, q)
		for _, k := range page.Links {
			if k.State == ledger.LinkFailed || k.Error != "" {
				done.Changed++
				files[k.Entry] = true
			}
		}
		q.After = page.Next
	}
	for file := range files {
		if err == nil {
			err = o.ledger.RetryLinks(ctx, file, time.Now())
		}
	}
	return done, err
}

// Links lists those of files below the home. Who only drops files is told by explain
// what became of his.
func (d desk) Links(ctx context.Context, f operate.LinkFilter) (operate.LinkPage, error) {
	if d.user.Rights == auth.Drop {
		return operate.LinkPage{}, operate.Errorf(operate.Forbidden, "this is not for accounts that only drop files")
	}
	at, err := d.inside(f.Path)
	if err != nil {
		return operate.LinkPage{}, err
	}
	f.Path = at
	page, err := d.operations.Links(ctx, f)
	if err != nil {
		return page, err
	}
	own := []operate.ListedLink{}
	for _, k := range page.Links {
		if p, ok := d.outside(k.Path); ok {
			k.Path = p
			own = append(own, k)
		}
	}
	page.Links = own
	return page, nil
}

// RetryLinks has those of files below the home tried again.
func (d desk) RetryLinks(ctx context.Context, p string) (operate.Answered, error) {
	if d.user.Rights != auth.Full {
		return operate.Answered{}, operate.Errorf(operate.Forbidden, "this is for accounts with full rights alone")
	}
	at, err := d.inside(p)
	if err != nil {
		return operate.Answered{}, err
	}
	return d.operations.RetryLinks(ctx, at)
}
