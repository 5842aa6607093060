package thumbnail

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// numbered returns a picture of its own that takes its time to open, and how often it
// was opened.
func numbered(t *testing.T, n int, opening time.Duration) (Source, *atomic.Int32) {
	s := sourceOf(encoded(t, "png", quarters(100+n, 100)))
	open, times := s.Open, new(atomic.Int32)
	s.Open = func(ctx context.Context) (File, error) {
		times.Add(1)
		time.Sleep(opening)
		return open(ctx)
	}
	return s, times
}

// TestQueueTakesNoTime: a picture's time begins when it is its turn.
func TestQueueTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Dir: t.TempDir(), Time: 3 * time.Second})
		var all sync.WaitGroup
		for i := range 24 {
			s, _ := numbered(t, i, time.Second)
			all.Go(func() {
				if _, err := m.Small(t.Context(), s, 64); err != nil {
					t.Error(i, err)
				}
			})
		}
		all.Wait()
	})
}

// TestMemoryTakesNoTime: nor does the wait for what another picture takes.
func TestMemoryTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Dir: t.TempDir(), Memory: 200 * 200 * 4, Workers: 4, Time: 4 * time.Second})
		began := time.Now()
		var all sync.WaitGroup
		for i := range 4 {
			b := encoded(t, "bmp", quarters(200-i, 200)) // read line by line
			s := sourceOf(b)
			s.Open = func(context.Context) (File, error) { return slow{bytes.NewReader(b)}, nil }
			all.Go(func() {
				if _, err := m.Small(t.Context(), s, 64); err != nil {
					t.Error(i, err)
				}
			})
		}
		all.Wait()
		if d := time.Since(began); d < 7*time.Second {
			t.Errorf("all within %v: none waited", d)
		}
	})
}

// slow is a file each of whose reads takes 10 ms.
type slow struct{ *bytes.Reader }

func (slow) Close() error { return nil }

func (s slow) ReadAt(b []byte, at int64) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Reader.ReadAt(b, at)
}

// TestSlow: one that takes too long is no picture for a while, whatever its size, and
// then is tried again.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Dir: t.TempDir()})
		s, opened := numbered(t, 0, time.Minute)
		for _, edge := range []int{64, 128, 64} {
			if _, err := m.Small(t.Context(), s, edge); !errors.Is(err, ErrSlow) || !errors.Is(err, ErrNone) {
				t.Error(err)
			}
		}
		if n := opened.Load(); n != 1 {
			t.Errorf("tried %d times", n)
		}
		time.Sleep(slowRest)
		quick, _ := numbered(t, 0, 0)
		if _, err := m.Small(t.Context(), quick, 64); err != nil || quick.Sum != s.Sum {
			t.Error(err)
		}
	})
}

// TestNobodyWaits: one that nobody waits for any more has no turn, and another who
// asks for it later gets it.
func TestNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Dir: t.TempDir(), Workers: 1})
		first, _ := numbered(t, 0, 10*time.Second)
		left, opened := numbered(t, 1, 0)
		stayed, both := numbered(t, 2, 0)
		var all sync.WaitGroup
		ask := func(s Source, patience time.Duration, want error) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if _, err := m.Small(ctx, s, 64); !errors.Is(err, want) {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ask(first, 5*time.Second, context.DeadlineExceeded) // and is drawn to its end
		ask(left, time.Second, context.DeadlineExceeded)
		ask(left, 2*time.Second, context.DeadlineExceeded)
		ask(stayed, time.Second, context.DeadlineExceeded)
		ask(stayed, time.Minute, nil)
		all.Wait()
		if opened.Load() != 0 || both.Load() != 1 || len(m.flights) != 0 {
			t.Errorf("opened %d and %d times, %d flights", opened.Load(), both.Load(), len(m.flights))
		}
		ask(left, time.Minute, nil)
		ask(first, time.Second, nil)
		all.Wait()
	})
}
