package blob

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowDisk takes a second for each fsync of a directory and counts them.
type slowDisk struct {
	OS
	mu    sync.Mutex
	syncs int
	err   error
}

func (d *slowDisk) SyncDir(string) error {
	time.Sleep(time.Second)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	return d.err
}

func TestConcurrentCommitsShareTheDirectorysSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{}
		f := &folder{fs: disk, dir: "x"}
		start := time.Now()
		var wg sync.WaitGroup
		call := func() {
			wg.Go(func() {
				begun := time.Now()
				if err := f.sync(); err != nil {
					t.Error(err)
				}
				// A full fsync must have run since the call.
				if time.Since(begun) < time.Second {
					t.Errorf("returned after %v", time.Since(begun))
				}
			})
		}
		call()
		time.Sleep(time.Second / 2)
		for range 10 {
			call()
		}
		wg.Wait()
		if disk.syncs != 2 || time.Since(start) != 2*time.Second {
			t.Errorf("%d fsyncs in %v for 11 callers; want 2 in 2s", disk.syncs, time.Since(start))
		}
	})
}

func TestAFailedSyncFailsAllWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{err: errors.New("boom")}
		f := &folder{fs: disk, dir: "x"}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := f.sync(); err == nil {
					t.Error("no error")
				}
			})
		}
		wg.Wait()
	})
}
