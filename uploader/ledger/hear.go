package ledger

import (
	"sync"
	"sync/atomic"
	"time"
)

// hearers are those who wait for something to happen: workers for rows that
// become due, everybody else for commits.
type hearers struct {
	mu       sync.Mutex
	workers  map[string][]chan time.Time // by destination
	deleters map[string][]chan time.Time // those who delete at hosts, likewise
	watchers map[chan struct{}]bool
	hooked   chan struct{} // a hook has run; its commit is on the way
	rerouted chan struct{} // a tree is to be expanded

	listeners map[*Listener]bool
	listening atomic.Bool // there are some
	noted     changedSet  // by hooks whose commits may be on the way
}

// signals returns the channels that Run waits on.
func (h *hearers) signals() (hooked, rerouted chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hooked == nil {
		h.hooked, h.rerouted = make(chan struct{}, 1), make(chan struct{}, 1)
	}
	return h.hooked, h.rerouted
}

// Wakes returns a channel of due times; see uploader.Ledger.
func (l *Ledger) Wakes(destination string) (<-chan time.Time, func()) {
	return l.hear.wakes(&l.hear.workers, destination)
}

// DeletionWakes returns a channel of times at which deletions are due; see
// uploader.Deletions.
func (l *Ledger) DeletionWakes(destination string) (<-chan time.Time, func()) {
	return l.hear.wakes(&l.hear.deleters, destination)
}

func (h *hearers) wakes(all *map[string][]chan time.Time, destination string) (<-chan time.Time, func()) {
	c := make(chan time.Time, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if *all == nil {
		*all = make(map[string][]chan time.Time)
	}
	(*all)[destination] = append((*all)[destination], c)
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		var rest []chan time.Time
		for _, other := range (*all)[destination] {
			if other != c {
				rest = append(rest, other)
			}
		}
		(*all)[destination] = rest
	}
}

// due tells the workers of destination, of all where it is "", that a row is or
// will be due at t. It never blocks.
func (h *hearers) due(destination string, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hint(h.workers, destination, t)
}

// deletions tells those who delete at hosts that a deletion is or will be due at t,
// as due tells the workers.
func (h *hearers) deletions(destination string, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hint(h.deleters, destination, t)
}

func hint(all map[string][]chan time.Time, destination string, t time.Time) {
	for name, workers := range all {
		if destination != "" && name != destination {
			continue
		}
		for _, c := range workers {
			hint := t
			select {
			case earlier := <-c:
				if earlier.Before(hint) {
					hint = earlier
				}
			default:
			}
			c <- hint // has room: only this function sends, under the mutex
		}
	}
}

// Watch returns a channel that gets a value after transactions that changed
// uploads or entries, and a function that ends it. Several commits may give one
// value.
func (l *Ledger) Watch() (<-chan struct{}, func()) {
	h, c := &l.hear, make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[chan struct{}]bool)
	}
	h.watchers[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, c)
	}
}

// committed tells the watchers.
func (h *hearers) committed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watchers {
		poke(c)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
