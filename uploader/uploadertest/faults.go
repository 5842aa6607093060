package uploadertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// Mode is one way in which a host or the line to it fails.
type Mode string

// The modes. Those that end in "stored" let the host have the picture first.
const (
	ResetBefore    Mode = "reset before the body"
	ResetInBody    Mode = "reset in the body"
	ResetAfterBody Mode = "reset after the body"
	LoseReply      Mode = "reset instead of the reply, stored"
	Hang           Mode = "no reply, stored"
	CutReply       Mode = "the connection ends in the reply, stored"
	CutJSON        Mode = "half of the reply's JSON, stored"
	HTML500        Mode = "HTTP 500 HTML"
	HTML502        Mode = "HTTP 502 HTML"
	Early503       Mode = "HTTP 503 before the body was read"
	Early413       Mode = "HTTP 413 before the body was read"
	TooMany        Mode = "HTTP 429"
	HTMLPage       Mode = "HTTP 200 HTML"
	Empty          Mode = "HTTP 200 and nothing"
	Empty403       Mode = "HTTP 403 and nothing"
	Stall          Mode = "takes no more of the body"
	Elsewhere      Mode = "HTTP 301"
	HTML403        Mode = "HTTP 403 HTML"
	HTML404        Mode = "HTTP 404 HTML"
)

// maxSeen is how many requests are remembered at least.
const maxSeen = 1000

// Seen is one upload request as it arrived.
type Seen struct {
	Proto   string
	Length  int64 // Content-Length; -1: none
	Chunked bool
	Header  http.Header
	Path    string
	read    atomic.Int64
}

// Read returns how many bytes of its body were read.
func (s *Seen) Read() int64 { return s.read.Load() }

// Faults stands before a host and fails uploads on demand. What has no body
// passes. It is safe for concurrent use.
type Faults struct {
	host http.Handler
	done chan struct{}

	mu       sync.Mutex
	next     []Mode
	small    []Mode // of requests without a body
	echo     string
	requests []*Seen
	closed   bool
}

// NewFaults returns a host without faults, yet.
func NewFaults(host http.Handler) *Faults { return &Faults{host: host, done: make(chan struct{})} }

// FailNext makes the next uploads fail, one for each mode, in their order; after
// those of earlier calls.
func (f *Faults) FailNext(modes ...Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, modes...)
}

// FailNextSmall makes the next requests without a body fail, which pass otherwise, one
// for each mode.
func (f *Faults) FailNextSmall(modes ...Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.small = append(f.small, modes...)
}

// EchoNext answers the next upload with s, in JSON and status 400.
func (f *Faults) EchoNext(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.echo = s
}

// Requests returns the uploads seen so far, in order; of very many, the latest.
func (f *Faults) Requests() []*Seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Seen(nil), f.requests...)
}

// Close lets every hanging request go.
func (f *Faults) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.done)
	}
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// ServeHTTP implements http.Handler.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut || r.ContentLength == 0 {
		f.serveSmall(w, r)
		return
	}
	seen := &Seen{Proto: r.Proto, Length: r.ContentLength, Chunked: len(r.TransferEncoding) > 0, Header: r.Header.Clone(), Path: r.URL.Path}
	r.Body = counted{r.Body, &seen.read}
	mode, echo := f.arrive(seen)
	switch {
	case echo != "":
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, echo)
	case mode == "":
		f.host.ServeHTTP(w, r)
	default:
		f.fail(w, r, mode)
	}
}

// serveSmall lets a request without a body pass, or fails it.
func (f *Faults) serveSmall(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	var mode Mode
	if len(f.small) > 0 {
		mode, f.small = f.small[0], f.small[1:]
	}
	f.mu.Unlock()
	if mode == "" {
		f.host.ServeHTTP(w, r)
		return
	}
	f.fail(w, r, mode)
}

// arrive notes an upload and returns how it is to fail.
func (f *Faults) arrive(seen *Seen) (mode Mode, echo string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next) > 0 {
		mode, f.next = f.next[0], f.next[1:]
	}
	echo, f.echo = f.echo, ""
	if f.requests = append(f.requests, seen); len(f.requests) > 2*maxSeen {
		f.requests = append([]*Seen(nil), f.requests[maxSeen:]...)
	}
	return mode, echo
}

// fail fails one upload.
func (f *Faults) fail(w http.ResponseWriter, r *http.Request, mode Mode) {
	switch mode {
	case ResetBefore:
		reset(w)
	case ResetInBody:
		io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		reset(w)
	case Stall:
		io.CopyN(io.Discard, r.Body, 1000)
		<-f.done
	case Early413:
		page(w, http.StatusRequestEntityTooLarge)
	case Early503:
		page(w, http.StatusServiceUnavailable)
	case LoseReply, Hang, CutReply, CutJSON:
		f.lose(w, r, mode)
	default:
		io.Copy(io.Discard, r.Body)
		answer(w, mode)
	}
}

// answer answers without the host, after the whole body.
func answer(w http.ResponseWriter, mode Mode) {
	switch mode {
	case ResetAfterBody:
		reset(w)
	case HTML500:
		page(w, http.StatusInternalServerError)
	case HTML502:
		page(w, http.StatusBadGateway)
	case HTMLPage:
		page(w, http.StatusOK)
	case TooMany:
		w.Header().Set("Retry-After", "120")
		page(w, http.StatusTooManyRequests)
	case Elsewhere:
		w.Header().Set("Location", "/elsewhere/")
		page(w, http.StatusMovedPermanently)
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Empty403:
		w.WriteHeader(http.StatusForbidden)
	case HTML403:
		page(w, http.StatusForbidden)
	case HTML404:
		page(w, http.StatusNotFound)
	default:
		panic("uploadertest: unknown mode " + mode)
	}
}

// lose lets the host have the picture and keeps its reply back.
func (f *Faults) lose(w http.ResponseWriter, r *http.Request, mode Mode) {
	rec := httptest.NewRecorder()
	f.host.ServeHTTP(rec, r)
	reply := rec.Body.Bytes()
	switch mode {
	case LoseReply:
		reset(w)
	case Hang:
		<-f.done
	case CutJSON:
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		w.Write(reply[:len(reply)/2])
	case CutReply:
		if c := hijack(w); c != nil && len(reply) == 0 { // It ends in the headers then.
			fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-", rec.Code)
			c.Close()
		} else if c != nil {
			fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				rec.Code, rec.Header().Get("Content-Type"), len(reply), reply[:len(reply)/2])
			c.Close()
		}
	}
}

// page answers with HTML, as a server before the application does.
func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%s</h1></body></html>", status, http.StatusText(status))
}

// reset ends the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	c := hijack(w)
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	if c != nil {
		c.Close()
	}
}

// hijack takes the connection, or nil.
func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	return c
}
