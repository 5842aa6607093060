package cli

import (
	"errors"
	"fmt"

	"slipway/gateway/operate"
)

// putUpload is an upload of put for scripts, with the file as it was named. A file
// that has none is an object without id and state, whose reason is "not-stored" or
// "not-sent".
type putUpload struct {
	File string `json:"file"`
	upload
}

// tell says what came of a file: for scripts, or its URLs on the standard output
// and all else beside it. It returns the exit code for it,
// with what to call it in a few words.
func (r *putting) tell(f *outcome) (code int, why string) {
	if f.err != nil && !errors.Is(f.err, errLate) {
		r.wrong(f, f.err)
		r.objects(f, "not-stored", f.err.Error())
		return exitFailed, "see above"
	}
	for _, u := range f.uploads {
		if bad := r.judge(f, u); bad != exitOK {
			code = worse(code, bad)
			why = u.State + " at " + u.Destination
		}
	}
	if f.err != nil && len(f.uploads) == 0 {
		code, why = exitLate, "not finished in time"
	}
	if len(f.uploads) == 0 && f.why != "" {
		r.note("%s: stored, and not sent: %s", f.file, f.why)
	}
	r.objects(f, "not-sent", f.why)
	return code, why
}

// judge says of one upload what people have to know, and returns the exit code
// for it.
func (r *putting) judge(f *outcome, u operate.Upload) int {
	text := sentences(u.Error, u.Remedy)
	switch u.State {
	case "done", "awaiting":
		if !r.o.json && u.URL != "" {
			r.say("%s", u.URL)
		}
		if text == "" && u.State == "awaiting" {
			text = "the host has it and waits for somebody there to approve it"
		}
		if text == "" && u.URL == "" {
			text = "it was sent, and the host's reply with the URL was lost"
		}
		if text != "" {
			r.note("%s: %s: %s", f.file, u.Destination, text)
		}
		return exitOK
	case "settling", "sending":
		if r.o.noWait {
			return exitOK
		}
		if text != "" {
			text = ": " + text
		}
		r.wrong(f, fmt.Errorf("%s: %w: %s%s; it is stored, and goes on by itself while a gateway runs", u.Destination, errLate, stateOf(u), text))
		return exitLate
	}
	if text == "" {
		text = fmt.Sprintf("see `slipway explain %s`", f.path)
	}
	r.wrong(f, fmt.Errorf("%s: %s: %s", u.Destination, stateOf(u), text))
	return exitFailed
}

// wrong says what went wrong with a file.
func (r *putting) wrong(f *outcome, err error) { r.complain(fmt.Errorf("%s: %w", f.file, err)) }

// ended ends a file's progress.
func (r *putting) ended(f *outcome, code int, why string) {
	switch {
	case f.shown == nil:
	case code == exitOK:
		f.shown.Done()
	default:
		f.shown.Fail(errors.New(why))
	}
}

// objects tells scripts of a file; reason and text are those of a file without
// uploads.
func (r *putting) objects(f *outcome, reason, text string) {
	if !r.o.json {
		return
	}
	for _, u := range f.uploads {
		r.object(putUpload{f.file, forScripts(u)}) //nolint:errcheck // sticky
	}
	if len(f.uploads) == 0 {
		none := operate.Upload{Path: f.path, Reason: reason, Error: text, Size: max(f.size, f.entry.Size), SHA256: f.entry.SHA256}
		r.object(putUpload{f.file, forScripts(none)}) //nolint:errcheck // sticky
	}
}
