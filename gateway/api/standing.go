package api

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"slipway/gateway/operate"
)

// deadline is until when a call waits for URLs.
type deadline time.Time

func (q *request) deadline() deadline { return deadline(time.Now().Add(q.Wait())) }

// left is how long that is from now, at least a little.
func (d deadline) left() time.Duration { return max(time.Until(time.Time(d)), time.Millisecond) }

// standing says why a file that was stored has no URL yet: 202 where it gets one by
// itself or by somebody's hand, with a place to ask; 502 where the host refused it;
// 422 where nothing sends it on.
func (q *request) standing(e operate.Entry, uploads []operate.Upload) problem {
	at := http.Header{"Location": {Prefix + "files" + escaped(e.Path)}}
	if len(uploads) == 0 {
		return problem{
			Status: http.StatusUnprocessableEntity, header: at,
			Detail: fmt.Sprintf("%s is stored, but no destination takes such a file; %sexplain%s says why", e.Path, Prefix, escaped(e.Path)),
		}
	}
	at.Set("Location", fmt.Sprintf("%suploads/%d", Prefix, uploads[0].ID))
	var failed []string
	for _, u := range uploads {
		switch u.State {
		case "failed", "dropped", "superseded":
			failed = append(failed, strings.TrimSuffix(fmt.Sprintf("%s: %s; %s", u.Destination, said(u), u.Remedy), "; "))
		case "held":
			at.Set("Location", fmt.Sprintf("%suploads/%d", Prefix, u.ID))
			return problem{Status: http.StatusAccepted, header: at, Detail: path.Base(e.Path) + " is stored and held: " + said(u)}
		case "awaiting":
			return problem{Status: http.StatusAccepted, header: at, Detail: path.Base(e.Path) + " is at the host, which has to approve it before it has a URL"}
		}
	}
	if len(failed) == len(uploads) {
		return problem{Status: http.StatusBadGateway, header: at, Detail: e.Path + " is stored, but was not taken: " + strings.Join(failed, ", ")}
	}
	return problem{
		Status: http.StatusAccepted, header: at,
		Detail: fmt.Sprintf("%s is stored and %s. Ask again at %s and do not send it again", path.Base(e.Path), underWay(uploads), at.Get("Location")),
	}
}

// underWay says how far uploads have come that have no URL yet.
func underWay(uploads []operate.Upload) string {
	for _, state := range []struct{ name, text string }{
		{"sending", "is being sent to its host now"},
		{"ambiguous", "was sent; whether its host has it is being found out"},
	} {
		if slices.ContainsFunc(uploads, func(u operate.Upload) bool { return u.State == state.name }) {
			return state.text
		}
	}
	return "waits to be sent to its host"
}

// said returns what is known of why an upload is where it is.
func said(u operate.Upload) string {
	if u.Error != "" {
		return u.Error
	}
	if u.Reason != "" {
		return u.Reason
	}
	return u.State
}
