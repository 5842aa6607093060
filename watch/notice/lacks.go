package notice

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"slipway/watch/place"
)

// maxLacks is how many directories are remembered that cannot be watched; where there
// are more, all are looked for again and again.
const maxLacks = 256

// lack is why a directory is not watched.
type lack struct {
	text  string
	quiet bool // nobody has to be told: the scan tells, or nothing is wrong
}

// lacks is what is not watched.
type lacks struct {
	dirs map[string]lack
	full string // why no more directories can be watched, and what to do; "": they can
	more bool   // there are more than dirs
}

func (l *lacks) note(rel string, why lack) {
	if len(l.dirs) >= maxLacks {
		l.more = true
		return
	}
	l.dirs[rel] = why
}

// fail notes that the system refused to watch a directory.
func (l *lacks) fail(rel string, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		// It went meanwhile.
	case limited(err):
		if l.full == "" {
			l.full = fmt.Sprintf("%s at %q: changes there, and in directories made since, are seen by the scans alone; %s", limit(err), rel, remedy(err))
		}
		l.more = true
	case errors.Is(err, fs.ErrPermission):
		l.note(rel, lack{quiet: true})
	default:
		l.note(rel, lack{text: fmt.Sprintf("%q cannot be watched (%v): changes there are seen by the scans alone", rel, err)})
	}
}

// text says what is not watched and why.
func (l *lacks) text() string {
	if l.full != "" {
		return l.full
	}
	var first string
	count := 0
	for rel, why := range l.dirs {
		if why.quiet {
			continue
		}
		if count++; first == "" || rel < first {
			first = rel
		}
	}
	switch text := l.dirs[first].text; count {
	case 0:
		return ""
	case 1:
		return text
	default:
		return text + fmt.Sprintf(" (and %d other directories)", count-1)
	}
}

// refuses returns why a directory is not to be watched; the zero lack: it is.
func (w *watcher) refuses(rel string, id, up identity) lack {
	if w.lacks.full != "" {
		return lack{quiet: true}
	}
	if w.watched.size >= w.o.Limit {
		w.lacks.more = true
		w.lacks.full = fmt.Sprintf("%d directories are watched, which is the most that this program watches, and not %q: changes there are seen by the scans alone; split the folder into several", w.watched.size, rel)
		return lack{quiet: true}
	}
	if id.device == up.device {
		return lack{}
	}
	if m, err := place.At(w.full(rel)); err == nil && m.Network {
		return lack{text: fmt.Sprintf("%q is on a network file system (%s), of which no events come: changes there are seen by the scans alone", rel, m.Kind)}
	}
	return lack{}
}

// limited reports whether err says that a limit of the system is reached.
func limited(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}, func(e error) bool { return errors.Is(err, e) })
}

// limit names the limit that err is about.
func limit(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the limit of watched directories (inotify) is reached"
	case errors.Is(err, syscall.ENOMEM):
		return "the system has no memory for one more watched directory"
	}
	return "the limit of open files is reached"
}

// remedy says what to do about the limit that err is about.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return raise("fs.inotify.max_user_watches", 524288)
	case errors.Is(err, syscall.ENOMEM):
		return "it is tried again"
	}
	return "raise it (LimitNOFILE= in the service's unit, or ulimit -n)"
}

// raise says how to raise a limit of inotify to at least the number to.
func raise(name string, to int) string {
	now := ""
	if b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			now = fmt.Sprintf(" (it is %d now)", n)
			to = max(to, 2*n)
		}
	}
	return fmt.Sprintf("raise it: sysctl %s=%d%s", name, to, now)
}

// noSource says that no source of events can be opened.
func noSource(err error) error {
	if errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("the limit of inotify instances or of open files is reached; %s, or LimitNOFILE= in the service's unit", raise("fs.inotify.max_user_instances", 1024))
	}
	return fmt.Errorf("events cannot be asked for: %w", err)
}

// noWatch says that not even the folder itself can be watched.
func noWatch(err error) error {
	if limited(err) {
		return fmt.Errorf("%s; %s", limit(err), remedy(err))
	}
	return fmt.Errorf("the folder cannot be watched: %w", err)
}
