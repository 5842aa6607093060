package cheveretotest

import (
	"encoding/json"
	"fmt"
	htmlpkg "html"
	"net/http"
	"slices"
	"strings"
)

// page answers what is not the API: stored files, viewers, delete links and
// albums.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	elements := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case elements[0] == "images":
		s.image(w, r)
	case elements[0] == "image" && len(elements) == 4 && elements[2] == "delete":
		s.delete(w, r, elements[1], elements[3])
	case elements[0] == "image" && len(elements) == 2 && s.shown(elements[1]) != nil:
		html(w, http.StatusOK)
	case elements[0] == "album" && len(elements) == 2:
		s.album(w, r, elements[1])
	default:
		html(w, http.StatusNotFound)
	}
}

// shown returns a picture that the public may see, or nil.
func (s *Server) shown(id string) *Picture {
	for _, p := range s.Stored() {
		if p.ID == id && !p.Awaiting && (p.Expires.IsZero() || s.config().now().Before(p.Expires)) {
			return &p
		}
	}
	return nil
}

// image serves a stored file.
func (s *Server) image(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.Stored() {
		if p.path() == r.URL.Path && s.shown(p.ID) != nil && p.Bytes != nil {
			w.Header().Set("Content-Type", http.DetectContentType(p.Bytes))
			w.Write(p.Bytes)
			return
		}
	}
	html(w, http.StatusNotFound)
}

// delete deletes a picture for whoever has its link, by each of the methods that were
// tried: 301 once, and 404 ever after, as for a wrong link.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, id, hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions = append(s.deletions, r.Method)
	switch {
	case s.cfg.Maintenance:
		html(w, http.StatusOK)
		return
	case !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete}, r.Method):
		html(w, http.StatusMethodNotAllowed)
		return
	}
	for _, p := range s.pictures {
		if p.ID == id && p.DeleteHash == hash && !p.Deleted {
			p.Deleted = true
			redirect(w, "/image/"+id+"?deleted")
			return
		}
	}
	html(w, http.StatusNotFound)
}

// album lists the pictures of an album, the latest first, each described in an
// attribute.
func (s *Server) album(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	fmt.Fprint(w, "<!DOCTYPE html><html><body>")
	all := s.Stored()
	for i := range all {
		p := all[len(all)-1-i]
		if p.Album != id || s.shown(p.ID) == nil {
			continue
		}
		base := "http://" + r.Host
		b, err := json.Marshal(map[string]any{
			"id_encoded": p.ID, "title": p.Title, "filename": p.File, "size": fmt.Sprint(p.Size),
			"url": base + p.path(), "url_viewer": base + "/image/" + p.ID,
		})
		if err != nil {
			panic(err) // of texts
		}
		fmt.Fprintf(w, `<div class="list-item" data-object="%s"></div>`, htmlpkg.EscapeString(string(b)))
	}
	fmt.Fprint(w, "</body></html>")
}
