package watch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxComing is how many files settle, wait and are read at a time; while there are
// more, the scan stands still. It bounds the memory of a folder that is full of news.
const maxComing = 4096

// Folder takes the files of one folder of this machine. Run or Scan may run, one at a
// time; all other methods may be called meanwhile.
//
// One goroutine looks at directories and decides; takers read files and put them;
// one attends to what comes after. What they share is guarded by mu, which nobody
// holds while he waits for a disk. A path is claimed by whoever changes what is
// remembered of it.
type Folder struct {
	o     Options
	wake  chan struct{} // something is there for the looker
	call  chan struct{} // something is there for the attendant
	ready chan *candidate
	step  func(Step) // for Scan; nil: nobody listens
	steps sync.Mutex // one step at a time

	mu       sync.Mutex
	running  bool
	dirs     map[string]*node
	todo     queue           // directories to look at
	hinted   map[string]bool // directories that hints named: whether with all below
	later    map[string]time.Time
	coming   map[string]*candidate // at most maxComing
	full     bool                  // there was no room for one more
	busy     map[string]bool       // paths that somebody changes
	patience map[string]patience
	troubles map[string]*trouble
	home     home
	walk     walk
	deletes  deletes
	attends  attends
	why      string // why there are no events; "": there are
	counts   Progress
	counted  counted
	measured time.Time // when the scan began that counts.Total is of, in Run; zero: none
}

// node is a directory as the last look saw it.
type node struct {
	digest   uint64
	quiet    bool     // a look that sees digest again has nothing to do
	subs     []string // the names of directories in it, in order
	round    uint64   // the last walk that saw it
	files    Amount
	empty    int
	looked   bool
	troubled bool // there may be troubles of files in it
	// finished are the paths whose memory changed while somebody looked.
	finished map[string]bool
	rest     time.Time // not to be looked at before
}

// task is a directory to be looked at.
type task struct {
	dir   string
	deep  bool // with all below
	force bool // also if it looks the same
	lost  bool // if it is gone, so is all below, and that is queued too
}

// walk is the scan of everything.
type walk struct {
	on     bool
	lost   bool // directories that it did not see are being looked for
	round  uint64
	began  time.Time
	whole  time.Time // when the last one that ended began
	ended  time.Time
	took   time.Duration
	next   time.Time
	failed bool // the folder could not be opened
	// through: a scan of this Run or Scan has ended.
	through bool
	again   bool // another one was asked for while it was on
}

// New returns a folder. It does nothing before Run or Scan.
func New(o Options) *Folder {
	return &Folder{
		o: o.withDefaults(), wake: make(chan struct{}, 1), call: make(chan struct{}, 1),
		ready: make(chan *candidate, maxComing),
		dirs:  make(map[string]*node), hinted: make(map[string]bool), later: make(map[string]time.Time),
		coming: make(map[string]*candidate), busy: make(map[string]bool),
		patience: make(map[string]patience), troubles: make(map[string]*trouble),
		attends: attends{entries: make(map[int64]bool)},
		deletes: deletes{devices: make(map[uint64]uint64), unsearched: make(map[string]bool)},
	}
}

// Run takes what is in the folder and what comes into it, until ctx ends, which is no
// error. A folder that is not there, or goes, is waited for; see Status.
func (f *Folder) Run(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	defer f.end()
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for range f.o.Takers {
		all.Go(func() { f.takeAll(ctx) })
	}
	all.Go(func() { f.listen(ctx) })
	all.Go(func() { f.measureFirst(ctx) })
	if f.attended() {
		all.Go(func() { f.hear(ctx) })
		all.Go(func() { f.attendAll(ctx) })
	}
	f.loop(ctx, nil)
	return nil
}

var errRunning = errors.New("watch: the folder is being watched already")

// begin reads what has to be known before the first look.
func (f *Folder) begin(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		return errRunning
	}
	f.running = true
	f.why = f.o.Polling
	if f.o.Hints == nil && f.why == "" {
		f.why = "it is not asked for events"
	}
	f.walk.next, f.walk.began, f.walk.through = f.o.Clock(), time.Time{}, false // no scan of this run has begun
	f.counts = Progress{}
	return nil
}

// end makes another Run possible: what was on its way is found again.
func (f *Folder) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
	clear(f.dirs)
	clear(f.coming)
	clear(f.hinted)
	clear(f.later)
	f.todo, f.full, f.walk.on, f.walk.again, f.home.asked = queue{}, false, false, false, false
	for {
		select {
		case <-f.ready:
		default:
			return
		}
	}
}

// poke wakes whoever waits for c.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// claim makes path the caller's, who then must call release; false: it is another's.
func (f *Folder) claim(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[path] {
		return false
	}
	f.busy[path] = true
	return true
}

// unclaim gives back what claim took. Looks that are under way distrust what they
// read of it.
func (f *Folder) unclaim(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, path)
	if n := f.dirs[parent(path)]; n != nil {
		if n.finished == nil {
			n.finished = make(map[string]bool)
		}
		n.finished[path] = true
	}
}

// Release lets the entries go whose files were deleted, although many were at once or
// the folder does not look like the one that was known, or else has what is not mounted
// written to: a person has said that all is right with what Status.Problem told.
func (f *Folder) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem() == "" { // else a person saw that, and not this
		for _, t := range f.o.Targets {
			t.Release()
		}
	}
	now := f.o.Clock()
	f.deletes.braked = false
	f.deletes.trusted = now
	if !f.home.sure() || f.deletes.waiting > 0 {
		f.home.known = f.home.now
		f.deletes.trusted = now.Add(f.o.Rescan)
	}
	f.walk.next = now
	f.unquiet()
	poke(f.wake)
}

// Rescan looks at everything now, rather than when it is time.
func (f *Folder) Rescan() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.walk.next = f.o.Clock()
	poke(f.wake)
}

// Reconsider asks anew about what was refused or failed: the configuration may have
// changed.
func (f *Folder) Reconsider() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.troubles)
	f.walk.next = f.o.Clock()
	f.unquiet()
	poke(f.wake)
}

// unquiet makes the next look at each directory compare it with the memory.
func (f *Folder) unquiet() {
	for _, n := range f.dirs {
		n.quiet = false
	}
}
