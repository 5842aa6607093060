package custom

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"slipway/uploader"
	"slipway/uploader/custom/syntax"
	"slipway/uploader/form"
)

func code(r form.Reply) string { return fmt.Sprintf("HTTP %d", r.Status) }

// said is what the host says of its error, by the template for it: one short line
// without secrets.
func (a *attempt) said(env *syntax.Env) string {
	text := strings.Join(strings.Fields(oneLine(a.recipe.result.failed.Fill(env, syntax.Plain))), " ")
	text = a.hide(strings.ToValidUTF8(text, "\uFFFD"))
	if r := []rune(text); len(r) > 160 {
		text = string(r[:160])
	}
	return text
}

// quoted returns that to be put behind our own words.
func (a *attempt) quoted(env *syntax.Env) string {
	if said := a.said(env); said != "" && utf8.ValidString(said) {
		return `; it says "` + said + `"`
	}
	return ""
}

// Words by which hosts say whose fault it was. They decide only where the status does
// not.
var (
	keyWords   = regexp.MustCompile(`(?i)\b(?:api[ _-]?)?(?:key|token|credentials?|client[ _-]?id)\b|unauthori[sz]ed|unauthenticated|not logged in|forbidden|permission|denied`)
	quotaWords = regexp.MustCompile(`(?i)quota|storage (?:is )?(?:full|exceeded)|no space|capacity|insufficient storage`)
	slowWords  = regexp.MustCompile(`(?i)rate.?limit|too many|slow ?down|try again later`)
	fileWords  = regexp.MustCompile(`(?i)too (?:large|big)|(?:file|mime|image|content)[ _-]?(?:type|format|extension|size)|unsupported|not (?:an? )?(?:valid |supported )?(?:image|picture)|(?:invalid|bad|corrupt(?:ed)?|broken) (?:image|file|picture)|extension`)
)

// judge is the error of a reply that is no success.
func (a *attempt) judge(env *syntax.Env, r form.Reply) *uploader.Error {
	e := &uploader.Error{Code: code(r), BodySent: r.BodySent}
	quoted := a.quoted(env)
	set := func(kind uploader.Kind, message, remedy string) *uploader.Error {
		e.Kind, e.Message, e.Remedy = kind, message+quoted, remedy
		return e
	}
	if r.Status < 300 || r.Status >= 400 {
		if a.bySayings(e, quoted) {
			return e
		}
	}
	const smaller = "make the file smaller, send it to another destination, or ask the host's owner for a higher limit"
	const account = "check the destination's secrets and headers, and the account at the host"
	switch s := r.Status; {
	case s >= 300 && s < 400:
		to := location(a, r.Header)
		return set(uploader.Refused, "the host sends uploads elsewhere: "+to, "set the destination's url to where the host really is: "+to)
	case s == http.StatusTooManyRequests, r.Header.Get("Retry-After") != "" && s == http.StatusServiceUnavailable:
		e.After = a.retryAfter(r.Header)
		return set(uploader.RetryAfter, "the host asks to slow down", "")
	case s == http.StatusRequestEntityTooLarge:
		return set(uploader.Permanent, "the file is over the host's limit", smaller)
	case s == http.StatusUnsupportedMediaType, s == http.StatusUnprocessableEntity, s == http.StatusRequestURITooLong:
		return set(uploader.Permanent, "the host does not take this file", "convert it, rename it, or send it to another destination")
	case s == http.StatusInsufficientStorage, s == http.StatusPaymentRequired:
		return set(uploader.Refused, "the host has no room left for this account", "make room at the host, or send elsewhere")
	case s == http.StatusForbidden && fileWords.MatchString(quoted):
		return set(uploader.Permanent, "the host does not take this file", "convert it, or send it to another destination")
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return set(uploader.Refused, "the host does not accept this account", account)
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusGone, s == http.StatusNotImplemented:
		return set(uploader.Refused, "the host takes no uploads at the destination's address", "check the destination's url and method")
	case s == http.StatusConflict && a.recipe.method == http.MethodPut:
		return set(uploader.Refused, "the host has no folder for the file", "make the folder of the destination's url at the host")
	case s >= 500:
		return set(uploader.Unusual, "the host failed", "")
	case s == http.StatusBadRequest && quoted != "":
		return a.byWords(e, quoted)
	}
	return set(uploader.Temporary, "the host refused the upload", "")
}

// refused is the error of a reply whose status says yes and whose text says no.
func (a *attempt) refused(env *syntax.Env, r form.Reply) *uploader.Error {
	e := &uploader.Error{Code: code(r), BodySent: r.BodySent}
	return a.byWords(e, a.quoted(env))
}

// byWords judges by what the host says; quoted may be "".
func (a *attempt) byWords(e *uploader.Error, quoted string) *uploader.Error {
	if a.bySayings(e, quoted) {
		return e
	}
	e.Message = "the host refused the upload" + quoted
	switch {
	case slowWords.MatchString(quoted):
		e.Kind, e.After = uploader.RetryAfter, time.Minute
	case quotaWords.MatchString(quoted):
		e.Kind, e.Remedy = uploader.Refused, "make room at the host, or send elsewhere"
	case fileWords.MatchString(quoted):
		e.Kind, e.Remedy = uploader.Permanent, "convert the file, make it smaller, or send it to another destination"
	case keyWords.MatchString(quoted):
		e.Kind, e.Remedy = uploader.Refused, "check the destination's secrets and headers, and the account at the host"
	}
	return e
}

// isPage reports whether a reply is a web page.
func isPage(r form.Reply) bool {
	return strings.Contains(r.Header.Get("Content-Type"), "html") && len(bytes.TrimSpace(r.Body)) > 0
}

// location returns where a redirect points, without its query, which may hold a secret.
func location(a *attempt, h http.Header) string {
	to := h.Get("Location")
	u, err := a.recipe.base.Parse(to)
	if err != nil || to == "" {
		return "an address that it does not give"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// retryAfter reads the header of that name (RFC 9110 §10.2.3), within a day; a minute
// where it says nothing.
func (a *attempt) retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		if d := at.Sub(a.now()); d > 0 {
			return min(d, 24*time.Hour)
		}
	}
	return time.Minute
}
