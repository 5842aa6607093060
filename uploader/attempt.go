package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"
	"time"

	"slipway/vfs/blob"
)

// attempt does what is to be done about the row: at most one request with its
// bytes. It returns what came of it.
func (f *flight) attempt() Outcome {
	if o, over := f.look(); over {
		return o
	}
	plan, err := f.plan()
	if err != nil {
		return f.unplanned(err)
	}
	f.planned = plan
	if f.prepared, err = f.prepare(plan); err != nil {
		return f.unplanned(err)
	}
	if o, over := f.repeated(plan); over {
		return o
	}
	picture, err := f.picture(plan)
	if err != nil {
		return f.unplanned(err)
	}
	if o, over := f.resolve(plan, picture); over {
		return o
	}
	return f.send(plan, picture)
}

// open opens the bytes as they are.
func (f *flight) open(ctx context.Context) (blob.Reader, error) { return f.d.pool.Open(ctx, f.Upload) }

// look judges once more whether the file is whole.
func (f *flight) look() (Outcome, bool) {
	if f.d.pool.Whole == nil || f.Released || f.Resolve {
		return Outcome{}, false
	}
	if err := f.d.pool.Whole(f.ctx, f.Upload, f.open); err != nil {
		return f.unplanned(err), true
	}
	return Outcome{}, false
}

// plan asks the router what to say of the picture.
func (f *flight) plan() (Plan, error) {
	return f.d.pool.Router.Plan(f.ctx, f.Upload, sync.OnceValues(func() (map[string]string, error) {
		if f.d.pool.Metadata == nil {
			return nil, nil
		}
		return f.d.pool.Metadata(f.ctx, f.Upload, f.open)
	}))
}

// prepare alters the picture as the plan says.
func (f *flight) prepare(plan Plan) (Prepared, error) {
	if f.d.pool.Prepare == nil {
		return Prepared{}, nil
	}
	return f.d.pool.Prepare(f.ctx, f.Upload, plan, f.d.props, f.open)
}

// repeated deals with bytes that the host has from us already.
func (f *flight) repeated(plan Plan) (Outcome, bool) {
	f.Known = slices.DeleteFunc(slices.Clone(f.Known), func(h Hosted) bool { return h.Prepared != f.prepared.How })
	if f.Copy > 0 {
		return Outcome{}, false
	}
	if len(f.Known) == 0 {
		return f.besideTaken()
	}
	known := f.closest(plan.Keys)
	if known.URL == "" && !known.Awaiting {
		return f.repeatedLost(plan, known)
	}
	switch {
	case plan.OnDuplicate == HoldDuplicate && !f.Released:
		return f.held(&Hold{Reason: ReasonRepeat, Text: "The host has this picture already, from an earlier upload.",
			Remedy: "Release it to use that picture's address, or drop it."}), true
	case plan.OnDuplicate == NewCopyDuplicate:
		return f.newCopy(known)
	case !f.named(known):
		return Outcome{}, false
	case f.d.props.OnePlace && known.Category != plan.Keys.CategoryID:
		return f.onePlace(known)
	}
	return f.reuse(known), true
}

// besideTaken has bytes whose address another picture took sent as a copy: a host that
// replaces makes addresses of what it gets, so that the same bytes would get that very
// address, and take it from the picture that has it now.
func (f *flight) besideTaken() (Outcome, bool) {
	others := func(address string) bool { return f.Earlier == nil || f.Earlier.URL != address } // else it comes back to its own
	if !f.d.props.Replaces || !slices.ContainsFunc(f.Taken, others) {
		return Outcome{}, false
	}
	o, over := f.newCopy(Hosted{})
	if o.State == Held && o.Reason == ReasonNoCopy {
		return f.held(errTaken), true
	}
	return o, over
}

// errTaken holds a file whose address another one has.
var errTaken = &Hold{Reason: ReasonNoCopy, Text: "Another picture took this one's place at the host and has its address, which these bytes would take from it again.",
	Remedy: "Drop it, or put a file of other bytes here: its format has no place for a comment that would make it another one."}

// named reports whether a known picture's address can be this file's.
func (f *flight) named(known Hosted) bool {
	n, ok := f.d.Driver.(Namer)
	return !ok || known.URL == "" || n.Named(known.Result, path.Base(f.Path))
}

// repeatedLost deals with bytes that the host has from us, at an address that
// nobody knows.
func (f *flight) repeatedLost(plan Plan, known Hosted) (Outcome, bool) {
	if plan.OnDuplicate == NewCopyDuplicate || plan.OnLostReply == NewCopyLostReply {
		return f.newCopy(known)
	}
	return f.withoutURL(plan, &known), true
}

// closest returns the known picture that is where this one is to be, else the
// newest that has an address, of those that have its name where that shows.
func (f *flight) closest(k Keys) Hosted {
	among := f.Known
	if named := slices.DeleteFunc(slices.Clone(among), func(h Hosted) bool { return !f.named(h) }); len(named) > 0 {
		among = named
	}
	best := among[0]
	for _, h := range among {
		if best.URL == "" && h.URL != "" {
			best = h
		}
		if h.URL != "" && h.Album == k.AlbumID && h.Category == k.CategoryID {
			return h
		}
	}
	return best
}

// newCopy goes on with altered bytes, under a number stored before they are sent.
func (f *flight) newCopy(known Hosted) (Outcome, bool) {
	var hold *Hold
	f.Copy = 1
	_, err := f.variant()
	switch {
	case errors.As(err, &hold) && f.Released && known.URL != "":
		f.Copy = 0
		return f.reuse(known), true
	case err == nil:
		err = f.d.pool.Ledger.Copy(f.ctx, f.Claimed, f.Copy)
	}
	if err != nil {
		f.Copy = 0
		return f.unplanned(err), true
	}
	return Outcome{}, false
}

// onePlace refers to a picture in another category where a file needs it there:
// sending its bytes again would move it away. One that nobody needs is moved.
func (f *flight) onePlace(known Hosted) (Outcome, bool) {
	f.Known = []Hosted{known}
	facts, err := f.d.pool.Ledger.Facts(f.ctx, f.Claimed)
	if err != nil {
		return f.unplanned(err), true
	}
	if !facts.Referred {
		return Outcome{}, false
	}
	o := f.reuse(known)
	o.Notes = append(o.Notes, fmt.Sprintf("The host keeps a picture in one category; this one stays in %q, where another file uses it.", known.Category))
	return o, true
}

// errNoVariant holds a picture whose format has no place for a comment.
var errNoVariant = &Hold{Reason: ReasonNoCopy, Text: "The host has this picture already, and a file of this format cannot be altered harmlessly to be taken again.",
	Remedy: "Release it to use the other picture's address, or drop it."}

func (f *flight) variant() (Variant, error) {
	if f.d.pool.Variant == nil {
		return nil, errNoVariant
	}
	u, open := f.Upload, func(ctx context.Context) (io.ReadSeekCloser, error) { return f.open(ctx) }
	if p := f.prepared; p.Variant != nil {
		u.Size, open = p.Size(), p.Open
	}
	return f.d.pool.Variant(f.ctx, u, open)
}

// picture returns what the driver is to send.
func (f *flight) picture(plan Plan) (Picture, error) {
	p := Picture{Upload: f.Key, Name: path.Base(f.Path), Type: f.Type, Size: f.Size, SHA256: f.SHA256, Keys: plan.Keys}
	p.Open = func(ctx context.Context) (io.ReadSeekCloser, error) { return f.open(ctx) }
	if f.Earlier != nil && f.d.props.Replaces {
		p.Replaces = f.Earlier.Result.ID
	}
	v := f.prepared.Variant
	if f.Copy > 0 {
		var err error
		if v, err = f.variant(); err != nil {
			return p, err
		}
	}
	if v != nil {
		p.Size, p.Open, p.SHA256 = v.Size(), v.Open, blob.Sum{}
	}
	return p, nil
}

// resolve finds out about a lost reply. It lets the picture be sent again only
// where the host would refuse it if it had it.
func (f *flight) resolve(plan Plan, p Picture) (Outcome, bool) {
	if !f.Resolve && f.Lost.IsZero() {
		return Outcome{}, false
	}
	if finder, ok := f.d.Driver.(Finder); ok {
		if r, found, err := finder.Find(f.ctx, p); err == nil && found {
			return f.foundAsSent(plan, r), true
		}
	}
	if !f.Resolve { // who releases a lost one by hand wants it sent
		return Outcome{}, false
	}
	// Where it is prepared otherwise since, the host would take it for another picture.
	altered := f.SentAs != f.prepared.How && plan.OnLostReply != NewCopyLostReply
	if !altered && f.mayRepeat() {
		return Outcome{}, false
	}
	o := f.stillAmbiguous()
	if altered {
		o.Error = "The host's answer was lost, and what the route takes out of pictures or turns (strip, rotate) is another than it was: sent again, there might be two."
		o.Remedy = "Look at the host. Drop it here if the host has it, else retry it."
	}
	return o, true
}

// repeatShare is for how much of the time in which a host refuses repeats a lost
// reply may be sent again: 20 of 24 hours.
const repeatShare = 5.0 / 6

func (f *flight) mayRepeat() bool {
	span := time.Duration(float64(f.d.props.RefusesRepeats) * repeatShare)
	return f.d.props.Idempotent || time.Since(f.Lost) < span
}

// recordEarly is how many bytes before its end a body's completion begins to be
// recorded, so that the last byte does not wait for the disk.
const recordEarly = 1 << 20

// body follows one request's body.
type body struct {
	f     *flight
	begun sync.Once
	as    string        // how what is sent was prepared, by what the ledger is told
	done  chan struct{} // closed when the ledger knows
	err   error
	mu    sync.Mutex
	last  time.Time // when the last byte went out
}

func newBody(f *flight) *body { return &body{f: f, done: make(chan struct{})} }

// record begins to write down that the body is about to be complete, and how what it
// carries was prepared.
func (b *body) record(as string) {
	b.begun.Do(func() {
		b.as = as
		go func() {
			defer close(b.done)
			b.err = b.write(as)
		}()
	})
}

func (b *body) write(as string) error {
	c := b.f.claim
	c.SentAs = as
	return b.f.d.pool.Ledger.Sent(context.WithoutCancel(b.f.ctx), c)
}

// recordAhead records it while the row waits for its slot, so that the disk works
// while others are sent. If the gateway dies before the row's turn comes, the row
// is in doubt for nothing: so only where doubts resolve themselves, and where it is
// known already what is going to be sent.
func (b *body) recordAhead() {
	_, finds := b.f.d.Driver.(Finder)
	resolves := b.f.d.props.RefusesRepeats > 0 || finds && b.f.Resolve
	alters := b.f.d.pool.Alters
	asIs := b.f.SentAs == "" && (alters == nil || !alters(b.f.Path))
	if asIs && resolves && !b.f.d.props.Idempotent && (len(b.f.Known) == 0 || b.f.Copy > 0) {
		b.record("")
	}
}

func (b *body) progress(size int64) func(sent int64) {
	return func(sent int64) {
		b.f.sent.Store(sent)
		if size-sent <= recordEarly && !b.f.d.props.Idempotent {
			b.record(b.f.prepared.How)
		}
	}
}

// beforeLastByte waits until the ledger knows.
func (b *body) beforeLastByte() error {
	if !b.f.d.props.Idempotent {
		as := b.f.prepared.How
		b.record(as)
		<-b.done
		if b.err == nil && b.as != as { // the settings changed since it was recorded ahead
			b.err = b.write(as)
		}
		if b.err != nil {
			return b.err
		}
	}
	if err := context.Cause(b.f.ctx); err != nil {
		return err // the claim may be somebody else's
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = time.Now()
	return nil
}

// close waits for a record under way; it returns when the last byte went out.
func (b *body) close() time.Time {
	b.begun.Do(func() { close(b.done) })
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// send makes the request.
func (f *flight) send(plan Plan, p Picture) Outcome {
	p.Progress, p.BeforeLastByte = f.body.progress(p.Size), f.body.beforeLastByte
	began := time.Now()
	r, err := f.d.Driver.Send(f.ctx, p)
	f.took = time.Since(began)
	last := f.body.close()
	var o Outcome
	var hold *Hold
	var away *Away
	switch {
	case err == nil:
		f.d.down.heard(f.ID, true)
		o = f.succeeded(plan, r)
	case last.IsZero() && (errors.As(err, &hold) || errors.As(err, &away)): // its bytes could not be opened
		return f.unplanned(err)
	case errors.As(err, &hold):
		o = f.held(hold)
	default:
		o = f.judge(plan, AsError(err))
	}
	o.Requested = true
	if !last.IsZero() {
		o.Sent = last
	}
	return o
}
