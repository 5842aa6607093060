package blob

import "sync"

// folder is one directory of a [Disk], whose fsync concurrent commits share.
type folder struct {
	fs    FileSystem
	dir   string
	above *folder // synced when dir is made

	making sync.Mutex
	made   bool // durably

	mu   sync.Mutex
	last *round // the fsync that began last, if any
	next *round // the one that has not begun yet, if anybody waits for it
}

// round is one fsync and those who wait for it.
type round struct {
	done chan struct{}
	err  error
}

// make makes the directory and its name durable, once.
func (f *folder) make() error {
	f.making.Lock()
	defer f.making.Unlock()
	if f.made {
		return nil
	}
	if err := f.fs.MkdirAll(f.dir, dirMode); err != nil {
		return err
	}
	if err := f.above.sync(); err != nil {
		return err
	}
	f.made = true
	return nil
}

// sync returns when an fsync that began after the call has ended. Callers that
// come while one runs wait for the next, which the first of them makes for all.
func (f *folder) sync() error {
	f.mu.Lock()
	before, r := f.last, f.next
	if r != nil {
		f.mu.Unlock()
		<-r.done
		return r.err
	}
	r = &round{done: make(chan struct{})}
	f.next = r
	f.mu.Unlock()

	if before != nil {
		<-before.done
	}
	f.mu.Lock()
	f.last, f.next = r, nil
	f.mu.Unlock()
	r.err = f.fs.SyncDir(f.dir)
	close(r.done)
	return r.err
}
