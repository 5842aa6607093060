package uploader

import "context"

// Owed is one destination that a file is owed to.
type Owed struct {
	Destination string
	Host        string // Properties.Host of its driver
	Order       int    // its place in the route's `to`, from 0
}

// What to do where the host has the same bytes already, and where a reply was
// lost and the retry is called a duplicate (see the configuration).
const (
	ReuseDuplicate   = "reuse"
	NewCopyDuplicate = "new-copy"
	HoldDuplicate    = "hold"

	// What becomes of a file's pictures at the hosts when it is removed, and of its
	// earlier ones when it is overwritten.
	KeepHosted   = "keep"
	DeleteHosted = "delete"     // of on_delete
	DeleteOld    = "delete-old" // of on_replace

	// What is taken out of a picture before it is sent.
	StripNone = "none"
	StripGPS  = "gps" // where it was taken
	StripAll  = "all" // everything that its display does not need

	NoURLLostReply   = "no-url"
	NewCopyLostReply = "new-copy"
	HoldLostReply    = "hold"
)

// Plan is how one upload is to be sent, as configuration, folder and file say now.
type Plan struct {
	Keys        Keys
	OnDuplicate string
	OnLostReply string
	OnReplace   string // KeepHosted or DeleteOld
	Strip       string // StripNone, StripGPS or StripAll
	Rotate      bool   // turn the pixels upright where the host drops the orientation
}

// Hold is the error of an upload that must wait for a person. Text says what is
// wrong, Remedy what to do.
type Hold struct {
	Reason string // one of the Reason constants
	Text   string
	Remedy string
}

// Error returns the text for people.
func (h *Hold) Error() string { return h.Text }

// Router knows which files go where and with what. Package route's Table is one.
// It is safe for concurrent use.
type Router interface {
	// Owed returns the destinations that a file at path is owed to, in the order
	// of its route: none where no route matches, the name is junk or temporary,
	// the file is empty, or no destination takes the type.
	Owed(path, mediaType string, size int64) []Owed
	// Plan returns how u, whose entry is at u.Path, is to be sent to
	// u.Destination. It evaluates the route's templates and the folders'
	// .album.toml anew each time; metadata is called at most once, and only where
	// a template asks for it. A *Hold says that it must wait; a *Error of kind
	// Permanent that the route rejects it (on_unknown = "reject"); other errors
	// are temporary.
	Plan(ctx context.Context, u Upload, metadata func() (map[string]string, error)) (Plan, error)
	// OnDelete returns what becomes of what the hosts have of a file at path when it is
	// removed: KeepHosted, as where no route matches, or DeleteHosted.
	OnDelete(path string) string
	// Links reports whether a file at path is one with links to pictures, which are
	// fetched and forwarded in its place. Nothing is Owed for the file itself.
	Links(path string) bool
}
