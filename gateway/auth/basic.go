package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Client tells the address that a request came from, the zero Addr where that is
// not known, and whether its way here is TLS.
type Client func(*http.Request) (addr netip.Addr, tls bool)

// Basic signs requests in with HTTP Basic (RFC 7617, charset UTF-8) and passes
// them to next with the user in the context, for [FromContext]. client is asked
// where they come from. It answers
//
//   - 401 without a right name and password;
//   - 429 with Retry-After where the address has to wait;
//   - 403 where the account has expired, or demands TLS and the connection is
//     plain and comes from another machine;
//   - 503 where the request ended before an answer was found.
func Basic(t *Table, realm string, client Client, next http.Handler) http.Handler {
	return BasicHeard(t, realm, client, nil, next)
}

// BasicHeard is [Basic], and tells heard of each request with a name and a password:
// the name, and nil or why it was turned away. It is to be quick, and may be nil.
func BasicHeard(t *Table, realm string, client Client, heard func(r *http.Request, name string, err error), next http.Handler) http.Handler {
	if heard == nil {
		heard = func(*http.Request, string, error) {}
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm)
	challenge := fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, quoted)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", challenge)
			http.Error(w, "sign in with a user name and a password", http.StatusUnauthorized)
			return
		}
		addr, secure := client(r)
		user, err := t.Check(r.Context(), name, password, addr)
		if err == nil && user.RequireTLS && !secure && !addr.IsLoopback() {
			heard(r, name, ErrNeedsTLS)
			http.Error(w, ErrNeedsTLS.Error(), http.StatusForbidden)
			return
		}
		if r.Context().Err() == nil {
			heard(r, name, err)
		}
		if err != nil {
			refuse(w, challenge, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), user)))
	})
}

const plainText = "passwords are taken over https only, because this connection is not encrypted; " +
	"whoever runs the gateway can set web.tls = true, or, in a network that is trusted, web.allow_plain = true"

// Encrypted answers 403 where a password would cross the network unencrypted: over
// a plain connection from another machine, unless plain allows it. It is to stand
// before [Basic], which would ask for the password.
func Encrypted(client Client, plain func() bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if addr, secure := client(r); !secure && !addr.IsLoopback() && !plain() {
			http.Error(w, plainText, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers a sign-in that [Table.Check] did not accept.
func refuse(w http.ResponseWriter, challenge string, err error) {
	status := http.StatusServiceUnavailable
	var wait *TooManyError
	switch {
	case errors.As(err, &wait):
		status = http.StatusTooManyRequests
		seconds := max(1, (wait.RetryAfter+time.Second-1)/time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	case errors.Is(err, ErrExpired):
		status = http.StatusForbidden
	case errors.Is(err, ErrWrong):
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", challenge)
	}
	http.Error(w, err.Error(), status)
}
