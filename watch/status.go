package watch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"
)

// Modes of a folder.
const (
	Events  = "events"  // the system tells of changes
	Polling = "polling" // changes are seen by the scans alone
)

// Status is how a folder stands.
type Status struct {
	Root string `json:"folder"`
	Into string `json:"into"`
	// Mode is Events or Polling; Why, where it is the latter for all or a part.
	Mode string `json:"mode"`
	Why  string `json:"why,omitempty"`
	// Problem is what keeps the whole folder from being looked at, followed or written to
	// ("it is not there"), and what to do; "": nothing does.
	Problem string `json:"problem,omitempty"`
	// Braked: so many files were deleted at once that their entries stay until Release
	// is called, or the files are back.
	Braked bool `json:"braked,omitempty"`
	// Asks: Problem waits for a person's answer, which Release gives.
	Asks bool `json:"asks,omitempty"`
	// Scanned is when the last whole scan ended, zero before the first; Took, how long
	// it lasted. Scanning: one is on.
	Scanned  time.Time     `json:"scanned,omitzero"`
	Took     time.Duration `json:"took"`
	Scanning bool          `json:"scanning,omitempty"`

	Dirs int `json:"directories"` // as the last look saw them
	// Files are those that stand in the folder, without sidecars and what is ignored or
	// empty: as the last look saw them, or are remembered while the first one is on.
	Files int           `json:"files"`
	Known map[State]int `json:"known,omitempty"`
	Progress
	// Troubles are files that cannot be taken now, in order, at most 100 of
	// Progress.Failed + Progress.Refused.
	Troubles []Trouble `json:"troubles,omitempty"`
}

// Trouble is a file or directory that cannot be taken now.
type Trouble struct {
	Path  string    `json:"path"` // below the folder
	Error string    `json:"error"`
	Since time.Time `json:"since"`
	// Next is when it is tried again; zero: when it or the configuration changes.
	Next time.Time `json:"next,omitzero"`
}

// Progress counts what a Run or Scan did since it began, and what lies before it.
type Progress struct {
	// Found is what the scan has seen, without sidecars, Taken what was put into the virtual filesystem,
	// Same what was known already (or known again after its times alone changed), Moved
	// what was renamed there.
	Found, Taken, Same, Moved Amount
	// Waiting is what has not settled or is to be taken, Failed what is tried again
	// later, Refused what is not until it or the configuration changes: all as of now.
	Waiting, Failed, Refused Amount
	// Empty is how many empty files stand in the folder; they are never taken.
	Empty int
	// Total is what there is to be found, and Left how long that will take at this
	// pace; known in Scan, and in Run during a first scan that lasts, else zero.
	Total Amount
	Left  time.Duration
}

// Amount is a number of files and their bytes.
type Amount struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (a *Amount) add(bytes int64)     { a.Files, a.Bytes = a.Files+1, a.Bytes+bytes }
func (a Amount) plus(b Amount) Amount { return Amount{a.Files + b.Files, a.Bytes + b.Bytes} }

// Summary is what a Scan came to.
type Summary struct {
	Progress
	// Problem is Status.Problem, but for what is written to.
	Problem  string        `json:"problem,omitempty"`
	Troubles []Trouble     `json:"troubles,omitempty"`
	Took     time.Duration `json:"took"`
}

// Kinds of a Step.
const (
	StepTake   = "take"   // put into the virtual filesystem
	StepSame   = "same"   // known already
	StepMove   = "move"   // its entry gets another path
	StepRefuse = "refuse" // no route takes it; Why says more
	StepFail   = "fail"   // it cannot be read, or put, now
	StepRemove = "remove" // its entry goes, as a person deleted the file
)

// Step is what was done, or with DryRun would be, with one file.
type Step struct {
	Path  string `json:"path"` // below the folder
	Kind  string `json:"step"`
	From  string `json:"from,omitempty"` // of a move
	Why   string `json:"why,omitempty"`
	Bytes int64  `json:"bytes"`
}

// ScanOptions say how Scan goes on.
type ScanOptions struct {
	// DryRun: nothing is changed or remembered; steps are what would be done.
	DryRun bool
	// Progress is called twice a second, and at the end; nil: it is not.
	Progress func(Progress)
	// Step is called for each file but those ignored; nil: it is not. Both are called
	// from one goroutine at a time.
	Step func(Step)
}

// States of an Explanation, beside those of Known.
const (
	Ignored  State = "ignored"
	Empty    State = "empty"
	Settling State = "settling"
	Waiting  State = "waiting" // it has settled and is to be read
	Failed   State = "failed"  // it is tried again later
	Refused  State = "refused"
	Unseen   State = "unseen"  // the next scan will look at it
	Unknown  State = "unknown" // there is nothing, and nothing is remembered
)

// Explanation says how one file of a folder stands.
type Explanation struct {
	Path  string `json:"path"` // below the folder
	State State  `json:"state"`
	// Text says in a sentence or two what it waits for, or why nothing happens.
	Text string `json:"text"`
	// Until is when what it waits for comes by itself; zero: not known.
	Until time.Time `json:"until,omitzero"`
	// Virtual is the path that its entry has, or would get.
	Virtual string `json:"virtual"`
	Entry   int64  `json:"entry,omitempty"` // 0: it has none
	Dir     bool   `json:"directory,omitempty"`
}

// countFor is how long the numbers of Status.Known are good.
const countFor = 5 * time.Second

// Status returns how the folder stands.
func (f *Folder) Status() Status {
	known := f.knownCount()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{
		Root: f.o.Root, Into: f.o.Into, Mode: Events, Why: f.why, Problem: cmp.Or(f.problem(), f.away()), Braked: f.deletes.braked,
		Scanned: f.walk.ended, Took: f.walk.took, Scanning: f.walk.on,
		Asks: f.asks(), Dirs: len(f.dirs), Files: f.standing(known), Known: known, Progress: f.firstLeft(f.progress()), Troubles: f.told(),
	}
	if s.Why != "" {
		s.Mode = Polling
	} else if p, ok := f.o.Hints.(Partial); ok {
		s.Why = p.Polled()
	}
	return s
}

// standing returns how many files stand in the folder. What is remembered as taken does,
// as far as is known before a scan has ended.
func (f *Folder) standing(known map[State]int) int {
	if f.walk.through {
		return f.counts.Found.Files
	}
	return max(f.counts.Found.Files, known[Taken])
}

// asks reports whether Release is an answer to the problem that Status tells.
func (f *Folder) asks() bool {
	if f.home.missing != "" {
		return false
	}
	return f.problem() != "" || f.away() != ""
}

// knownCount returns how many files are remembered in each state, nil where that
// cannot be read now.
func (f *Folder) knownCount() map[State]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.o.Clock(); f.counted.at.IsZero() || now.Sub(f.counted.at) >= countFor {
		f.mu.Unlock()
		known, err := f.o.Memory.Count(context.Background(), f.o.Name)
		f.mu.Lock()
		if err != nil {
			return nil
		}
		f.counted.known, f.counted.at = known, now
	}
	return maps.Clone(f.counted.known)
}

// counted is what was remembered at a time.
type counted struct {
	known map[State]int
	at    time.Time
}

// progress returns the counts with what is under way now.
func (f *Folder) progress() Progress {
	p := f.counts
	p.Waiting, p.Failed, p.Refused = Amount{}, Amount{}, Amount{}
	for _, x := range f.coming {
		p.Waiting.add(x.stat.Size)
	}
	for _, tr := range f.troubles {
		if tr.next.IsZero() {
			p.Refused.add(tr.stat.Size)
		} else {
			p.Failed.add(tr.stat.Size)
		}
	}
	return p
}

// away returns which directory that is written to is not mounted; "": all are.
func (f *Folder) away() string {
	for _, t := range f.o.Targets {
		if p := t.Problem(); p != "" {
			return p
		}
	}
	return ""
}

// problem returns what keeps the folder from being looked at or followed.
func (f *Folder) problem() string {
	switch d := &f.deletes; {
	case f.home.missing != "":
		return f.home.missing
	case d.braked:
		return d.text
	case d.waiting > 0:
		if d.waiting == 1 {
			return fmt.Sprintf("1 file is missing and does not count as deleted: %s (or you agree to it, by slipway watch --release or on the page)", d.why)
		}
		return fmt.Sprintf("%d files are missing and do not count as deleted: %s (or you agree to it, by slipway watch --release or on the page)", d.waiting, d.why)
	}
	return ""
}
