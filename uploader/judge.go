package uploader

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	backoffFirst = 2 * time.Second
	backoffLast  = 15 * time.Minute
	// resolveAfter is when a lost reply is first looked into: the host may still
	// be at work on it.
	resolveAfter = 10 * time.Second
	// slowDown is how long a host's bucket rests where it did not say.
	slowDown = time.Minute
	// unusualMost is how many answers without meaning in a row are the file's.
	unusualMost = 3
	// findMost is how many times a host that only has a Finder is asked.
	findMost = 8
)

// backoff returns the wait after a number of failures: a random time between
// 2 s and a bound that doubles with each, up to 15 min.
func (p *Pool) backoff(failures int) time.Duration {
	bound := min(backoffFirst<<min(max(failures, 1), 10), backoffLast)
	return backoffFirst + time.Duration(p.Rand()*float64(bound-backoffFirst))
}

// unchanged is the outcome of a row that goes back as it was.
func (f *flight) unchanged() Outcome {
	o := Outcome{State: Settling, Error: f.Error, Remedy: f.Remedy, Tries: f.Tries, Unusual: f.Unusual, Copy: f.Copy,
		Lost: !f.Lost.IsZero(), Notes: f.Notes, Album: f.Upload.Album, Category: f.Upload.Category}
	if f.Resolve {
		o.State, o.Reason, o.Lost = AmbiguousState, ReasonLostReply, true
	}
	return o
}

// told is unchanged but for what people are told.
func (f *flight) told(kind, text, remedy string) Outcome {
	o := f.unchanged()
	o.Kind, o.Error, o.Remedy = kind, text, remedy
	return o
}

func (f *flight) held(h *Hold) Outcome {
	o := f.told("held", h.Text, h.Remedy)
	o.State, o.Reason = Held, h.Reason
	return o
}

// away is the outcome where the bytes cannot be read now. The file loses no try for it,
// so that the waits grow with the claims.
func (f *flight) away(a *Away) Outcome {
	o := f.told("temporary", a.Text, a.Remedy)
	o.Wait = max(f.d.pool.backoff(f.Attempt), a.After)
	if o.State == Settling {
		o.Reason = ReasonBackoff
	}
	return o
}

// failed gives the file up.
func (f *flight) failed(kind, text, remedy string) Outcome {
	o := f.told(kind, text, remedy)
	o.State, o.Reason, o.Tries = Failed, "", f.Tries+1
	return o
}

// again is the outcome of a failure that may pass, counted as one of the file's.
func (f *flight) again(kind, text, remedy string) Outcome {
	o := f.told(kind, text, remedy)
	o.Tries++
	o.Wait = f.d.pool.backoff(o.Tries)
	switch {
	case o.State == AmbiguousState && o.Tries >= f.d.pool.Tries:
		o.Wait = -1 // until a person comes
	case o.State == AmbiguousState:
	case o.Tries >= f.d.pool.Tries:
		o.State = Failed
		if o.Remedy == "" {
			o.Remedy = "It was tried many times. Retry it when the cause is gone."
		}
	default:
		o.Reason = ReasonBackoff
	}
	return o
}

// unplanned is the outcome where no request was made.
func (f *flight) unplanned(err error) Outcome {
	var hold *Hold
	var away *Away
	var known *Error
	switch {
	case errors.As(err, &hold):
		return f.held(hold)
	case f.ctx.Err() != nil:
		return f.unchanged()
	case errors.As(err, &away):
		return f.away(away)
	case errors.As(err, &known) && known.Kind == Permanent:
		return f.failed("rejected", known.Message, known.Remedy)
	}
	return f.again("temporary", "The upload could not be prepared: "+err.Error(), "")
}

// reuse refers to a picture that the host has from us, without a request.
func (f *flight) reuse(known Hosted) Outcome {
	o := Outcome{State: Done, Reason: ReasonReused, Kind: "reused", Picture: &known, Album: known.Album, Category: known.Category,
		OnReplace: f.planned.OnReplace}
	if known.Awaiting {
		o.State = Awaiting
	}
	return o
}

func (f *flight) succeeded(plan Plan, r Result) Outcome {
	if f.Copy > 0 || f.prepared.Variant != nil {
		r.Identical = false // it has what was sent, and that is not the file's
	}
	o := Outcome{State: Done, Kind: "done", Copy: f.Copy, Notes: append(slices.Clone(f.prepared.Notes), r.Notes...), Album: plan.Keys.AlbumID, Category: plan.Keys.CategoryID,
		HoldBlob: f.d.props.HoldsBlob, OnReplace: plan.OnReplace, Sent: f.Upload.Sent,
		Picture: &Hosted{Host: f.Host, Destination: f.Destination, SHA256: f.SHA256, Expires: r.Expires, Prepared: f.prepared.How, Result: r}}
	if r.Awaiting {
		o.State, o.Kind = Awaiting, "awaiting"
	}
	return o
}

// foundAsSent is the outcome where the host has what an earlier attempt sent.
func (f *flight) foundAsSent(plan Plan, r Result) Outcome {
	o := f.succeeded(plan, r)
	o.Picture.Prepared = f.SentAs
	o.Picture.Identical = o.Picture.Identical && f.SentAs == ""
	return o
}

// judge decides what a failed request means.
func (f *flight) judge(plan Plan, e *Error) Outcome {
	f.d.down.heard(f.ID, answered(e))
	o := f.outcome(plan, e)
	o.Code = e.Code
	return o
}

func (f *flight) outcome(plan Plan, e *Error) Outcome {
	kind, text := e.Kind.String(), e.Error()
	lost := e.Kind == Ambiguous || e.Kind == Unusual && e.BodySent
	switch e.Kind {
	case Permanent:
		return f.failed(kind, text, e.Remedy)
	case Refused:
		o := f.told(kind, text, e.Remedy)
		o.PauseDestination = true
		return o
	case RetryAfter:
		o := f.told(kind, text, e.Remedy)
		o.PauseHost = e.After
		if o.PauseHost <= 0 {
			o.PauseHost = slowDown
		}
		return o
	case Duplicate:
		return f.duplicate(plan, text)
	}
	if e.Kind == Unusual && f.overLimit() {
		return f.failed(kind, "The host's server broke off this file three times while it took others: "+text,
			"It is probably over the host's limit: send a smaller file.")
	}
	var o Outcome
	switch {
	case lost && !f.d.props.Idempotent:
		o = f.ambiguous(kind, text)
	case f.ctx.Err() != nil: // we ended it ourselves
		o = f.unchanged()
		o.Kind = "cancelled"
	case !answered(e) && f.d.down.is(): // not the file's fault
		o = f.told(kind, text, e.Remedy)
		o.Wait = f.d.pool.backoff(f.Tries + 1)
		if o.State == Settling {
			o.Reason = ReasonBackoff
		}
	default:
		o = f.again(kind, text, e.Remedy)
	}
	switch {
	case e.Kind == Unusual:
		o.Unusual = f.Unusual + 1
	case !lost && answered(e):
		o.Unusual = 0
	}
	return o
}

// answered reports whether the host was there at all.
func answered(e *Error) bool { return e.Code != "" || e.BodySent }

// overLimit reports whether this is the third answer without meaning in a row
// for this file, while others pass.
func (f *flight) overLimit() bool {
	if f.Unusual+1 < unusualMost {
		return false
	}
	facts, err := f.d.pool.Ledger.Facts(context.WithoutCancel(f.ctx), f.Claimed)
	return err == nil && facts.OthersPass
}

// lookThere is what to do about a reply that is missing for good.
const lookThere = "The host may have the picture. Look there before you retry it, or drop it."

// ambiguous is the outcome of a request whose reply was lost.
func (f *flight) ambiguous(kind, text string) Outcome {
	o := f.told(kind, text, lookThere)
	o.State, o.Reason, o.Lost, o.Tries = AmbiguousState, ReasonLostReply, true, f.Tries+1
	_, finds := f.d.Driver.(Finder)
	switch {
	case !finds && f.d.props.RefusesRepeats == 0, o.Tries >= f.d.pool.Tries:
		o.Wait = -1
	case !f.Resolve:
		o.Wait = resolveAfter
	default:
		o.Wait = max(resolveAfter, f.d.pool.backoff(o.Tries))
	}
	return o
}

// stillAmbiguous is the outcome where nothing more could be found out.
func (f *flight) stillAmbiguous() Outcome {
	o := f.unchanged()
	if o.Error == "" { // it was another's turn for a while
		o.Error, o.Remedy = "The host's answer to an earlier attempt was lost.", lookThere
	}
	o.Tries++
	o.Wait = -1
	if _, finds := f.d.Driver.(Finder); finds && o.Tries < findMost {
		o.Wait = f.d.pool.backoff(o.Tries + 2)
	}
	return o
}

// duplicate is the outcome where the host has the bytes and did not say where.
func (f *flight) duplicate(plan Plan, text string) Outcome {
	if f.Lost.IsZero() {
		return f.held(&Hold{Reason: ReasonDuplicate, Text: "The host has this picture already, but not from here: " + text,
			Remedy: "Look for it there. Retry it when it is deleted there, or drop it."})
	}
	if plan.OnLostReply == NewCopyLostReply {
		o := f.told("duplicate", "The host has the picture, but its answer with the address was lost; a copy is sent.", "")
		o.State, o.Reason, o.Lost, o.Copy = Settling, "", false, f.Copy+1
		return o
	}
	return f.withoutURL(plan, &Hosted{Prepared: f.prepared.How})
}

// withoutURL is the outcome where the host has the picture from us and its answer
// with the address was lost.
func (f *flight) withoutURL(plan Plan, known *Hosted) Outcome {
	const text = "The host has the picture, but its answer with the address was lost."
	if plan.OnLostReply == HoldLostReply && !f.Released {
		return f.held(&Hold{Reason: ReasonLostReply, Text: text, Remedy: "Release it to have it done without an address, or drop it."})
	}
	return Outcome{State: Done, Reason: ReasonNoURL, Kind: "no-url", Copy: f.Copy, Sent: f.Upload.Sent, Picture: known,
		Album: plan.Keys.AlbumID, Category: plan.Keys.CategoryID, Notes: []string{text}}
}
