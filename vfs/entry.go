// Package vfs is the virtual filesystem: a tree of entries that name immutable
// blobs, changed only by transactions.
//
// [FS] is an afero.Fs over an [Index] (names) and a blob.Store (bytes). Whatever
// is written goes into a staged file outside the tree; closing it commits the
// bytes and the name in one transaction, in which the [Hook] above (the ledger
// of uploads) takes part, and TransferError before Close aborts it. A reader
// sees either the old file or the new one, whole.
package vfs

import (
	"math"
	"time"

	"slipway/vfs/blob"
)

// ID identifies an entry from its creation to its removal, across renames and
// moves. Ids are positive and never used again. The root is entry 1.
type ID int64

// Root is the id of the directory "/".
const Root ID = 1

// Entry is one name in the tree: a directory, or a file that names a blob.
type Entry struct {
	ID     ID
	Parent ID     // 0 for the root
	Name   string // as it was given; "" for the root
	Dir    bool

	// The following are zero for directories.
	Blob   blob.Ref
	Inline bool  // the bytes are in the index, not in the blob store
	Size   int64 // bytes
	SHA256 blob.Sum
	// Checksums are those of the bytes that a client sent.
	Checksums Checksums
	Type      string // media type by content, such as "image/jpeg"

	Modified time.Time // as a client set it, or else when it was committed
	Created  time.Time
}

// ETag returns the entity tag of e's bytes (RFC 9110 §8.8.3), quotes included:
// strong, and the same for the same bytes whatever their name or time. It is ""
// for a directory.
func (e Entry) ETag() string {
	if e.Dir || e.SHA256.IsZero() {
		return ""
	}
	return `"` + e.SHA256.String()[:32] + `"`
}

// Timestamp returns t as the index keeps times, in nanoseconds since the Unix epoch
// as an int64: before 1677 and after 2262 the nearest that there is, and for the
// epoch itself, which stands for none there, the nanosecond after it.
func Timestamp(t time.Time) time.Time {
	first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	switch {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	case t.UnixNano() == 0:
		return time.Unix(0, 1)
	}
	return t
}

// SameName says what becomes of the file that stands where a new one is put.
type SameName int

const (
	// Replace gives the entry new bytes; it keeps its id.
	Replace SameName = iota
	// Version renames the earlier entry to the next free number, as in
	// "DSC_0001 (1).JPG", which keeps its id and its uploads, and puts a new
	// entry in its place. An empty entry, or one with the same bytes, is replaced.
	Version
	// NextFree puts the new entry under the next free number instead.
	NextFree
	// Refuse fails with fs.ErrExist.
	Refuse
)
