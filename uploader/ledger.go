package uploader

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrLost is returned for a write about a claim that is no longer the
	// caller's: the lease ran out or somebody else decided. Nothing was written.
	ErrLost = errors.New("the claim was lost to somebody else")
	// ErrNoUpload is returned for an upload that the ledger does not have.
	ErrNoUpload = errors.New("no such upload")
	// ErrPaused is returned by Claim for a destination that is paused.
	ErrPaused = errors.New("the destination is paused")
	// ErrState is wrapped where an operation does not apply to an upload's state.
	ErrState = errors.New("not possible in this state")
)

// Ledger keeps the uploads for a Pool. Package ledger has it in SQL. Every
// method is one transaction, durable when it returns nil, and safe for
// concurrent use.
type Ledger interface {
	Claims
	Records
	Pauses
	Deletions
	// Wakes returns a channel that gets the time at which a row of destination
	// is due, whenever a transaction makes one, and a function that ends it.
	// Hints may be merged (the earliest stands) and may come just before their
	// transaction commits: a Claim waits for it.
	Wakes(destination string) (wake <-chan time.Time, cancel func())
	// Run expands moved trees, ends leases that ran out and tells watchers of
	// commits, until ctx ends.
	Run(ctx context.Context) error
}

// Claims hands rows out, each to one worker at a time.
type Claims interface {
	// Claim makes rows that are due Sending and returns them.
	//
	//  1. As many as asked for, or fewer: next is when to look again, which may
	//     be at once (as soon as there is room); zero: when woken.
	//  2. ErrPaused: next is when to probe; zero: never by itself.
	Claim(ctx context.Context, r ClaimRequest) (claimed []Claimed, next time.Time, err error)
	// Renew prolongs the leases to lease from now, and returns those lost.
	Renew(ctx context.Context, claimed []Claimed, lease time.Duration) (lost []Claimed, err error)
	// Return gives back rows of which no request was made. Lost ones are skipped.
	Return(ctx context.Context, claimed []Claimed) error
}

// Records writes down what happens to a claimed row. Each returns ErrLost where
// the claim is not the caller's any more.
type Records interface {
	// Sent records that the body of this attempt is about to be complete, and that
	// what it carries was prepared as c.SentAs says. A row whose claim ends after it
	// without Finish becomes AmbiguousState.
	Sent(ctx context.Context, c Claimed) error
	// Copy stores the copy number under which the bytes are going to be altered.
	Copy(ctx context.Context, c Claimed, number int) error
	// Finish ends the claim.
	Finish(ctx context.Context, c Claimed, o Outcome) error
	// Facts returns what the rows around c say.
	Facts(ctx context.Context, c Claimed) (Facts, error)
}

// Pauses is about destinations that refuse everything.
type Pauses interface {
	// Probe takes the right to probe a paused destination and sets the time of
	// the next one: after 30 s, 1, 2, 4, … 15 min. It returns false where it is
	// not time, or another process was quicker.
	Probe(ctx context.Context, destination string) (bool, error)
	// Resume ends the pause.
	Resume(ctx context.Context, destination string) error
}

// ClaimRequest says what a worker can take.
type ClaimRequest struct {
	Destination string
	Host        string
	N           int           // rows at the most
	Free        int           // of those, how many can be sent at once
	Ahead       int64         // bytes of the rows beyond Free at the most
	Limits      Limits        // of the host; Bandwidth is not the ledger's business
	Lease       time.Duration // how long the claim holds unless renewed
	Probe       bool          // take one row though the destination is paused
	Replaces    bool          // the host can replace pictures: find what Claimed.Earlier is
}

// Claimed is a row in Sending, in the hands of one worker.
type Claimed struct {
	Upload
	Attempt int // the number of this claim; the key of every write about it
	// Resolve: the row was AmbiguousState, or came back in another way while a reply is
	// missing, and no person said to send it: find out, do not simply send.
	Resolve bool
	// SentAs is how what the last complete body carried was prepared, as Prepared.How:
	// of a row whose Lost is not zero. For Sent, how this one's is.
	SentAs string
	// Known are the pictures of these bytes at this host, newest first: neither
	// deleted by us nor expired. One that is not Awaiting and has no URL is one
	// whose reply was lost.
	Known []Hosted
	// Taken are addresses that pictures of these bytes had at this host, until others took
	// their place, or may have: they show there now, where these bytes would come again.
	Taken []string
	// Earlier is, where the request asks for it, the picture of the same file's earlier
	// bytes at this destination, if nothing else refers to it: these may take its
	// place. Until the claim ends nobody else refers to it. Its Fate is what it was
	// before: FateReplacing where an earlier attempt may have replaced it.
	Earlier *Hosted
}

// Facts is what Records.Facts returns.
type Facts struct {
	// Referred: an entry that exists with its present bytes refers to Known[0],
	// other than the claimed one's.
	Referred bool
	// OthersPass: another upload to this host succeeded since this one's last
	// three attempts began.
	OthersPass bool
}

// Outcome is what came of a claim.
type Outcome struct {
	// State is Done, Awaiting, Held, Failed, AmbiguousState or Settling. Where
	// the file was replaced, moved away or removed meanwhile, anything but Done
	// and Awaiting becomes Superseded or Dropped instead.
	State  State
	Reason string
	Error  string
	Remedy string
	Code   string // the host's, for the history
	Kind   string // a word for the history: "done", "temporary", …
	// Requested: a request was made; it counts in the host's windows.
	Requested bool
	Tries     int           // failures since the last fresh start, this one included
	Unusual   int           // Unusual errors in a row
	Copy      int           // copy number of the next attempt
	Wait      time.Duration // for Settling and AmbiguousState: until Due; negative: until a person comes
	Sent      time.Time     // zero: the body was not complete
	Lost      bool          // the reply is lost and unexplained
	Notes     []string
	// Picture is what the host has, for Done and Awaiting; nil: not known. ID is
	// set where the ledger knows it already.
	Picture  *Hosted
	HoldBlob bool // the picture is served from our own blob
	// OnReplace is what the route says becomes of the pictures of the file's earlier
	// bytes, for Done.
	OnReplace string
	Album     string
	Category  string
	// PauseDestination pauses it, with Error and Remedy as its reason.
	PauseDestination bool
	// PauseHost pauses the host's bucket for so long; 0: not.
	PauseHost time.Duration
}
