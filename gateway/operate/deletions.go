package operate

import (
	"context"
	"time"
)

// Deletions is what a Gateway and a Desk know of pictures that are to be deleted at
// their hosts, and do about it. A Desk knows those of files below the home alone, and
// only who has full rights may answer.
type Deletions interface {
	// Deletions lists deletions, those that were recorded last first, and the brakes
	// that hold some of them back.
	Deletions(ctx context.Context, f DeletionFilter) (DeletionPage, error)
	// AnswerDeletions does verb to deletions, and returns to how many: Release lets
	// those go on that a brake holds, Refuse keeps the pictures of those that wait,
	// Retry tries those again that failed.
	AnswerDeletions(ctx context.Context, a DeletionAnswer) (Answered, error)
}

// Refuse keeps pictures that are about to be deleted at their hosts.
const Refuse Verb = "refuse"

// DeletionVerbs are what AnswerDeletions does.
var DeletionVerbs = []Verb{Release, Refuse, Retry}

// DeletionStates are the states of a deletion, in the order of its life; see package
// uploader for what each means.
var DeletionStates = []string{"waiting", "paused", "deleting", "deleted", "kept", "failed"}

// Deletion is one picture that is to be deleted at its host, or was, or was not after
// all.
type Deletion struct {
	ID          int64     `json:"id"`
	Path        string    `json:"path"` // of the file whose picture it is, as last known
	Destination string    `json:"destination"`
	Why         string    `json:"why"` // removed, replaced or by-hand
	State       string    `json:"state"`
	Due         time.Time `json:"due,omitzero"` // when it goes on
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
	Finished    time.Time `json:"finished,omitzero"` // when it was deleted, kept or given up
	URL         string    `json:"url"`               // that the picture has, or had
	SHA256      string    `json:"sha256"`
	Tries       int       `json:"tries"` // failures in a row
	Error       string    `json:"error"` // why it failed, waits or was kept
	Remedy      string    `json:"remedy,omitempty"`
}

// DeletionFilter selects deletions. The zero value selects all.
type DeletionFilter struct {
	States      []string `json:"states,omitempty"`
	Destination string   `json:"destination,omitempty"`
	Path        string   `json:"path,omitempty"`  // a file, or a directory with all below it
	After       int64    `json:"after,omitempty"` // the cursor of the page before
	Limit       int      `json:"limit,omitempty"` // 1 to 1000; 0: 100
}

// DeletionPage is a part of what a DeletionFilter selects.
type DeletionPage struct {
	Deletions []Deletion `json:"deletions"`
	Next      int64      `json:"next,omitempty"` // the cursor of what follows; 0: nothing does
	Brakes    []Brake    `json:"brakes"`         // all of them, whatever is selected
}

// Brake is a folder in which so many pictures lost their files at once that their
// deletion waits for somebody.
type Brake struct {
	Folder  string    `json:"folder"`
	Since   time.Time `json:"since"`
	Waiting int       `json:"waiting"` // deletions
}

// DeletionAnswer says what to do to which deletions: all below Path ("": everywhere)
// that Verb is for, or of those the IDs alone.
type DeletionAnswer struct {
	Verb        Verb    `json:"verb"`
	IDs         []int64 `json:"ids,omitempty"` // none: all
	Path        string  `json:"path,omitempty"`
	Destination string  `json:"destination,omitempty"` // "": any
}

// Answered is what AnswerDeletions or RetryLinks did.
type Answered struct {
	Changed int `json:"changed"` // deletions, or links
}
