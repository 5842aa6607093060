package ledger

import (
	"sync"
	"time"
)

// hearers are those who wait for something to happen: workers for rows that
// become due, everybody else for commits.
type hearers struct {
	mu       sync.Mutex
	workers  map[string][]chan time.Time // by destination
	watchers map[chan struct{}]bool
	hooked   chan struct{} // a hook has run; its commit is on the way
	rerouted chan struct{} // a tree is to be expanded
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
	h, c := &l.hear, make(chan time.Time, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.workers == nil {
		h.workers = make(map[string][]chan time.Time)
	}
	h.workers[destination] = append(h.workers[destination], c)
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		var rest []chan time.Time
		for _, other := range h.workers[destination] {
			if other != c {
				rest = append(rest, other)
			}
		}
		h.workers[destination] = rest
	}
}

// due tells the workers of destination, of all where it is "", that a row is or
// will be due at t. It never blocks.
func (h *hearers) due(destination string, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, workers := range h.workers {
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
			c <- hint // has room: only this function sends, under mu
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
