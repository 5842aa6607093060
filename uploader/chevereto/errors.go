package chevereto

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
)

// explain returns the error of a reply that is no success. Only a code 100 whose
// meaning a translation hides costs a second request, which asks for the key.
func (d *Driver) explain(ctx context.Context, p uploader.Picture, r form.Reply, a answer) *uploader.Error {
	e := d.judge(p, r, a)
	if e.Kind == uploader.Refused && a.code == "100" && isVideo(p.Type) && !keyWords.MatchString(a.said) {
		if _, err := d.ask(ctx); err == nil {
			e.Kind, e.Message, e.Remedy = uploader.Permanent, "the host does not take this file as a video"+a.quoted(), "check that the file plays"
		}
	}
	e.BodySent = r.BodySent
	return e
}

// judge finds the kind by status first, then by the host's code and message.
func (d *Driver) judge(p uploader.Picture, r form.Reply, a answer) *uploader.Error {
	if a.read && a.code+a.said != "" && r.Status < 500 {
		return byCode(p, a)
	}
	e := &uploader.Error{Code: fmt.Sprintf("HTTP %d", r.Status)}
	switch {
	case r.Status >= 300 && r.Status < 400:
		e.Kind, e.Message = uploader.Refused, "the host sends uploads elsewhere: "+d.location(r.Header)
		e.Remedy = "set the destination's url to where the site really is: " + d.location(r.Header)
	case r.Status == http.StatusRequestEntityTooLarge:
		return tooBig(e, "the file is over the limit of the host's web server")
	case r.Status == http.StatusTooManyRequests:
		e.Kind, e.Message, e.After = uploader.RetryAfter, "the host asks to slow down", retryAfter(r.Header)
	case r.Status == http.StatusForbidden && len(bytes.TrimSpace(r.Body)) == 0:
		e.Kind, e.Message, e.After = uploader.RetryAfter, "the host refuses this address after too many failed sign-ins today", 6*time.Hour
		e.Remedy = "find out who signs in there with a wrong password from this address; it clears by the next day"
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusNotFound, r.Status == http.StatusMethodNotAllowed, r.Status == http.StatusGone:
		e.Kind, e.Message, e.Remedy = uploader.Refused, "there is no Chevereto API at the destination's address", "check the destination's url: it is the site's address"
	case r.Status >= 500:
		e.Kind, e.Message = uploader.Unusual, "the host failed without saying why"
	case r.Status == 200 && isPage(r):
		e.Kind, e.Message = uploader.Refused, "the site answered with a web page instead of its API: it is probably in maintenance"
		e.Remedy = "wait until the site is back; if it is, check the destination's url"
	case r.Status >= 400:
		e.Message = "the host refused the upload without saying why"
	default:
		e.Kind, e.Message = uploader.Unusual, "the host's answer could not be understood"
	}
	return e
}

// byCode judges an answer in JSON. Codes are shared by several causes and
// messages are translated; numbers and the period's English word are not.
func byCode(p uploader.Picture, a answer) *uploader.Error {
	e := &uploader.Error{Code: a.code}
	permanent := func(message, remedy string) *uploader.Error {
		e.Kind, e.Message, e.Remedy = uploader.Permanent, message+a.quoted(), remedy
		return e
	}
	switch a.code {
	case "100":
		return key(e, p, a)
	case "110", "120":
		e.Kind, e.Message = uploader.Refused, "the site does not know this API"+a.quoted()
		e.Remedy = "check the destination's url: it is the site's address"
	case "130":
		if number.MatchString(a.said) {
			return flooded(e, a)
		}
		return tooBig(e, "the host saw no file: it is probably over the site's limit"+a.quoted())
	case "401":
		e.Kind, e.Message = uploader.Refused, "the site does not take uploads from this account now"+a.quoted()
		e.Remedy = "look at the site whether uploads are switched off, or whether it is private; ask its owner"
	case "101", "102", "103":
		e.Kind, e.Message = uploader.Duplicate, "the host has this picture already and does not say where"
		e.Remedy = "look for the picture in the account's pictures; after 24 hours the host takes it again"
	case "400":
		if number.MatchString(a.said) {
			return tooBig(e, "the file is over the site's limit"+a.quoted())
		}
		return permanent("the site refuses this picture, probably for a word in its name, title or description", "rename the file or change its title, then retry")
	case "601", "602":
		return tooBig(e, "the file is over the site's limit"+a.quoted())
	case "610", "1":
		return geometry(e, p, a)
	case "425":
		return permanent("the host cannot read this picture", "open the file to see whether it is whole")
	case "600":
		return permanent("the host does not take this file as a video", "check that the file plays")
	case "613", "614":
		return permanent("the site does not take this format", "convert the file to JPEG, PNG, GIF, WebP or MP4, or send it to another destination")
	case "22001", "22007":
		return permanent("the host's database refuses one of the settings sent along", "correct category_id, title or description in the route's or the folder's settings, then retry")
	case "0":
		if strings.Contains(a.said, "getimagesize") {
			return permanent("the host cannot read this picture", "open the file to see whether it is whole")
		}
		e.Message = "the host failed" + a.quoted()
	default:
		e.Message = "the host refused the upload" + a.quoted()
	}
	return e
}

var (
	// number finds one that stands alone: not that of "base64".
	number = regexp.MustCompile(`(?:^|[^\pL\pN_])(\d+)`)
	// keyWords finds a message about the key in the languages of the sites at hand.
	keyWords = regexp.MustCompile(`(?i)\bkeys?\b|schlüssel|密钥|密鑰|klíč|klucz|clé|clave|chave|chiave|ключ|キー|sleutel|anahtar`)
	// period finds how long a flood limit counts.
	period = regexp.MustCompile(`(?i)minute|hour|day|week|month`)
)

var periods = map[string]time.Duration{
	"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour,
}

// key judges code 100: the key, or a video that is none.
func key(e *uploader.Error, p uploader.Picture, a answer) *uploader.Error {
	if strings.Contains(strings.ToLower(a.said), "video") {
		e.Kind, e.Message, e.Remedy = uploader.Permanent, "the host does not take this file as a video"+a.quoted(), "check that the file plays"
		return e
	}
	e.Kind, e.Message = uploader.Refused, "the site does not accept the key"+a.quoted()
	e.Remedy = "copy the key again from the site's Settings → API into the destination's key"
	return e
}

// geometry judges codes that a file that is no picture shares with a bad width.
func geometry(e *uploader.Error, p uploader.Picture, a answer) *uploader.Error {
	e.Kind = uploader.Permanent
	said := strings.ToLower(a.said)
	if e.Code == "1" || p.Keys.Width > 0 && strings.Contains(said, "width") {
		e.Message = fmt.Sprintf("the host cannot make the picture %d pixels wide%s", p.Keys.Width, a.quoted())
		e.Remedy = "set width to at most the picture's own, or leave it out, then retry"
		return e
	}
	e.Message = "the host does not recognise this file as a picture or video" + a.quoted()
	e.Remedy = "convert the file to JPEG, PNG, GIF, WebP or MP4, or send it to another destination"
	if p.Keys.Width > 0 {
		e.Remedy += "; or the width in the settings is larger than the picture's"
	}
	return e
}

// flooded judges the flood limit: "You can only upload N images per minute", in
// any language. The window rolls, so that places come free one by one, and a
// refused try does not extend it.
func flooded(e *uploader.Error, a answer) *uploader.Error {
	n, _ := strconv.Atoi(number.FindStringSubmatch(a.said)[1])
	span, ok := periods[strings.ToLower(period.FindString(a.said))]
	if !ok {
		span = 5 * time.Minute
	}
	e.Kind, e.After = uploader.RetryAfter, max(time.Minute, span/time.Duration(min(max(n, 1), 10)))
	e.Message = "the site's limit of uploads from this address is reached" + a.quoted()
	return e
}

// tooBig is the error of a file over some limit of the host's.
func tooBig(e *uploader.Error, message string) *uploader.Error {
	e.Kind, e.Message = uploader.Permanent, message
	e.Remedy = "make the file smaller, send it to another destination, or ask the site's owner for a higher limit"
	return e
}

// quoted returns what the host said, one short line of it, to be put behind ours.
func (a answer) quoted() string {
	line, _, _ := strings.Cut(strings.TrimSpace(text(a.said)), "\n")
	if line == "" {
		return ""
	}
	return fmt.Sprintf(`; it says "%s"`, cut(line, 160))
}

// isPage reports whether a reply is a web page.
func isPage(r form.Reply) bool {
	return strings.Contains(r.Header.Get("Content-Type"), "html") && len(bytes.TrimSpace(r.Body)) > 0
}

// location returns where a redirect points, without its query, which may hold
// the key.
func (d *Driver) location(h http.Header) string {
	u, err := d.endpoint.Parse(h.Get("Location"))
	if err != nil || h.Get("Location") == "" {
		return "an address that it does not give"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// retryAfter reads the header of that name in seconds (RFC 9110 §10.2.3), within
// a day; a minute where it says nothing.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n <= 0 {
		return time.Minute
	}
	return min(time.Duration(min(n, 86400))*time.Second, 24*time.Hour)
}
