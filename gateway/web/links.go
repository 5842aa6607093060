package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway/gateway/operate"
)

// linksShown is how many links one page of the list shows.
const linksShown = 100

// linksPage is a part of all links.
type linksPage struct {
	operate.LinkPage
	States      []string
	Path        string
	More, First string
	Change      bool
}

// Has reports whether a state is asked for.
func (p linksPage) Has(state string) bool { return slices.Contains(p.States, state) }

// Any reports whether anything is asked for.
func (p linksPage) Any() bool { return len(p.States) > 0 || p.Path != "" }

// All are the states that there are.
func (p linksPage) All() []string { return operate.LinkStates }

// linkStandings is how the states of a link are shown, and a number of them.
var linkStandings = map[string]struct{ Word, Class, Many string }{
	"settling": {"Waiting", "going", "waiting"},
	"done":     {"Fetched", "good", "fetched"},
	"skipped":  {"Not needed", "past", "not needed"},
	"failed":   {"Failed", "bad", "failed"},
}

// linkState returns how a state of a link is shown.
func linkState(state string) standing {
	if s, ok := linkStandings[state]; ok {
		return standing{Word: s.Word, Class: s.Class}
	}
	return standing{Word: state, Class: "past"}
}

// linkStanding returns how a link in a list is shown.
func linkStanding(l operate.ListedLink) standing {
	if l.Fetching {
		return standing{Word: "Fetching", Class: "going"}
	}
	return linkState(l.State)
}

// linkTally says how the links of a file stand, what wants somebody first.
func linkTally(links map[string]int) (list []standing) {
	for _, state := range []string{"failed", "settling", "done", "skipped"} {
		if n := links[state]; n > 0 {
			list = append(list, standing{Word: count(n, "link") + " " + linkStandings[state].Many, Class: linkStandings[state].Class})
		}
	}
	return list
}

// linksTroubled reports whether one of a file's links failed, or waits after an error.
func linksTroubled(links []operate.Link) bool {
	return slices.ContainsFunc(links, func(l operate.Link) bool { return operate.ListedLink{Link: l}.Troubled() })
}

// links answers GET /links.
func (q *request) links() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	query := q.r.URL.Query()
	p := linksPage{Path: strings.TrimSpace(query.Get("path")), Change: q.me.Rights == "full"}
	for _, s := range query["state"] {
		if slices.Contains(operate.LinkStates, s) && !p.Has(s) {
			p.States = append(p.States, s)
		}
	}
	if p.Path != "" && !strings.HasPrefix(p.Path, "/") {
		p.Path = "/" + p.Path
	}
	after := query.Get("after")
	var err error
	if p.LinkPage, err = q.desk.Links(q.ctx, operate.LinkFilter{States: p.States, Path: p.Path, After: after, Limit: linksShown}); err != nil {
		return err
	}
	v := url.Values{"state": p.States}
	if p.Path != "" {
		v.Set("path", p.Path)
	}
	if after != "" {
		p.First = "/links?" + v.Encode()
	}
	if p.Next != "" {
		v.Set("after", p.Next)
		p.More = "/links?" + v.Encode()
	}
	return q.show(http.StatusOK, "links", "Linked pictures", p)
}

// retryLinks answers POST /links: the links of a file are tried again.
func (q *request) retryLinks() error {
	if err := q.form(); err != nil {
		return err
	}
	if err := q.changer(); err != nil {
		return err
	}
	p := q.r.PostForm.Get("path")
	if p == "" {
		return wrong("the form names no file; reload the page and try again")
	}
	done, err := q.desk.RetryLinks(q.ctx, p)
	if err != nil {
		return err
	}
	words := count(done.Changed, "link") + " will be tried again."
	if done.Changed == 0 {
		words = "None of its links wants another try."
	}
	return q.done(words, "/links")
}

// linksTold is how many links Now shows of those that failed, and of those that wait.
const linksTold = 5

// linksNow returns the links that Now shows, those that failed first.
func (q *request) linksNow() (list []operate.ListedLink, more bool, err error) {
	for _, state := range []string{"failed", "settling"} {
		page, err := q.desk.Links(q.ctx, operate.LinkFilter{States: []string{state}, Limit: linksTold})
		if err != nil {
			return nil, false, err
		}
		list = append(list, page.Links...)
		more = more || page.Next != ""
	}
	return list, more, nil
}
