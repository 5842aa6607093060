package sidecar

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"slipway/vfs/blob"
)

// renderJSON writes NAME.json, as encoding/json would and in a tenth of its time:
// to list a folder is to find out how long each of these is.
func renderJSON(b *bytes.Buffer, pictures []*picture, _ render) {
	p := pictures[0]
	j := object{Buffer: b}
	j.open()
	j.number("version", 1)
	j.text("path", p.path)
	j.number("size", p.entry.Size)
	j.sum("sha256", p.entry.SHA256)
	j.text("modified", moment(p.entry.Modified))
	j.uploads("uploads", p.receipt.Uploads)
	j.uploads("previous", p.receipt.Previous)
	j.links(p.receipt.Links)
	b.WriteString("}\n")
}

// object is a JSON object under way.
type object struct {
	*bytes.Buffer
	begun bool
}

func (j *object) open() {
	j.WriteByte('{')
	j.begun = false
}

// key writes one that needs no escapes.
func (j *object) key(key string) {
	if j.begun {
		j.WriteByte(',')
	}
	j.begun = true
	j.WriteByte('"')
	j.WriteString(key)
	j.WriteString(`":`)
}

func (j *object) number(key string, n int64) {
	j.key(key)
	j.Write(strconv.AppendInt(j.AvailableBuffer(), n, 10))
}

func (j *object) text(key, s string) {
	j.key(key)
	j.value(s)
}

// optional writes nothing where s is "".
func (j *object) optional(key, s string) {
	if s != "" {
		j.text(key, s)
	}
}

// value writes s, escaped where it must be, for HTML too.
func (j *object) value(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			escaped, _ := json.Marshal(s) // a string cannot fail
			j.Write(escaped)
			return
		}
	}
	j.WriteByte('"')
	j.WriteString(s)
	j.WriteByte('"')
}

func (j *object) sum(key string, sum blob.Sum) {
	j.key(key)
	j.WriteByte('"')
	j.Write(hex.AppendEncode(j.AvailableBuffer(), sum[:]))
	j.WriteByte('"')
}

// moment writes null where t is zero.
func (j *object) moment(key string, t time.Time) {
	if j.key(key); t.IsZero() {
		j.WriteString("null")
		return
	}
	j.WriteByte('"')
	j.Write(t.UTC().AppendFormat(j.AvailableBuffer(), time.RFC3339))
	j.WriteByte('"')
}

func (j *object) uploads(key string, list []Upload) {
	j.key(key)
	j.WriteByte('[')
	for i := range list {
		if i > 0 {
			j.WriteByte(',')
		}
		j.upload(&list[i])
	}
	j.WriteByte(']')
	j.begun = true
}

func (j *object) upload(u *Upload) {
	j.open()
	j.text("destination", u.Destination)
	j.text("state", u.State)
	j.text("reason", u.Reason)
	j.text("url", u.URL)
	j.text("viewer_url", u.ViewerURL)
	j.text("thumbnail_url", u.ThumbnailURL)
	j.text("id", u.ID)
	j.text("album", u.Album)
	j.text("category", u.Category)
	j.number("attempts", int64(u.Attempts))
	j.moment("sent_at", u.SentAt)
	if !u.NextTry.IsZero() {
		j.moment("next_try", u.NextTry)
	}
	if !u.GoesAt.IsZero() {
		j.moment("delete_at", u.GoesAt)
	}
	if !u.GoneAt.IsZero() {
		j.moment("deleted_at", u.GoneAt)
	}
	j.text("error", u.Error)
	j.optional("remedy", u.Remedy)
	if !u.SHA256.IsZero() {
		j.sum("sha256", u.SHA256)
	}
	if len(u.Notes) > 0 {
		j.key("notes")
		for i, note := range u.Notes {
			j.WriteByte("[,"[min(i, 1)])
			j.value(note)
		}
		j.WriteByte(']')
	}
	j.WriteByte('}')
}
