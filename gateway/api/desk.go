package api

import (
	_ "embed"
	"io"
	"net/http"
	"time"

	"slipway/gateway/operate"
)

//go:embed openapi.json
var openAPI []byte

// document answers with the OpenAPI document, which tells nothing of anybody.
func document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
	w.Write(openAPI) //nolint:errcheck // the reader is gone
}

// status answers GET /status: what runs here, and who asks.
func (q *request) status() error {
	return q.reply(http.StatusOK, struct {
		Version string         `json:"version"`
		Started time.Time      `json:"started"`
		Me      operate.Person `json:"me"`
		Folder  string         `json:"folder,omitempty"`
	}{q.Version, q.Started, q.me, q.Folder()})
}

// explain answers GET /explain/PATH: which route takes it, and what it waits for.
func (q *request) explain() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	x, err := q.Desk.Explain(q.ctx, p)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, x)
}

// destinations answers GET /destinations.
func (q *request) destinations() error {
	list, err := q.Desk.Destinations(q.ctx)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, struct {
		Destinations []operate.Destination `json:"destinations"`
	}{append([]operate.Destination{}, list...)})
}

// pause answers POST /destinations/NAME/pause.
func (q *request) pause() error {
	name, err := q.destination()
	if err != nil {
		return err
	}
	return q.done(q.Desk.Pause(q.ctx, name))
}

// resume answers POST /destinations/NAME/resume.
func (q *request) resume() error {
	name, err := q.destination()
	if err != nil {
		return err
	}
	return q.done(q.Desk.Resume(q.ctx, name))
}

// destination returns the name in the request's address.
func (q *request) destination() (string, error) {
	name := q.r.PathValue("name")
	if !isText(name) {
		return "", notFound("there is no such destination")
	}
	return name, nil
}

// transfers answers GET /transfers: what is coming in and going out, and what broke
// off.
func (q *request) transfers() error {
	list, err := q.Desk.Transfers(q.ctx)
	if err != nil {
		return err
	}
	broken, err := q.Desk.BrokenOff(q.ctx)
	if err != nil {
		return err
	}
	return q.reply(http.StatusOK, struct {
		Transfers []operate.Transfer  `json:"transfers"`
		BrokenOff []operate.BrokenOff `json:"broken_off"`
	}{append([]operate.Transfer{}, list...), append([]operate.BrokenOff{}, broken...)})
}

// thumbnail answers GET /thumbnails/ENTRY with a small picture.
func (q *request) thumbnail() error {
	id, err := q.id("entry")
	if err != nil {
		return err
	}
	params, err := q.query("edge")
	if err != nil {
		return err
	}
	edge, err := params.number("edge", 256)
	if err != nil {
		return err
	}
	if edge < 64 || edge > 512 || edge%64 != 0 {
		return wrong("edge is a multiple of 64, up to 512")
	}
	t, err := q.Desk.Thumbnail(q.ctx, id, int(edge))
	if err != nil {
		return err
	}
	defer io.Closer(t.Content).Close() //nolint:errcheck // only read
	q.w.Header().Set("Content-Type", t.Type)
	q.w.Header().Set("Cache-Control", "private, max-age=86400")
	if t.ETag != "" {
		q.w.Header().Set("ETag", t.ETag)
	}
	http.ServeContent(moving{q.w, q.Idle}, q.r, "", t.Modified, t.Content)
	return nil
}
