package hosttest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"slipway/uploader/uploadertest"
)

// upload is a file as it arrived. The zero upload is none.
type upload struct {
	name, typ string
	bytes     []byte
	sums      uploadertest.Sums
	told      map[string]string
}

// newUpload hashes what arrived.
func newUpload(name, typ string, b []byte, told map[string]string) upload {
	s, m := sha256.Sum256(b), md5.Sum(b)
	return upload{name: name, typ: typ, bytes: b, told: told, sums: uploadertest.Sums{SHA256: hex.EncodeToString(s[:]), MD5: hex.EncodeToString(m[:])}}
}

// readForm reads a multipart form whose file is in the part called field, and its
// other fields. A form without that part is the upload without bytes. A body without
// a length reached PHP hosts as one without a file, and so here.
func readForm(r *http.Request, field string) (upload, error) {
	u := upload{told: map[string]string{}}
	for name, values := range r.URL.Query() {
		u.told[name] = values[0]
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "multipart/form-data" || r.ContentLength < 0 {
		_, err := io.Copy(io.Discard, r.Body)
		return u, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return u, err
	}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, err
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return u, err
		}
		_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if err != nil {
			return u, err
		}
		if _, isFile := params["filename"]; !isFile {
			u.told[part.FormName()] = string(b)
		} else if part.FormName() == field && u.bytes == nil {
			u = newUpload(params["filename"], part.Header.Get("Content-Type"), b, u.told)
		}
	}
}

// picture reports whether the bytes begin as a picture does.
func (u upload) picture() bool { return strings.HasPrefix(http.DetectContentType(u.bytes), "image/") }

// ext returns the extension of the name in lower case, without its dot.
func (u upload) ext() string { return strings.ToLower(strings.TrimPrefix(path.Ext(u.name), ".")) }

// ownHeaders adds to what was told the headers that begin with one of prefixes.
func (u upload) ownHeaders(h http.Header, prefixes ...string) upload {
	told := maps.Clone(u.told)
	if told == nil {
		told = map[string]string{}
	}
	for name := range h {
		lower := strings.ToLower(name)
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) {
			told[lower] = h.Get(name)
		}
	}
	u.told = told
	return u
}

// write answers JSON.
func write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of maps of texts and numbers
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b)
}

// page answers HTML.
func page(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html><html><body><h1>%d %s</h1>%s</body></html>", status, http.StatusText(status), html.EscapeString(body))
}

// base is the site's own address as the client calls it.
func base(r *http.Request) string { return "http://" + r.Host }
