package web

import "net/http"

// ProofHeader is the header field by which a page's scripts prove that they are the
// page's.
const ProofHeader = "X-CSRF-Token"

// CookieName is what the cookie with the session's secret is called, over TLS or not.
func CookieName(tls bool) string { return cookieName(tls) }

// Proven reports whether a request comes from a page of the session with a secret,
// by its ProofHeader.
func Proven(r *http.Request, secret string) bool {
	return sameToken(r.Header.Get(ProofHeader), secret)
}
