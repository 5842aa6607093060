package watch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"slipway/watch"
)

// slow takes a second for each file, and notes when it is through with one.
type slow struct {
	mu       sync.Mutex
	last     map[string]time.Time
	now, max int // how many are at work
}

func (s *slow) Update(ctx context.Context, k watch.Known, _ *watch.Outcome, _ watch.Store) (watch.Known, bool, error) {
	s.mu.Lock()
	s.now++
	s.max = max(s.max, s.now)
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.last[k.Path] = time.Now()
	return k, true, ctx.Err()
}

func (s *slow) Folder(context.Context, string) error { return nil }
func (s *slow) Retries(watch.Known, string) bool     { return false }
func (s *slow) at(path string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[path]
}

// TestFreshFirst: several files are attended to at a time, and what becomes of a new one
// does not wait for all that is behind, however that was noted.
func TestFreshFirst(t *testing.T) {
	const many = 3000
	for _, how := range []string{"each", "any"} {
		t.Run(how, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				s := &slow{last: make(map[string]time.Time)}
				w.o.Beside, w.o.Hints = s, w.hints
				for i := range many {
					w.write(fmt.Sprintf("%04d.jpg", i), fmt.Sprint(i))
				}
				w.start()
				w.wait(30 * time.Minute)
				w.write("new.jpg", "new") // it has the newest entry
				w.wait(5 * time.Minute)
				began := time.Now()
				switch how {
				case "each":
					for i := range many {
						w.tree.Set(w.tree.Entry(fmt.Sprintf("/inbox/%04d.jpg", i)), complete)
					}
				case "any":
					w.start()
				}
				w.wait(20 * time.Second)
				told := time.Now()
				w.tree.Set(w.tree.Entry("/inbox/new.jpg"), complete)
				w.wait(90 * time.Second)
				if at := s.at("new.jpg"); at.Before(told) {
					t.Errorf("the new file waits since %v", time.Since(told))
				}
				if s.at("2999.jpg").After(began) && s.at("0000.jpg").After(began) && s.at("1500.jpg").After(began) {
					t.Error("there was nothing behind")
				}
				w.wait(30 * time.Minute)
				for i := range many {
					if p := fmt.Sprintf("%04d.jpg", i); s.at(p).Before(began) {
						t.Fatalf("%s was forgotten", p)
					}
				}
				if s.max < 4 {
					t.Errorf("%d at a time", s.max)
				}
			})
		})
	}
}
