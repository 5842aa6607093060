package anqicmstest

import (
	"io"
	"net"
	"net/http"
	"time"
)

// Mode is a way in which an upload fails. "" is none.
type Mode string

// Modes that act before the body is read. Those marked with * hold for requests
// without a body too while FailAlways is set to them.
const (
	Limited     Mode = "limited"     // * HTTP 429
	Blocked     Mode = "blocked"     // * HTTP 403
	NotFound    Mode = "not-found"   // * HTTP 404 with a page
	Redirect    Mode = "redirect"    // * HTTP 307 that repeats the token
	Unavailable Mode = "unavailable" // * HTTP 503 with a page, Retry-After: 120
	TooLarge    Mode = "too-large"   // HTTP 413 with a page
	ResetEarly  Mode = "reset-early" // the connection is reset before the body is read
	ResetInBody Mode = "reset-in-body"
	Stall       Mode = "stall" // nothing is read until Close
)

// Modes that act when the whole body has come, and store nothing.
const (
	EmptyReply     Mode = "empty-reply"     // HTTP 200 without a body
	Page200        Mode = "page-200"        // HTTP 200 with a page
	Page500        Mode = "page-500"        // HTTP 500 with a page (a panic)
	Page502        Mode = "page-502"        // HTTP 502 with a page
	TokenError     Mode = "token-error"     // as for a broken body
	FalseSuccess   Mode = "false-success"   // code 0, id 0
	DuplicateEntry Mode = "duplicate-entry" // MySQL's error 1062
	DatabaseDown   Mode = "database-down"   // images: dial tcp …; others: FalseSuccess
	StorageFailure Mode = "storage-failure" // open /path…
	WrongMD5       Mode = "wrong-md5"       // the reply names another sum
)

// Modes in which the file is stored and the reply does not arrive.
const (
	LostReset Mode = "lost-reset" // the connection is reset
	LostHang  Mode = "lost-hang"  // no answer until the client leaves or Close
	CutReply  Mode = "cut-reply"  // HTTP 200 with half of the JSON
)

// FailNext sets how the next uploads fail, one mode each; "" lets one through.
func (s *Server) FailNext(modes ...Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, modes...)
}

// FailAlways sets how every upload fails that FailNext says nothing of; "" ends it.
func (s *Server) FailAlways(mode Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = mode
}

// everywhere returns m where it holds for every request.
func (m Mode) everywhere() Mode {
	switch m {
	case Limited, Blocked, NotFound, Redirect, Unavailable:
		return m
	}
	return ""
}

// failEarly answers as mode says, before the body, and reports whether it did.
func (s *Server) failEarly(w http.ResponseWriter, r *http.Request, mode Mode) bool {
	switch mode {
	case Limited:
		plain(w, http.StatusTooManyRequests, "Too many requests from this IP.")
	case Blocked:
		plain(w, http.StatusForbidden, "Your IP is blocked.")
	case NotFound:
		page(w, http.StatusNotFound)
	case Redirect:
		w.Header().Set("Location", r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	case Unavailable:
		w.Header().Set("Retry-After", "120")
		page(w, http.StatusServiceUnavailable)
	case TooLarge:
		page(w, http.StatusRequestEntityTooLarge)
	case ResetEarly:
		reset(w)
	case ResetInBody:
		_, _ = io.CopyN(io.Discard, r.Body, max(r.ContentLength/2, 1))
		reset(w)
	case Stall:
		s.stall(w)
	default:
		return false
	}
	return true
}

// failLate answers as mode says once f has come whole, and reports whether it did.
func failLate(w http.ResponseWriter, english bool, mode Mode, f *File) bool {
	if mode == DatabaseDown && !f.Image {
		mode = FalseSuccess
	}
	switch mode {
	case EmptyReply:
		w.WriteHeader(http.StatusOK)
	case Page200:
		page(w, http.StatusOK)
	case Page500:
		page(w, http.StatusInternalServerError)
	case Page502:
		page(w, http.StatusBadGateway)
	case TokenError:
		refuse(w, say(english, "Token error", "Token错误"))
	case DuplicateEntry:
		refuse(w, duplicateEntry(f.MD5))
	case DatabaseDown:
		refuse(w, "dial tcp 192.0.2.10:3306: connect: connection refused")
	case StorageFailure:
		refuse(w, "open /app/public/"+f.Path+": no space left on device")
	default:
		return false
	}
	return true
}

// duplicateEntry is what MySQL says of a row that another request has written.
func duplicateEntry(md5 string) string {
	return "Error 1062 (23000): Duplicate entry '" + md5 + "' for key 'uni_attachments_file_md5'"
}

// reset ends the connection by a TCP reset, where it is one.
func reset(w http.ResponseWriter) {
	conn := hijack(w)
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// stall holds the connection and reads nothing.
func (s *Server) stall(w http.ResponseWriter) {
	conn := hijack(w)
	<-s.closed
	_ = conn.Close()
}

// hijack takes the connection of w, free of deadlines.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.SetDeadline(time.Time{})
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return layered.NetConn()
	}
	return conn
}
