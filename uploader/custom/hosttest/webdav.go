package hosttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/net/webdav"
)

// WebDAV is a WebDAV server with Basic sign-in at /dav/, and what lies there for
// everybody to read at /public/. Folders are those that exist ("/pictures"). RFC 4918
// §9.7.1: a PUT below a folder that is not there is 409 and makes none; §11.5: 507
// where there is no room, which MaxSize is. A PUT replaces the file when it has come
// whole, as Nextcloud and Apache do.
func WebDAV(c Config) *Server {
	files := webdav.NewMemFS()
	for _, folder := range c.Folders {
		parent := ""
		for _, name := range strings.Split(strings.Trim(folder, "/"), "/") {
			parent += "/" + name
			if err := files.Mkdir(context.Background(), parent, 0o755); err != nil && !os.IsExist(err) {
				panic(err) // of a name that is none
			}
		}
	}
	h := &webdav.Handler{Prefix: "/dav", FileSystem: files, LockSystem: webdav.NewMemLS()}
	return newServer(c, func(s *Server, w http.ResponseWriter, r *http.Request) { s.webdav(w, r, h) })
}

func (s *Server) webdav(w http.ResponseWriter, r *http.Request, h *webdav.Handler) {
	c := s.config()
	rest, inside := strings.CutPrefix(r.URL.Path, "/dav/")
	if !inside {
		s.show(w, r)
		return
	}
	if user, password, ok := r.BasicAuth(); c.Key != "" && (!ok || user != c.User || password != c.Key) {
		w.Header().Set("WWW-Authenticate", `Basic realm="files"`)
		page(w, http.StatusUnauthorized, "")
		return
	}
	if r.Method != http.MethodPut {
		seen := &status{ResponseWriter: w}
		h.ServeHTTP(seen, r)
		if r.Method == http.MethodDelete && seen.code == http.StatusNoContent {
			s.remove(func(p *Picture) bool { return p.Path == "/public/"+rest })
		}
		return
	}
	b, err := io.ReadAll(r.Body)
	name := rest[strings.LastIndex(rest, "/")+1:]
	switch {
	case len(name) > 255: // of no file system behind such a server
		page(w, http.StatusInternalServerError, "")
		return
	case err != nil, r.ContentLength >= 0 && int64(len(b)) != r.ContentLength:
		return
	case c.MaxSize > 0 && int64(len(b)) > c.MaxSize:
		page(w, http.StatusInsufficientStorage, "")
		return
	case s.tooMany(c):
		page(w, http.StatusTooManyRequests, "")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	seen := &status{ResponseWriter: w}
	h.ServeHTTP(seen, r)
	if seen.code == http.StatusCreated {
		u := newUpload(name, r.Header.Get("Content-Type"), b, nil)
		s.replace(u, c, "/public/"+rest)
	}
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}
