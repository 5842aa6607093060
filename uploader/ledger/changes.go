package ledger

import (
	"maps"
	"slices"
	"sync"

	"slipway/uploader"
	"slipway/vfs"
)

// listenMax is of how many entries a listener that does not keep up is told; of
// more it hears that it may be any.
const listenMax = 1000

// Changed says which entries changed: their uploads, names or bytes.
type Changed struct {
	// All: it may be any entry.
	All bool
	// Entries are those that changed, each once. A directory stands for what is
	// below it too. Those that are gone are in Gone.
	Entries []vfs.ID
	// Gone is where the topmost of what was removed with an entry stood.
	Gone map[vfs.ID]string
}

// Listener collects what this process changed until it is taken. What it tells is
// durable, and is a hint: now and then look again at everything. It is safe for
// concurrent use.
type Listener struct {
	poke    chan struct{}
	hear    *hearers
	mu      sync.Mutex
	changed changedSet
}

// changedSet is what changed, by entry: where it stood if it is gone, else "".
type changedSet struct {
	all bool
	by  map[vfs.ID]string
}

// add notes an entry, or gives up where there are too many.
func (c *changedSet) add(id vfs.ID, gone string) {
	if c.all {
		return
	}
	if c.by == nil {
		c.by = make(map[vfs.ID]string)
	}
	if c.by[id] = gone; len(c.by) > listenMax {
		*c = changedSet{all: true}
	}
}

func (c *changedSet) join(other changedSet) {
	if other.all {
		*c = changedSet{all: true}
	}
	for id, gone := range other.by {
		c.add(id, gone)
	}
}

func (c *changedSet) empty() bool { return !c.all && len(c.by) == 0 }

// Listen returns a listener that hears of everything from now on. Close it.
func (l *Ledger) Listen() *Listener {
	n := &Listener{poke: make(chan struct{}, 1), hear: &l.hear}
	l.hear.mu.Lock()
	defer l.hear.mu.Unlock()
	if l.hear.listeners == nil {
		l.hear.listeners = make(map[*Listener]bool)
	}
	l.hear.listeners[n] = true
	l.hear.listening.Store(true)
	return n
}

// Changed returns a channel that gets a value when there is something to take.
func (n *Listener) Changed() <-chan struct{} { return n.poke }

// Take returns what changed since the last call.
func (n *Listener) Take() Changed {
	n.mu.Lock()
	set := n.changed
	n.changed = changedSet{}
	n.mu.Unlock()
	c := Changed{All: set.all}
	for _, id := range slices.Sorted(maps.Keys(set.by)) {
		if gone := set.by[id]; gone == "" {
			c.Entries = append(c.Entries, id)
		} else {
			if c.Gone == nil {
				c.Gone = make(map[vfs.ID]string)
			}
			c.Gone[id] = gone
		}
	}
	return c
}

// Close ends the listener.
func (n *Listener) Close() {
	n.hear.mu.Lock()
	defer n.hear.mu.Unlock()
	delete(n.hear.listeners, n)
	n.hear.listening.Store(len(n.hear.listeners) > 0)
}

// tell gives what is durable to the listeners.
func (h *hearers) tell(c changedSet) {
	if c.empty() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := range h.listeners {
		n.mu.Lock()
		n.changed.join(c)
		n.mu.Unlock()
		poke(n.poke)
	}
}

// tellAll says that any entry may have changed.
func (h *hearers) tellAll() { h.tell(changedSet{all: true}) }

// tellEntries says that the uploads of entries changed.
func (h *hearers) tellEntries(entries ...vfs.ID) {
	if len(entries) == 0 || !h.listening.Load() {
		return
	}
	var c changedSet
	for _, id := range entries {
		c.add(id, "")
	}
	h.tell(c)
}

// note keeps what a hook changes until its commit is known to be over.
func (h *hearers) note(changes []vfs.Change) {
	if !h.listening.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		if c.Kind != vfs.Removed {
			h.noted.add(c.Entry.ID, "")
			continue
		}
		h.noted.add(c.Entry.ID, c.Path)
		for _, id := range c.IDs {
			h.noted.add(id, c.Path)
		}
	}
}

// takeNoted returns what hooks noted before now, to be told once the commits that
// they were part of are over.
func (h *hearers) takeNoted() changedSet {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.noted
	h.noted = changedSet{}
	return c
}

// entriesOf returns the entries whose uploads were claimed.
func entriesOf(claimed []uploader.Claimed) []vfs.ID {
	ids := make([]vfs.ID, len(claimed))
	for i, c := range claimed {
		ids[i] = c.Entry
	}
	return ids
}
