package hosttest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// imgbbMax is the largest file that ImgBB takes (api.imgbb.com: 32 MB).
const imgbbMax = 32 << 20

// ImgBB is api.imgbb.com, which speaks a dialect of Chevereto: POST /1/upload, the
// key in the query or the form, the file in the part "image", and `name` and
// `expiration` (60 to 15552000 seconds) beside it. Every refusal is HTTP 400, and its
// code 100 says both a wrong key and too many. The delete_url is a page with a button
// for a person: nothing is deleted by opening it.
func ImgBB(c Config) *Server { return newServer(c, (*Server).imgbb) }

func (s *Server) imgbb(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/1/upload" {
		s.imgbbPage(w, r)
		return
	}
	c := s.config()
	u, err := readForm(r, "image")
	switch {
	case err != nil:
		return
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		page(w, http.StatusMethodNotAllowed, "")
	case c.Key != "" && u.told["key"] != c.Key:
		imgbbRefuse(w, 100, "Invalid API v1 key.")
	case s.tooMany(c):
		imgbbRefuse(w, 100, "Rate limit reached.")
	case len(u.bytes) == 0:
		imgbbRefuse(w, 130, "Empty upload source.")
	case len(u.bytes) > imgbbMax, c.MaxSize > 0 && int64(len(u.bytes)) > c.MaxSize:
		imgbbRefuse(w, 400, "File too big - max 32 MB")
	case !u.picture():
		imgbbRefuse(w, 310, "Can't get target upload source info")
	case !imgbbExpires(u.told["expiration"]):
		imgbbRefuse(w, 400, "Invalid expiration")
	default:
		delete(u.told, "key")
		p := s.keep(u, c, func(n int, p *Picture) {
			p.ID, p.Secret = fmt.Sprintf("bb%05d", n), fmt.Sprintf("%032x", n*7919)
			p.Path = "/i/" + p.ID + "/" + plain(p.Name)
		})
		imgbbAccept(w, base(r), p)
	}
}

// imgbbPage answers what is not the API: pictures, their pages, and the page to
// delete one.
func (s *Server) imgbbPage(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.Stored() {
		if (r.URL.Path == "/"+p.ID || r.URL.Path == "/"+p.ID+"/"+p.Secret) && !p.Deleted {
			page(w, http.StatusOK, "Delete image")
			return
		}
	}
	s.show(w, r)
}

// imgbbExpires reports whether an expiration is one, or not said.
func imgbbExpires(s string) bool {
	n, err := strconv.Atoi(s)
	return s == "" || err == nil && n >= 60 && n <= 15552000
}

func imgbbRefuse(w http.ResponseWriter, code int, message string) {
	write(w, http.StatusBadRequest, map[string]any{
		"status_code": 400, "error": map[string]any{"message": message, "code": code}, "status_txt": "Bad Request",
	})
}

func imgbbAccept(w http.ResponseWriter, base string, p *Picture) {
	title := p.Told["name"]
	if title == "" {
		title, _, _ = strings.Cut(p.Name, ".")
	}
	expires, _ := strconv.Atoi(p.Told["expiration"])
	file := map[string]any{"filename": p.Name, "name": title, "mime": p.Type, "extension": upload{name: p.Name}.ext(), "url": base + p.Path}
	write(w, http.StatusOK, map[string]any{
		"data": map[string]any{
			"id": p.ID, "title": title, "url_viewer": base + "/" + p.ID, "url": base + p.Path, "display_url": base + p.Path,
			"width": 640, "height": 480, "size": len(p.Bytes), "time": p.Created.Unix(), "expiration": expires,
			"image": file, "thumb": file, "medium": file, "delete_url": base + "/" + p.ID + "/" + p.Secret,
		},
		"success": true, "status": 200,
	})
}

// plain keeps of a name what addresses show unescaped, as hosts that make their own
// names do.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}
