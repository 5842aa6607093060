package operate

import "time"

// What Replay begins anew; see ReplayOptions.Only.
const (
	OnlyFailed = "failed"
	OnlyAll    = "all"
)

// ReplayOptions say what Replay owes.
type ReplayOptions struct {
	Path string `json:"path"` // a file, or a directory with all below it
	To   string `json:"to"`   // a configured destination
	// Only: "" is what the destination does not have; OnlyFailed, what failed, was
	// dropped or is held by a check there; OnlyAll, what it has too.
	Only string `json:"only,omitempty"`
	// DryRun: nothing is changed; the files are what would be owed.
	DryRun bool `json:"dry_run,omitempty"`
	// Wait: until none of the files below Path is on its way to the destination.
	Wait bool `json:"wait,omitempty"`
}

// Replay is one step of a replay; one of its parts is set.
type Replay struct {
	File     *ReplayedFile   `json:"file,omitempty"`
	Progress *ReplayProgress `json:"progress,omitempty"`
	Summary  *ReplaySummary  `json:"summary,omitempty"` // it is through
}

// Steps of a ReplayedFile.
const (
	ReplayOwe    = "owe"    // it is owed to the destination now
	ReplaySkip   = "skip"   // the destination cannot have it, or it is never forwarded
	ReplayUnsent = "unsent" // with Wait: it does not go on
)

// ReplayedFile is what was done, or with DryRun would be, about one file.
type ReplayedFile struct {
	ID          int64  `json:"id,omitempty"` // of the upload, for ReplayUnsent
	Path        string `json:"path"`
	Destination string `json:"destination"`
	Step        string `json:"step"`
	Why         string `json:"why,omitempty"`
	Size        int64  `json:"size"` // bytes
}

// ReplayProgress is how far a replay has come.
type ReplayProgress struct {
	Looked Amount `json:"looked"` // files looked at
	Owed   Amount `json:"owed"`   // of those, what is owed because of it
	// Waiting: how many uploads are on their way, and Left how long they will last at
	// this pace, in nanoseconds; 0: not known. Only with Wait, once all was looked at.
	Waiting int           `json:"waiting"`
	Left    time.Duration `json:"left"`
	// Newer: how many uploads to the destination are due and go before what a replay owes
	// it; 1,000 are 1,000 or more. Only with Wait, likewise.
	Newer int `json:"newer,omitempty"`
}

// ReplaySummary is what a replay came to. Each file that was looked at counts once,
// in Owed, Waiting, There, Skipped, Kept, Other or Changed.
type ReplaySummary struct {
	Owed    Amount `json:"owed"`    // now, or with DryRun to be
	Waiting Amount `json:"waiting"` // was owed already
	There   Amount `json:"there"`   // the destination has it
	Skipped Amount `json:"skipped"` // it cannot be sent there
	Kept    Amount `json:"kept"`    // held by hand, or without a certain end
	Other   Amount `json:"other"`   // not among what OnlyFailed asks for
	Changed Amount `json:"changed"` // while it was looked at: run it again
	// With Wait: how many uploads below the path are done and have an end that is none.
	Sent   int           `json:"sent"`
	Unsent int           `json:"unsent"`
	Took   time.Duration `json:"took"` // in nanoseconds
	// Problem: why the destination takes nothing now; "": it does.
	Problem string `json:"problem,omitempty"`
}

// Which addresses a map is of.
const (
	MapURLs       = "url"
	MapViewers    = "viewer"
	MapThumbnails = "thumbnail"
)

// MapOptions say which addresses Map pairs.
type MapOptions struct {
	Path string `json:"path"` // a file, or a directory with all below it
	From string `json:"from"` // destinations, or such that uploads are known of
	To   string `json:"to"`
	Kind string `json:"kind,omitempty"` // MapURLs ("" is that), MapViewers or MapThumbnails
	// Previous: addresses that From gave to earlier bytes of a file lead to the present
	// ones at To.
	Previous bool `json:"previous,omitempty"`
}

// Mapped is one file's address at From, and the one at To. Missing says why the latter
// is "".
type Mapped struct {
	Path    string `json:"path"`
	From    string `json:"from"`
	To      string `json:"to"`
	Missing string `json:"missing,omitempty"`
}
