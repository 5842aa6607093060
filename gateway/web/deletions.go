package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"slipway/gateway/operate"
)

// deletionsShown is how many deletions one page of the list shows.
const deletionsShown = 100

// deletionsPage is a part of all deletions.
type deletionsPage struct {
	operate.DeletionPage
	States      []string
	Path        string
	More, First string
	Change      bool
}

// Has reports whether a state is asked for.
func (p deletionsPage) Has(state string) bool { return slices.Contains(p.States, state) }

// Any reports whether anything is asked for.
func (p deletionsPage) Any() bool { return len(p.States) > 0 || p.Path != "" }

// All are the states that there are.
func (p deletionsPage) All() []string { return operate.DeletionStates }

// deletionStandings is how the states of a deletion are shown.
var deletionStandings = map[string]standing{
	"waiting":  {"To be deleted", "going", "It is deleted at the host when its time has come, unless a file needs it again before."},
	"paused":   {"Needs your answer", "stuck", "It waits until somebody says whether it is to be deleted."},
	"deleting": {"Being deleted", "going", "The host is being asked to delete it."},
	"deleted":  {"Deleted", "past", "The host does not have it any more."},
	"kept":     {"Kept", "good", "The host has it still."},
	"failed":   {"Failed", "bad", "Deleting it was given up; the host may have it still."},
}

// deletionOf returns how a state of a deletion is shown.
func deletionOf(state string) standing {
	if s, ok := deletionStandings[state]; ok {
		return s
	}
	return standing{state, "past", ""}
}

// deletionWhys say why pictures are deleted.
var deletionWhys = map[string]string{
	"removed": "The file was removed.", "replaced": "The file has other bytes now.", "by-hand": "Somebody wanted it gone.",
}

// deletionWhy says why a picture is deleted, and what came of it.
func deletionWhy(d operate.Deletion) string {
	text := deletionWhys[d.Why]
	if d.Error == "" {
		return text
	}
	return strings.TrimSpace(text + " " + sentence(d.Error))
}

// deletions answers GET /deletions.
func (q *request) deletions() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	query := q.r.URL.Query()
	p := deletionsPage{Path: strings.TrimSpace(query.Get("path")), Change: q.me.Rights == "full"}
	for _, s := range query["state"] {
		if slices.Contains(operate.DeletionStates, s) && !p.Has(s) {
			p.States = append(p.States, s)
		}
	}
	if p.Path != "" && !strings.HasPrefix(p.Path, "/") {
		p.Path = "/" + p.Path
	}
	f := operate.DeletionFilter{States: p.States, Path: p.Path, Limit: deletionsShown}
	if n, err := strconv.ParseInt(query.Get("after"), 10, 64); err == nil && n > 0 {
		f.After = n
	}
	var err error
	if p.DeletionPage, err = q.desk.Deletions(q.ctx, f); err != nil {
		return err
	}
	v := url.Values{"state": p.States}
	if p.Path != "" {
		v.Set("path", p.Path)
	}
	if f.After > 0 {
		p.First = "/deletions?" + v.Encode()
	}
	if p.Next > 0 {
		v.Set("after", strconv.FormatInt(p.Next, 10))
		p.More = "/deletions?" + v.Encode()
	}
	return q.show(http.StatusOK, "deletions", "Deleted at hosts", p)
}

// answer answers POST /deletions: what is to become of pictures that wait, of one by
// its id, or of all below a folder that a brake holds.
func (q *request) answer() error {
	if err := q.form(); err != nil {
		return err
	}
	if err := q.changer(); err != nil {
		return err
	}
	a := operate.DeletionAnswer{Verb: operate.Verb(q.r.PostForm.Get("do")), Path: q.r.PostForm.Get("folder")}
	if id := q.r.PostForm.Get("id"); id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return wrong("the form names no picture that there can be; reload the page and try again")
		}
		a.IDs = []int64{n}
	}
	if !slices.Contains(operate.DeletionVerbs, a.Verb) || len(a.IDs) == 0 && a.Path == "" {
		return wrong("choose whether the pictures are to be deleted or kept")
	}
	done, err := q.desk.AnswerDeletions(q.ctx, a)
	if err != nil {
		return err
	}
	words := map[operate.Verb]string{operate.Release: " will be deleted at the hosts.", operate.Refuse: " will be kept at the hosts.", operate.Retry: " will be tried again."}[a.Verb]
	return q.done(count(done.Changed, "picture")+words, "/deletions")
}
