package send

import (
	"errors"
	"fmt"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

// object is an upload of put for scripts, with the file as it was named. A file
// that has none is an object without id and state, whose reason is "not-stored" or
// "not-sent".
type object struct {
	File string `json:"file"`
	show.Upload
}

// tell says what came of a file: for scripts, or its URLs on the standard output
// and all else beside it. It returns ErrFailed,
// ErrLate or nil, and why in a few words.
func (r *putting) tell(f *outcome) (why string, err error) {
	if f.err != nil && !errors.Is(f.err, ErrLate) {
		r.wrong(f, f.err)
		r.objects(f, "not-stored", f.err.Error())
		return "see above", ErrFailed
	}
	for _, u := range f.uploads {
		if bad := r.judge(f, u); bad != nil {
			err = worse(err, bad)
			why = u.State + " at " + u.Destination
		}
	}
	if f.err != nil && len(f.uploads) == 0 {
		why, err = ErrLate.Error(), ErrLate
	}
	if len(f.uploads) == 0 && f.why != "" {
		r.Note("%s: stored, and not sent: %s", f.name, f.why)
	}
	r.objects(f, "not-sent", f.why)
	return why, err
}

// judge says of one upload what people have to know, and returns ErrFailed,
// ErrLate or nil.
func (r *putting) judge(f *outcome, u operate.Upload) error {
	text := show.Sentences(u.Error, u.Remedy)
	switch u.State {
	case "done", "awaiting":
		if !r.o.JSON && u.URL != "" {
			r.Say("%s", u.URL)
		}
		if text == "" && u.State == "awaiting" {
			text = "the host has it and waits for somebody there to approve it"
		}
		if text == "" && u.URL == "" {
			text = "it was sent, and the host's reply with the URL was lost"
		}
		if text != "" {
			r.Note("%s: %s: %s", f.name, u.Destination, text)
		}
		return nil
	case "settling", "sending":
		if r.o.NoWait {
			return nil
		}
		if text != "" {
			text = ": " + text
		}
		r.wrong(f, fmt.Errorf("%s: %w: %s%s; it is stored, and goes on by itself while a gateway runs", u.Destination, ErrLate, show.StateOf(u), text))
		return ErrLate
	}
	if text == "" {
		text = fmt.Sprintf("see `slipway explain %s`", f.path)
	}
	r.wrong(f, fmt.Errorf("%s: %s: %s", u.Destination, show.StateOf(u), text))
	return ErrFailed
}

// wrong says what went wrong with a file.
func (r *putting) wrong(f *outcome, err error) { r.Complain(fmt.Errorf("%s: %w", f.name, err)) }

// ended ends a file's progress.
func (r *putting) ended(f *outcome, why string, err error) {
	switch {
	case f.shown == nil:
	case err == nil:
		f.shown.Done()
	default:
		f.shown.Fail(errors.New(why))
	}
}

// objects tells scripts of a file; reason and text are those of a file without
// uploads.
func (r *putting) objects(f *outcome, reason, text string) {
	if !r.o.JSON {
		return
	}
	for _, u := range f.uploads {
		r.Object(object{f.name, show.ForScripts(u)}) //nolint:errcheck // sticky
	}
	if len(f.uploads) == 0 {
		none := operate.Upload{Path: f.path, Reason: reason, Error: text, Size: max(f.size, f.entry.Size), SHA256: f.entry.SHA256}
		r.Object(object{f.name, show.ForScripts(none)}) //nolint:errcheck // sticky
	}
}
