package operate

import (
	"context"
	"time"
)

// Links is what a Gateway and a Desk know of the links in files whose pictures are
// fetched, and do about them. A Desk knows those of files below the home alone, and
// only who has full rights may have them tried again.
type Links interface {
	// Links lists links: those whose try is to come first, then those that were tried,
	// the latest first.
	Links(ctx context.Context, f LinkFilter) (LinkPage, error)
	// RetryLinks has links tried again now, with fresh tries, that failed or wait after
	// an error: those of the file at path, or of all files at and below the folder. It
	// returns how many. [NotFound]: nothing is there.
	RetryLinks(ctx context.Context, path string) (Answered, error)
}

// LinkStates are the states of a link in a list, in the order of its life: settling
// (it waits, or is being fetched), done, skipped and failed.
var LinkStates = []string{"settling", "done", "skipped", "failed"}

// LinkFilter selects links. The zero value selects all.
type LinkFilter struct {
	States []string `json:"states,omitempty"` // some of LinkStates
	Path   string   `json:"path,omitempty"`   // a file, or a directory with all below it
	After  string   `json:"after,omitempty"`  // the cursor of the page before
	Limit  int      `json:"limit,omitempty"`  // 1 to 1000; 0: 100
}

// LinkPage is a part of what a LinkFilter selects.
type LinkPage struct {
	Links []ListedLink `json:"links"`
	Next  string       `json:"next,omitempty"` // the cursor of what follows; "": nothing does
	// Partly: the search was cut short to answer in time, and Next goes on.
	Partly bool `json:"partly,omitempty"`
}

// ListedLink is one link in a list. A file that is not read yet, or cannot be, is one
// without a URL.
type ListedLink struct {
	Link
	Path    string    `json:"path"`  // of the file that it is in
	Entry   int64     `json:"entry"` // of that
	Tries   int       `json:"tries"` // that failed
	Changed time.Time `json:"changed"`
}

// Troubled reports whether a link failed, or waits after an error.
func (l ListedLink) Troubled() bool {
	return l.State == "failed" || l.State == "settling" && l.Error != "" && !l.Fetching
}
