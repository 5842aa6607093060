package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"slipway/gateway/operate"
)

// actMost is how many uploads one form may act on.
const actMost = 1000

// actPage is what came of a verb.
type actPage struct {
	Verb    operate.Verb
	Done    int
	Refused []operate.Upload
	Back    string
}

// chosen reads the uploads that a form names, a group for each checkbox.
func chosen(values []string) (groups [][]int64, err error) {
	n := 0
	for _, v := range values {
		var group []int64
		for text := range strings.SplitSeq(v, ",") {
			if text == "" {
				continue
			}
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil || id <= 0 {
				return nil, wrong("the form names no upload that there can be; reload the page and try again")
			}
			group = append(group, id)
		}
		if n += len(group); n > actMost {
			return nil, wrong("choose at most 1,000 uploads at a time")
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	if n == 0 {
		return nil, wrong("choose a file first; those that are not sent anywhere cannot be chosen for this")
	}
	return groups, nil
}

// act answers POST /act: a verb for the uploads that are chosen.
func (q *request) act() error {
	if err := q.form(); err != nil {
		return err
	}
	if err := q.changer(); err != nil {
		return err
	}
	verb := operate.Verb(q.r.PostForm.Get("verb"))
	if _, ok := verbWords[verb]; !ok {
		return wrong("choose what is to be done: retry, hold, release or do not send")
	}
	groups, err := chosen(q.r.PostForm["id"])
	if err != nil {
		return err
	}
	ids := slices.Concat(groups...)
	// A file chosen as a whole is its uploads that the verb is for.
	if slices.ContainsFunc(groups, func(g []int64) bool { return len(g) > 1 }) {
		if ids, err = q.applicable(verb, groups); err != nil {
			return err
		}
	}
	slices.Sort(ids)
	after, err := q.desk.Act(q.ctx, verb, slices.Compact(ids))
	if err != nil {
		return err
	}
	page := actPage{Verb: verb, Back: q.back()}
	if page.Back == "" {
		page.Back = "/uploads"
	}
	for _, u := range after {
		if u.Refused != "" {
			page.Refused = append(page.Refused, u)
		} else {
			page.Done++
		}
	}
	if q.script() {
		return q.done(page.Words(), "")
	}
	if len(page.Refused) == 0 {
		return q.done("", page.Back)
	}
	return q.show(http.StatusOK, "act", "Not everything could be done", page)
}

// applicable returns those of each group that a verb is for; where it is for none,
// all, so that somebody says why not.
func (q *request) applicable(verb operate.Verb, groups [][]int64) (ids []int64, err error) {
	for _, g := range groups {
		var fit []int64
		for _, id := range g {
			if len(g) == 1 {
				fit = g
				break
			}
			u, err := q.desk.Upload(q.ctx, id)
			if err != nil {
				return nil, err
			}
			if slices.Contains(verbsFor(u.State), verb) {
				fit = append(fit, id)
			}
		}
		if len(fit) == 0 {
			fit = g
		}
		ids = append(ids, fit...)
	}
	return ids, nil
}

// Words say what was done.
func (p actPage) Words() string {
	var say []string
	if p.Done > 0 {
		say = append(say, count(p.Done, "upload")+" "+verbWords[p.Verb].Done+".")
	}
	for i, u := range p.Refused {
		if i == 3 {
			say = append(say, "And "+count(len(p.Refused)-i, "other")+" not.")
			break
		}
		say = append(say, visible(title(u.Path))+": "+u.Refused)
	}
	return strings.Join(say, " ")
}

// status answers POST /status: how the files stand that a page has just sent, as
// JSON in the order of the paths.
func (q *request) status() error {
	if err := q.form(); err != nil {
		return err
	}
	type one struct {
		Path  string `json:"path"`
		State string `json:"state"`
		Class string `json:"class"`
		Word  string `json:"word"`
		Why   string `json:"why,omitempty"`
		URL   string `json:"url,omitempty"`
		IDs   string `json:"ids,omitempty"`
	}
	paths := q.r.PostForm["path"]
	if len(paths) > 100 {
		return wrong("ask for at most 100 files at a time")
	}
	list := make([]one, len(paths))
	for i, p := range paths {
		found, err := q.desk.Find(q.ctx, operate.Query{Path: p, Present: true, Limit: 20})
		if err != nil {
			return err
		}
		list[i] = one{Path: p, State: "stored", Class: "past", Word: "Stored"}
		if len(found.Uploads) == 0 {
			list[i].Why = q.unsent(p)
		}
		if u := leading(found.Uploads); u != nil {
			s := stateOf(u.State)
			list[i] = one{p, u.State, s.Class, s.Word, why(q.Clock(), *u), "", uploadIDs(found.Uploads)}
		}
		if u := hostedFirst(found.Uploads); u != nil {
			list[i].URL = u.URL
		}
	}
	return q.json(list)
}

// unsent says why nothing is owed of the file at p; "" where that is not known.
func (q *request) unsent(p string) string {
	x, err := q.desk.Explain(q.ctx, p)
	if err != nil || x.Entry == nil {
		return ""
	}
	return sentence(cmp.Or(x.Why, x.Refused))
}

// json answers a script.
func (q *request) json(v any) error {
	q.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(q.w).Encode(v)
}

// order is which upload's state stands for its file: the one that is furthest from
// its end, or from a good one.
var order = []string{"failed", "held", "ambiguous", "sending", "settling", "awaiting", "done", "dropped", "superseded"}

// leading returns the upload whose state stands for its file, or nil.
func leading(us []operate.Upload) *operate.Upload {
	best := -1
	for i, u := range us {
		if best < 0 || slices.Index(order, u.State) < slices.Index(order, us[best].State) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return &us[best]
}
