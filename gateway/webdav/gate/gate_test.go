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
	leave := g.Enter("a", "b")
	g.Enter("c")() // it would wait forever if it were behind another's gate
	var within atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			defer g.Enter([]string{"a", "b"}[:1+i%2]...)()
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
