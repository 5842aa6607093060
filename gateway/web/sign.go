package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// signInForm is what the page to sign in shows.
type signInForm struct {
	Name, To, Error string
	// Refused: passwords are not taken over this connection.
	Refused bool
}

// signInPage answers GET /sign-in.
func (q *request) signInPage() error {
	to := own(q.r.URL.Query().Get("to"))
	if q.desk != nil {
		http.Redirect(q.w, q.r, to, http.StatusSeeOther)
		return nil
	}
	return q.show(http.StatusOK, "sign-in", "Sign in", signInForm{To: to, Refused: !q.encrypted()})
}

// encrypted reports whether a password may come over this connection.
func (q *request) encrypted() bool { return q.tls || q.from.IsLoopback() || q.Plain() }

// signIn answers POST /sign-in.
func (q *request) signIn() error {
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, 16<<10)
	if err := q.r.ParseForm(); err != nil {
		return wrong("the form could not be read; try again")
	}
	form := q.r.PostForm
	f := signInForm{Name: form.Get("name"), To: own(form.Get("to")), Refused: !q.encrypted()}
	if f.Refused {
		return q.show(http.StatusForbidden, "sign-in", "Sign in", f)
	}
	secret, life, wait, err := q.Sessions.SignIn(q.r, f.Name, form.Get("password"))
	if errors.Is(err, q.ctx.Err()) && err != nil {
		return &problem{http.StatusServiceUnavailable, "the gateway is busy; try again"}
	}
	if err != nil {
		f.Error = err.Error()
		code := http.StatusUnprocessableEntity
		if wait > 0 {
			code = http.StatusTooManyRequests
			q.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		return q.show(code, "sign-in", "Sign in", f)
	}
	q.setCookie(secret, life)
	http.Redirect(q.w, q.r, f.To, http.StatusSeeOther)
	return nil
}

// signOut answers POST /sign-out.
func (q *request) signOut() error {
	if err := q.form(); err != nil {
		return err
	}
	if err := q.Sessions.SignOut(q.ctx, q.secret); err != nil {
		return err
	}
	q.setCookie("", 0)
	http.Redirect(q.w, q.r, "/sign-in", http.StatusSeeOther)
	return nil
}
