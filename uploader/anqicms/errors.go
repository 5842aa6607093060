package anqicms

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"slipway/uploader"
	"slipway/uploader/form"
)

// The server's limiter, where it is switched on, takes 100 requests in 5 minutes
// and then blocks the address for an hour.
const (
	limitedFor = 5 * time.Minute
	blockedFor = 2 * time.Hour
)

// errToken marks the one reply with two meanings: the token is wrong, or the
// body arrived broken. The probe tells which.
var errToken = errors.New("token refused or body broken")

// rule says what a message of the server means. Texts are compared without
// regard to case, anywhere in the message.
type rule struct {
	texts   []string
	kind    uploader.Kind
	message string
	remedy  string
}

// missesFile is the answer to a request in which the server found no file. It is
// what a probe with a good token gets.
var missesFile = rule{
	texts:   []string{"http: no such file", "content-type isn't multipart/form-data"},
	kind:    uploader.Unusual,
	message: "the site found no file in the request",
	remedy:  "something between here and the site may have changed it: check proxies on the way",
}

// rules is the error table, in order; the first match counts. Everything else
// is temporary.
var rules = []rule{
	{ // the first pair was recorded; the others are what versions before say of an id
		texts: []string{
			"unable to modify the image", "无法修改图片", "to be replaced does not exist", "替换的图片资源不存在", "replacement failed", "替换失败",
		},
		kind:    uploader.Permanent,
		message: "the site does not replace this picture",
		remedy:  "send the file as a new picture",
	},
	{
		texts:   []string{"not allowed to upload php", "不允许上传php"},
		kind:    uploader.Permanent,
		message: "the site takes no php or jsp files",
		remedy:  "pack the file into an archive",
	},
	{
		texts:   []string{"文件类型不允许上传", "file type is not allowed", "file type not allowed"},
		kind:    uploader.Permanent,
		message: "the site does not take this type of file",
		remedy:  "allow it in the site's back office, or route such files elsewhere",
	},
	missesFile,
	{
		texts:   []string{"error 1062", "duplicate entry"},
		kind:    uploader.Temporary,
		message: "the same file was being stored at the same moment",
	},
	{
		texts:   []string{"dial tcp", "connection refused", "bad connection", "invalid connection"},
		kind:    uploader.Temporary,
		message: "the site's database is down",
	},
	{
		texts:   []string{"open /", "write /", "mkdir /", "no space left on device"},
		kind:    uploader.Temporary,
		message: "the site could not write the file to its storage",
		remedy:  "if it goes on, tell the site's administrator: the disk is full or its rights are wrong",
	},
	{
		texts: []string{
			"image: unknown format", "invalid jpeg format", "unsupported jpeg feature", "png: ", "gif: ",
			"webp: ", "vp8: ", "vp8l: ", "riff: ", "bmp: ", "ico: ", "unexpected eof",
		},
		kind:    uploader.Permanent,
		message: "the site could not read the picture",
		remedy:  "open the file: it may be damaged or cut short; save it anew",
	},
	{
		texts:   []string{"api接口功能未开放", "api interface function is not open"},
		kind:    uploader.Refused,
		message: "the site's API is switched off",
		remedy:  "switch it on in the site's back office, or use the url of the site itself",
	},
}

// classify returns the error that an answer with a code other than 0 means.
func classify(e envelope, bodySent bool) error {
	said := strings.ToLower(e.text())
	if isTokenError(said) {
		return errToken
	}
	out := &uploader.Error{
		Kind:     uploader.Temporary,
		Code:     quote(string(e.Code)),
		Message:  "the site refused the file",
		BodySent: bodySent,
	}
	if said != "" {
		out.Err = fmt.Errorf("it said %q", quote(e.text()))
	}
	if c := e.Code.number(); c == 1001 || c == 1002 {
		out.Kind, out.Message, out.Remedy = uploader.Refused, "the site does not accept the token", tokenRemedy
		return out
	}
	for _, r := range rules {
		if r.matches(said) {
			out.Kind, out.Message, out.Remedy = r.kind, r.message, r.remedy
			break
		}
	}
	return out
}

// isTokenError reports whether the server said, in lower case, the one thing
// that has two meanings.
func isTokenError(said string) bool {
	return strings.Contains(said, "token error") || strings.Contains(said, "token错误")
}

func (r rule) matches(said string) bool {
	for _, t := range r.texts {
		if strings.Contains(said, t) {
			return true
		}
	}
	return false
}

const tokenRemedy = "copy the API token anew from the site's back office into this destination's token"

const urlRemedy = "set this destination's url to the site's own address, such as \"https://example.com\""

// statusError returns the error that a status other than 200 means. AnQiCMS
// itself answers errors with 200, so that these come from its router, its
// limiter, a panic, or a server before it.
func statusError(r form.Reply) error {
	status, header := r.Status, r.Header
	e := &uploader.Error{Code: fmt.Sprintf("HTTP %d", status), BodySent: r.BodySent}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind, e.Message = uploader.RetryAfter, "the site's limit of requests is reached"
		e.After = max(limitedFor, retryAfter(header))
	case status == http.StatusForbidden && bytes.Contains(r.Body, []byte("IP is blocked")):
		e.Kind, e.Message = uploader.RetryAfter, "the site has blocked this address for too many requests"
		e.Remedy = "set per_minute for this destination to what the site's limiter allows"
		e.After = max(blockedFor, retryAfter(header))
	case status == http.StatusServiceUnavailable && retryAfter(header) > 0:
		e.Kind, e.Message = uploader.RetryAfter, "the site asks to come back later"
		e.After = retryAfter(header)
	case status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Message = uploader.Permanent, "the file is over the limit of the site's web server"
		e.Remedy = "raise client_max_body_size there, and set max_size for this destination until then"
	case status >= 300 && status < 400:
		e.Kind, e.Message = uploader.Refused, "the address leads elsewhere"+elsewhere(header)
		e.Remedy = urlRemedy
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusGone:
		e.Kind, e.Message, e.Remedy = uploader.Refused, "there is no AnQiCMS at this address", urlRemedy
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind, e.Message = uploader.Refused, "a server before the site lets nobody in"
		e.Remedy = "ask the site's administrator to allow uploads from this machine"
	case status >= 500 && status != http.StatusServiceUnavailable:
		e.Kind, e.Message = uploader.Unusual, "the site failed over this request"
	default:
		e.Kind, e.Message = uploader.Temporary, "the site gave an answer that AnQiCMS does not give"
	}
	return e
}

// elsewhere returns " (to https://host/path)", without the query, which repeats
// the token.
func elsewhere(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Path == "" && u.Host == "" {
		return ""
	}
	return " (to " + quote((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()) + ")"
}

// retryAfter reads Retry-After in seconds (RFC 9110 §10.2.3), up to a day.
func retryAfter(header http.Header) time.Duration {
	n, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, 86400))*time.Second, 24*time.Hour)
}

// quote makes a foreign text fit for a line of a log: printable, at most 200
// bytes.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(cut(strings.ToValidUTF8(s, ""), 200))
}
