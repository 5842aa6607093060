package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	fetching "slipway/gateway/fetch"
	"slipway/uploader/ledger"
	"slipway/uploader/link"
	"slipway/vfs"
)

const (
	linkSlots    = 4   // fetches at a time
	linkHostMost = 2   // of them from one host
	linksAhead   = 500 // links that are looked at for what to fetch next
	linkFiles    = 50  // files that are read at a time
	// linkRest is the least time between two looks at what is due, and linkPoll the
	// longest.
	linkRest = 100 * time.Millisecond
	linkPoll = time.Minute
	// linkTries is after how many failures a link is given up, as uploads are.
	linkTries = 20
	// linkLock is when a file is looked at again that a client has locked.
	linkLock = 5 * time.Second
)

// linkFetcher fetches the pictures that files link to.
type linkFetcher struct {
	*app
	client *fetching.Client

	mu    sync.Mutex
	busy  map[string]int // links and hosts that are fetched from
	ended chan struct{}
}

// runLinks reads files with links and fetches their pictures until ctx ends, and waits
// for what it has begun.
func (a *app) runLinks(ctx context.Context) error {
	w := &linkFetcher{app: a, busy: make(map[string]int), ended: make(chan struct{}, 1)}
	w.client = fetching.New(fetching.Options{
		Agent: "Slipway/" + a.version,
		Allow: func(to netip.AddrPort) bool { return a.settings.Load().config.Links.allows(to) },
	})
	changed, cancel := a.ledger.Watch()
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		next, err := w.round(ctx, &running)
		if err != nil && ctx.Err() == nil {
			a.log.Error("what is linked to could not be looked at, and will be again", "error", err)
		}
		if !wait(ctx, linkRest) {
			return nil
		}
		timer := time.NewTimer(min(linkPoll, max(time.Until(next), 0)))
		select {
		case <-changed:
		case <-w.ended:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// round reads the files that are due, begins to fetch what is, and returns when to look
// again.
func (w *linkFetcher) round(ctx context.Context, running *sync.WaitGroup) (next time.Time, err error) {
	next = time.Now().Add(linkPoll)
	files, err := w.ledger.LinkFiles(ctx, linkFiles)
	for _, f := range files {
		err = errors.Join(err, w.read(ctx, f))
	}
	if err != nil {
		return time.Now().Add(time.Second), err
	}
	links, due, err := w.ledger.LinksDue(ctx, linksAhead)
	if !due.IsZero() {
		next = due
	}
	for _, k := range links {
		if w.begin(k) {
			running.Go(func() {
				defer w.end(k)
				if err := w.fetch(ctx, k); err != nil && ctx.Err() == nil {
					w.log.Error("what came of a link could not be recorded; it is fetched again", "path", k.Path, "error", err)
					wait(ctx, time.Second)
				}
			})
		}
	}
	if len(files) == linkFiles {
		next = time.Now()
	}
	return next, err
}

// begin takes a link, unless there is too much under way. The same link of two files is
// fetched for one after the other, so that the other finds what was fetched.
func (w *linkFetcher) begin(k ledger.Link) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	host := hostOf(k.URL)
	if w.busy[""] >= linkSlots || w.busy[host] >= linkHostMost || w.busy[k.URL] > 0 {
		return false
	}
	for _, key := range []string{"", host, k.URL} {
		w.busy[key]++
	}
	w.linking.begin(k)
	return true
}

func (w *linkFetcher) end(k ledger.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.linking.end(k)
	for _, key := range []string{"", hostOf(k.URL), k.URL} {
		if w.busy[key]--; w.busy[key] == 0 {
			delete(w.busy, key)
		}
	}
	select {
	case w.ended <- struct{}{}:
	default:
	}
}

// hostOf returns the host of a link, by which a log may name it: the rest may be a
// secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return cmp.Or(u.Hostname(), "?")
}

// read records what links a file has.
func (w *linkFetcher) read(ctx context.Context, f ledger.LinkFile) error {
	switch {
	case f.Locked:
		return w.ledger.LinkFileLater(ctx, f, linkLock, "")
	case !w.settings.Load().table.Links(f.Path):
		return w.ledger.LinkFilePlain(ctx, f, "links are not followed in this folder any more")
	}
	data, err := w.bytesOfLinks(ctx, f)
	if err != nil {
		if f.Tries+1 >= linkTries {
			return w.ledger.LinkFileFailed(ctx, f, err.Error(), "Drop the file again.")
		}
		return w.ledger.LinkFileLater(ctx, f, linkBackoff(f.Tries), err.Error())
	}
	links, err := link.Parse(path.Base(f.Path), data)
	switch {
	case errors.Is(err, link.ErrNone):
		return w.ledger.LinkFilePlain(ctx, f, err.Error())
	case err != nil:
		w.log.Warn("a file with links cannot be read", "path", f.Path, "error", err)
		return w.ledger.LinkFileFailed(ctx, f, err.Error(), "Drop the link again, or the picture itself.")
	}
	found := make([]ledger.LinkFound, len(links))
	for i, l := range links {
		found[i].URL = l.URL
		if l.Err != nil {
			found[i].Error = l.Err.Error()
		}
	}
	w.log.Info("a file with links was read", "path", f.Path, "links", len(found))
	return w.ledger.LinksRead(ctx, f, found)
}

// bytesOfLinks reads a file with links, up to one byte more than such files may have.
func (w *linkFetcher) bytesOfLinks(ctx context.Context, f ledger.LinkFile) ([]byte, error) {
	r, err := vfs.OpenBlob(ctx, w.tree, w.store, f.Blob, f.Inline)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, link.Max(f.Path)+1))
}

// linkBackoff returns the wait after a failure that so many came before.
func linkBackoff(tries int) time.Duration {
	most := min(15*time.Minute, 4*time.Second<<min(tries, 10))
	return most/2 + time.Duration(rand.Int64N(int64(most/2)))
}

// isOwn reports whether address is of a picture that this gateway shows itself.
func (w *linkFetcher) isOwn(address string) bool {
	own, err := url.Parse(w.publicURL())
	u, urlErr := url.Parse(address)
	return err == nil && urlErr == nil && own.Host != "" && strings.EqualFold(own.Host, u.Host) && strings.HasPrefix(u.Path, strings.TrimSuffix(own.Path, "/")+"/i/")
}
