package operate

import "time"

// Amount is a number of files and their bytes.
type Amount struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Watch is a watched folder and how it stands.
type Watch struct {
	Folder string `json:"folder"` // on disk
	Into   string `json:"into"`   // where its files come to
	// Mode is "events" or "polling"; "" where no gateway follows it now. Why says why
	// it is polled, for all or a part.
	Mode string `json:"mode"`
	Why  string `json:"why,omitempty"`
	// Problem is what keeps the whole folder from being looked at, followed or written to; "":
	// nothing does.
	Problem string `json:"problem,omitempty"`
	// Braked: so many files were deleted at once that nothing follows from it before
	// Release.
	Braked bool `json:"braked,omitempty"`
	// Asks: Problem waits for a person's answer, which Release gives.
	Asks     bool          `json:"asks,omitempty"`
	Scanning bool          `json:"scanning,omitempty"`
	Scanned  time.Time     `json:"scanned,omitzero"` // when the last scan ended
	Took     time.Duration `json:"took"`             // how long that was, in nanoseconds

	Directories int `json:"directories"`
	// Files are those that stand in the folder, without sidecars and what is ignored or
	// empty; Known are files by what is remembered of them: those that are "taken" stand.
	Files int            `json:"files"`
	Known map[string]int `json:"known,omitempty"`
	// Waiting is what has not settled yet or is to be taken, Failed what is tried again,
	// Refused what no route takes.
	Waiting Amount `json:"waiting"`
	Failed  Amount `json:"failed"`
	Refused Amount `json:"refused"`
	Empty   int    `json:"empty"`
	// Total is what there is to be taken, Taken what of it was since, Same what was known,
	// and Left how long the rest will take at this pace, in nanoseconds: during a first scan
	// that lasts, and an import.
	Total    Amount         `json:"total,omitzero"`
	Taken    Amount         `json:"taken,omitzero"`
	Same     Amount         `json:"same,omitzero"`
	Left     time.Duration  `json:"left,omitempty"`
	Troubles []WatchTrouble `json:"troubles,omitempty"` // at most 100
}

// WatchTrouble is a file or directory that cannot be taken now.
type WatchTrouble struct {
	Path  string    `json:"path"` // below the folder
	Error string    `json:"error"`
	Since time.Time `json:"since,omitzero"`
	Next  time.Time `json:"next,omitzero"` // when it is tried again
}

// ImportOptions say what Import takes.
type ImportOptions struct {
	// Folder is a watched folder; "": all of them.
	Folder string `json:"folder,omitempty"`
	// DryRun: nothing is changed; the steps are what would be done.
	DryRun bool `json:"dry_run,omitempty"`
}

// Import is one step of an import; one of its parts, and Folder, are set.
type Import struct {
	Folder   string          `json:"folder"`
	File     *ImportedFile   `json:"file,omitempty"`
	Progress *ImportProgress `json:"progress,omitempty"`
	Summary  *ImportSummary  `json:"summary,omitempty"` // the folder is through
}

// Steps of an ImportedFile, beside those of package watch: take, same, move, refuse,
// fail, remove.
const (
	ImportSent   = "sent"   // every destination has it
	ImportUnsent = "unsent" // it was taken, and a destination cannot have it
)

// ImportedFile is what was done, or with DryRun would be, with one file.
type ImportedFile struct {
	Path string `json:"path"`           // below the folder
	To   string `json:"to"`             // its path in the gateway
	Step string `json:"step"`           // see ImportSent
	From string `json:"from,omitempty"` // of a move, below the folder
	Why  string `json:"why,omitempty"`
	Size int64  `json:"size"` // bytes
	// Destinations are those that the file goes to, where it was looked up.
	Destinations []string `json:"destinations,omitempty"`
}

// ImportProgress is how far an import of a folder has come.
type ImportProgress struct {
	Found   Amount `json:"found"`
	Taken   Amount `json:"taken"`
	Same    Amount `json:"same"`
	Waiting Amount `json:"waiting"` // to settle and to be taken
	Total   Amount `json:"total"`   // what is to be found; zero: not known yet
	// Owed is to how many uploads files are still owed, and Left how long taking will
	// last at this pace, in nanoseconds; 0: not known.
	Owed int           `json:"owed"`
	Left time.Duration `json:"left"`
}

// ImportSummary is what an import of a folder came to.
type ImportSummary struct {
	Taken   Amount `json:"taken"`
	Same    Amount `json:"same"`
	Moved   Amount `json:"moved"`
	Waiting Amount `json:"waiting"` // that did not come to rest
	Failed  Amount `json:"failed"`
	Refused Amount `json:"refused"`
	Empty   int    `json:"empty"`
	// Sent is how many uploads came to their end well meanwhile, Unsent how many files'
	// uploads failed, are held or have no certain end, and Owed how many go on.
	Sent   int           `json:"sent"`
	Unsent int           `json:"unsent"`
	Owed   int           `json:"owed"`
	Took   time.Duration `json:"took"` // in nanoseconds
	// Problem is what kept the whole folder from being looked at.
	Problem string `json:"problem,omitempty"`
}

// LocalFile is a file of a watched folder in an Explanation.
type LocalFile struct {
	File   string `json:"file"`   // on disk
	Folder string `json:"folder"` // that is watched
	State  string `json:"state"`  // as package watch names it
	// Text says in plain words what it waits for, or why nothing happens.
	Text  string    `json:"text"`
	Until time.Time `json:"until,omitzero"` // when what it waits for comes by itself
	Entry int64     `json:"entry,omitempty"`
	// After says what becomes of it once all is done; "" where it stays.
	After string `json:"after,omitempty"`
	// Aside: it is a folder, or nothing that is ever sent; what would become of a file of
	// its name is not said.
	Aside bool `json:"aside,omitempty"`
}
