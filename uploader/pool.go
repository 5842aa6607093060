package uploader

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"slipway/vfs/blob"
)

// Open opens an upload's bytes from their start, as often as it is called.
type Open func(ctx context.Context) (blob.Reader, error)

// Config is what a Pool works with.
type Config struct {
	Ledger       Ledger
	Router       Router
	Destinations []Destination
	// Open opens an upload's bytes.
	Open func(ctx context.Context, u Upload) (blob.Reader, error)
	// Whole judges whether a file ends where its format says that it must: nil,
	// or a *Hold that says what is missing. Other errors are temporary. A nil
	// Whole takes every file.
	Whole func(ctx context.Context, u Upload, open Open) error
	// Metadata reads what templates may ask for; nil: there is none.
	Metadata func(ctx context.Context, u Upload, open Open) (map[string]string, error)
	// Variant makes the bytes of u.Copy, which is 1 or more, of the u.Size ones that open
	// reads, or returns a *Hold where the format has no place for a comment. A nil Variant
	// has none for any.
	Variant func(ctx context.Context, u Upload, open func(context.Context) (io.ReadSeekCloser, error)) (Variant, error)
	// Prepare takes out of a picture, or turns in it, what plan says, without changing
	// a pixel's value; a *Hold where it must not go as it is and cannot be altered. A nil
	// Prepare, like a Prepared without bytes, leaves pictures as they are.
	Prepare func(ctx context.Context, u Upload, plan Plan, host Properties, open Open) (Prepared, error)
	// Alters reports whether Prepare may alter what is at path; nil: it never does.
	Alters func(path string) bool
	// Lease is how long a claim holds unless renewed; 0: 2 minutes.
	Lease time.Duration
	// Tries is how many failures of one file in a row make it failed; 0: 20.
	Tries int
	// Grace is how long Run lets requests under way end by themselves.
	Grace time.Duration
	// Observe, if not nil, hears of the outcome of each row that was taken in hand,
	// once that is written. It has to be quick.
	Observe func(Observation)
	Rand    func() float64 // in [0, 1); nil: math/rand/v2
	Log     *slog.Logger   // nil: silent
}

// Observation is what came of a row in hand.
type Observation struct {
	Upload  Upload // as it was claimed
	Outcome Outcome
	Request time.Duration // that the request took; 0: none was made
	Sent    int64         // bytes of the picture that went out
}

// Destination is one account at one host.
type Destination struct {
	Name   string
	Driver Driver
	// Limits of the host. Where destinations share one, the strictest of each
	// kind holds for all.
	Limits Limits
	// Slots is how many requests of this destination run at a time; 0: 4.
	Slots int
}

// Variant is a picture's bytes, altered by a harmless comment. Package variant's
// is one.
type Variant interface {
	Size() int64
	Open(ctx context.Context) (io.ReadSeekCloser, error)
}

// Prepared is what a picture is sent as.
type Prepared struct {
	Variant // nil: as it is
	// How the bytes differ from the file's, in a word or two that are the same for the
	// same alteration ("strip=gps rotate=6"); "": not.
	How string
	// Notes are sentences for the receipt.
	Notes []string
}

// Active is a request under way.
type Active struct {
	Upload  Upload
	Sent    int64 // bytes
	Started time.Time
}

// Pool sends what the ledger owes: one loop for each destination, woken by
// commits and by the clock, and a goroutine for each row claimed. Another loop for
// each performs its deletions, one at a time.
type Pool struct {
	Config
	destinations []*destination
	mu           sync.Mutex
	flights      map[int64]*flight // by upload
	work         sync.WaitGroup    // rows in hand
	claiming     context.Context   // ends when no more rows are to be claimed
	retire       context.CancelFunc
	sending      context.Context // ends when the grace does
	stop         context.CancelCauseFunc
}

// ahead is how many rows a destination claims beyond those it can send at once,
// so that they share a transaction and the next is at hand when a slot is free;
// aheadBytes is the most that they may hold, lest a row waits long in Sending.
const (
	ahead      = 16
	aheadBytes = 32 << 20
	// onDeck is for how many of them beyond one a slot the ledger already knows
	// that they are about to be sent.
	onDeck = 4
)

// NewPool returns a pool that Run starts.
func NewPool(c Config) *Pool {
	c.Lease = cmp.Or(c.Lease, 2*time.Minute)
	c.Tries = cmp.Or(c.Tries, 20)
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{Config: c, flights: make(map[int64]*flight)}
	p.claiming, p.retire = context.WithCancel(context.Background())
	hosts := make(map[string]*host)
	for _, d := range c.Destinations {
		name := d.Driver.Properties().Host
		if hosts[name] == nil {
			hosts[name] = &host{name: name}
		}
		hosts[name].limits = Strictest(hosts[name].limits, d.Limits)
		p.destinations = append(p.destinations, &destination{Destination: d, pool: p, host: hosts[name], props: d.Driver.Properties(),
			slots: make(chan struct{}, cmp.Or(d.Slots, 4)), deck: make(chan struct{}, cmp.Or(d.Slots, 4)+onDeck), freed: make(chan struct{}, 1)})
	}
	for _, h := range hosts {
		if n := h.limits.Concurrency; n > 0 {
			h.slots = make(chan struct{}, n)
		}
	}
	return p
}

// host is what destinations on one host share.
type host struct {
	name   string
	limits Limits
	slots  chan struct{} // nil: no limit
	halt   halt
}

// Strictest returns the smaller limit of each kind, Bandwidth left out.
func Strictest(a, b Limits) Limits {
	least := func(a, b int) int {
		if a == 0 || b == 0 {
			return max(a, b)
		}
		return min(a, b)
	}
	return Limits{PerMinute: least(a.PerMinute, b.PerMinute), PerHour: least(a.PerHour, b.PerHour),
		PerDay: least(a.PerDay, b.PerDay), Concurrency: least(a.Concurrency, b.Concurrency)}
}

// errStopped is why requests are cancelled at the end.
var errStopped = errors.New("the gateway is stopping")

// Run sends until ctx ends; then it claims nothing more, gives back what was not
// begun, lets requests under way end within Grace, cancels the rest, and returns
// when every outcome is written and every goroutine has ended. It is called once.
func (p *Pool) Run(ctx context.Context) error {
	p.sending, p.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	defer p.stop(nil)
	defer context.AfterFunc(ctx, p.retire)()
	var loops, background sync.WaitGroup
	var keeping error
	hold, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	background.Go(func() { keeping = p.Ledger.Run(hold) })
	background.Go(func() { p.renew(hold) })
	background.Go(func() { p.grace(ctx, hold) })
	for _, d := range p.destinations {
		loops.Go(func() { d.run(p.claiming) })
		loops.Go(func() { d.deleter().run(p.claiming) })
	}
	loops.Wait()
	p.work.Wait()
	release()
	background.Wait()
	return keeping
}

// Retire makes Run claim no more rows and return once those in hand have come to
// their end, however long that takes: another pool takes over.
func (p *Pool) Retire() { p.retire() }

// grace cancels the requests under way some time after ctx ended, unless they end
// by themselves, which ends hold.
func (p *Pool) grace(ctx, hold context.Context) {
	select {
	case <-ctx.Done():
	case <-hold.Done():
		return
	}
	timer := time.NewTimer(p.Grace)
	defer timer.Stop()
	select {
	case <-timer.C:
		p.stop(errStopped)
	case <-hold.Done():
	}
}

// Active returns the requests under way, oldest first.
func (p *Pool) Active() []Active {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Active
	for _, f := range p.flights {
		if started := f.started.Load(); started != nil {
			all = append(all, Active{Upload: f.Upload, Sent: f.sent.Load(), Started: *started})
		}
	}
	slices.SortFunc(all, func(a, b Active) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Upload.ID, b.Upload.ID))
	})
	return all
}
