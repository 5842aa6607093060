package sidecar

import (
	"bytes"
	"fmt"
	"time"
)

// Link is what became of one link of a file with links.
type Link struct {
	URL     string    // "": this is about the file itself, which is to be read, or cannot be
	State   string    // "settling", "done", "skipped" or "failed"
	Picture string    // the name of what was fetched, beside the file; "": nothing, or it is gone
	Error   string    // what happened, in plain words
	Remedy  string    // what to do about it
	Tries   int       // that failed
	NextTry time.Time // zero: none is planned
}

// Trouble reports whether a person should hear of it: it was given up, or is to be
// tried again after an error.
func (l *Link) Trouble() bool { return l.State == "failed" || l.State == "settling" && l.Error != "" }

// links writes nothing for a file without links.
func (j *object) links(list []Link) {
	if len(list) == 0 {
		return
	}
	j.key("links")
	j.WriteByte('[')
	for i := range list {
		if i > 0 {
			j.WriteByte(',')
		}
		l := &list[i]
		j.open()
		j.text("url", l.URL)
		j.text("state", l.State)
		j.optional("picture", l.Picture)
		if !l.NextTry.IsZero() {
			j.moment("next_try", l.NextTry)
		}
		j.optional("error", l.Error)
		j.optional("remedy", l.Remedy)
		j.WriteByte('}')
	}
	j.WriteByte(']')
	j.begun = true
}

// renderLinks says for each link in trouble what happened and what to do. It reports
// whether there is any.
func renderLinks(b *bytes.Buffer, list []Link) (any bool) {
	for i := range list {
		l := &list[i]
		if !l.Trouble() {
			continue
		}
		any = true
		subject := visible(l.URL)
		if subject == "" {
			subject = "The links in it"
		}
		fmt.Fprintf(b, "\n%s: %s\n", subject, l.standing())
		for _, line := range []struct{ label, text string }{
			{"What happened", l.Error}, {"What to do", l.Remedy}, {"Next try", moment(l.NextTry)},
		} {
			if line.text != "" {
				fmt.Fprintf(b, "  %s: %s\n", line.label, visible(line.text))
			}
		}
	}
	return any
}

func (l *Link) standing() string {
	switch {
	case l.State == "settling":
		return "not fetched yet."
	case l.Tries > 1:
		return fmt.Sprintf("not fetched; given up after %d tries.", l.Tries)
	}
	return "not fetched."
}
