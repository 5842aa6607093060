package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/vfs"
)

// pageMost is how many entries or uploads a page has at the most.
const pageMost = 1000

// What a cursor of Files begins with: whether the name after it is a directory's.
const (
	afterDir  = "d"
	afterFile = "f"
)

// Files returns a part of a directory, directories first.
func (d desk) Files(ctx context.Context, dir, after string, limit int) (operate.FilePage, error) {
	if limit < 1 || limit > pageMost {
		return operate.FilePage{}, operate.Errorf(operate.Usage, "a page has 1 to %d files", pageMost)
	}
	if after != "" && !strings.HasPrefix(after, afterDir) && !strings.HasPrefix(after, afterFile) || !storable(after) {
		return operate.FilePage{}, operate.Errorf(operate.Usage, "this is no place in a folder; begin at its start")
	}
	own, err := vfs.Clean(dir)
	if err != nil {
		return operate.FilePage{}, operate.Errorf(operate.Usage, "%v", err)
	}
	tree := d.tree(ctx)
	info, err := tree.Stat(own)
	if err == nil && !info.IsDir() {
		err = vfs.ErrNotDir
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) {
		return operate.FilePage{}, errNothingThere("folder")
	}
	if err != nil {
		return operate.FilePage{}, err
	}
	list := d.children
	if d.user.Rights == auth.Drop {
		list = d.childrenDropped
	}
	entries, err := list(ctx, own, after, limit+1)
	if err != nil {
		return operate.FilePage{}, err
	}
	page := operate.FilePage{Path: own, Writable: d.writable(tree, own), Album: d.albumAddress(path.Join(d.user.Home, own))}
	if len(entries) > limit {
		entries = entries[:limit]
		page.Next = cursorOf(entries[limit-1])
	}
	page.Entries, err = d.withUploads(ctx, own, entries)
	return page, err
}

func cursorOf(e vfs.Entry) string {
	if e.Dir {
		return afterDir + e.Name
	}
	return afterFile + e.Name
}

// children returns up to n of a directory's, after a cursor.
func (d desk) children(ctx context.Context, dir, after string, n int) (list []vfs.Entry, err error) {
	e, err := d.operations.tree.Lookup(ctx, path.Join(d.user.Home, dir))
	if err != nil {
		return nil, err
	}
	name, inFiles := strings.CutPrefix(after, afterFile)
	if !inFiles {
		if list, err = d.operations.tree.Children(ctx, e.ID, true, strings.TrimPrefix(after, afterDir), n); err != nil {
			return nil, err
		}
		name = ""
	}
	if n > len(list) {
		files, err := d.operations.tree.Children(ctx, e.ID, false, name, n-len(list))
		return append(list, files...), err
	}
	return list, nil
}

// childrenDropped is children of one who only drops files. He sees few of them.
func (d desk) childrenDropped(ctx context.Context, dir, after string, n int) (list []vfs.Entry, err error) {
	f, err := d.tree(ctx).Open(dir)
	if err != nil {
		return nil, err
	}
	infos, err := f.Readdir(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	order := func(a, b vfs.Entry) int {
		if a.Dir != b.Dir {
			return cmp.Compare(cursorOf(a)[:1], cursorOf(b)[:1])
		}
		return cmp.Compare(vfs.Key(a.Name), vfs.Key(b.Name))
	}
	last := vfs.Entry{Dir: strings.HasPrefix(after, afterDir)}
	if after != "" {
		last.Name = after[1:]
	}
	for _, info := range infos {
		e, _ := info.Sys().(vfs.Entry)
		if e.Name = info.Name(); after == "" || order(last, e) < 0 {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, order)
	return list[:min(n, len(list))], nil
}

// withUploads returns entries in the directory dir with the uploads of their bytes.
func (d desk) withUploads(ctx context.Context, dir string, entries []vfs.Entry) ([]operate.Entry, error) {
	list := make([]operate.Entry, 0, len(entries))
	for batch := range slices.Chunk(entries, uploadsBatch) {
		ids := make([]vfs.ID, 0, len(batch))
		for _, e := range batch {
			if !e.Dir {
				ids = append(ids, e.ID)
			}
		}
		rows, err := d.ledger.Present(ctx, ids)
		if err != nil {
			return nil, err
		}
		links, err := d.ledger.LinkTallies(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, e := range batch {
			p := path.Join(dir, e.Name)
			of := rows[e.ID]
			for i := range of {
				of[i].Path = p
			}
			shown := entryShown(p, e, of)
			shown.Links = links[e.ID]
			list = append(list, shown)
		}
	}
	return list, nil
}

// writable reports whether files of some type can be put into dir.
func (d desk) writable(tree any, dir string) bool {
	v, ok := tree.(interface {
		Admit(name string, size int64) error
	})
	return ok && slices.ContainsFunc([]string{"a.jpg", "a.png", "a.gif", "a.webp", "a.mp4", "a"}, func(name string) bool {
		return v.Admit(path.Join(dir, name), -1) == nil
	})
}

// Explain says what becomes, or became, of the file at p.
func (d desk) Explain(ctx context.Context, p string) (operate.Explanation, error) {
	own, err := vfs.Clean(p)
	if err != nil {
		return operate.Explanation{}, operate.Errorf(operate.Usage, "%v", err)
	}
	real := path.Join(d.user.Home, own)
	var e *operate.Entry
	if d.user.Rights != auth.Drop {
		e, err = d.entryAt(ctx, real)
	} else if info, statErr := d.tree(ctx).Stat(own); statErr == nil {
		// Another's file of that name is none: this one would get another name.
		found, _ := info.Sys().(vfs.Entry)
		if at, pathErr := d.realOf(ctx, found.ID); pathErr == nil {
			real = at
			e, err = d.entryAt(ctx, real)
		}
	}
	if err != nil {
		return operate.Explanation{}, err
	}
	x, err := d.explain(ctx, real, e)
	if err != nil {
		return x, err
	}
	return d.retell(x, own), nil
}

// realOf returns where in the whole tree an entry is.
func (d desk) realOf(ctx context.Context, id vfs.ID) (string, error) {
	_, p, err := d.operations.tree.At(ctx, id)
	return p, err
}

// retell returns x, which is of the whole tree, as of the user's home: a route's
// pattern would tell what is above, a lock who else is there, and where on this
// machine bytes lie is for those who run it.
func (d desk) retell(x operate.Explanation, own string) operate.Explanation {
	x.Path = own
	if d.operator() != nil {
		x.Bytes = bytesForUsers(x.Bytes)
	}
	if d.user.Home != "/" {
		x.Pattern, x.Captures = "", nil
		if x.Refused != "" {
			x.Refused = "No route of this gateway takes files here; put it into a folder that one takes."
			var refusal interface{ Reason() string }
			if v, ok := d.tree(context.Background()).(interface {
				Admit(name string, size int64) error
			}); ok && errors.As(v.Admit(own, -1), &refusal) {
				x.Refused = refusal.Reason()
			}
		}
	}
	if x.Entry != nil {
		e := *x.Entry
		e.Path = own
		e.Uploads = slices.Clone(e.Uploads)
		for i := range e.Uploads {
			e.Uploads[i].Path = own
		}
		x.Entry = &e
	}
	if d.user.Rights == auth.Drop { // they may be of another's file of that name
		x.Deletions = nil
	}
	for i := range x.Deletions {
		x.Deletions[i].Path = own
	}
	for i := range x.Takes {
		d.retellTaker(&x.Takes[i], own)
	}
	return x
}

// retellTaker is retell for one destination.
func (d desk) retellTaker(t *operate.Taker, own string) {
	if d.user.Home != "/" {
		t.Keys = nil // they may have the whole path in them
	}
	if t.Upload == nil {
		return
	}
	u := *t.Upload
	u.Path = own
	t.Upload = &u
	switch {
	case u.State == string(uploader.Settling) && u.Reason == uploader.ReasonLocked && d.user.Home != "/":
		t.Waiting = "Somebody has locked it (WebDAV). It goes on when the lock ends."
	case u.State == string(uploader.Held) && u.Reason == uploader.ReasonByHand:
		t.Waiting = "It is held by hand, until somebody releases it."
	}
}
