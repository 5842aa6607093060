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
	// ExplainFile says how a file of this machine stands that lies in a watched folder,
	// by its absolute path, and what becomes of it. [NotFound]: it lies in none.
	ExplainFile(ctx context.Context, file string) (Explanation, error)
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
	// Tokens lists the tokens and sessions of a user, of all where user is "", the
	// newest first.
	Tokens(ctx context.Context, user string) ([]Token, error)
	// AddToken makes a token.
	AddToken(ctx context.Context, t NewToken) (IssuedToken, error)
	// RevokeToken ends the token with an id, of a user's, or of any where user is "".
	RevokeToken(ctx context.Context, user, id string) error
	// Reload reads certificates and configuration again; see Reloaded.
	Reload(ctx context.Context) (Reloaded, error)
	// Watches lists the watched folders.
	Watches(ctx context.Context) ([]Watch, error)
	// Import takes what is in watched folders now, and waits until all of it is where
	// it is owed to, or cannot be. It yields how far it has come, and for each folder
	// ends with a summary. A folder that is not watched is [Usage].
	Import(ctx context.Context, o ImportOptions) iter.Seq2[Import, error]
	// ReleaseWatch lets follow what the brake on mass deletes keeps in a watched folder.
	ReleaseWatch(ctx context.Context, folder string) error
	// Replay owes the files below a path to a destination, whatever their routes say,
	// and yields what it does and how far it has come; the last is a summary. Doing it
	// again, or ending it in the middle, harms nothing. A destination that there is not
	// is [Usage], a path without anything [NotFound].
	Replay(ctx context.Context, o ReplayOptions) iter.Seq2[Replay, error]
	// Map yields the addresses of the files below a path at two destinations. Files
	// that the first has not given an address are left out. A destination that nothing
	// is known of is [Usage].
	Map(ctx context.Context, o MapOptions) iter.Seq2[Mapped, error]
	Deletions
	Links
}

// Window is a limit on requests to a host within a rolling span of time.
type Window struct {
	Per   time.Duration `json:"per"` // nanoseconds
	Limit int           `json:"limit"`
	Used  int           `json:"used"`
}

// Verb is what can be done to an upload.
type Verb string

const (
	Retry   Verb = "retry"   // failed, held, ambiguous or waiting: try now, with fresh tries; done without a URL: send again
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
	Entry       int64     `json:"entry,omitempty"`
	Type        string    `json:"type,omitempty"`          // media type by content
	Thumbnail   string    `json:"thumbnail_url,omitempty"` // the host's
	Changed     time.Time `json:"changed,omitzero"`        // when anything of this last did
	SentAt      time.Time `json:"sent_at,omitzero"`
	// DeletedAt is since when the host does not have the picture any more, as it was
	// deleted by us or other bytes took its place. It has no URL then.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	// Late: a replay owes it, and what comes in meanwhile goes first.
	Late bool `json:"late,omitempty"`
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
	// Links is, of a file with links in a folder's list, how many of them are in each of
	// LinkStates. A file that is not read yet, or cannot be, counts as one.
	Links map[string]int `json:"links,omitempty"`
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
	Local    *LocalFile        `json:"local,omitempty"` // of ExplainFile
	Entry    *Entry            `json:"entry,omitempty"` // nil: nothing is there
	Route    int               `json:"route"`           // from 1; 0: none matches
	Pattern  string            `json:"pattern,omitempty"`
	Captures map[string]string `json:"captures,omitempty"`
	Refused  string            `json:"refused,omitempty"` // why such a file would not be accepted
	Why      string            `json:"why,omitempty"`     // why nothing is owed
	Bytes    string            `json:"bytes,omitempty"`   // where they are, if not here any more, or what became of them
	Takes    []Taker           `json:"destinations,omitempty"`
	Links    []Link            `json:"links,omitempty"` // of a file with links, and what became of them
	// Deletions are those to come, or that failed, of pictures of the files at Path.
	Deletions []Deletion `json:"deletions,omitempty"`
}

// Link is one link of a file with links.
type Link struct {
	URL     string    `json:"url,omitempty"` // "": this is about the file itself
	State   string    `json:"state"`         // settling, done, skipped, failed; of the file, plain: it holds no links
	Picture string    `json:"picture,omitempty"`
	Error   string    `json:"error,omitempty"`
	Remedy  string    `json:"remedy,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"`
	// Fetching: it is being fetched now.
	Fetching bool `json:"fetching,omitempty"`
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
	// Windows are the host's limits on requests, and how much of each is used.
	Windows  []Window  `json:"windows,omitempty"`
	LastDone time.Time `json:"last_done,omitzero"` // when a picture was last taken
	// LastFailed and LastError are of the last request that did not end well.
	LastFailed time.Time `json:"last_failed,omitzero"`
	LastError  string    `json:"last_error,omitempty"`
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
	Webhooks  []Webhook         `json:"webhooks,omitempty"`
	Watches   []Watch           `json:"watches,omitempty"` // the watched folders
	Keeping   []Keeping         `json:"keeping,omitempty"` // how what is kept stands to sizes that are exceeded
}

// Keeping is how the bytes that one `keep` with a size governs stand to it.
type Keeping struct {
	Setting string `json:"setting"` // "storage.keep" or "keep of route 2"
	Keep    string `json:"keep"`    // what it says
	Limit   int64  `json:"limit"`   // bytes
	Kept    int64  `json:"kept"`    // bytes of files over 64 KiB
	Going   int64  `json:"going"`   // of them, within the next half hour
	Over    int64  `json:"over"`    // bytes that are too many and have to stay for now
	Text    string `json:"text"`    // the same, and why they stay
}

// Webhook is how the messages of one stand.
type Webhook struct {
	Name    string    `json:"name"`
	Waiting int       `json:"waiting"`
	GivenUp int       `json:"given_up"`
	Oldest  time.Time `json:"oldest,omitzero"` // when the one that waits longest came
	Error   string    `json:"error,omitempty"` // of one that failed
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
