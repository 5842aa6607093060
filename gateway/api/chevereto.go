package api

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // widths and heights
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"slipway/gateway/operate"
	"slipway/gateway/webdav/fault"
)

// unkept are the fields of the contract that say something of the picture at the
// host: here the route says it, by the folder.
var unkept = []string{"title", "description", "tags", "album_id", "category_id", "width", "expiration", "nsfw", "use_file_date"}

// refusal is an error in the contract's form. Its codes are Chevereto's, which
// programs tell errors apart by.
type refusal struct {
	status  int
	code    int
	message string
	header  http.Header
}

func (r *refusal) Error() string { return r.message }

// The refusals that need no words of the moment.
var (
	noKey    = &refusal{status: 400, code: 100, message: "No key provided"}
	wrongKey = &refusal{status: 400, code: 100, message: "Invalid API key."}
	noSource = &refusal{status: 400, code: 130, message: "Empty upload source"}
	noBase64 = &refusal{status: 400, code: 120, message: "Invalid base64 string"}
	noURLs   = &refusal{status: 400, code: 403, message: "URL uploading is disabled: send the picture itself"}
	twice    = &refusal{status: 400, code: 130, message: "More than one source came: send one picture with each request"}
	lateKey  = &refusal{status: 400, code: 100, message: "No key provided: the field key has to come before source; better, send the header X-API-Key"}
)

// hosted is one request of the contract.
type hosted struct {
	*request // nil: nobody has signed in yet
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	body     *incoming
	fields   map[string]string
	key      string
	arrived  *arrival
	called   string // the file's name, as the client says it
	sum      string // MD5 of the bytes, in hexadecimal
	// width and height are the picture's; 0 where they are not known.
	width, height int
	stored        operate.Entry
}

// chevereto answers POST /api/1/upload as Chevereto's API 1.1 does.
func (h *Handler) chevereto(w http.ResponseWriter, r *http.Request) {
	c := &hosted{h: h, w: w, r: r, body: h.body(w, r), fields: make(map[string]string), key: keyOf(r)}
	c.body.stranger, c.body.room = true, strangerRoom
	c.fields["format"] = r.URL.Query().Get("format")
	err := c.upload()
	defer func() {
		c.arrived.abort(err)
		if c.request != nil {
			c.leave()
		}
	}()
	if err == nil {
		err = c.answer()
	}
	if err != nil {
		c.refuse(err)
	}
}

// upload reads the request and stores its picture.
func (c *hosted) upload() error {
	if c.key != "" || c.r.Header.Get("X-API-Key") != "" || c.r.Header.Get("Authorization") != "" {
		if err := c.signIn(); err != nil {
			return err
		}
	}
	next, ok := parts(c.r.Header.Get("Content-Type"), c.body)
	if !ok {
		if c.request == nil {
			return noKey
		}
		return noSource
	}
	room := maxFields
	for {
		p, err := next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = c.take(p, &room)
		}
		if err != nil {
			return errors.Join(c.body.cut(err), err)
		}
	}
	switch {
	case c.request == nil:
		return noKey
	case c.arrived == nil:
		return noSource
	}
	var err error
	c.stored, err = c.arrived.commit()
	return err
}

// signIn lets the request in by its key.
func (c *hosted) signIn() (err error) {
	body := c.r.Body
	if c.request, err = c.h.enter(c.w, c.r, c.key); err != nil {
		c.request = nil
		return err
	}
	c.body.stranger = false
	if c.r.Body != body { // it is paced from now on
		c.body.ReadCloser = c.r.Body
	}
	return nil
}

// take takes one part of the form.
func (c *hosted) take(p part, room *int) error {
	if strings.HasSuffix(p.field, "[]") {
		return &refusal{status: 400, code: 130, message: "Lists are not taken: send each field once"}
	}
	if p.field == "source" {
		return c.source(p)
	}
	text, err := p.value(room)
	if err != nil {
		return err
	}
	c.fields[p.field] = text
	if p.field == "key" && c.request == nil {
		c.key = text
		return c.signIn()
	}
	return nil
}

// source stages the picture.
func (c *hosted) source(p part) error {
	switch {
	case c.request == nil:
		return lateKey
	case c.arrived != nil:
		return twice
	}
	c.called = p.name
	var r io.Reader = p
	if !p.file {
		head := make([]byte, len("https://"))
		n, err := io.ReadFull(p, head)
		text := strings.ToLower(string(head[:n]))
		switch {
		case n == 0:
			return noSource
		case strings.HasPrefix(text, "http://"), strings.HasPrefix(text, "https://"):
			return noURLs
		case strings.HasPrefix(text, "data:"):
			return noBase64
		case err != nil && err != io.ErrUnexpectedEOF:
			return err
		}
		r = unbase64(io.MultiReader(strings.NewReader(string(head[:n])), p))
	}
	sum := md5.New()
	var err error
	if c.arrived, err = c.receive(c.called, io.TeeReader(r, sum)); err != nil {
		return err
	}
	c.sum = hex.EncodeToString(sum.Sum(nil))
	info, err := c.arrived.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return noSource
	}
	if config, _, err := image.DecodeConfig(io.NewSectionReader(c.arrived.File, 0, info.Size())); err == nil {
		c.width, c.height = config.Width, config.Height
	}
	return nil
}

// notes says what of the request was not passed on.
func (c *hosted) notes() []string {
	var notes []string
	for _, name := range unkept {
		if c.fields[name] != "" && !(name == "nsfw" && c.fields[name] == "0") {
			notes = append(notes, name+" was not passed on: here the folder's route says it")
		}
	}
	return notes
}

// refuse answers with err as Chevereto does: 400 for what is the request's fault,
// and by text with 200 where text was asked for.
func (c *hosted) refuse(err error) {
	e := refusalOf(err)
	c.h.note(c.r, e.status, err)
	for name, values := range e.header {
		c.w.Header()[name] = values
	}
	if slices.Contains([]string{"txt", "redirect"}, c.fields["format"]) {
		c.text(http.StatusOK, e.message)
		return
	}
	write(c.w, e.status, "application/json; charset=UTF-8", struct {
		Status int        `json:"status_code"`
		Error  cheveError `json:"error"`
		Text   string     `json:"status_txt"`
	}{e.status, cheveError{e.message, e.code}, http.StatusText(e.status)})
}

type cheveError struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
}

// text answers with one line.
func (c *hosted) text(status int, line string) {
	c.w.Header().Set("Content-Type", mime.FormatMediaType("text/plain", map[string]string{"charset": "utf-8"}))
	c.w.WriteHeader(status)
	fmt.Fprint(c.w, line)
}

// refusalOf returns err in the contract's form.
func refusalOf(err error) *refusal {
	var r *refusal
	var in *Refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, errBase64):
		return noBase64
	case errors.As(err, &in) && in.Status == http.StatusUnauthorized:
		return wrongKey
	case errors.As(err, &in) && in.Status == http.StatusForbidden:
		return &refusal{status: 400, code: 401, message: "Request denied: " + in.Error()}
	case errors.As(err, &in):
		return &refusal{status: in.Status, code: in.Status, message: in.Error(), header: in.Header}
	}
	p := problemOf(err)
	e := &refusal{status: 400, code: 400, message: p.Detail, header: p.header}
	switch fault.Of(err) {
	case fault.TooLarge:
		e.message = "File too big: " + p.Detail
	case fault.WrongType:
		e.code = 610
	case fault.Forbidden:
		e.code, e.message = 401, "Request denied: "+p.Detail
	}
	if p.Status >= 500 {
		e.status, e.code = p.Status, p.Status
	}
	return e
}
