package uploader

import (
	"context"
	"time"

	"slipway/vfs"
)

// Deletion is one picture that is to be deleted at its host, or was, or was not
// after all. Its row is never removed: it is the record of what was deleted, when
// and why.
type Deletion struct {
	ID      int64
	Picture Hosted // without its DeleteURL
	Entry   vfs.ID // the file whose picture it is or was; of several, the last that let it go
	Path    string // of that file, as last known
	Why     DeletionWhy
	State   DeletionState
	Due     time.Time // when it is next looked at; zero: not by itself
	Created time.Time // when it was recorded
	Changed time.Time // when anything that people see of it did
	// Finished is when it came to its end: Deleted, Kept or Failed.
	Finished time.Time
	Tries    int    // failures in a row
	Error    string // in plain words: why it failed or waits, and of Kept why it was kept
	Remedy   string // what to do; "" where waiting is all, or nothing is wrong
	Brake    int64  // the brake it waits for; 0: none
}

// DeletionWhy is why a picture is deleted at its host.
type DeletionWhy string

// Why pictures are deleted.
const (
	// WhyRemoved: its file was removed, and the route says on_delete = "delete".
	WhyRemoved DeletionWhy = "removed"
	// WhyReplaced: its file has other bytes, which are there, and the route says
	// on_replace = "delete-old".
	WhyReplaced DeletionWhy = "replaced"
	// WhyByHand: a person wants it gone.
	WhyByHand DeletionWhy = "by-hand"
)

// DeletionState is where a deletion stands.
type DeletionState string

// States of a deletion.
const (
	// DeletionWaiting: for the grace to be over, in which it can be undone; or for
	// uploads of the same bytes to come to their end.
	DeletionWaiting DeletionState = "waiting"
	// DeletionPaused: more than usual was removed at once, and a person is asked.
	DeletionPaused DeletionState = "paused"
	// Deleting: the host is being asked, or was and will be again. From here on the
	// picture may be gone.
	Deleting DeletionState = "deleting"
	// Deleted: the host does not have it any more.
	Deleted DeletionState = "deleted"
	// DeletionKept: it was not needed after all, the host cannot, or a person refused.
	DeletionKept DeletionState = "kept"
	// DeletionFailed: given up, until a person retries it.
	DeletionFailed DeletionState = "failed"
)

// DeletionStates lists all of them, in the order people see them.
var DeletionStates = []DeletionState{DeletionWaiting, DeletionPaused, Deleting, Deleted, DeletionKept, DeletionFailed}

// Open reports whether s may still lead to a request.
func (s DeletionState) Open() bool {
	return s == DeletionWaiting || s == DeletionPaused || s == Deleting
}

// Fate is what has become of a hosted picture, or may any time. Only one without is
// referred to by uploads that have not been sent.
type Fate string

// Fates of a hosted picture; "": it is as it was.
const (
	// FateDeleting: it is being deleted at the host.
	FateDeleting Fate = "deleting"
	// FateReplacing: other bytes are on their way to take its place at the host.
	FateReplacing Fate = "replacing"
	// FateReplaced: its address shows other bytes.
	FateReplaced Fate = "replaced"
	// FateDoubtful: deleting or replacing it failed, and nobody knows how far it came.
	FateDoubtful Fate = "doubtful"
)

// Deletions hands deletions out, each to one worker at a time.
type Deletions interface {
	// ClaimDeletions takes deletions that are due in hand, once it has made sure, in
	// one transaction, that nothing needs their pictures: then no upload refers to
	// them any more. Those that something needs become DeletionKept.
	//
	//  1. As many as asked for, or fewer: next is when to look again; zero: when woken.
	//  2. ErrPaused, next: as Claims.Claim.
	ClaimDeletions(ctx context.Context, r DeletionRequest) (claimed []ClaimedDeletion, next time.Time, err error)
	// FinishDeletion ends a claim, or returns ErrLost.
	FinishDeletion(ctx context.Context, c ClaimedDeletion, o DeletionOutcome) error
	// DeletionWakes is Wakes of deletions.
	DeletionWakes(destination string) (wake <-chan time.Time, cancel func())
}

// DeletionRequest says what a worker can take.
type DeletionRequest struct {
	ClaimRequest
	// Deletes: the host can. Where it cannot, all that are due become DeletionKept.
	Deletes bool
}

// ClaimedDeletion is a deletion in the hands of one worker.
type ClaimedDeletion struct {
	Deletion
	Attempt   int
	DeleteURL Secret
}

// Result is what the driver is to delete.
func (c ClaimedDeletion) Result() Result {
	r := c.Picture.Result
	r.DeleteURL = c.DeleteURL.Reveal()
	return r
}

// DeletionOutcome is what came of a claim.
type DeletionOutcome struct {
	State     DeletionState // Deleted, DeletionFailed, or Deleting for another try
	Error     string
	Remedy    string
	Tries     int
	Wait      time.Duration // for Deleting: until the next try
	Requested bool          // a request was made; it counts in the host's windows
	// There: this request certainly left the picture at the host as it was.
	There     bool
	PauseHost time.Duration // as of an Outcome
}
