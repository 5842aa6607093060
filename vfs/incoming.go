package vfs

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Incoming is a file that is on its way into the tree now.
type Incoming struct {
	ID     string // of this transfer, while it lasts
	Path   string // in the whole tree
	Door   string // of the view; see View
	Owner  string // of the view: the user's name
	Client string // of the view
	Done   int64  // how many bytes there are so far
	Size   int64  // how many it is to have, as the door said; -1: not known
	Began  time.Time
}

// transfer is what others may know of a staged file while it is written.
type transfer struct {
	number uint64
	path   string
	view   *View
	began  time.Time
	done   atomic.Int64
	size   atomic.Int64 // expected; -1: not known
}

// transfers are the staged files of all views that are open.
type transfers struct {
	mu   sync.Mutex
	last uint64
	open map[*transfer]struct{}
}

// begin adds s, which is open from now on, until Close.
func (a *transfers) begin(s *File) {
	in := &transfer{path: s.path, view: &s.fs.view, began: s.began}
	in.size.Store(-1)
	in.done.Store(s.w.Size())
	s.transfer = in
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = make(map[*transfer]struct{})
	}
	a.last++
	in.number = a.last
	a.open[in] = struct{}{}
}

func (a *transfers) end(in *transfer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, in)
}

// reached notes that the staged bytes go up to n at least.
func (in *transfer) reached(n int64) {
	if n > in.done.Load() {
		in.done.Store(n)
	}
}

// Expect says how many bytes the file is going to have in the end, for those who
// look at what is coming in; less than 0: that is not known.
func (s *File) Expect(size int64) { s.transfer.size.Store(max(size, -1)) }

// Incoming returns what is on its way into the tree now, through whichever view,
// the oldest first.
func (f *FS) Incoming() []Incoming {
	f.transfers.mu.Lock()
	list := make([]*transfer, 0, len(f.transfers.open))
	for in := range f.transfers.open {
		list = append(list, in)
	}
	f.transfers.mu.Unlock()
	slices.SortFunc(list, func(a, b *transfer) int { return cmp.Compare(a.number, b.number) })
	all := make([]Incoming, len(list))
	for i, in := range list {
		all[i] = Incoming{
			ID: strconv.FormatUint(in.number, 10), Path: in.path, Door: in.view.Door, Owner: in.view.Owner, Client: in.view.Client,
			Done: in.done.Load(), Size: in.size.Load(), Began: in.began,
		}
	}
	return all
}
