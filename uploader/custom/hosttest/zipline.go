package hosttest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ziplineRefused are extensions that the hosts below do not take.
var ziplineRefused = []string{"php", "exe"}

// Zipline is Zipline 4: POST /api/upload with the token as it is in Authorization,
// files in the part "file", options in headers that begin with X-Zipline-. It takes
// every type but the extensions that its owner switched off. Errors are {"error":
// "E2001: …", "code", "statusCode"}. DELETE /api/user/files/ID.
func Zipline(c Config) *Server { return newServer(c, (*Server).zipline) }

func (s *Server) zipline(w http.ResponseWriter, r *http.Request) {
	c := s.config()
	id, one := strings.CutPrefix(r.URL.Path, "/api/user/files/")
	switch {
	case r.URL.Path != "/api/upload" && !one:
		s.show(w, r)
	case c.Key != "" && r.Header.Get("Authorization") == "":
		ziplineRefuse(w, 2000, "Invalid login session")
	case c.Key != "" && r.Header.Get("Authorization") != c.Key:
		ziplineRefuse(w, 2001, "Invalid token")
	case one && r.Method == http.MethodDelete:
		if !s.remove(func(p *Picture) bool { return p.ID == id }) {
			ziplineRefuse(w, 4000, "File not found")
			return
		}
		write(w, http.StatusOK, map[string]any{"id": id})
	case one || r.Method != http.MethodPost:
		ziplineRefuse(w, 9002, "Not found")
	default:
		s.ziplineUpload(w, r, c)
	}
}

func (s *Server) ziplineUpload(w http.ResponseWriter, r *http.Request, c Config) {
	u, err := readForm(r, "file")
	folder, expires := r.Header.Get("X-Zipline-Folder"), r.Header.Get("X-Zipline-Deletes-At")
	switch {
	case err != nil:
	case s.tooMany(c):
		w.Header().Set("Retry-After", "60")
		write(w, http.StatusTooManyRequests, map[string]any{"error": "Rate limit exceeded, retry in 1 minute", "statusCode": 429})
	case expires != "" && !ziplineTime(expires, c.now()):
		ziplineRefuse(w, 1001, "bad options, receieved: x-zipline-deletes-at")
	case folder != "" && !c.folder(folder):
		ziplineRefuse(w, 4001, "Folder not found")
	case len(u.bytes) == 0:
		ziplineRefuse(w, 1062, "No files")
	case slices.Contains(ziplineRefused, u.ext()):
		ziplineRefuse(w, 1006, "file[0]: File extension ."+u.ext()+" is not allowed")
	case c.MaxSize > 0 && int64(len(u.bytes)) > c.MaxSize:
		ziplineRefuse(w, 5001, fmt.Sprintf("file[0]: File size is too large. Maximum file size is %d bytes", c.MaxSize))
	default:
		p := s.keep(u.ownHeaders(r.Header, "x-zipline-"), c, func(n int, p *Picture) {
			p.ID, p.Path = fmt.Sprintf("cmb60pvng%016d", n), fmt.Sprintf("/u/Zp%04d.%s", n, u.ext())
		})
		file := map[string]any{"id": p.ID, "name": strings.TrimPrefix(p.Path, "/u/"), "type": p.Type, "url": base(r) + p.Path}
		reply := map[string]any{"files": []any{file}}
		if expires != "" {
			reply["deletesAt"] = c.now().Add(time.Hour).UTC().Format(time.RFC3339)
		}
		write(w, http.StatusOK, reply)
	}
}

// ziplineSpan is a relative time as package ms of npm reads it.
var ziplineSpan = regexp.MustCompile(`^\d+(\.\d+)? ?(s|sec|secs|m|min|mins|h|hr|hrs|d|day|days|w|week|weeks|y|yr|years?)?$`)

// ziplineTime reports whether s is a time to come: "3d", "86400s", "date=2030-01-01T00:00:00Z".
func ziplineTime(s string, now time.Time) bool {
	date, absolute := strings.CutPrefix(s, "date=")
	if !absolute {
		return ziplineSpan.MatchString(s)
	}
	t, err := time.Parse(time.RFC3339, date)
	return err == nil && t.After(now)
}

func ziplineRefuse(w http.ResponseWriter, code int, message string) {
	status := map[int]int{1: 400, 2: 401, 3: 403, 4: 404, 5: 413, 9: 404}[code/1000]
	write(w, status, map[string]any{"error": fmt.Sprintf("E%d: %s", code, message), "code": code, "statusCode": status})
}

// ZiplineV3 is Zipline 3: as Zipline 4, but for options in headers without a prefix
// ("Expires-At"), a reply whose files are addresses and nothing else, and errors that
// are {"error", "code"} with the status as the code. What it answers names no id, so
// that there is nothing to delete by.
func ZiplineV3(c Config) *Server { return newServer(c, (*Server).ziplineV3) }

func (s *Server) ziplineV3(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/upload" {
		s.show(w, r)
		return
	}
	c := s.config()
	refuse := func(status int, message string) { write(w, status, map[string]any{"error": message, "code": status}) }
	if c.Key != "" && r.Header.Get("Authorization") != c.Key {
		refuse(http.StatusForbidden, "authorization incorrect")
		return
	}
	u, err := readForm(r, "file")
	expires := r.Header.Get("Expires-At")
	switch {
	case err != nil:
	case r.Method != http.MethodPost:
		refuse(http.StatusMethodNotAllowed, "method not allowed")
	case expires != "" && !ziplineTime(expires, c.now()):
		refuse(http.StatusBadRequest, "invalid date")
	case s.tooMany(c):
		w.Header().Set("X-Ratelimit-Remaining", "60")
		refuse(http.StatusTooManyRequests, "ratelimited - try again in 60 seconds")
	case len(u.bytes) == 0:
		refuse(http.StatusBadRequest, "no files")
	case c.MaxSize > 0 && int64(len(u.bytes)) > c.MaxSize:
		refuse(http.StatusBadRequest, "file[0]: size too big")
	case u.name == "":
		refuse(http.StatusBadRequest, "file[0]: no filename")
	case slices.Contains(ziplineRefused, u.ext()):
		refuse(http.StatusBadRequest, "file[0]: disabled extension recieved: "+u.ext())
	default:
		p := s.keep(u.ownHeaders(r.Header, "expires-at", "original-name"), c, func(n int, p *Picture) {
			p.ID, p.Path = fmt.Sprint(n), fmt.Sprintf("/u/Z3%04d.%s", n, u.ext())
		})
		write(w, http.StatusOK, map[string]any{"files": []string{base(r) + p.Path}})
	}
}
