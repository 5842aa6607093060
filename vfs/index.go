package vfs

import (
	"context"
	"encoding/xml"
	"time"

	"slipway/vfs/blob"
)

// Index is the tree of entries. Paths are absolute, slash-separated and clean;
// names are compared in Unicode normal form C and kept as they were given.
//
// Every error about a path is a *fs.PathError around one of fs.ErrNotExist,
// fs.ErrExist, ErrNotDir, ErrIsDir, ErrNotEmpty or ErrIntoItself.
type Index interface {
	// Lookup returns the entry at path. Where the last element alone is missing,
	// the entry beside fs.ErrNotExist has the directory it would be in as Parent.
	Lookup(ctx context.Context, path string) (Entry, error)
	// List returns up to limit children of dir whose names come after the name
	// after in the index's order ("" to begin). Fewer than limit ends the list.
	List(ctx context.Context, dir ID, after string, limit int) ([]Entry, error)
	// Bytes returns the content of an entry that is Inline.
	Bytes(ctx context.Context, ref blob.Ref) ([]byte, error)
	// Usage returns the sum of the sizes of the files at and below path.
	Usage(ctx context.Context, path string) (int64, error)
	// Properties returns the dead properties of the entries with ids; those that
	// have none, or are gone, are left out.
	Properties(ctx context.Context, ids []ID) (map[ID]map[xml.Name]string, error)
	// Apply makes one change in one transaction, in which the hook takes part,
	// and returns when it is durable. The result is what the change left at the
	// operation's (target) path; replaced reports whether something stood there.
	Apply(ctx context.Context, op Op) (result Entry, replaced bool, err error)
}

// Op is one change of the tree: Put, Mkdir, Remove, Move, Copy, Touch or Patch.
type Op interface{ op() }

// Put names a committed blob. A missing parent is fs.ErrNotExist; a directory at
// Path is ErrIsDir.
type Put struct {
	Path string
	Blob blob.Info
	// Checksums of the bytes that a client sent. Those known of the same bytes
	// that stand at Path already are kept.
	Checksums Checksums
	Type      string    // media type by content
	Modified  time.Time // zero: the time of the transaction
	SameName  SameName
	Settled   bool // see View
	// Errand is told to the Hook; see Change.
	Errand int64
	// IfEntry, if not 0, is the entry that must still stand at Path with bytes
	// IfSum; else the put fails with ErrChanged. In-place writers use it.
	IfEntry ID
	IfSum   blob.Sum
	// Quota is the limit in bytes of everything at and below QuotaRoot after the
	// put (0: none); beyond it the put fails with an ErrQuota.
	Quota     int64
	QuotaRoot string
	LetGo     PartialKey // see Partials; so in the other changes
}

// Mkdir makes a directory; something at Path is fs.ErrExist, a missing parent
// fs.ErrNotExist unless Parents is set (which also accepts a directory at Path).
type Mkdir struct {
	Path    string
	Parents bool
	LetGo   PartialKey
}

// Remove removes what is at Path: a file or an empty directory, or with Tree a
// directory with all below it. The root is fs.ErrPermission.
type Remove struct {
	Path string
	Tree bool
	// IfEntry and IfSum are as in Put.
	IfEntry ID
	IfSum   blob.Sum
	LetGo   PartialKey
}

// Move gives an entry another path, in one row. What stands at To is removed in
// the same transaction if Overwrite is set (with all below it, but for FilesOnly),
// else the move fails with fs.ErrExist. Moving a directory below itself, or a
// child onto its parent, is ErrIntoItself. Renaming an entry to its own path in
// another normal form succeeds.
//
// Where a temporary name is moved onto a file, that file's entry keeps its id and
// gets the bytes, as if they had been put there, and the temporary one's properties
// in place of its own.
type Move struct {
	From, To  string
	Overwrite bool
	// FilesOnly makes a directory with something in it at To ErrNotEmpty.
	FilesOnly bool
	// SameName applies where a file stands at To and Overwrite is set.
	SameName SameName
	LetGo    PartialKey
}

// Copy makes new entries at To that share the blobs of From, under the same
// rules as Move, and have its properties (RFC 4918 §9.8.2), also in place of those
// of a file that stands at To. Shallow copies a directory without its children (WebDAV Depth 0).
type Copy struct {
	From, To  string
	Overwrite bool
	Shallow   bool
	// SameName applies where a file is copied onto a file.
	SameName SameName
	// Quota and QuotaRoot are as in Put.
	Quota     int64
	QuotaRoot string
	LetGo     PartialKey
}

// Touch sets the modification time of the entry at Path.
type Touch struct {
	Path     string
	Modified time.Time
}

// Patch changes dead properties of the entry at Path (RFC 4918 §9.2): those of
// Remove go, where they are there, and then those of Set come or get other values.
// More than PropertiesMax or PropertyBytesMax is ErrProperties. Modified, if not
// zero, becomes the entry's modification time.
type Patch struct {
	Path     string
	Set      map[xml.Name]string
	Remove   []xml.Name
	Modified time.Time
}

func (Put) op()    {}
func (Mkdir) op()  {}
func (Remove) op() {}
func (Move) op()   {}
func (Copy) op()   {}
func (Touch) op()  {}
func (Patch) op()  {}

// ChangeKind says what happened to an entry.
type ChangeKind int

const (
	// Stored: the entry at Path has these bytes now, newly or again.
	Stored ChangeKind = iota
	// Moved: the entry, and with it everything below, came to Path from From.
	Moved
	// Copied: the entry was made at Path, with everything below, from From.
	Copied
	// Removed: these ids are gone; Path is where the topmost of them was.
	Removed
)

// Change tells a Hook of one change.
type Change struct {
	Kind ChangeKind
	// Entry is what stands at Path now; for Removed, the topmost entry as it was.
	Entry Entry
	Path  string
	From  string // for Moved and Copied
	New   bool   // for Stored: the entry was made by it, so nobody knows of its id yet
	IDs   []ID   // for Removed: every file's id that is gone
	Dirs  []ID   // for Removed: every directory's id that is gone
	// Settled, for Stored: the bytes had been left alone for long enough before.
	Settled bool
	// Errand, for Stored, is what File.Errand was told; 0: nothing. The hook may know
	// of whose the bytes are by it.
	Errand int64
}

// Hook takes part in the transaction of each change: what it writes through tx
// is durable together with the change, and its error undoes the change and is
// returned to the caller of Apply.
type Hook func(ctx context.Context, tx Tx, changes []Change) error

// Policy decides which names may appear. vfs knows no routes; package route's
// table is given to it as a Policy.
type Policy interface {
	// Admit reports why a file of size bytes (-1: not known yet) must not appear
	// at path: a *Refusal, or nil. It is asked before the bytes arrive, again
	// with their final size, and when a file is renamed or copied.
	Admit(path string, size int64) error
	// SameName returns the route's rule for path, or false where it has none and
	// the door's own rule stands.
	SameName(path string) (SameName, bool)
}
