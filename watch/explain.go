package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"
)

// Explain says how the file or directory at rel, below the folder, stands.
func (f *Folder) Explain(ctx context.Context, rel string) (Explanation, error) {
	rel = path.Clean("/" + rel)[1:]
	e := Explanation{Path: rel, Virtual: f.virtual(rel), State: Unknown}
	if rel == "" {
		e.State, e.Text, e.Dir = Unseen, f.explainFolder(), true
		return e, nil
	}
	if why := f.ignoredThere(rel); why != "" {
		e.State, e.Text = Ignored, "it is never taken: "+why
		return e, nil
	}
	k, had, err := f.known(ctx, rel)
	if err != nil {
		return e, err
	}
	if had {
		e.Entry, e.State = k.Entry, k.State
		f.explainEntry(ctx, &e)
	} else if of, ours, err := f.ours(ctx, rel); ours || err != nil {
		e.State, e.Text = Ignored, "it is never taken: it was written here for people, about other files"
		if of != "" {
			e.Text = fmt.Sprintf("it is the sidecar of %s, and is never taken", of)
		}
		return e, err
	}
	s, err := f.there(rel)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.home.missing != "":
		e.State, e.Text = Unseen, f.home.missing
	case err != nil:
		f.explainAbsent(&e, k, had, err)
	default:
		f.explainPresent(&e, k, had, s)
	}
	return e, nil
}

// ours reports whether the file at rel, which is not remembered, is a sidecar: one that
// is, or that can be nothing else, or that stands beside a file that is not remembered.
// of is the file that it is about; "": it is a folder's.
func (f *Folder) ours(ctx context.Context, rel string) (of string, ours bool, err error) {
	list, err := f.o.Memory.Dir(ctx, f.o.Name, parent(rel))
	if err != nil {
		return "", false, err
	}
	for _, k := range list {
		if _, is := k.Beside[rel]; is {
			return k.Path, true, nil
		}
	}
	if f.o.Ours == nil {
		return "", false, nil
	}
	of, ours = f.o.Ours(rel)
	if slices.ContainsFunc(list, func(k Known) bool { return of != "" && k.Path == of }) {
		return "", false, nil // what we wrote is remembered with the file: it is a person's
	}
	return of, ours, nil
}

// ignoredThere returns why what is at rel is never taken.
func (f *Folder) ignoredThere(rel string) string {
	root, err := f.open()
	if err != nil {
		return f.ignored(rel, false)
	}
	defer root.Close()
	for i := 1; i < len(rel); i++ {
		if rel[i] != '/' {
			continue
		}
		if info, err := root.Lstat(rel[:i]); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "it lies behind a symbolic link; what that leads to is taken only where it lies"
		}
	}
	info, err := root.Lstat(rel)
	if err != nil {
		return f.ignored(rel, false)
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return "it is a symbolic link; what it leads to is taken only where it lies"
	case !mode.IsRegular() && !mode.IsDir():
		return "it is neither a file nor a directory"
	}
	return f.ignored(rel, info.IsDir())
}

// errDir says that a path is a directory's.
var errDir = errors.New("it is a directory")

// there looks at what is at rel.
func (f *Folder) there(rel string) (Stat, error) {
	root, err := f.open()
	if err != nil {
		return Stat{}, err
	}
	defer root.Close()
	info, err := root.Lstat(rel)
	switch {
	case err != nil:
		return Stat{}, err
	case info.IsDir():
		return Stat{}, errDir
	}
	return f.stat(root, rel)
}

// explainEntry finds out where the entry is.
func (f *Folder) explainEntry(ctx context.Context, e *Explanation) {
	if e.Entry == 0 {
		return
	}
	out, err := f.o.Outcomes.Outcomes(ctx, []int64{e.Entry})
	if o, there := out[e.Entry]; err == nil && there && o.Path != "" {
		e.Virtual = f.virtual(o.Path)
	}
}

// explainFolder says how the folder itself stands.
func (f *Folder) explainFolder() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := fmt.Sprintf("its files come into %s", f.virtual(""))
	if p := f.problem(); p != "" {
		return text + "; " + p
	}
	return text
}

// explainAbsent says how what is not there, or cannot be looked at, stands.
func (f *Folder) explainAbsent(e *Explanation, k Known, had bool, err error) {
	switch {
	case errors.Is(err, errDir):
		e.State, e.Text, e.Dir = Unseen, "it is a directory, whose files are taken", true
		if tr := f.troubles[e.Path]; tr != nil {
			e.State, e.Text, e.Until = Failed, tr.text, tr.next
		}
	case !absent(err):
		e.State, e.Text = Failed, plain(readError(err))
	case !had:
		e.Text = "there is no such file, and none is remembered"
	default:
		f.explainMissing(e, k)
	}
}

// explainMissing says how a remembered file stands that is not there.
func (f *Folder) explainMissing(e *Explanation, k Known) {
	since := time.Unix(0, k.Since)
	switch k.State {
	case Removed, Removing:
		e.Text = "it was taken, and removed from the folder after its uploads, as `after` says"
	case Gone:
		e.Text = "it was deleted, and nothing is left to be done for it"
	case Missing:
		e.Until = since.Add(f.o.Grace)
		e.Text = fmt.Sprintf("it is missing since %s; if it does not come up again, here or elsewhere, it counts as deleted", since.Format(time.TimeOnly))
		switch {
		case !f.o.Follow:
			e.Text += ", and its entry stays"
		case f.deletes.braked:
			e.Text, e.Until = "it is missing; "+f.deletes.text, time.Time{}
		default:
			e.Text += ", and its entry goes"
		}
	default:
		e.Text = "it is not there any more, which the next scan will see"
		if f.deletes.waiting > 0 {
			e.Text = "it is missing, but does not count as deleted: " + f.deletes.why
		}
	}
}

// explainPresent says how a file stands that is there.
func (f *Folder) explainPresent(e *Explanation, k Known, had bool, s Stat) {
	x, tr := f.coming[e.Path], f.troubles[e.Path]
	switch {
	case s.Size == 0:
		e.State, e.Text = Empty, "it is empty; it is taken as soon as there is something in it"
	case x != nil:
		f.explainComing(e, x)
	case tr != nil && tr.next.IsZero():
		e.State, e.Text = Refused, tr.text+" (it is tried again when it or the configuration changes)"
	case tr != nil:
		e.State, e.Until = Failed, tr.next
		e.Text = fmt.Sprintf("%s (it is tried again at %s)", tr.text, tr.next.Format(time.TimeOnly))
	case had && k.Stat.same(s) && (k.State == Taken || k.State == Removing):
		e.Text = "it was taken"
		if k.Entry != 0 {
			e.Text = fmt.Sprintf("it was taken as entry %d", k.Entry)
		}
	default:
		e.State, e.Text, e.Until = Unseen, "the next scan will look at it", f.walk.next
		if had {
			e.Text = "it has changed since it was taken; the next scan will look at it"
		}
	}
}

// explainComing says what a candidate waits for.
func (f *Folder) explainComing(e *Explanation, x *candidate) {
	switch x.phase {
	case settling:
		e.State, e.Until = Settling, x.due
		if x.open {
			e.Text = fmt.Sprintf("another program has it open for writing; it is taken when that has closed it, which is looked at again at %s", x.due.Format(time.TimeOnly))
			return
		}
		e.Text = fmt.Sprintf("it must not change for %v, which is until %s", x.need, x.due.Format(time.TimeOnly))
	case settled:
		e.State, e.Text = Waiting, "it waits for others to be read"
	default:
		e.State, e.Text = Waiting, "it is being read"
	}
}
