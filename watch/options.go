package watch

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/spf13/afero"
)

// Options of New. Root, Into, Tree, Memory and Outcomes must be there.
type Options struct {
	// Name is the folder's for Memory.
	Name string
	// Root is the folder on disk, an absolute path. Symbolic links in it are never
	// followed; Root itself may be one.
	Root string
	// Into is where its files come into the virtual filesystem: an absolute path.
	Into string
	// Tree is the virtual filesystem, with all views that a door has. Files that it
	// opens for writing are staged: they have SetModTime(time.Time),
	// TransferError(error), and after a Close that returned nil Stored() (entry int64,
	// name string). It may have Move(from, to string, overwrite bool) (bool, error),
	// which is used instead of Rename, Admit(name string, size int64) error, which is
	// asked before a file is read, and RemoveIf(name string, entry int64, sum [32]byte)
	// error, which removes only that entry with those bytes. Its FileInfos may have
	// ID() int64, the entry's.
	Tree     afero.Fs
	Memory   Memory
	Outcomes Outcomes
	// Key returns what those paths below the folder have in common that are one in the
	// virtual filesystem (forms of Unicode); nil: a path is one by itself.
	Key func(rel string) string
	// Others returns a file on disk of another folder that is remembered as the entry, and
	// of which is not known that it went; "": none is. nil: there are no other folders.
	Others func(ctx context.Context, entry int64) (file string, err error)

	// Hints hurry the scan; nil: the folder is polled, because of Polling ("it is on a
	// network file system"), which is told to people.
	Hints   Hints
	Polling string
	// Place tells the identity of files; nil: a file is known by size and mtime alone.
	Place Place
	// Beside writes sidecars beside the files, and Finisher does what comes after; nil:
	// nothing is.
	Beside   Beside
	Finisher Finisher
	// Targets are the directories that those write to, where they may not be mounted; one
	// that is not is told in Status.Problem.
	Targets []Target
	// Undo puts back what the Finisher of another configuration left aside; nil: the
	// present one, if it is an Undoer.
	Undo Undoer
	// Ours reports whether the file at rel looks like a sidecar that was written for the
	// file companion, "" where it can be nothing else: what is neither remembered nor to
	// be taken. nil: none does.
	Ours func(rel string) (companion string, ours bool)
	// Ignore returns why the file or directory at rel, below the folder, is never taken,
	// for people ("it is a temporary file"); "": it is. It must be quick. nil: all are.
	Ignore func(rel string, dir bool) string

	// Settle is how long a file must not have changed; 0: 3 s. Rescan is how often
	// everything is looked at; 0: 60 s. Grace is how long a file must be missing until
	// it counts as deleted, and may come up again elsewhere as the same; 0: 60 s.
	Settle, Rescan, Grace time.Duration
	// Follow: with a file that a person deleted its entry goes too.
	Follow bool
	// Takers is how many files are read at a time; 0: 4.
	Takers int

	Clock func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: nothing is logged
}

// Hints tell that something in the folder may have changed, so that it is looked at
// before the next scan comes. They decide nothing: one too many or too few does no
// harm.
type Hints interface {
	// Watch calls changed with the directories, below the folder ("" is the folder
	// itself), directly in which something may have changed; all: anything below may
	// have. It begins with changed("", true) as soon as nothing is missed any more.
	// changed returns at once and may be called from any goroutine. Watch returns nil
	// when ctx ends, or else an error that says why it cannot go on, for people; the
	// folder is then polled, and Watch tried again at a later scan.
	Watch(ctx context.Context, changed func(dir string, all bool)) error
}

// Partial is what Hints may be too, where they tell of a part of the folder only.
type Partial interface {
	// Polled returns why some directories are polled although events come for others
	// ("the limit of inotify watches is reached at …"); "": none is.
	Polled() string
}

// Place tells files apart where the operating system can. It may have
// Writing(file *os.File) bool too, which reports whether another program has file, which
// is open for reading, open for writing: such a file is not taken.
type Place interface {
	// Stat returns the identity of a file or directory that was looked at without
	// following a symbolic link.
	Stat(info fs.FileInfo) Stat
	// Network reports whether path is on a network file system, where times may lag and
	// others' changes are not told of.
	Network(path string) bool
}

// Store makes durable what is now remembered of one file.
type Store func(ctx context.Context, k Known) error

// Beside keeps the sidecars of a folder's files. A folder calls it from one
// goroutine at a time for one file.
type Beside interface {
	// Update brings the sidecars of k, which stands in its folder or was removed by us,
	// in line with o; nil: the file or its entry is gone, and its sidecars go. It calls
	// store with every path that it is about to write in k.Beside *before* it writes
	// there. A path in k.Beside that is missing on disk was removed by a person, or by
	// Update, which did not come to an end. What it returns is remembered, and settled
	// says that nothing is left to be done until o changes.
	Update(ctx context.Context, k Known, o *Outcome, store Store) (after Known, settled bool, err error)
	// Folder brings what there is one of for each directory (`_links.html`) in line,
	// after outcomes of files directly in dir changed. ErrLater: it did so a moment ago,
	// and is to be called again.
	Folder(ctx context.Context, dir string) error
	// Retries reports whether the removal of the sidecar at rel, a path of k.Beside, by
	// a person asks for another try: it was the one that told of a failure.
	Retries(k Known, rel string) bool
}

// Reopener is what a Beside may be too, where Update settles for nothing as a directory
// may not be written.
type Reopener interface {
	// Reopened reports whether such a directory can be written by now, which is told
	// once: everything is then attended to again. It is asked before each scan.
	Reopened() bool
}

// Target is a directory that is written to, and may be a file system that is not mounted.
// Beside and Finisher ask it themselves, and return an ErrAway.
type Target interface {
	// Problem returns why nothing is written there, and what to do, for people; "": nothing
	// keeps it. It returns at once.
	Problem() string
	// Returned reports whether what Problem told of has ended, which is told once:
	// everything is then attended to again. It is asked before each scan.
	Returned(ctx context.Context) bool
	// Release says that what is there now is right: a person has agreed to it.
	Release()
}

// ErrAway is what Beside and Finisher return, and do nothing, where what they write to is
// not mounted: it is no trouble of one file, and is not logged for each.
var ErrAway = errors.New("a file system is not mounted")

// ErrLater is what Beside.Folder returns where it is to be called again.
var ErrLater = errors.New("later")

// Finisher does what comes after a file's uploads: nothing, its removal, or its move.
type Finisher interface {
	// Finish is called when all destinations have the bytes of k (o.Complete, and o.Sum
	// is k.Sum). It must make sure itself, at the last moment, that the file on disk is
	// still k.Stat. It calls store with k as Removing before it removes anything, and
	// returns it as Removed after; where the file is missing and k is Removing, it has
	// been removed. done is false where it must be tried again later.
	Finish(ctx context.Context, k Known, o Outcome, store Store) (after Known, done bool, err error)
}

// Undoer is what a Finisher may be too, where what is Removing can lie aside.
type Undoer interface {
	// Undo is called where k is Removing, by a call of Finish that was cut, and is not to
	// be removed any more: it brings the file back, if it is aside, and returns k as
	// Taken.
	Undo(ctx context.Context, k Known) (Known, error)
}

const (
	settleLocal   = 3 * time.Second
	settleNetwork = 10 * time.Second
	rescanEvery   = 60 * time.Second
	graceTime     = 60 * time.Second
	takers        = 4
)

// withDefaults returns o with the values that stand for 0.
func (o Options) withDefaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	if o.Place == nil {
		o.Place = anyPlace{}
	}
	if o.Place.Network(o.Root) {
		set(&o.Settle, settleNetwork)
	}
	set(&o.Settle, settleLocal)
	set(&o.Rescan, rescanEvery)
	set(&o.Grace, graceTime)
	if o.Takers <= 0 {
		o.Takers = takers
	}
	if o.Name == "" {
		o.Name = o.Into + "\n" + o.Root
	}
	if o.Key == nil {
		o.Key = func(rel string) string { return rel }
	}
	if o.Others == nil {
		o.Others = func(context.Context, int64) (string, error) { return "", nil }
	}
	if o.Ignore == nil {
		o.Ignore = func(string, bool) string { return "" }
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// anyPlace knows files by what every system tells.
type anyPlace struct{}

func (anyPlace) Network(string) bool { return false }

func (anyPlace) Stat(info fs.FileInfo) Stat {
	return Stat{Size: info.Size(), Modified: info.ModTime().UnixNano()}
}
