package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"slipway/gateway/operate"
)

// maxFiles is how many files one PicGo request may bring.
const maxFiles = 32

// picgoAnswer is what PicGo's clients read. Those of the one fork look at message,
// of the other at msg.
type picgoAnswer struct {
	Success bool             `json:"success"`
	Result  []string         `json:"result"`
	Message string           `json:"message,omitempty"`
	Msg     string           `json:"msg,omitempty"`
	Uploads []operate.Upload `json:"uploads,omitempty"`
}

// picgo answers POST /upload as PicGo's server does: a form with files in it, in
// fields of any name, is stored and answered by the URLs at the first host, in the
// order of the files.
func (h *Handler) picgo(w http.ResponseWriter, r *http.Request) {
	q, err := h.enter(w, r, keyOf(r))
	if err == nil {
		defer q.leave()
		err = q.picgoUpload()
	}
	if err != nil {
		p := problemOf(err)
		h.note(r, p.Status, err)
		for name, values := range p.header {
			w.Header()[name] = values
		}
		write(w, p.Status, "application/json", picgoAnswer{Result: []string{}, Message: p.Detail, Msg: p.Detail})
	}
}

func (q *request) picgoUpload() error {
	body := q.incoming()
	kind, _, _ := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	next, ok := parts(q.r.Header.Get("Content-Type"), body)
	if !ok || kind != "multipart/form-data" {
		return q.picgoPaths(body)
	}
	arrivals, err := q.picgoFiles(next, body)
	defer func() {
		for _, a := range arrivals {
			a.abort(nil)
		}
	}()
	if err != nil {
		return err
	}
	if len(arrivals) == 0 {
		return wrong("no file came; send multipart/form-data with the picture as a file")
	}
	entries := make([]operate.Entry, len(arrivals))
	for i, a := range arrivals {
		if entries[i], err = a.commit(); err != nil {
			return err
		}
	}
	return q.picgoAnswer(entries)
}

// picgoPaths says why what is no form cannot be done: PicGo runs where its clients
// run, and this does not.
func (q *request) picgoPaths(body io.Reader) error {
	text, err := io.ReadAll(http.MaxBytesReader(q.w, io.NopCloser(body), maxJSON))
	if err != nil {
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: "the request is too long"}
	}
	var ask struct{ List []string }
	switch err := json.Unmarshal(text, &ask); {
	case len(strings.TrimSpace(string(text))) == 0 || err == nil && len(ask.List) == 0:
		return wrong("no picture came: this gateway cannot see your clipboard; have the program send the picture itself (multipart/form-data)")
	case err == nil:
		return wrong("this gateway cannot read files of your machine by their paths; have the program send the picture itself (multipart/form-data)")
	}
	return problem{Status: http.StatusUnsupportedMediaType, Detail: "send the picture as a file of a form (multipart/form-data)"}
}

// picgoFiles stages the files of a form.
func (q *request) picgoFiles(next func() (part, error), body *incoming) (arrivals []*arrival, err error) {
	room := maxFields
	for {
		p, err := next()
		if err == io.EOF {
			return arrivals, nil
		}
		if err != nil {
			return arrivals, errors.Join(body.cut(err), err)
		}
		if !p.file {
			if _, err := p.value(&room); err != nil {
				return arrivals, err
			}
			continue
		}
		if len(arrivals) == maxFiles {
			return arrivals, wrong(fmt.Sprintf("more than %d files came at once", maxFiles))
		}
		a, err := q.receive(p.name, p)
		if err != nil {
			return arrivals, errors.Join(body.cut(err), err)
		}
		arrivals = append(arrivals, a)
	}
}

// picgoAnswer waits for the URLs of what was stored.
func (q *request) picgoAnswer(entries []operate.Entry) error {
	answer := picgoAnswer{Success: true, Result: []string{}}
	status := http.StatusOK
	until := q.deadline()
	for _, e := range entries {
		uploads, err := q.follow(e.ID, until.left())
		if err != nil {
			return err
		}
		if u := picked(uploads); u != nil {
			answer.Result = append(answer.Result, u.URL)
			continue
		}
		answer.Success = false
		answer.Uploads = append(answer.Uploads, uploads...)
		state := q.standing(e, uploads)
		answer.Message, answer.Msg = state.Detail, state.Detail
		if status == http.StatusOK || state.Status != http.StatusAccepted {
			status = state.Status
		}
		if at := state.header.Get("Location"); at != "" {
			q.w.Header().Set("Location", at)
		}
	}
	return q.reply(status, answer)
}
