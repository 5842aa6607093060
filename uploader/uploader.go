// Package uploader forwards files to image hosts, each once.
//
// An [Upload] is certain bytes of one entry owed to one destination. Its row in
// the [Ledger] is the job, the receipt and what a sidecar shows. A [Worker] per
// destination claims rows that are due, hands each as a [Picture] to the
// destination's [Driver], and records what came of it.
package uploader

import (
	"context"
	"io"
	"time"

	"slipway/vfs/blob"
)

// Driver speaks one upload API for one account. It is safe for concurrent use.
type Driver interface {
	// Properties says what this host does and wants. It never changes.
	Properties() Properties
	// Send makes one attempt: one request that carries the picture (and at most
	// harmless probes beside it). It never retries the bytes by itself.
	//
	//  1. The host has the picture: a Result, whose Awaiting is set where it is
	//     not public yet.
	//  2. Anything else: an *Error, whose Kind says whose fault it was and
	//     whether the host may have the picture all the same (Ambiguous). Other
	//     errors count as Temporary.
	//  3. ctx ended: as 2; the driver judges by how far the body had come.
	//
	// No error and no result contains a secret.
	Send(ctx context.Context, p Picture) (Result, error)
}

// Checker is a Driver that can ask its host, without uploading anything, whether
// the account works. A nil error means yes. Kinds are as in Send; Refused means
// the host answered and does not accept the key. Notes say, a sentence each,
// what cannot be known from outside.
type Checker interface {
	Check(ctx context.Context) (notes []string, err error)
}

// Finder is a Driver that can look for a picture whose reply was lost.
type Finder interface {
	// Find returns the picture that an earlier Send of p made, or false where
	// the host does not have it or does not say.
	Find(ctx context.Context, p Picture) (Result, bool, error)
}

// Deleter is a Driver that can delete a picture at its host, where its Properties say
// Deletes.
type Deleter interface {
	// Delete deletes what Send answered with. It may be called again for the same.
	//
	//  1. nil: the host does not have the picture any more, by this call or before it.
	//  2. Permanent: the host will not delete it (it has no DeleteURL, say).
	//  3. Anything else: kinds as in Send; the host may have deleted it all the same.
	//
	// No error contains a secret, and so no DeleteURL.
	Delete(ctx context.Context, r Result) error
}

// Namer is a Driver whose addresses show the name of the file, and that gives the same
// bytes as many addresses as it is asked for.
type Namer interface {
	// Named reports whether a picture's address is of a file of that name. Where it is
	// not, the same bytes get one that is: nobody sees the name of another's file.
	Named(r Result, name string) bool
}

// Picture is what a Driver sends: bytes that never change, and what to say of them.
type Picture struct {
	// Upload is unique to this upload and the same for each of its attempts: 26
	// letters and digits.
	Upload string
	Name   string // the file's name as people see it; drivers make it safe
	Type   string // media type by content, such as "image/jpeg"
	Size   int64  // bytes; never 0
	SHA256 blob.Sum
	Keys   Keys
	// Replaces is the host's id of the picture whose place this one is to take, where
	// the driver's Properties say Replaces; "": none. What cannot be replaced is sent
	// as a new picture, and the Result says so in a note.
	Replaces string
	// Open reads the bytes from their start. Each call gives a reader of its own.
	Open func(ctx context.Context) (io.ReadSeekCloser, error)
	// BeforeLastByte, if not nil, is to be called exactly once per Send, before
	// the last byte of the request's body goes out; package form does. When it
	// fails, the body must fail with that error, so that the host never gets
	// whole what the ledger has not recorded.
	BeforeLastByte func() error
	// Progress, if not nil, hears how many bytes of the body have gone out.
	Progress func(sent int64)
}

// Keys is what a route, a folder or the file itself says about an upload. The
// zero value of each is "not said".
type Keys struct {
	AlbumID     string
	CategoryID  string
	Title       string
	Description string
	Tags        []string
	NSFW        bool
	// Expiration is an ISO 8601 duration ("PT5M", "P3D") or a number of seconds.
	Expiration  string
	Width       int // pixels
	UseFileDate bool
}

// Result is a picture at a host.
type Result struct {
	ID           string // the host's id
	URL          string // the picture itself, percent-escaped
	ViewerURL    string // a page about it
	ThumbnailURL string
	// DeleteURL deletes the picture for whoever opens it. It is kept in the
	// database only.
	DeleteURL string
	// Awaiting: the host has it and shows it to nobody until somebody approves.
	Awaiting bool
	// Identical: the host said by its own hash that it holds the very bytes.
	Identical bool
	// Existing: the host already had these bytes and answered with that picture.
	Existing bool
	// Replaced: it took the place of Picture.Replaces at the host, whose address it has.
	Replaced bool
	// Expires is when the host deletes the picture; zero: never.
	Expires time.Time
	// Notes are sentences for the receipt.
	Notes []string
}

// Properties is what is different about a host, as data.
type Properties struct {
	Driver string // "local", "chevereto", "anqicms", "custom"
	// Host is the host's address in lower case, port included where it is not the
	// scheme's: what duplicates and rates are counted by.
	Host string
	// Idempotent: the same bytes again give the same picture and URL, so a lost
	// reply is simply sent again.
	Idempotent bool
	// RefusesRepeats is how long the host refuses bytes that it has seen; 0: it
	// does not.
	RefusesRepeats time.Duration
	// OnePlace: a picture is in one category at a time, and sending its bytes
	// with another would move it there.
	OnePlace bool
	// Deletes: the driver is a Deleter, and its host lets it delete.
	Deletes bool
	// Replaces: pictures can take the place of earlier ones and keep their address.
	Replaces bool
	// KeepsBytes: where a Result is Identical, its URL gives the very bytes for as long
	// as the picture is there, so that they need not be kept here too.
	KeepsBytes bool
	// Unrotates: the host drops what Exif says of a picture's orientation, and shows it
	// as its pixels lie.
	Unrotates bool
	// HoldsBlob: a hosted picture is served from our own blob, which must stay.
	HoldsBlob bool
	// Types are the media types that the host takes ("image/jpeg", "video/*");
	// none: all.
	Types []string
	// RefusedExtensions are lower-case extensions that it never takes (".php").
	RefusedExtensions []string
	// MaxSize in bytes is a limit known beforehand; 0: not known.
	MaxSize int64
	// Keys names the per-upload keys, as in the configuration, that have an effect.
	Keys []string
	// Limits that the host is known to apply by default.
	Limits Limits
}

// Limits bound what goes to one host, over all accounts on it. 0 is no limit.
type Limits struct {
	PerMinute, PerHour, PerDay int   // requests in a rolling window
	Concurrency                int   // requests at a time
	Bandwidth                  int64 // bytes a second
}
