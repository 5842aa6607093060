package anqicmstest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// data is a file as the site describes it.
type data struct {
	ID          int64  `json:"id"`
	CreatedTime int64  `json:"created_time"`
	UpdatedTime int64  `json:"updated_time"`
	UserID      int    `json:"user_id"`
	FileName    string `json:"file_name"`
	Location    string `json:"file_location"`
	Size        int64  `json:"file_size"`
	MD5         string `json:"file_md5"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	CategoryID  uint64 `json:"category_id"`
	IsImage     int    `json:"is_image"`
	Status      int    `json:"status"`
	Watermark   int    `json:"watermark"`
	Logo        string `json:"logo"`
	Thumb       string `json:"thumb"`
}

type answer struct {
	Code int    `json:"code"`
	Data *data  `json:"data,omitempty"`
	Msg  string `json:"msg"`
}

// describe returns f as a reply shows it. Addresses are not escaped.
func (s *Server) describe(r *http.Request, f File, existing bool) *data {
	base := s.cfg.BaseURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	d := &data{
		ID: f.ID, UpdatedTime: s.cfg.Now().Unix(), FileName: f.Title, Location: f.Path, Size: f.StoredSize,
		MD5: f.MD5, Width: f.width, Height: f.height, CategoryID: f.Category, Status: 1, Logo: base + "/" + f.Path,
	}
	if !existing {
		d.CreatedTime = f.Created.Unix()
	}
	if f.Image {
		i := strings.LastIndexByte(f.Path, '/') + 1
		d.IsImage, d.Thumb = 1, base+"/"+f.Path[:i]+"thumb_"+f.Path[i:]
	}
	return d
}

// encode returns a as the site writes it: no HTML escapes, a line end.
func (a answer) encode() []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(a)
	return []byte(b.String())
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(a.encode())
}

// refuse answers as every error is answered: HTTP 200 with code -1.
func refuse(w http.ResponseWriter, msg string) { answer{Code: -1, Msg: msg}.write(w) }

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// page answers with a page of the site's design.
func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html>\n<html lang=\"zh-cn\"><head><title>" + http.StatusText(status) + "</title></head><body></body></html>\n"))
}

// wantsEnglish reports whether the client asks for English; Chinese is the default.
func wantsEnglish(r *http.Request) bool {
	return strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "en")
}

func say(english bool, en, zh string) string {
	if english {
		return en
	}
	return zh
}

// visitor is one address as the limiter knows it.
type visitor struct {
	recent  []time.Time
	blocked time.Time // until when
}

// limited answers for the limiter, and reports whether it did.
func (s *Server) limited(w http.ResponseWriter, r *http.Request) bool {
	if s.cfg.Limit == 0 {
		return false
	}
	host := r.RemoteAddr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, now := s.visitors[host], s.cfg.Now()
	if v == nil {
		v = &visitor{}
		s.visitors[host] = v
	}
	if now.Before(v.blocked) {
		plain(w, http.StatusForbidden, "Your IP is blocked.")
		return true
	}
	for len(v.recent) > 0 && now.Sub(v.recent[0]) >= s.cfg.Window {
		v.recent = v.recent[1:]
	}
	if len(v.recent) >= s.cfg.Limit {
		v.recent, v.blocked = nil, now.Add(s.cfg.Block)
		plain(w, http.StatusTooManyRequests, "Too many requests from this IP.")
		return true
	}
	v.recent = append(v.recent, now)
	return false
}
