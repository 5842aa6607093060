package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// policy is what a page may do (Content Security Policy Level 3): show what the
// gateway itself serves, run its modules, and send forms to it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secure sets the header fields that every reply has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// cookieName is what the session's cookie is called. Over TLS the name itself says
// that only this host may have set it (RFC 6265bis §4.1.3.2).
func cookieName(tls bool) string {
	if tls {
		return "__Host-slipway"
	}
	return "slipway"
}

// setCookie keeps the session's secret in the browser for life; 0: no more.
func (q *request) setCookie(secret string, life time.Duration) {
	c := &http.Cookie{
		Name: cookieName(q.tls), Value: secret, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: q.tls, SameSite: http.SameSiteLaxMode,
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(q.w, c)
}

// saltLength is how much of a token differs from page to page, in characters.
const saltLength = 11

// csrfToken is what the page of a session at an address proves itself by. It says
// nothing of the secret, and another address has another one, so that nothing is
// learned of it from how well pages compress whose address somebody else chose.
func csrfToken(secret, address string) string {
	return signed(secret, keyed(secret, "salt of "+address)[:saltLength])
}

// sameToken reports whether token is one of the session's.
func sameToken(token, secret string) bool {
	return len(token) > saltLength && hmac.Equal([]byte(token), []byte(signed(secret, token[:saltLength])))
}

func signed(secret, salt string) string { return salt + keyed(secret, "token "+salt) }

func keyed(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
