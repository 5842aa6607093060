// Package watch takes files from folders of this machine: whatever settles in one
// is put into the virtual filesystem as by any other door.
//
// A Folder scans; events only make it look sooner (see package notice). What it
// took it keeps in a Memory, so that nothing is taken twice, a rename is a rename,
// and what was removed by us is never taken for something that a person did.
package watch

import "context"

// Stat tells a file's bytes from others without reading them, as far as that can
// be done. Two equal Stats of one path, with settle time between them, are a file
// at rest.
type Stat struct {
	Device, Inode uint64
	Size          int64 // bytes
	Modified      int64 // mtime, nanoseconds since the Unix epoch
	Changed       int64 // ctime, likewise; 0 where the system has none
}

// State is what became of a file that a folder remembers.
type State string

const (
	// Taking: its bytes are about to be put into the virtual filesystem at its path; a
	// crash may have come before or after that. Entry is 0 if it had none before.
	Taking State = "taking"
	// Taken: its bytes are in the virtual filesystem, and it stands in the folder.
	Taken State = "taken"
	// Removing: we are about to remove or move it away (`after`); a crash may have
	// come before or after that.
	Removing State = "removing"
	// Removed: we have. That it is missing says nothing.
	Removed State = "removed"
	// Missing: it is not there any more since Known.Since, and we did not do it.
	Missing State = "missing"
	// Gone: it has been missing for longer than the grace time, and what follows
	// from that is done.
	Gone State = "gone"
)

// Known is what is remembered of one file of a folder.
type Known struct {
	Path  string // below the folder, separated by slashes: "2026/a.jpg"
	Stat  Stat
	Sum   [32]byte // SHA-256 of the bytes as they were taken
	Entry int64    // of the virtual filesystem, from 1; 0: not known, as a crash came while it was Taking
	State State
	Since int64 // when State began, nanoseconds since the Unix epoch
	// Done: nothing is left to be done for it (sidecars, `after`) unless its uploads
	// change.
	Done bool
	// Beside are the sidecars that we wrote for it, as paths below the folder, with
	// the sums of what we wrote: what was changed since is not ours any more.
	Beside map[string][32]byte
}

// Memory remembers the files of folders, durably: each method returns when what it
// wrote cannot be lost any more. A folder is named by its path into the virtual
// filesystem and on disk, as the configuration has them. It is safe for concurrent
// use.
type Memory interface {
	// Dir returns what is remembered of the files directly in dir ("" is the folder
	// itself), in the order of their names.
	Dir(ctx context.Context, folder, dir string) ([]Known, error)
	// Dirs returns the directories below the folder that files are remembered of
	// whose state is Taking, Taken, Removing or Missing, in order.
	Dirs(ctx context.Context, folder string) ([]string, error)
	// Below returns up to limit of those in dir and all directories below it whose
	// path comes after the path after ("": from the first), in the order of paths.
	Below(ctx context.Context, folder, dir, after string, limit int) ([]Known, error)
	// Twins returns those with an inode of a device, and those with a sum.
	Twins(ctx context.Context, folder string, device, inode uint64, sum [32]byte) ([]Known, error)
	// Entries returns those whose entry is among ids.
	Entries(ctx context.Context, folder string, ids []int64) ([]Known, error)
	// Open returns up to limit of those that are not Done, after a path as in Below.
	Open(ctx context.Context, folder, after string, limit int) ([]Known, error)
	// Store remembers and forgets, in one transaction. What was known by a path of
	// remember is replaced.
	Store(ctx context.Context, folder string, remember []Known, forget []string) error
	// Rename gives what is known at or below one path another: a directory was
	// renamed. What was known at the other path is forgotten. Paths of Beside that lie
	// at or below the one change likewise.
	Rename(ctx context.Context, folder, from, to string) error
	// Count returns how many are remembered in each state.
	Count(ctx context.Context, folder string) (map[State]int, error)
}

// Outcome is how the present bytes of one entry stand.
type Outcome struct {
	Path string   // below Into; "": the entry is gone, or lies elsewhere now
	Sum  [32]byte // of its bytes
	// Owed is to how many destinations the bytes are owed, Done how many have them
	// and told their URL. Complete: Owed is at least 1 and all of them are Done.
	Owed, Done int
	Complete   bool
	// Trouble: something failed, is held or waits for another try.
	Trouble bool
	Changed int64 // when anything of this last did, nanoseconds since the Unix epoch
}

// Outcomes tells what becomes of what was taken.
type Outcomes interface {
	// Outcomes returns how entries stand; those that are gone are left out.
	Outcomes(ctx context.Context, entries []int64) (map[int64]Outcome, error)
	// Changes calls changed with entries whose outcome may have changed since the
	// call before, and with nil where that may be any, first of all at the beginning,
	// until ctx ends. It is a hint: the periodic scan looks again at everything.
	Changes(ctx context.Context, changed func(entries []int64)) error
}
