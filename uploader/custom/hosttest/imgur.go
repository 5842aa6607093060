package hosttest

import (
	"fmt"
	"net/http"
	"strings"
)

// imgurMax is the largest picture that Imgur takes.
const imgurMax = 20 << 20

// Imgur is Imgur's API version 3: POST /3/image with "Authorization: Client-ID KEY",
// the file in the part "image", title, description and album (an anonymous album's
// deletehash) beside it; DELETE /3/image/DELETEHASH. An error is a text or an object
// with a code and a message.
func Imgur(c Config) *Server { return newServer(c, (*Server).imgur) }

func (s *Server) imgur(w http.ResponseWriter, r *http.Request) {
	hash, one := strings.CutPrefix(r.URL.Path, "/3/image/")
	c := s.config()
	auth := r.Header.Get("Authorization")
	switch {
	case r.URL.Path != "/3/image" && r.URL.Path != "/3/upload" && !one:
		s.imgurPage(w, r)
	case !strings.HasPrefix(auth, "Client-ID "):
		imgurRefuse(w, r, http.StatusUnauthorized, "Authentication required")
	case c.Key != "" && auth != "Client-ID "+c.Key:
		imgurRefuse(w, r, http.StatusForbidden, "Invalid client_id")
	case one && r.Method == http.MethodDelete:
		if !s.remove(func(p *Picture) bool { return p.Secret == hash }) {
			imgurRefuse(w, r, http.StatusNotFound, "Unable to find an image with the id, "+hash)
			return
		}
		write(w, http.StatusOK, map[string]any{"data": true, "success": true, "status": 200})
	case r.Method != http.MethodPost || one:
		imgurRefuse(w, r, http.StatusMethodNotAllowed, "Method not allowed")
	default:
		s.imgurUpload(w, r, c)
	}
}

func (s *Server) imgurUpload(w http.ResponseWriter, r *http.Request, c Config) {
	u, err := readForm(r, "image")
	switch {
	case err != nil:
	case s.tooMany(c):
		imgurRefuse(w, r, http.StatusTooManyRequests, imgurError(429, "You are uploading too fast. Please wait 37 more minutes."))
	case len(u.bytes) == 0:
		imgurRefuse(w, r, http.StatusBadRequest, "No image data was sent to the upload api")
	case len(u.bytes) > imgurMax, c.MaxSize > 0 && int64(len(u.bytes)) > c.MaxSize:
		imgurRefuse(w, r, http.StatusBadRequest, "File is over the size limit")
	case !u.picture():
		imgurRefuse(w, r, http.StatusBadRequest, imgurError(1003, "File type invalid (1)"))
	default:
		p := s.keep(u, c, func(n int, p *Picture) {
			p.ID, p.Secret = fmt.Sprintf("im%05d", n), fmt.Sprintf("dh%013d", n)
			p.Path = "/" + p.ID + "." + strings.TrimPrefix(http.DetectContentType(p.Bytes), "image/")
		})
		write(w, http.StatusOK, map[string]any{
			"data": map[string]any{
				"id": p.ID, "title": nullable(p.Told["title"]), "description": nullable(p.Told["description"]), "datetime": p.Created.Unix(),
				"type": http.DetectContentType(p.Bytes), "animated": false, "width": 640, "height": 480, "size": len(p.Bytes), "views": 0,
				"nsfw": nil, "account_id": 0, "account_url": nil, "in_gallery": false, "tags": []string{}, "name": "",
				"deletehash": p.Secret, "link": base(r) + p.Path,
			},
			"success": true, "status": 200,
		})
	}
}

// imgurPage gives pictures, whatever the letter of their size.
func (s *Server) imgurPage(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.Stored() {
		if stem, ext, _ := strings.Cut(p.Path, "."); strings.HasPrefix(r.URL.Path, stem) && strings.HasSuffix(r.URL.Path, "."+ext) {
			r.URL.Path = p.Path
		}
	}
	s.show(w, r)
}

func imgurError(code int, message string) map[string]any {
	return map[string]any{"code": code, "message": message, "type": "ImgurException", "exception": []string{}}
}

// imgurRefuse answers an error: a text, or an object.
func imgurRefuse(w http.ResponseWriter, r *http.Request, status int, said any) {
	write(w, status, map[string]any{
		"data": map[string]any{"error": said, "request": r.URL.Path, "method": r.Method}, "success": false, "status": status,
	})
}

// nullable is JSON's null for what was not said.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
