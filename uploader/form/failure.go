package form

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"slipway/uploader"
)

// failure says in plain words why no reply came, and by how far the body had
// come whether the host may have the picture: sent says that all of it left
// this machine. body is nil for a request without one.
func failure(g *guard, body *Body, sent bool, err error) *uploader.Error {
	e := &uploader.Error{Kind: uploader.Temporary}
	if sent {
		e.Kind, e.BodySent = uploader.Ambiguous, true
	} else if body != nil && body.Err() != nil {
		e.Message, e.Err = "the gateway stopped the upload itself", body.Err()
		return e
	}
	if cause := context.Cause(g.ctx); cause != nil {
		e.Message, e.Err = "the upload was cancelled", cause
		if body == nil {
			e.Message = "the request was cancelled"
		}
		if errors.Is(cause, errStalled) || errors.Is(cause, errNoAnswer) || errors.Is(cause, errTooLong) {
			e.Message, e.Err = cause.Error(), context.DeadlineExceeded
		}
	} else {
		e.Message, e.Remedy, e.Err = explain(err)
	}
	if e.BodySent {
		e.Message += ", after the whole picture had been sent"
	}
	return e
}

// explain puts a transport's error into words. The error is handed on only where
// its text is known to come from this machine, never from the host's bytes.
func explain(err error) (message, remedy string, cause error) {
	if m, r, ok := explainTLS(err); ok {
		return m, r, err
	}
	var dns *net.DNSError
	var op *net.OpError
	var timed net.Error
	switch {
	case errors.As(err, &dns):
		return "the host's name could not be looked up", "check the destination's url for a typing error, and this machine's network and DNS", dns
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the host refused the connection", "check that the site is up, and the port in the destination's url", syscall.ECONNREFUSED
	case errors.As(err, &op) && op.Op == "dial":
		return "the host could not be reached", "check this machine's network, and that the site is up", op
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed): // net/http closes a connection that was reset while it is written to
		return "the host broke off the connection", "", closest(err)
	case strings.Contains(err.Error(), "server closed idle connection"):
		return "the host broke off the connection", "", nil
	case errors.As(err, &timed) && timed.Timeout():
		return "the host did not answer in time", "", nil
	case errors.As(err, &op):
		return "the connection to the host failed", "", op
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "the host answered something that is not HTTP", "check the port in the destination's url", nil
	}
	return "the request to the host failed", "", nil
}

// closest returns the bare cause of a broken connection.
func closest(err error) error {
	for _, known := range []error{syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	return io.EOF
}

// explainTLS knows the ways in which a handshake fails.
func explainTLS(err error) (message, remedy string, ok bool) {
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &name):
		return "the host's TLS certificate is for another name", "check the destination's url; if it is right, tell the site's owner", true
	case errors.As(err, &unknown):
		return "the host's TLS certificate is signed by nobody this machine trusts", "install the authority's certificate on this machine, or ask the site's owner for a complete chain", true
	case errors.As(err, &invalid):
		return "the host's TLS certificate is not valid", "check this machine's clock; if it is right, tell the site's owner", true
	case errors.As(err, &verify):
		return "the host's TLS certificate could not be verified", "check this machine's clock and trusted certificates", true
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the host does not speak TLS on this port", "use http:// in the destination's url if the site has no https", true
	case errors.As(err, &op) && op.Op == "remote error": // crypto/tls's word for an alert
		return "the host refused the TLS handshake", "tell the site's owner", true
	}
	return "", "", false
}
