package crashtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/chevereto/cheveretotest"
)

// What the hosts know their accounts by.
const (
	token = "cms-token-5f1d9"
	key   = "chev-key-77ab0"
)

// hosts are two sites that outlive the program.
type hosts struct {
	cms         *anqicmstest.Server
	chev        *cheveretotest.Server
	cmsURL      string
	chevURL     string
	cmsRequests atomic.Int64 // uploads as they began
	cheRequests atomic.Int64
}

// newHosts starts the sites, of which each takes a moment to work on a picture:
// while it does, an identical one would pass by it.
func newHosts(t *testing.T, hazard *Hazard) *hosts {
	h := &hosts{
		cms:  anqicmstest.New(anqicmstest.Config{Token: token, Work: 5 * time.Millisecond}),
		chev: cheveretotest.New(cheveretotest.Config{Key: key, Delay: 5 * time.Millisecond}),
	}
	cms := httptest.NewServer(watched(h.cms, hazard, &h.cmsRequests))
	chev := httptest.NewServer(watched(h.chev, hazard, &h.cheRequests))
	h.cmsURL, h.chevURL = cms.URL, chev.URL
	t.Cleanup(func() {
		h.cms.Close()
		h.chev.Close()
		cms.Close()
		chev.Close()
	})
	return h
}

// watched tells hazard how far uploads to site have come.
func watched(site http.Handler, hazard *Hazard, requests *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.ContentLength <= 0 {
			site.ServeHTTP(w, r)
			return
		}
		requests.Add(1)
		hazard.At(HostBegun)
		r.Body = &intake{ReadCloser: r.Body, half: r.ContentLength / 2, at: hazard.At}
		site.ServeHTTP(&reply{ResponseWriter: w, at: hazard.At}, r)
		http.NewResponseController(w).Flush() //nolint:errcheck // the client may be dead
		hazard.At(HostSaid)
	})
}

// intake is a body that a host reads.
type intake struct {
	io.ReadCloser
	half, read int64
	at         func(Event)
}

func (i *intake) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	if i.read < i.half && i.read+int64(n) >= i.half {
		i.at(HostHalf)
	}
	i.read += int64(n)
	return n, err
}

// reply is an answer about to be given.
type reply struct {
	http.ResponseWriter
	begun bool
	at    func(Event)
}

func (r *reply) WriteHeader(status int) {
	r.begin()
	r.ResponseWriter.WriteHeader(status)
}

func (r *reply) Write(b []byte) (int, error) {
	r.begin()
	return r.ResponseWriter.Write(b)
}

func (r *reply) begin() {
	if !r.begun {
		r.begun = true
		r.at(HostStored)
	}
}

// Unwrap serves http.ResponseController.
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }
