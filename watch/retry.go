package watch

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// retry tries the uploads of seen again if a person has removed the sidecar at p that
// told of their failure. The view of it in the virtual filesystem is removed, which
// means just that.
func (f *Folder) retry(ctx context.Context, seen Known, p string) {
	if !f.claim(seen.Path) {
		// Whoever has it may have seen the sidecar before it was removed.
		f.mu.Lock()
		defer f.mu.Unlock()
		f.lookLater(parent(p), f.o.Clock().Add(restMin))
		return
	}
	defer f.unclaim(seen.Path)
	err := f.retryClaimed(ctx, seen, p)
	if err != nil && ctx.Err() == nil {
		f.o.Log.Warn("another try for a watched file cannot be made", "folder", f.o.Root, "file", seen.Path, "error", err)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.node(parent(p)).quiet = false
		f.lookLater(parent(p), f.o.Clock().Add(retryFirst))
	}
}

func (f *Folder) retryClaimed(ctx context.Context, seen Known, p string) error {
	k, had, err := f.known(ctx, seen.Path)
	if _, ours := k.Beside[p]; err != nil || !had || !ours || k.State != Taken {
		return err
	}
	if s, err := f.there(k.Path); err != nil || !s.same(k.Stat) {
		return nil //nolint:nilerr // What became of the file comes first.
	}
	if stands, err := f.standsAt(p); stands || err != nil {
		return err
	}
	out, err := f.o.Outcomes.Outcomes(ctx, []int64{k.Entry})
	if err != nil {
		return err
	}
	if o, there := out[k.Entry]; there && o.Path != "" {
		if err := f.removeError(ctx, f.virtual(o.Path)); err != nil {
			return err
		}
	}
	k.Beside = maps.Clone(k.Beside)
	delete(k.Beside, p)
	k.Done = false
	if err := f.o.Memory.Store(context.WithoutCancel(ctx), f.o.Name, []Known{k}, nil); err != nil {
		return err
	}
	f.notice(k.Entry)
	return nil
}

// sidecars looks which of ours are missing: a person's removal of one may ask for
// another try. That it is missing together with its file says nothing: both were moved,
// or the folder is another one.
func (c *comparison) sidecars(ctx context.Context) {
	if c.o.Beside == nil || c.l.gone {
		return
	}
	for _, k := range c.known {
		if k.State != Taken || !c.same(k) {
			continue
		}
		for p := range k.Beside {
			if parent(p) == c.dir && !c.l.has(base(p)) && c.o.Beside.Retries(k, p) {
				c.retry(ctx, k, p)
			}
		}
	}
}

// same reports whether k stands in the directory, as it is remembered.
func (c *comparison) same(k Known) bool {
	i, there := slices.BinarySearchFunc(c.l.files, base(k.Path), func(x file, name string) int { return cmp.Compare(x.name, name) })
	return there && k.Stat.same(c.l.files[i].stat)
}

// removeError removes the view that tells of the failure of the entry at name. A file
// that a person put there has the view yield, and stays.
func (f *Folder) removeError(ctx context.Context, name string) error {
	tree := f.tree(ctx)
	view := name + ".error.txt"
	if info, err := tree.Stat(view); err == nil {
		if v, ok := info.(interface{ Of() string }); !ok || v.Of() == "" {
			view = name + ".slipway.error.txt"
		}
	}
	return tree.Remove(view)
}
