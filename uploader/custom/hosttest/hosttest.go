// Package hosttest is the image hosts that examples/ has destinations for, each as
// its documentation (or, where that is silent, its source) says that it answers:
// what a request must look like, what comes back, how it refuses a wrong key, a file
// that is too large or of a wrong type, and too many, and how it deletes.
//
//	srv := hosttest.Imgur(hosttest.Config{Key: "0123456789abcde"})
//	site := httptest.NewServer(srv)
//	defer func() { srv.Close(); site.Close() }()
//
// It is for tests alone. Bytes are kept in memory, and given back at the picture's
// URL.
package hosttest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"slipway/uploader/uploadertest"
)

// Config is how a host is set up. The zero value takes everything from anybody.
type Config struct {
	// Key is what the account proves itself with: the key, token, client id, password
	// or secret access key.
	Key string
	// User is the account's name where there is one: a user name, an access key id.
	User string
	// MaxSize is the largest file in bytes; 0: any.
	MaxSize int64
	// PerHour is how many uploads are taken within an hour; 0: any number.
	PerHour int
	// Folders that exist: directories (WebDAV), buckets (S3), folder ids (Zipline).
	Folders []string
	// Region of the buckets; "": us-east-1.
	Region string
	// Domain below which buckets have a name of their own (S3); "": path style only.
	Domain string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Picture is one file that a host took.
type Picture struct {
	ID     string // the host's
	Secret string // what deletes it, where that is not the id
	Name   string // the file's name as it was sent
	Path   string // of its URL
	Type   string // the media type as it was sent
	Bytes  []byte
	Sums   uploadertest.Sums
	// Told is what was said beside the file: form fields, arguments of the query and
	// the host's own headers, these in lower case.
	Told    map[string]string
	Created time.Time
	Deleted bool
}

// Server is one host. It is an http.Handler, safe for concurrent use.
type Server struct {
	faults *uploadertest.Faults

	mu       sync.Mutex
	cfg      Config
	pictures []*Picture
	seq      int
}

var _ uploadertest.Host = (*Server)(nil)

// newServer returns a host that answers with serve.
func newServer(c Config, serve func(*Server, http.ResponseWriter, *http.Request)) *Server {
	s := &Server{cfg: c}
	s.faults = uploadertest.NewFaults(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(s, w, r) }))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.faults.ServeHTTP(w, r) }

// Close lets hanging requests go. It does not close connections.
func (s *Server) Close() { s.faults.Close() }

// FailNext makes the next uploads fail, one for each mode of package uploadertest.
func (s *Server) FailNext(modes ...uploadertest.Mode) { s.faults.FailNext(modes...) }

// Requests returns the uploads as they arrived.
func (s *Server) Requests() []*uploadertest.Seen { return s.faults.Requests() }

// Configure changes how the host is set up, between requests.
func (s *Server) Configure(change func(*Config)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.cfg)
}

// Stored returns every picture that was taken, deleted ones too, in their order.
func (s *Server) Stored() []Picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Picture, len(s.pictures))
	for i, p := range s.pictures {
		all[i] = *p
	}
	return all
}

// Count implements uploadertest.Host: pictures that are there.
func (s *Server) Count() (n int) {
	for _, p := range s.Stored() {
		if !p.Deleted {
			n++
		}
	}
	return n
}

// Has implements uploadertest.Host.
func (s *Server) Has(sums uploadertest.Sums) bool {
	return slices.ContainsFunc(s.Stored(), func(p Picture) bool { return p.Sums == sums && !p.Deleted })
}

// config returns the set-up of this moment.
func (s *Server) config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// now returns the host's time.
func (c Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// folder reports whether a folder exists.
func (c Config) folder(name string) bool { return slices.Contains(c.Folders, name) }

// tooMany reports whether the host takes no more for now.
func (s *Server) tooMany(c Config) bool {
	if c.PerHour == 0 {
		return false
	}
	recent := 0
	for _, p := range s.Stored() {
		if c.now().Sub(p.Created) < time.Hour {
			recent++
		}
	}
	return recent >= c.PerHour
}

// keep stores an upload: name draws its id, secret and path from its number.
func (s *Server) keep(u upload, c Config, name func(n int, p *Picture)) *Picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	p := &Picture{Name: u.name, Type: u.typ, Bytes: u.bytes, Sums: u.sums, Told: u.told, Created: c.now()}
	name(s.seq, p)
	s.pictures = append(s.pictures, p)
	return p
}

// replace is keep for hosts where a path names the file: what stood there is gone.
func (s *Server) replace(u upload, c Config, path string) {
	s.remove(func(p *Picture) bool { return p.Path == path })
	s.keep(u, c, func(_ int, p *Picture) { p.Path = path })
}

// remove deletes the picture that is asked for, and reports whether it was there.
func (s *Server) remove(is func(*Picture) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pictures {
		if !p.Deleted && is(p) {
			p.Deleted = true
			return true
		}
	}
	return false
}

// show gives the bytes of the picture at a path, for anybody.
func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.Stored() {
		if p.Path == r.URL.Path && !p.Deleted && r.Method == http.MethodGet {
			w.Header().Set("Content-Type", http.DetectContentType(p.Bytes))
			w.Write(p.Bytes)
			return
		}
	}
	page(w, http.StatusNotFound, "")
}
