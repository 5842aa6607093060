package api

import (
	"net/http"
	"slices"
	"strconv"

	"slipway/gateway/operate"
)

// deletions answers GET /deletions: pictures that are deleted at their hosts, those
// that were recorded last first.
func (q *request) deletions() error {
	params, err := q.query("state", "destination", "path", "after", "limit")
	if err != nil {
		return err
	}
	f := operate.DeletionFilter{States: params.Values["state"], Destination: params.Get("destination")}
	if f.Limit, err = params.limit(); err != nil {
		return err
	}
	if params.Has("after") {
		if f.After, err = strconv.ParseInt(params.Get("after"), 10, 64); err != nil || f.After <= 0 {
			return wrong("after is the next of the page before")
		}
	}
	if params.Has("path") {
		if f.Path, err = cleanPath(params.Get("path")); err != nil {
			return err
		}
	}
	for _, s := range f.States {
		if !slices.Contains(operate.DeletionStates, s) {
			return wrong("there is no state " + s)
		}
	}
	page, err := q.Desk.Deletions(q.ctx, f)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, page)
}

// answerDeletions answers POST /deletions/answer.
func (q *request) answerDeletions() error {
	var a operate.DeletionAnswer
	err := q.decode(&a)
	if err != nil {
		return err
	}
	if !slices.Contains(operate.DeletionVerbs, a.Verb) {
		return wrong("verb is release, refuse or retry")
	}
	if len(a.IDs) > maxLimit || slices.ContainsFunc(a.IDs, func(id int64) bool { return id <= 0 }) {
		return wrong("ids names up to 1000 deletions")
	}
	if a.Path == "" && len(a.IDs) == 0 {
		return wrong("say which deletions: ids, or a path, / for everything")
	}
	if a.Path != "" {
		if a.Path, err = cleanPath(a.Path); err != nil {
			return err
		}
	}
	done, err := q.Desk.AnswerDeletions(q.ctx, a)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, done)
}
