package uploader

import (
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// State is where an upload stands.
type State string

const (
	// Settling: waiting for its due time, to be settled and whole; also between
	// attempts.
	Settling State = "settling"
	// Sending: claimed by a worker.
	Sending State = "sending"
	// Held: waiting for a person or for the file to change; Reason says why.
	Held State = "held"
	// Awaiting: at the host, not public until somebody there approves.
	Awaiting State = "awaiting"
	// Done: at the host.
	Done State = "done"
	// Failed: given up; the file's fault, or too many tries.
	Failed State = "failed"
	// Ambiguous state: the reply was lost; the host may have it.
	AmbiguousState State = "ambiguous"
	// Superseded: other bytes or another route took its place before it was sent.
	Superseded State = "superseded"
	// Dropped: its file was removed, or a person let it go, before it was sent.
	Dropped State = "dropped"
)

// States lists all of them, in the order people see them.
var States = []State{Settling, Sending, Held, Awaiting, Done, Failed, AmbiguousState, Superseded, Dropped}

// Live reports whether s may still lead to a request, so that its bytes are kept.
func (s State) Live() bool {
	switch s {
	case Settling, Sending, Held, Failed, AmbiguousState:
		return true
	}
	return false
}

// Reasons why an upload is held or waits; a stable word each, for scripts.
const (
	ReasonQuiet     = "quiet"               // settling: the quiet time has not passed
	ReasonReplay    = "replay"              // settling: owed by a replay; what comes in goes first
	ReasonBackoff   = "backoff"             // settling: a temporary error, next try at Due
	ReasonNotWhole  = "not-whole"           // held: the file ends before its format says
	ReasonLocked    = "locked"              // settling: a client holds a lock
	ReasonNoAlbum   = "no-album"            // held: on_unknown = "hold"
	ReasonByHand    = "by-hand"             // held: queue hold
	ReasonType      = "type"                // held: no place for this type at the destination
	ReasonSettings  = "settings"            // held: a per-upload key is invalid
	ReasonDuplicate = "duplicate-elsewhere" // held: the host has the bytes, we do not know where
	ReasonRepeat    = "duplicate"           // held: on_duplicate = "hold"
	ReasonNoCopy    = "no-copy"             // held: new-copy has no place for a comment in this format
	ReasonLostReply = "lost-reply"          // held or ambiguous: the reply was lost
	ReasonGone      = "destination-removed" // settling: the configuration has no such destination now
	ReasonPaused    = "destination-paused"  // settling, as shown: the destination is paused
	ReasonSlowDown  = "host-paused"         // settling, as shown: the host asked to slow down
	ReasonMoved     = "moved"               // superseded: the file moved to another route
	ReasonReplaced  = "replaced"            // superseded: the file has other bytes now
	ReasonRemoved   = "removed"             // dropped: the file was removed
	ReasonNoURL     = "no-url"              // done, but the reply with the URL was lost
	ReasonReused    = "reused"              // done without a request: the host had it from us
	ReasonAway      = "bytes-away"          // held: the bytes were let go here, and are not elsewhere any more
	ReasonStrip     = "strip"               // held: what the route takes out cannot be taken out of this file
	ReasonSameBytes = "same-bytes"          // settling: the same bytes are on their way to this host
)

// Upload is one row of the ledger.
type Upload struct {
	ID          int64
	Key         string // 26 letters and digits, unique; Picture.Upload
	Entry       vfs.ID
	Path        string // where the entry is now, or was last
	Destination string
	Host        string
	Blob        blob.Ref // "" once nothing is owed any more
	Inline      bool
	SHA256      blob.Sum
	Size        int64
	Type        string
	State       State
	Reason      string
	Error       string // in plain words; "" if none
	Remedy      string
	Attempts    int  // requests made so far
	Tries       int  // of those, failures since the last fresh start; see Config.Tries
	Order       int  // the destination's place in its route's `to`, from 0
	Unusual     int  // Unusual errors in a row
	Copy        int  // copy number of on_duplicate = "new-copy"; 0: the bytes as they are
	Late        bool // a replay owes it: what comes in goes first
	Present     bool // these are the entry's present bytes
	Due         time.Time
	Created     time.Time
	Changed     time.Time // when anything that people see of it did
	Sent        time.Time // when the last attempt's body was complete
	Finished    time.Time
	Lost        time.Time // when a reply was first lost that is still unexplained; else zero
	Released    bool      // a person let it go on; checks that hold it again are skipped
	Notes       []string  // sentences for the receipt
	Album       string    // as sent
	Category    string
	Picture     *Hosted // where Done or Awaiting and known
}

// Hosted is one picture at a host, which uploads refer to.
type Hosted struct {
	ID          int64
	Host        string
	Destination string
	SHA256      blob.Sum
	Album       string
	Category    string
	Created     time.Time
	Expires     time.Time // zero: never
	Deleted     time.Time // zero: not deleted by us
	// Prepared is how the bytes that were sent differ from the file's, as Prepared.How;
	// "": not.
	Prepared string
	Fate     Fate // "": it is as it was
	Result
}
