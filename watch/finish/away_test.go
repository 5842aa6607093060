package finish

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"slipway/watch"
)

// TestAway: nothing is moved to what is not mounted, also if that goes while the file is
// compared, or a crash came before; the file stands in its place.
func TestAway(t *testing.T) {
	for _, step := range []string{"", "read", "crash"} {
		t.Run("at "+step, func(t *testing.T) {
			f := newFolder(t)
			f.write("sub/a.jpg", "one")
			away := step == ""
			fin, err := New(Options{Root: f.dir, MoveTo: "done", Mounted: func(context.Context) error {
				if away {
					return fmt.Errorf("the disk: %w", watch.ErrAway)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			k := f.taken("sub/a.jpg")
			fin.before = func(at string) error {
				away = away || at == step
				return nil
			}
			if step == "crash" {
				j, err := fin.open(k)
				if err != nil {
					t.Fatal(err)
				}
				if err := j.root.Rename("sub/a.jpg", j.private); err != nil {
					t.Fatal(err)
				}
				j.root.Close()
				k.State, away = watch.Removing, true
			}
			got, done, err := fin.Finish(t.Context(), k, complete, f.store)
			if !errors.Is(err, watch.ErrAway) || done || got.State != watch.Taken {
				t.Errorf("got %+v, %v, %v", got, done, err)
			}
			f.has(map[string]string{"sub/a.jpg": "one"})
			if _, err := fin.Where(t.Context(), got); !errors.Is(err, watch.ErrAway) {
				t.Errorf("where it lies is known: %v", err)
			}
			away, fin.before = false, func(string) error { return nil }
			if got, done, err = fin.Finish(t.Context(), got, complete, f.store); err != nil || !done || got.State != watch.Removed {
				t.Errorf("got %+v, %v, %v", got, done, err)
			}
			f.has(map[string]string{"done/sub/a.jpg": "one"})
		})
	}
}
