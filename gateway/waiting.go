package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader"
)

// waiting says in plain words what exactly an upload waits for; "" if for nothing.
func (o operations) waiting(u operate.Upload, d operate.Destination, now time.Time) string {
	switch uploader.State(u.State) {
	case uploader.Settling:
		return o.settling(u, d, now)
	case uploader.Sending:
		return "It is being sent now."
	case uploader.Held:
		if u.Reason == uploader.ReasonByHand {
			return fmt.Sprintf("It is held by hand; `slipway queue release %d` lets it go.", u.ID)
		}
		return "It is held until somebody decides: " + u.Error
	case uploader.Awaiting:
		return "The host has it and waits for somebody there to approve it."
	case uploader.AmbiguousState:
		if !u.Due.IsZero() {
			return "The reply was lost; whether the host has it is found out, next at " + when(u.Due) + "."
		}
		return "The reply was lost; whether the host has it is being found out."
	case uploader.Failed:
		return "It was given up: " + u.Error
	}
	return ""
}

// companions reports whether a file at p is left alone for longer than others, as its
// companions may be on their way.
func (o operations) companions(p string) bool {
	s := o.settings.Load()
	wait, _ := s.table.Companions(p)
	return wait > time.Duration(s.config.Settle.Quiet)
}

// when writes a time in this machine's zone.
func when(t time.Time) string { return t.Local().Format(time.RFC3339) }

// settling says what an upload waits for that nobody has taken up yet.
func (o operations) settling(u operate.Upload, d operate.Destination, now time.Time) string {
	switch {
	case u.Reason == uploader.ReasonGone || !d.Configured:
		return "The configuration has no such destination now; it goes on when it has one again."
	case d.Paused:
		return paused(d)
	case u.Reason == uploader.ReasonLocked:
		return o.locking(u.Path)
	case u.Reason == uploader.ReasonSameBytes:
		return "The same bytes are on their way to this host for another file; it takes their URL when they are there."
	case u.Reason == uploader.ReasonBackoff && u.Due.After(now):
		return "The last try failed; the next one is at " + when(u.Due) + "."
	case u.Due.After(now) && o.companions(u.Path):
		return "Files beside it may still say something about it (a sidecar of metadata, or the same picture in another format), and are waited for until " + when(u.Due) + "; then it is sent."
	case u.Due.After(now):
		return "The file is to be left alone until " + when(u.Due) + "; then it is sent."
	case o.pool.Load() == nil:
		return "No gateway runs; it is sent when one does."
	}
	for _, w := range d.Windows {
		if w.Limit > 0 && w.Used >= w.Limit {
			return fmt.Sprintf("The host takes %d requests in %s, and has had them; it goes on as they grow old.", w.Limit, span(w.Per))
		}
	}
	if u.Late {
		return "It is due; a replay owes it, and files that come in meanwhile go first."
	}
	if n := o.requests(u.Destination); n > 0 {
		return fmt.Sprintf("It is due; %s to this destination under way, and it goes when one of them has ended.", are(n, "request"))
	}
	return "It is due, and goes within a moment."
}

// paused says why a destination takes nothing now, and until when.
func paused(d operate.Destination) string {
	text := "The destination is paused: " + strings.TrimRight(cmp.Or(d.Error, "somebody has done that"), ".") + "."
	if !d.Probe.IsZero() {
		text += " It is tried again at " + when(d.Probe) + "."
	}
	return text
}

// locking says who holds locks on a file.
func (o operations) locking(p string) string {
	var who []string
	for _, l := range o.dav.LocksOn(p) {
		text := "a client"
		if l.User != "" {
			text = l.User
		}
		who = append(who, fmt.Sprintf("%s, on %s until %s", text, l.Root, when(l.Expires)))
	}
	if len(who) == 0 {
		return "A client had locked it; it goes on within a few seconds."
	}
	return "Somebody has locked it (WebDAV): " + strings.Join(who, "; ") + ". It goes on when the lock ends."
}

// requests returns how many requests to a destination are under way.
func (o operations) requests(destination string) (n int) {
	for _, a := range o.pool.Load().Active() {
		if a.Upload.Destination == destination {
			n++
		}
	}
	return n
}

// span names the span of a limit.
func span(d time.Duration) string {
	switch d {
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	}
	return d.String()
}

// are returns "1 request is", "2 requests are".
func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}
