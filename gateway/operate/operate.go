// Package operate is what commands ask of a gateway: the same words whether it
// runs in another process, reached over its control socket, or was opened by the
// command itself.
package operate

import (
	"context"
	"io"
	"iter"
	"time"
)

// Gateway answers the commands. Errors are for people and say what to do next.
type Gateway interface {
	// Status says what runs where.
	Status(ctx context.Context) (Status, error)
	// Uploads lists uploads, oldest first.
	Uploads(ctx context.Context, f Filter) iter.Seq2[Upload, error]
	// Act does verb to each of the uploads, or to all that f selects where ids is
	// empty, and yields each as it stands afterwards. An upload that the verb does
	// not apply to is yielded with its Refused set, and the others go on.
	Act(ctx context.Context, verb Verb, ids []int64, f Filter) iter.Seq2[Upload, error]
	// List lists a directory, or the one file at path.
	List(ctx context.Context, path string) iter.Seq2[Entry, error]
	// Explain says what becomes, or became, of the file at path.
	Explain(ctx context.Context, path string) (Explanation, error)
	// Put stores size bytes of r (-1: until it ends) at path, through the same
	// staged file as every door, making the folders that are missing. Bytes that
	// end early change nothing.
	Put(ctx context.Context, path string, size int64, modified time.Time, r io.Reader) (Entry, error)
	// Follow yields the uploads of an entry each time they change, until none of
	// them is on its way any more: each is done, awaiting, held, failed,
	// ambiguous, superseded or dropped.
	Follow(ctx context.Context, entry int64) iter.Seq2[Progress, error]
	// Destinations lists the destinations that are configured or have uploads.
	Destinations(ctx context.Context) ([]Destination, error)
	// Pause and Resume stop and start a destination by hand.
	Pause(ctx context.Context, destination string) error
	Resume(ctx context.Context, destination string) error
	// Reload reads certificates and configuration again; see Reloaded.
	Reload(ctx context.Context) (Reloaded, error)
}

// Verb is what can be done to an upload.
type Verb string

const (
	Retry   Verb = "retry"   // failed, held, ambiguous or waiting: try now, with fresh tries
	Hold    Verb = "hold"    // waiting: not before it is released
	Release Verb = "release" // held: go on
	Drop    Verb = "drop"    // not sent yet: never; the file stays
)

// Filter selects uploads. The zero value selects all.
type Filter struct {
	States      []string `json:"states,omitempty"`
	Destination string   `json:"destination,omitempty"`
	Path        string   `json:"path,omitempty"` // a file, or a directory with all below it
	Limit       int      `json:"limit,omitempty"`
}

// Upload is one row as commands show it.
type Upload struct {
	ID          int64     `json:"id"`
	Path        string    `json:"path"`
	Destination string    `json:"destination"`
	State       string    `json:"state"`
	Reason      string    `json:"reason"`
	Attempts    int       `json:"attempts"`
	Due         time.Time `json:"due,omitzero"` // the next try
	URL         string    `json:"url"`
	ViewerURL   string    `json:"viewer_url,omitempty"`
	Error       string    `json:"error"`
	Remedy      string    `json:"remedy,omitempty"`
	Size        int64     `json:"size"` // bytes
	SHA256      string    `json:"sha256"`
	Present     bool      `json:"present"` // these are the file's present bytes
	// Refused says why Act did nothing to it.
	Refused string `json:"refused,omitempty"`
}

// Entry is a file or directory as commands show it.
type Entry struct {
	ID       int64     `json:"id"`
	Path     string    `json:"path"`
	Dir      bool      `json:"dir"`
	Size     int64     `json:"size"` // bytes
	SHA256   string    `json:"sha256,omitempty"`
	Type     string    `json:"type,omitempty"`
	Modified time.Time `json:"modified"`
	Uploads  []Upload  `json:"uploads,omitempty"`
}

// Progress is how the uploads of one entry stand.
type Progress struct {
	Uploads []Upload `json:"uploads"`
	// Sent is how many bytes of each upload's present attempt have gone out, by id.
	Sent map[int64]int64 `json:"sent,omitempty"`
}

// Explanation says for one path which route takes it and what it waits for.
type Explanation struct {
	Path     string            `json:"path"`
	Entry    *Entry            `json:"entry,omitempty"` // nil: nothing is there
	Route    int               `json:"route"`           // from 1; 0: none matches
	Pattern  string            `json:"pattern,omitempty"`
	Captures map[string]string `json:"captures,omitempty"`
	Refused  string            `json:"refused,omitempty"` // why such a file would not be accepted
	Why      string            `json:"why,omitempty"`     // why nothing is owed
	Takes    []Taker           `json:"destinations,omitempty"`
}

// Taker is one destination of an Explanation.
type Taker struct {
	Destination string            `json:"destination"`
	Owed        bool              `json:"owed"`
	Why         string            `json:"why,omitempty"` // why it is not owed
	Held        string            `json:"held,omitempty"`
	Remedy      string            `json:"remedy,omitempty"`
	Keys        map[string]string `json:"keys,omitempty"` // what would be sent beside the picture
	Upload      *Upload           `json:"upload,omitempty"`
	Waiting     string            `json:"waiting,omitempty"` // in plain words, for what
}

// Destination is one destination's state.
type Destination struct {
	Name       string         `json:"name"`
	Driver     string         `json:"driver"`
	Host       string         `json:"host"`
	Configured bool           `json:"configured"`
	Paused     bool           `json:"paused"`
	Since      time.Time      `json:"since,omitzero"`
	Probe      time.Time      `json:"probe,omitzero"` // when it is tried again
	Error      string         `json:"error,omitempty"`
	Remedy     string         `json:"remedy,omitempty"`
	Counts     map[string]int `json:"counts"` // uploads by state
}

// Status is what runs where.
type Status struct {
	Version   string            `json:"version"`
	PID       int               `json:"pid"`
	Started   time.Time         `json:"started"`
	Serving   bool              `json:"serving"` // doors are open
	Addresses map[string]string `json:"addresses,omitempty"`
	Connect   []Connection      `json:"connect,omitempty"` // for people, best first
	DataDir   string            `json:"data_dir"`
}

// Connection is a way in as people set it up, under the address that they use.
type Connection struct {
	Door        string `json:"door"`                  // WebDAVDoor or FTPDoor
	URL         string `json:"url,omitempty"`         // of WebDAV's root
	Host        string `json:"host"`                  // name or address
	Port        int    `json:"port"`                  // 1 to 65535
	Security    string `json:"security"`              // NoTLS, ExplicitTLS or ImplicitTLS
	Fingerprint string `json:"fingerprint,omitempty"` // SHA-256 of a self-signed certificate
}

// What a Connection says.
const (
	WebDAVDoor = "webdav"
	FTPDoor    = "ftp"

	NoTLS       = "none"
	ExplicitTLS = "explicit" // AUTH TLS (RFC 4217)
	ImplicitTLS = "implicit" // from the first byte, as HTTPS does
)

// Reloaded says what Reload took over, and what needs a restart.
type Reloaded struct {
	Changed []string `json:"changed"`
	Restart []string `json:"restart,omitempty"`
}
