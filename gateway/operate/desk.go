package operate

import (
	"context"
	"io"
	"iter"
	"net/netip"
	"time"

	"github.com/spf13/afero"
)

// Desk is what the page and the API show to one user and do for him. Every path is
// one below his home, which is "/" to him; nothing outside of it can be seen,
// searched or changed, nor does any id lead there (it is [NotFound]). What his
// rights do not allow is [Forbidden]. Nothing of it has an address for deletion in
// it. It is safe for concurrent use.
type Desk interface {
	// Me is who asks.
	Me() Person
	// Files returns up to limit (1 to 1000) children of the directory dir, with their
	// uploads, directories first, whose position comes after the cursor after ("":
	// the first).
	Files(ctx context.Context, dir, after string, limit int) (FilePage, error)
	// Find returns uploads, those that changed last first.
	Find(ctx context.Context, q Query) (UploadPage, error)
	// Upload returns one upload.
	Upload(ctx context.Context, id int64) (Upload, error)
	// Act does verb to each of the uploads; see Gateway.Act. At most 1000.
	Act(ctx context.Context, verb Verb, ids []int64) ([]Upload, error)
	// Explain says what becomes, or became, of the file at path.
	Explain(ctx context.Context, path string) (Explanation, error)
	// Follow is Gateway.Follow.
	Follow(ctx context.Context, entry int64) iter.Seq2[Progress, error]
	// Destinations lists the destinations that are configured or have uploads.
	// Counts are of uploads below the home.
	Destinations(ctx context.Context) ([]Destination, error)
	// Pause and Resume stop and start a destination by hand: for those with full
	// rights whose home is "/".
	Pause(ctx context.Context, destination string) error
	Resume(ctx context.Context, destination string) error
	// Transfers returns what is coming in and going out now, the oldest first.
	Transfers(ctx context.Context) ([]Transfer, error)
	// BrokenOff returns what is kept of uploads that broke off before they were whole,
	// and may go on: those that broke off last first, at most 100.
	BrokenOff(ctx context.Context) ([]BrokenOff, error)
	// Changes yields after changes of entries or uploads below the home, and at least
	// every 30 s, until ctx ends. Changes close to each other are one.
	Changes(ctx context.Context) iter.Seq[Change]
	// Connections are the ways in for this user, and what is known of who used them.
	Connections(ctx context.Context) ([]Way, error)
	// Thumbnail returns a small picture of the file with an entry's id, as wide and as
	// high as edge pixels at the most (a multiple of 64, up to 512). [NotFound] where
	// the file is none that can be drawn.
	Thumbnail(ctx context.Context, entry int64, edge int) (Thumbnail, error)
	// FS returns the tree as a door has it for this user: what is written through it
	// is staged, routed, counted and refused as everywhere. The files that it opens
	// for writing have TransferError(error), SetModTime(time.Time) and, after a Close
	// that returned nil, Stored() (entry int64, name string).
	FS(ctx context.Context, from netip.Addr) afero.Fs
	Deletions
	Links
}

// Person is a user as the page shows him.
type Person struct {
	Name   string `json:"name"`
	Rights string `json:"rights"` // full, drop or read
	// Operator: he has full rights on everything, and may steer destinations.
	Operator bool `json:"operator"`
}

// FilePage is a part of a directory.
type FilePage struct {
	Path    string  `json:"path"`
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // the cursor of what follows; "": nothing does
	// Writable: files of some type can be put here.
	Writable bool `json:"writable"`
	// Album is the public address of this folder's gallery; "": it is not public.
	Album string `json:"album,omitempty"`
}

// Query selects uploads. The zero value selects all.
type Query struct {
	States      []string  `json:"states,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Path        string    `json:"path,omitempty"` // a file, or a directory with all below it
	Text        string    `json:"text,omitempty"` // words that the file's name or path has, in any case
	Since       time.Time `json:"since,omitzero"` // changed then or later
	Before      time.Time `json:"before,omitzero"`
	Present     bool      `json:"present,omitempty"` // of files' present bytes only
	NoURL       bool      `json:"no_url,omitempty"`  // of those only that are done without a URL
	After       string    `json:"after,omitempty"`   // the cursor of the page before
	Limit       int       `json:"limit,omitempty"`   // 1 to 1000; 0: 100
}

// UploadPage is a part of what a Query selects.
type UploadPage struct {
	Uploads []Upload `json:"uploads"`
	Next    string   `json:"next,omitempty"` // the cursor of what follows; "": nothing does
	// Partly: the search was cut short to answer in time. Uploads may be empty
	// then, and still Next goes on.
	Partly bool `json:"partly,omitempty"`
}

// Directions of a Transfer.
const (
	Incoming = "in"
	Outgoing = "out"
)

// Transfer is one file on its way, now.
type Transfer struct {
	ID        string    `json:"id"` // of this transfer, while it lasts
	Direction string    `json:"direction"`
	Path      string    `json:"path"`
	Door      string    `json:"door,omitempty"`        // of an incoming one: webdav, ftp, watch, page, api
	User      string    `json:"user,omitempty"`        // of an incoming one
	Upload    int64     `json:"upload,omitempty"`      // of an outgoing one
	To        string    `json:"destination,omitempty"` // of an outgoing one
	Done      int64     `json:"done"`                  // bytes
	Size      int64     `json:"size"`                  // bytes; -1: not known
	Started   time.Time `json:"started"`
	Rate      float64   `json:"rate"` // bytes a second, lately
}

// BrokenOff is what is kept of an upload that broke off. Its file is not there yet, or
// is still the earlier one.
type BrokenOff struct {
	Path  string    `json:"path"` // where the file is to be, in normal form C
	User  string    `json:"user"`
	From  string    `json:"from,omitempty"` // the address, or network, that it may go on from; "": any, or not told
	Size  int64     `json:"size"`           // bytes that are kept
	Since time.Time `json:"since"`          // when it broke off
	Until time.Time `json:"until"`          // when it is let go
}

// Change says what changed. All: it may be anything.
type Change struct {
	All     bool    `json:"all,omitempty"`
	Entries []int64 `json:"entries,omitempty"` // whose uploads, names or bytes changed
}

// Way is a Connection with what is known of its use by this user.
type Way struct {
	Connection
	// Last is when the user last signed in this way, or was turned away: the latest
	// of both. Worked: he got in. Error says in plain words why not.
	Last   time.Time `json:"last,omitzero"`
	Worked bool      `json:"worked"`
	Client string    `json:"client,omitempty"` // what the program called itself
	Error  string    `json:"error,omitempty"`
}

// Thumbnail is a small picture.
type Thumbnail struct {
	Type     string // media type
	ETag     string // quotes included
	Modified time.Time
	Content  io.ReadSeekCloser
}
