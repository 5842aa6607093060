package custom

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/uploader/custom/syntax"
	"slipway/uploader/form"
)

// read says what the host's reply means.
func (a *attempt) read(req *request, reply form.Reply) (uploader.Result, error) {
	env := a.env()
	env.Reply = &syntax.Reply{Text: string(reply.Body), URL: a.responseURL(req, reply), Header: reply.Header}
	existing := slices.Contains(a.config.Existing, reply.Status)
	if !existing && !a.success(reply.Status) || a.signIn(env.Reply.URL, reply.Status) || a.moved(req, reply) {
		return uploader.Result{}, a.judge(env, reply)
	}
	r := a.result(env, req, reply)
	switch {
	case !a.agreed(env):
		if ok := a.recipe.result.ok.Fill(env, syntax.Plain); ok == "" && a.said(env) == "" {
			return uploader.Result{}, a.unclear(reply)
		}
		return uploader.Result{}, a.refused(env, reply)
	case r.URL == "" && existing:
		return uploader.Result{}, &uploader.Error{Kind: uploader.Duplicate, Code: code(reply), BodySent: reply.BodySent,
			Message: "the host has this picture already and does not say where" + a.quoted(env), Remedy: "look for the picture at the host"}
	case r.URL == "":
		return uploader.Result{}, a.withoutURL(env, reply)
	}
	r.Existing = existing
	return r, nil
}

// success reports whether a status says that the host has the picture. A redirect is
// one where the result is asked of it, and its method says that it is followed by a GET.
func (a *attempt) success(status int) bool {
	if len(a.config.Success) > 0 {
		return slices.Contains(a.config.Success, status)
	}
	if status == http.StatusFound || status == http.StatusSeeOther {
		return a.redirectTells()
	}
	return status >= 200 && status < 300
}

// redirectTells reports whether the picture's address is where the reply leads.
func (a *attempt) redirectTells() bool {
	t := a.recipe.result.url
	return t.Has("responseurl", "") || t.Has("header", "Location")
}

// signInPath finds addresses of pages that ask who you are.
var signInPath = regexp.MustCompile(`(?i)/(?:log|sign)[-_]?in\b|/auth(?:orize)?$|/sso\b`)

// signIn reports whether the reply leads to such a page.
func (a *attempt) signIn(address string, status int) bool {
	u, err := url.Parse(address)
	return err == nil && status >= 300 && status < 400 && signInPath.MatchString(u.Path)
}

// moved reports whether the reply leads to the request's own address, by another scheme
// or with www before it: a host that says where it is has taken nothing.
func (a *attempt) moved(req *request, reply form.Reply) bool {
	u, err := url.Parse(req.address)
	if err != nil || reply.Status < 300 || reply.Status >= 400 || reply.Header.Get("Location") == "" {
		return false
	}
	to, err := u.Parse(reply.Header.Get("Location"))
	bare := func(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }
	return err == nil && bare(to) == bare(u) && strings.TrimRight(to.Path, "/") == strings.TrimRight(u.Path, "/")
}

// responseURL returns {responseurl}: where the reply leads, or the request's address
// without its query, which may hold a secret.
func (a *attempt) responseURL(req *request, reply form.Reply) string {
	u, err := url.Parse(req.address)
	if err != nil {
		return ""
	}
	if to := reply.Header.Get("Location"); to != "" && reply.Status >= 300 && reply.Status < 400 {
		if next, err := u.Parse(to); err == nil {
			return next.String()
		}
	}
	u.RawQuery, u.ForceQuery = "", false
	return u.String()
}

// denials are what result.ok comes to where the host says no.
var denials = []string{"", "0", "false", "no", "null", "none", "error", "fail", "failed", "failure"}

// agreed reports whether the reply says yes, where it is asked.
func (a *attempt) agreed(env *syntax.Env) bool {
	ok := a.recipe.result.ok
	return ok.Empty() || !slices.Contains(denials, strings.ToLower(strings.TrimSpace(ok.Fill(env, syntax.Plain))))
}

// result reads the picture at the host out of the reply. URL is "" where there is none.
func (a *attempt) result(env *syntax.Env, req *request, reply form.Reply) uploader.Result {
	s := a.recipe.result
	address := func(t *syntax.Template) string {
		if t.Empty() {
			return ""
		}
		return a.webAddress(t.Fill(env, syntax.Address))
	}
	r := uploader.Result{
		ViewerURL: address(s.viewer), ThumbnailURL: address(s.thumbnail), DeleteURL: address(s.deletion),
		ID: cutBytes(oneLine(s.id.Fill(env, syntax.Plain)), 255),
	}
	if r.URL = address(s.url); s.url.Empty() {
		r.URL = a.webAddress(env.Reply.Text)
	}
	if a.leaks(r.ID) {
		r.ID = ""
	}
	if !s.identical.Empty() {
		r.Identical = req.same(s.identical.Fill(env, syntax.Plain))
	}
	if !s.deletion.Empty() && r.DeleteURL == "" {
		r.Notes = append(r.Notes, "The host gave no address to delete the picture by.")
	}
	return r
}

// webAddress returns s percent-escaped where it is an absolute web address, or one on
// the host ("/i/a.png"); else "". An address that holds a secret is none.
func (a *attempt) webAddress(s string) string {
	s = strings.TrimSpace(strings.TrimPrefix(s, "\ufeff"))
	if s == "" || len(s) > 8<<10 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	u, err := url.Parse(s)
	if err == nil && strings.HasPrefix(s, "/") {
		u = a.recipe.base.ResolveReference(u)
	}
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, " <>\"\\") {
		return ""
	}
	out := strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", " ", "%20", "'", "%27", "\\", "%5C", "`", "%60").Replace(u.String())
	if a.leaks(out) {
		return ""
	}
	return out
}

// leaks reports whether s holds a secret, however it is escaped.
func (a *attempt) leaks(s string) bool {
	forms := []string{s}
	if path, err := url.PathUnescape(s); err == nil {
		forms = append(forms, path)
	}
	if query, err := url.QueryUnescape(s); err == nil {
		forms = append(forms, query)
	}
	// A word that is secret by its name alone may be any, such as "public".
	harmless := func(s string) bool { return !strings.ContainsAny(s, "0123456789") && slices.Contains(a.looks(), s) }
	for _, secret := range inForms(slices.DeleteFunc(slices.Concat(a.shown(), a.secrets), harmless)) {
		if slices.ContainsFunc(forms, func(s string) bool { return strings.Contains(s, secret) }) {
			return true
		}
	}
	return false
}

// same reports whether sum, a checksum in hexadecimal digits or base64, is one of the
// file's. A weak entity tag (RFC 9110 §8.8.1) proves nothing.
func (r *request) same(sum string) bool {
	sum = strings.TrimSpace(sum)
	if strings.HasPrefix(sum, "W/") {
		return false
	}
	sum = strings.Trim(sum, `"`)
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		b, err := decode(sum)
		if h := r.sums[len(b)]; err == nil && h != nil && bytes.Equal(b, h.Sum(nil)) {
			return true
		}
	}
	return false
}

// unclear is an answer without what result.ok looks for, and without an error: half of
// one, or a page of somebody on the way. The host may have the picture all the same.
func (a *attempt) unclear(reply form.Reply) *uploader.Error {
	e := &uploader.Error{Kind: uploader.Unusual, Code: code(reply), BodySent: reply.BodySent, Message: "the host's answer says neither yes nor no"}
	if e.Remedy = "compare result.ok with what the host answers"; isPage(reply) {
		e.Message, e.Remedy = "the host answered with a web page", "check the destination's url: it is that of the host's API"
	}
	return e
}

// Words by which hosts say that they took a picture, and that they did not.
var (
	yesWords = regexp.MustCompile(`(?i)^(?:ok|done|200)$|success|succeed|uploaded|created|成功`)
	noWords  = regexp.MustCompile(`(?i)unsuccess|not (?:be )?(?:success|succeed|uploaded|created)|n't|without success|fail|error|不成功|未成功|失败|失敗|错误`)
)

// saysYes reports whether the host says that it has the picture, by result.ok or in
// words: what result.error finds may be what it always says.
func (a *attempt) saysYes(said string) bool {
	return !a.recipe.result.ok.Empty() || yesWords.MatchString(said) && !noWords.MatchString(said)
}

// withoutURL is a success that does not say where the picture is: it must not be sent
// again by itself where the host says yes.
func (a *attempt) withoutURL(env *syntax.Env, reply form.Reply) *uploader.Error {
	if said := a.said(env); said != "" && !a.saysYes(said) {
		return a.refused(env, reply)
	}
	e := &uploader.Error{Kind: uploader.Unusual, Code: code(reply), BodySent: reply.BodySent, Message: "the host's answer has no address of the picture"}
	switch {
	case isPage(reply):
		e.Message = "the host answered with a web page instead of the picture's address"
		e.Remedy = "check the destination's url: it is that of the host's API"
	case len(bytes.TrimSpace(reply.Body)) == 0:
		e.Message = "the host answered nothing, and so no address of the picture"
		e.Remedy = "set result.url to what the picture's address is made of, as in {responseurl}"
	case len(env.Troubles) > 0:
		e.Message += " (" + strings.Join(env.Troubles, "; ") + ")"
		e.Remedy = "compare result.url (URL) with what the host answers"
	default:
		e.Remedy = "compare result.url (URL) with what the host answers"
	}
	return e
}
