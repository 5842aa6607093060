package gate

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestGates: of the changes of one path one goes on at a time, while others pass.
func TestGates(t *testing.T) {
	var g Gates
	leave := g.Enter("/a", "/b")
	g.Enter("/c")() // it would wait forever if it were behind another's gate
	var within atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			defer g.Enter([]string{"/a", "/b"}[:1+i%2]...)()
			if n := within.Add(1); n > 1 {
				t.Errorf("%d changes of one path at a time", n)
			}
			runtime.Gosched()
			within.Add(-1)
		})
	}
	runtime.Gosched()
	if within.Load() != 0 {
		t.Error("a gate in use was entered")
	}
	leave()
	all.Wait()
	if len(g.byPath) != 0 {
		t.Errorf("%d gates are kept that nobody uses", len(g.byPath))
	}
}

// TestAboveAndBelow: a change of a directory waits for those of what is in it, and
// they for it, while those of two files pass each other.
func TestAboveAndBelow(t *testing.T) {
	for _, c := range []struct {
		held, wanted []string
		passes       bool
	}{
		{[]string{"/a/b"}, []string{"/a"}, false},
		{[]string{"/a"}, []string{"/a/b/c"}, false},
		{[]string{"/a/b"}, []string{"/"}, false},
		{[]string{"/"}, []string{"/a"}, false},
		{[]string{"/a/b"}, []string{"/a/c"}, true},
		{[]string{"/a/b"}, []string{"/a/bb"}, true},
		{[]string{"/a", "/b/c"}, []string{"/b/c/d"}, false},
		{[]string{"/a", "/a/b"}, []string{"/a/c"}, false}, // from a directory into itself
	} {
		var g Gates
		leave := g.Enter(c.held...)
		entered := make(chan struct{})
		go func() {
			defer g.Enter(c.wanted...)()
			close(entered)
		}()
		if c.passes {
			<-entered // or never
		} else {
			for range 1000 {
				runtime.Gosched()
			}
			select {
			case <-entered:
				t.Errorf("%v went on beside %v", c.wanted, c.held)
			default:
			}
		}
		leave()
		<-entered
	}
}
