package anqicms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"slipway/uploader"
	"slipway/uploader/form"
)

// loose is a number that some versions write as a string. It keeps the digits
// as they came, since the server's own overflow 64 bits (category_id -1).
type loose string

// UnmarshalJSON takes a number, a string or null.
func (l *loose) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*l = ""
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(l))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*l = loose(n)
	return nil
}

// number returns l's value, and 0 where it has none or is out of range.
func (l loose) number() int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(string(l)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// envelope is every JSON reply of the server.
type envelope struct {
	Code    loose           `json:"code"`
	Msg     string          `json:"msg"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// text returns what the server said, whichever field it used.
func (e envelope) text() string {
	if e.Msg != "" {
		return e.Msg
	}
	return e.Message
}

// attachment is a file as the server describes it.
type attachment struct {
	ID          loose  `json:"id"`
	CreatedTime loose  `json:"created_time"` // 0: the reply was deduplicated
	Location    string `json:"file_location"`
	Size        loose  `json:"file_size"` // of what is stored
	MD5         string `json:"file_md5"`  // of what was sent
	IsImage     loose  `json:"is_image"`
	CategoryID  loose  `json:"category_id"`
	Logo        string `json:"logo"`  // the file's address, not escaped
	Thumb       string `json:"thumb"` // likewise; "" for what is no image
}

// decode reads the reply to an upload. A nil error means that the server says
// it has a file; whether it is ours is for the caller to compare.
func decode(r form.Reply) (attachment, error) {
	e, err := readEnvelope(r)
	if err != nil {
		return attachment{}, err
	}
	if strings.TrimSpace(string(e.Code)) != "0" {
		return attachment{}, classify(e, r.BodySent)
	}
	var a attachment
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &a); err != nil {
			return attachment{}, unreadable(r)
		}
	}
	if a.ID.number() <= 0 {
		return attachment{}, falseSuccess(r)
	}
	return a, nil
}

// readEnvelope returns the JSON reply, or the error that the reply's status, or
// its want of JSON, means.
func readEnvelope(r form.Reply) (envelope, error) {
	var e envelope
	if r.Status != http.StatusOK {
		return e, statusError(r)
	}
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return e, &uploader.Error{
			Kind:     uploader.Temporary,
			Code:     "HTTP 200",
			Message:  "the site answered nothing, as it does to clients that it has banned",
			Remedy:   "if it goes on, look for this machine's address in the site's list of blocked clients",
			BodySent: r.BodySent,
		}
	}
	if json.Unmarshal(r.Body, &e) != nil || e.Code == "" {
		return e, unreadable(r)
	}
	return e, nil
}

// unreadable is the error of a reply that no AnQiCMS writes, such as the page of
// a proxy or of a site under maintenance.
func unreadable(r form.Reply) error {
	return &uploader.Error{
		Kind:     uploader.Unusual,
		Code:     fmt.Sprintf("HTTP %d", r.Status),
		Message:  "the reply is not one of AnQiCMS",
		Remedy:   "open the site in a browser: it may be under maintenance, or behind a page of its provider",
		BodySent: r.BodySent,
	}
}

// falseSuccess is the error of code 0 without an id: the server could not write
// the row, because its database is down or the same file came twice at once.
func falseSuccess(r form.Reply) error {
	return &uploader.Error{
		Kind:     uploader.Temporary,
		Code:     "0",
		Message:  "the site said yes but stored nothing: its database did not take the file",
		BodySent: r.BodySent,
	}
}
