package elsewhere

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// cache is what was fetched, or is being. It is safe for concurrent use.
type cache struct {
	clock func() time.Time
	max   int64 // bytes, or twice the largest

	mu      sync.Mutex
	fetched map[blob.Sum]*fetch
	running sync.WaitGroup
	closed  bool
	// unwanted copies are to be removed with those that are idle.
	unwanted []blob.Ref
}

// fetched is bytes that were fetched.
type fetched struct {
	ref    blob.Ref // of the copy here, which no transaction names
	size   int64
	remote bool
}

// fetch is one fetch, for all who want the same bytes.
type fetch struct {
	done chan struct{} // closed when got or err is there
	got  fetched
	err  error

	used    time.Time
	waiting int // for it to be done
	cancel  context.CancelFunc
}

// errClosed is what fetching ends with after close.
var errClosed error = &vfs.AwayError{Text: "its bytes are not kept here, and the gateway is stopping", Remedy: "try again in a minute", Passing: true}

// join returns the fetch of a sum, for which the caller waits from now on until it
// calls leave; where there is none it begins.
func (c *cache) join(sum blob.Sum, do func(context.Context) (fetched, error)) (*fetch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	f, ok := c.fetched[sum]
	if !ok {
		f = &fetch{done: make(chan struct{})}
		c.fetched[sum] = f
		ctx, cancel := context.WithCancel(context.Background())
		f.cancel = cancel
		c.running.Go(func() {
			defer cancel()
			f.got, f.err = do(ctx)
			if f.err != nil && ctx.Err() != nil {
				f.err = context.Canceled
			}
			c.end(sum, f)
		})
	}
	f.used = c.clock()
	f.waiting++
	return f, nil
}

// end makes f done.
func (c *cache) end(sum blob.Sum, f *fetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case f.err != nil && c.fetched[sum] == f:
		delete(c.fetched, sum)
	case f.err == nil && c.fetched[sum] != f: // nobody wanted it any more just before
		c.unwanted = append(c.unwanted, f.got.ref)
		f.err = context.Canceled
	}
	close(f.done)
}

// leave ends the wait for f. Where nobody waits any more it need not be done.
func (c *cache) leave(sum blob.Sum, f *fetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiting--
	if f.waiting == 0 && !f.ended() {
		f.cancel()
		if c.fetched[sum] == f {
			delete(c.fetched, sum) // who comes now begins anew
		}
	}
}

// ended reports whether f is done.
func (f *fetch) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (c *cache) forget(sum blob.Sum, f *fetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetched[sum] == f {
		delete(c.fetched, sum)
	}
}

// idle takes out what was not opened for a while; all: everything that is done.
func (c *cache) idle(all bool) (refs []blob.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	refs, c.unwanted = c.unwanted, nil
	now := c.clock()
	for sum, f := range c.fetched {
		if !f.ended() || f.err != nil {
			continue
		}
		keep := keepFor
		if f.got.remote {
			keep = keepRemoteFor
		}
		if all || f.waiting == 0 && f.used.Before(now.Add(-keep)) {
			refs = append(refs, f.got.ref)
			delete(c.fetched, sum)
		}
	}
	return refs
}

// surplus takes out what is too much, those first that were not opened for longest, but
// for one.
func (c *cache) surplus(but *fetch) (refs []blob.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	type one struct {
		sum blob.Sum
		*fetch
	}
	var all []one
	var total, largest int64
	for sum, f := range c.fetched {
		if f.ended() && f.err == nil {
			total, largest = total+f.got.size, max(largest, f.got.size)
			all = append(all, one{sum, f})
		}
	}
	limit := max(c.max, 2*largest)
	if total <= limit {
		return nil
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.got.ref, b.got.ref)) })
	for _, f := range all {
		if total > limit && f.fetch != but && f.waiting == 0 {
			refs = append(refs, f.got.ref)
			delete(c.fetched, f.sum)
			total -= f.got.size
		}
	}
	return refs
}

// close ends all fetches and waits for them.
func (c *cache) close() {
	c.mu.Lock()
	c.closed = true
	for _, f := range c.fetched {
		f.cancel()
	}
	c.mu.Unlock()
	c.running.Wait()
}
