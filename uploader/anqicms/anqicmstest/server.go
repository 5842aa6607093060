// Package anqicmstest is a site that takes uploads as AnQiCMS 3.5.8 was observed
// to: files known by their MD5 across all categories, images stored anew,
// everything else under its own name, errors with HTTP 200, and the false
// success of code 0 without an id. It streams what it receives and keeps the
// hashes, or the bytes where told to, and fails on demand in the ways that were
// seen and in those that networks add.
//
// It does not speak the undocumented upload in parts.
package anqicmstest

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// UploadPath is where the site takes uploads, at its root or below one folder.
const UploadPath = "/attachment/upload"

// Config says how a Server behaves. The zero value is a site whose token is "".
type Config struct {
	// Token is the one that is accepted, in the query or as a form field.
	Token string
	// BaseURL is what addresses of files begin with, such as
	// "https://cms.example"; "" for the address that the request came to.
	BaseURL string
	// KeepBytes keeps what is stored in memory and serves it at its address. JPEG
	// and PNG are then decoded and encoded anew, with the errors that the real
	// site has for broken ones. Without it only the head and tail are looked at.
	KeepBytes bool
	// Work is how long an image or file is worked on between the look-up of its
	// MD5 and the writing of its row. An identical one that comes meanwhile fails.
	Work time.Duration
	// Replaces lets a form field id name the file whose place the new one takes, as the
	// vendor's page says and versions before 3.5 did; else every id is refused, as
	// 3.5.8 was observed to.
	Replaces bool
	// Limit is how many requests an address may make in Window; 0: any number.
	// The one after is answered 429, and those in the Block after that 403.
	Limit  int
	Window time.Duration // 0: 5 minutes
	Block  time.Duration // 0: an hour
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Server is the site, an http.Handler. It is safe for concurrent use.
type Server struct {
	cfg    Config
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	token    string
	next     []Mode
	always   Mode
	files    []*File
	byMD5    map[string]*File
	byPath   map[string]*File // who wrote the path last
	lastID   int64
	visitors map[string]*visitor
	uploads  int
	probes   int
	flying   int
	most     int
}

// New returns a site without files.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Window == 0 {
		cfg.Window = 5 * time.Minute
	}
	if cfg.Block == 0 {
		cfg.Block = time.Hour
	}
	return &Server{
		cfg: cfg, token: cfg.Token, closed: make(chan struct{}),
		byMD5: map[string]*File{}, byPath: map[string]*File{}, visitors: map[string]*visitor{},
	}
}

// Close lets go of the requests that hang or stall. It may be called again.
func (s *Server) Close() { s.once.Do(func() { close(s.closed) }) }

// SetToken changes the accepted token from the next request on.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Uploads returns how many requests with a body came.
func (s *Server) Uploads() int { return s.read(&s.uploads) }

// Probes returns how many requests to the upload address came without a body.
func (s *Server) Probes() int { return s.read(&s.probes) }

// MostAtOnce returns the largest number of requests with a body at a time.
func (s *Server) MostAtOnce() int { return s.read(&s.most) }

func (s *Server) read(n *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *n
}

// ServeHTTP answers as the site does, in its order: limiter, ban of clients
// without a name, routes, change of language, body, token, file.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if s.serveFile(w, r) {
			return
		}
	}
	isUpload := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, UploadPath)
	mode, leave := s.arrive(isUpload, r.ContentLength != 0)
	defer leave()
	switch {
	case s.limited(w, r), s.failEarly(w, r, mode):
	case r.UserAgent() == "":
		w.WriteHeader(http.StatusOK)
	case !isUpload:
		page(w, http.StatusNotFound)
	case r.URL.Query().Has("lang"):
		q := r.URL.Query()
		q.Del("lang")
		w.Header().Set("Location", r.URL.Path+"?"+q.Encode())
		w.WriteHeader(http.StatusTemporaryRedirect)
	default:
		s.upload(w, r, mode)
	}
}

// arrive counts the request, takes its mode, and returns what to call at its end.
func (s *Server) arrive(isUpload, hasBody bool) (Mode, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !isUpload || !hasBody {
		if isUpload {
			s.probes++
		}
		return s.always.everywhere(), func() {}
	}
	s.uploads++
	s.flying++
	s.most = max(s.most, s.flying)
	mode := s.always
	if len(s.next) > 0 {
		mode, s.next = s.next[0], s.next[1:]
	}
	return mode, s.leave
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
}
