package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	maxTroubles = 20_000 // kept
	maxTold     = 100    // shown
	retryFirst  = 5 * time.Second
	retryLast   = 15 * time.Minute
)

// trouble is why a file was not taken, or, after it was, cannot be finished with.
type trouble struct {
	stat  Stat // of the file then
	text  string
	since time.Time
	tries int
	next  time.Time // zero: when the file or the configuration changes
	after bool      // the file was taken
}

// Errors of the virtual filesystem say by their methods what they are.
type (
	reasoner  interface{ Reason() string }
	forbidden interface{ Forbidden() bool }
	tooLarge  interface{ TooLarge() bool }
	wrongType interface{ WrongType() bool }
	dirError  interface{ IsDir() bool }
	fileError interface{ NotDir() bool }
)

// refused reports whether err will be the same until the file or the configuration
// changes.
func refused(err error) bool {
	var (
		f forbidden
		t tooLarge
		w wrongType
	)
	return errors.As(err, &f) && f.Forbidden() || errors.As(err, &t) && t.TooLarge() || errors.As(err, &w) && w.WrongType()
}

// plain returns what err says to people.
func plain(err error) string {
	var r reasoner
	var d dirError
	var n fileError
	switch {
	case errors.As(err, &d) && d.IsDir():
		return "a directory has its name in the gateway: rename one of them"
	case errors.As(err, &n) && n.NotDir():
		return "a file in the gateway has the name of its directory: rename one of them"
	case errors.As(err, &r):
		return r.Reason()
	case errors.Is(err, fs.ErrPermission):
		return "it may not be read: give this program's user the right to"
	}
	return err.Error()
}

// trouble notes that the file or directory at path could not be taken as it is, s, and
// when it is tried again.
func (f *Folder) trouble(path string, s Stat, err error, least time.Duration) {
	next := f.noteTrouble(path, trouble{stat: s, text: plain(err)}, refused(err), least)
	f.o.Log.Warn("a watched file is not taken", "folder", f.o.Root, "file", path, "error", err, "next", next)
}

// noteTrouble notes one, and returns when it is tried again; for good: it is not by
// itself.
func (f *Folder) noteTrouble(path string, is trouble, good bool, least time.Duration) (next time.Time) {
	now := f.o.Clock()
	tr := f.troubles[path]
	if tr == nil {
		if len(f.troubles) >= maxTroubles {
			next = now.Add(retryLast)
			f.lookLater(parent(path), next)
			return next
		}
		tr = &trouble{since: now}
		f.troubles[path] = tr
	}
	again := retryFirst << min(tr.tries, 8)
	if !good {
		is.next = now.Add(max(least, min(again, retryLast)))
	}
	is.since, is.tries = tr.since, tr.tries+1
	*tr = is
	if n := f.dirs[parent(path)]; n != nil {
		n.troubled = true
	}
	return is.next
}

// unfinished notes how it went to finish with k, which was taken; nil: well.
func (f *Folder) unfinished(k Known, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.noteTrouble(k.Path, trouble{stat: k.Stat, text: "it was taken, and cannot be finished with: " + finishError(err), after: true}, false, 0)
	} else if tr := f.troubles[k.Path]; tr != nil && tr.after {
		delete(f.troubles, k.Path)
	}
}

// finishError returns what err, of what comes after, says to people.
func finishError(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "it may not be moved or removed: give this program's user the right to write to its folder, or set after = \"keep\""
	}
	return plain(err)
}

// resting reports whether it is not time yet to finish with k again.
func (f *Folder) resting(k Known) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	tr := f.troubles[k.Path]
	return tr != nil && tr.after && tr.stat == k.Stat && tr.next.After(f.o.Clock())
}

// tidy forgets the troubles of files that are not in dir any more, and the candidates.
func (f *Folder) tidy(dir string, l *listing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.dirs[dir]
	if n == nil || !n.troubled {
		return
	}
	n.troubled = false
	for path := range f.troubles {
		if path == "" || parent(path) != dir {
			continue
		}
		if _, sub := slices.BinarySearch(l.subs, base(path)); !sub && !l.has(base(path)) {
			delete(f.troubles, path)
			continue
		}
		n.troubled = true
	}
}

// told returns the first troubles in order.
func (f *Folder) told() []Trouble {
	list := make([]Trouble, 0, len(f.troubles))
	for path, tr := range f.troubles {
		list = append(list, Trouble{Path: path, Error: tr.text, Since: tr.since, Next: tr.next})
	}
	slices.SortFunc(list, func(a, b Trouble) int { return strings.Compare(a.Path, b.Path) })
	return list[:min(len(list), maxTold)]
}

// errSurprise is why a file is read again later: it was not at rest.
var errSurprise = errors.New("the file changed while it was read")

// errOpen is an errSurprise.
var errOpen = fmt.Errorf("%w: another program has it open for writing", errSurprise)

// readError says that err came from the folder, not from the virtual filesystem.
func readError(err error) error { return fmt.Errorf("it cannot be read: %w", err) }
