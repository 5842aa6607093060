// Package cheveretotest is a site that takes and fails uploads as Chevereto
// 4.2.0 was observed to: for tests, and for benchmarks of files of any size,
// whose bytes it hashes and forgets.
//
//	srv := cheveretotest.New(cheveretotest.Config{Key: "chv_alice"})
//	site := httptest.NewServer(srv)
//	defer func() { srv.Close(); site.Close() }()
package cheveretotest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway/uploader/uploadertest"
)

// Config is how the site is set up. The zero value takes everything that the
// host takes, from anybody who has Key.
type Config struct {
	Key      string // of an ordinary user
	OtherKey string // of another one; "": none
	AdminKey string // of an administrator, who may repeat uploads; "": none

	// Limits of uploads in a rolling window from one address; 0: off. The host's
	// own are 50, 500 and 1000.
	PerMinute, PerHour, PerDay int
	// AllowRepeats switches off the rule of one upload a day for the same bytes.
	AllowRepeats bool
	// Moderate keeps the pictures of all but administrators from being shown.
	Moderate bool
	// Maintenance answers every upload with a web page.
	Maintenance bool
	// UploadsOff answers every upload with "Request denied".
	UploadsOff bool
	// NoExpiration ignores the field of that name.
	NoExpiration bool
	// Reencode stores other bytes than it got, as for JPEGs with a rotation.
	Reencode bool
	// RandomNames names stored files by chance; else by the uploaded name.
	RandomNames bool
	// Language of messages: "en" (default), "zh" or "de".
	Language string
	// Disabled are formats by extension ("gif") that this site does not take.
	Disabled []string
	// StopWords are refused in titles.
	StopWords []string
	// Albums are the ids that exist and belong to the key's owner; any other
	// album_id is dropped without a word.
	Albums []string

	// Limits in bytes; 0: none. Of the site, of PHP for a file and for a body, and
	// of the web server.
	MaxSize, FileLimit, PostLimit, ServerLimit int64

	// Delay is how long a picture is worked on between the look for a repeat and
	// its row, in which identical uploads pass each other by.
	Delay time.Duration
	// Rate in bytes a second is how fast a body is read; 0: as it comes.
	Rate int64
	// KeepBytes keeps pictures' bytes and serves them at their URLs.
	KeepBytes bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Server is the site. It is an http.Handler, safe for concurrent use.
type Server struct {
	faults *uploadertest.Faults

	mu        sync.Mutex
	cfg       Config
	pictures  []*Picture
	bytes     map[string][]*Picture  // by the MD5 of what was uploaded
	files     map[string]bool        // names that are taken
	times     map[string][]time.Time // accepted uploads by address
	active    int
	most      int
	probes    int
	deletions []string // methods
}

var _ uploadertest.Host = (*Server)(nil)

// New returns a fresh site.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, bytes: map[string][]*Picture{}, files: map[string]bool{}, times: map[string][]time.Time{}}
	s.faults = uploadertest.NewFaults(http.HandlerFunc(s.serve))
	return s
}

// Close lets hanging requests go. It does not close connections.
func (s *Server) Close() { s.faults.Close() }

// FailNext makes the next uploads fail, one for each mode of package
// uploadertest: lost replies, resets, stalls, pages.
func (s *Server) FailNext(modes ...uploadertest.Mode) { s.faults.FailNext(modes...) }

// FailNextSmall makes the next requests without a body fail: looks at pages, and
// deletions.
func (s *Server) FailNextSmall(modes ...uploadertest.Mode) { s.faults.FailNextSmall(modes...) }

// Deletions returns the methods of the requests to delete links that came, in order.
func (s *Server) Deletions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deletions)
}

// Requests returns the uploads as they arrived.
func (s *Server) Requests() []*uploadertest.Seen { return s.faults.Requests() }

// Configure changes how the site is set up, between requests.
func (s *Server) Configure(change func(*Config)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.cfg)
}

// MostAtOnce returns how many uploads were being received at the same time.
func (s *Server) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Probes returns how many requests without a picture came to the upload address.
func (s *Server) Probes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probes
}

// config returns the set-up of this moment.
func (s *Server) config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// now returns the site's time.
func (c Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.faults.ServeHTTP(w, r) }

// serve answers what Faults lets through.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Set-Cookie", "PHPSESSID=0; path=/; HttpOnly")
	rest, isAPI := strings.CutPrefix(r.URL.Path, "/api/")
	if !isAPI {
		s.page(w, r)
		return
	}
	version, action, _ := strings.Cut(rest, "/")
	switch c := s.config(); {
	case c.ServerLimit > 0 && r.ContentLength > c.ServerLimit:
		html(w, http.StatusRequestEntityTooLarge)
	case action == "upload" && r.URL.RawQuery != "":
		redirect(w, r.URL.Path+"/?"+r.URL.RawQuery)
	case action == "upload/" && r.URL.RawQuery == "":
		redirect(w, strings.TrimSuffix(r.URL.Path, "/"))
	case version != "1":
		c.refuse(w, invalidVersion)
	case strings.TrimSuffix(action, "/") != "upload":
		c.refuse(w, invalidAction)
	case c.Maintenance:
		html(w, http.StatusOK)
	default:
		s.upload(w, r, c)
	}
}

// redirect answers 301, as the site does for addresses that are almost right.
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusMovedPermanently)
}
