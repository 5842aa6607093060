package api

import (
	"net/http"
	"slices"

	"slipway/gateway/operate"
)

// verbs are what can be done to uploads.
var verbs = []operate.Verb{operate.Retry, operate.Hold, operate.Release, operate.Drop}

// uploads answers GET /uploads: a page of what the query selects, those that changed
// last first.
func (q *request) uploads() error {
	params, err := q.query("state", "destination", "path", "text", "since", "before", "present", "no_url", "after", "limit")
	if err != nil {
		return err
	}
	ask := operate.Query{States: params.Values["state"], Destination: params.Get("destination"), Text: params.Get("text"), After: params.Get("after")}
	if ask.Limit, err = params.limit(); err != nil {
		return err
	}
	if ask.Since, err = params.time("since"); err != nil {
		return err
	}
	if ask.Before, err = params.time("before"); err != nil {
		return err
	}
	if ask.Present, err = params.flag("present"); err != nil {
		return err
	}
	if ask.NoURL, err = params.flag("no_url"); err != nil {
		return err
	}
	if params.Has("path") {
		if ask.Path, err = cleanPath(params.Get("path")); err != nil {
			return err
		}
	}
	for _, s := range ask.States {
		if !slices.Contains(operate.States, s) {
			return wrong("there is no state " + s)
		}
	}
	page, err := q.Desk.Find(q.ctx, ask)
	if err != nil {
		return err
	}
	if page.Uploads == nil {
		page.Uploads = []operate.Upload{}
	}
	return q.reply(http.StatusOK, page)
}

// upload answers GET /uploads/ID; with wait, when it has a URL or is not on its way.
func (q *request) upload() error {
	id, err := q.id("id")
	if err != nil {
		return err
	}
	wait, err := q.waiting()
	if err != nil {
		return err
	}
	u, err := q.Desk.Upload(q.ctx, id)
	if err != nil {
		return err
	}
	one := []operate.Upload{u}
	if wait > 0 && onItsWay(one) {
		if _, err := q.follow(u.Entry, wait); err != nil {
			return err
		}
		if u, err = q.Desk.Upload(q.ctx, id); err != nil {
			return err
		}
		one[0] = u
	}
	if wait > 0 && onItsWay(one) {
		return q.reply(http.StatusAccepted, u)
	}
	return q.reply(http.StatusOK, u)
}

// actOne answers POST /uploads/ID/VERB.
func (q *request) actOne() error {
	id, err := q.id("id")
	if err != nil {
		return err
	}
	verb := operate.Verb(q.r.PathValue("verb"))
	if !slices.Contains(verbs, verb) {
		return notFound("an upload can be retried, held, released and dropped: retry, hold, release or drop")
	}
	if _, err := q.Desk.Upload(q.ctx, id); err != nil {
		return err
	}
	list, err := q.Desk.Act(q.ctx, verb, []int64{id})
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return notFound("there is no such upload")
	}
	if list[0].Refused != "" {
		return conflict(list[0].Refused)
	}
	return q.reply(http.StatusOK, list[0])
}

// act answers POST /act: one verb for many uploads. Those that it does not apply to
// say so in "refused".
func (q *request) act() error {
	var body struct {
		Verb operate.Verb `json:"verb"`
		IDs  []int64      `json:"ids"`
	}
	if err := q.decode(&body); err != nil {
		return err
	}
	if !slices.Contains(verbs, body.Verb) {
		return wrong("verb is retry, hold, release or drop")
	}
	if len(body.IDs) == 0 || len(body.IDs) > maxLimit {
		return wrong("ids names 1 to 1000 uploads")
	}
	list, err := q.Desk.Act(q.ctx, body.Verb, body.IDs)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, struct {
		Uploads []operate.Upload `json:"uploads"`
	}{append([]operate.Upload{}, list...)})
}
