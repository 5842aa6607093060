package watch_test

import (
	"context"
	"testing"

	"slipway/watch"
)

// brief is a memory whose reader ends while it reads.
type brief struct {
	watch.Memory
	end context.CancelFunc
}

func (b brief) Dirs(ctx context.Context, _ string) ([]string, error) {
	b.end()
	return nil, ctx.Err()
}

// TestEndedIsNoProblem: a folder that is let go of before its memory was read has no
// trouble with it.
func TestEndedIsNoProblem(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		w.o.Memory = brief{w.memory, end}
		f := watch.New(w.o)
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
		if p := f.Status().Problem; p != "" {
			t.Errorf("the folder has a problem: %s", p)
		}
	})
}
