package web

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"slipway/gateway/operate"
)

// standing is how a state is shown: in a word or two, by a class of colour, and in
// a sentence.
type standing struct{ Word, Class, Sentence string }

var standings = map[string]standing{
	"settling":   {"Waiting", "going", "It is waiting for its turn."},
	"sending":    {"Sending", "going", "It is being sent now."},
	"held":       {"On hold", "stuck", "It waits until somebody decides."},
	"awaiting":   {"Awaiting approval", "going", "The host has it, and somebody there has yet to approve it."},
	"done":       {"Done", "good", "The host has it."},
	"failed":     {"Failed", "bad", "It was given up."},
	"ambiguous":  {"Not known", "stuck", "The reply was lost; whether the host has it is being found out."},
	"superseded": {"Replaced", "past", "It is not needed any more."},
	"dropped":    {"Not sent", "past", "Somebody said that it is not to be sent."},
}

// reasons say more than a state does.
var reasons = map[string]string{
	"quiet":               "Waiting until nothing changes the file any more.",
	"replay":              "It is sent anew or to another destination; what comes in meanwhile goes first.",
	"backoff":             "The last try did not work; it is tried again by itself.",
	"not-whole":           "The file ends before its format says it must.",
	"locked":              "A program has the file open.",
	"no-album":            "The host's album or category of this name is not known.",
	"by-hand":             "Somebody put it on hold.",
	"type":                "The destination takes no files of this type.",
	"settings":            "A setting of this upload is not valid.",
	"duplicate-elsewhere": "The host has this picture already, and does not say where.",
	"duplicate":           "The host has this picture already.",
	"no-copy":             "A second copy was asked for, and this format cannot be altered harmlessly.",
	"lost-reply":          "The host's reply was lost.",
	"destination-removed": "The destination is not in the configuration any more.",
	"destination-paused":  "The destination is paused.",
	"host-paused":         "The host asked to slow down.",
	"moved":               "The file moved to another route.",
	"replaced":            "The file has other bytes now.",
	"removed":             "The file was removed.",
	"no-url":              "The host has it, but its reply with the address was lost.",
	"reused":              "The host had it from us already.",
	"same-bytes":          "The same bytes are on their way to this host.",
}

// stateOf returns how a state is shown.
func stateOf(state string) standing {
	if s, ok := standings[state]; ok {
		return s
	}
	return standing{state, "past", ""}
}

// turns are reasons to wait that end when an upload is due.
var turns = map[string]bool{"quiet": true, "backoff": true}

// why says in plain words why an upload is where it is.
func why(now time.Time, u operate.Upload) string {
	switch {
	case u.Error != "":
		return sentence(u.Error)
	case !u.DeletedAt.IsZero():
		return "The host does not have it any more: it was deleted there, or replaced."
	case u.State == "settling" && turns[u.Reason] && !u.Due.After(now):
		return stateOf(u.State).Sentence
	case reasons[u.Reason] != "":
		return reasons[u.Reason]
	}
	return stateOf(u.State).Sentence
}

// sentence gives words the beginning and the end of a sentence.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(s)
	if word, _, _ := strings.Cut(s, " "); !strings.ContainsAny(word[n:], "./:_") { // an address, a name, a key of the configuration
		s = string(unicode.ToUpper(first)) + s[n:]
	}
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// verbsFor are the verbs that may do something to an upload in a state.
func verbsFor(state string) []operate.Verb {
	switch state {
	case "settling":
		return []operate.Verb{operate.Retry, operate.Hold, operate.Drop}
	case "held":
		return []operate.Verb{operate.Release, operate.Retry, operate.Drop}
	case "failed", "ambiguous":
		return []operate.Verb{operate.Retry, operate.Drop}
	}
	return nil
}

// verbsOf are the verbs that may do something to an upload: what is done without a URL can
// be sent again too, but not with all else that a file is chosen for.
func verbsOf(u operate.Upload) []operate.Verb {
	if u.State == "done" && u.Reason == "no-url" && u.Present {
		return []operate.Verb{operate.Retry}
	}
	return verbsFor(u.State)
}

// verbWords is what buttons say, and what becomes of one upload or many.
var verbWords = map[operate.Verb]struct{ Do, Done, Hint string }{
	operate.Retry:   {"Retry", "will be tried again", "try now, with fresh tries"},
	operate.Hold:    {"Hold", "put on hold", "do not send before it is released"},
	operate.Release: {"Release", "will go on", "go on with what is on hold"},
	operate.Drop:    {"Do not send", "will not be sent", "never send it; the file stays"},
}

// visible returns s without characters that reorder others, break the line or
// cannot be seen.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' || r > '~') && (unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) || r == '\u200b' || r == '\ufeff') {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// size writes a number of bytes as people read it, with a unit of 1,000.
func size(n int64) string {
	if n < 0 {
		return "unknown size"
	}
	v, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if unit == "B" || v >= 99.5 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

// span writes a duration in one unit, or two.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under a second"
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	}
	return fmt.Sprintf("%d days", int(math.Round(d.Hours()/24)))
}

// per writes the span of a limit, as in "40 requests an hour".
func per(d time.Duration) string {
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	case 7 * 24 * time.Hour:
		return "a week"
	}
	return "in " + span(d)
}

// count writes n of what, which takes an s, es or, as a try does, ies.
func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		what += "e"
	case strings.HasSuffix(what, "try"):
		what = strings.TrimSuffix(what, "y") + "ie"
	}
	return thousands(n) + " " + what + "s"
}

// thousands writes a number with its groups apart.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
