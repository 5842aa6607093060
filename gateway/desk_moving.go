package main

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// Transfers returns what is coming in and going out now.
func (d desk) Transfers(context.Context) ([]operate.Transfer, error) {
	list := []operate.Transfer{}
	client := ""
	if network := auth.Network(d.from); network.IsValid() {
		client = network.String()
	}
	for _, in := range d.fs.Incoming() {
		p, ok := d.outside(in.Path)
		if !ok || d.user.Rights == auth.Drop && (in.Owner != d.user.Name || in.Client != client) {
			continue
		}
		list = append(list, operate.Transfer{
			ID: operate.Incoming + in.ID, Direction: operate.Incoming, Path: p, Door: in.Door, User: in.Owner, Done: in.Done, Size: in.Size, Started: in.Began,
		})
	}
	if pool := d.pool.Load(); pool != nil {
		for _, out := range pool.Active() {
			u := out.Upload
			if p, ok := d.outsideOr(u.Path, u.Entry); ok {
				list = append(list, operate.Transfer{
					ID: operate.Outgoing + strconv.FormatInt(u.ID, 10) + "." + strconv.Itoa(u.Attempts), Direction: operate.Outgoing, Path: p,
					Upload: u.ID, To: u.Destination, Done: min(out.Sent, u.Size), Size: u.Size, Started: out.Started,
				})
			}
		}
	}
	d.rates.fill(list, time.Now())
	slices.SortStableFunc(list, func(a, b operate.Transfer) int { return a.Started.Compare(b.Started) })
	return list, nil
}

const (
	// rateEvery is how often a transfer's rate is taken, however many look.
	rateEvery = 250 * time.Millisecond
	// rateSpan is the time that a rate is of, mostly.
	rateSpan = 3 * time.Second
	// rateLife is how long nobody needs to look until what is known is forgotten.
	rateLife = 10 * time.Second
)

// rates are how fast transfers go lately, taken while somebody looks at them.
type rates struct {
	mu sync.Mutex
	by map[string]*pace
}

type pace struct {
	at, seen time.Time
	done     int64
	perSec   float64
}

// fill sets the rates of transfers, as of now.
func (r *rates) fill(list []operate.Transfer, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = make(map[string]*pace)
	}
	for i := range list {
		t := &list[i]
		known := r.by[t.ID]
		if known == nil {
			known = &pace{at: t.Started}
			r.by[t.ID] = known
		}
		known.seen = now
		known.take(t.Done, now)
		t.Rate = known.perSec
	}
	for id, known := range r.by {
		if now.Sub(known.seen) > rateLife {
			delete(r.by, id)
		}
	}
}

// take adds that done bytes have gone by now: the newer, the more it counts.
func (r *pace) take(done int64, now time.Time) {
	passed := now.Sub(r.at)
	if passed < rateEvery {
		return
	}
	latest := float64(max(0, done-r.done)) / passed.Seconds()
	weight := 1 - math.Exp(-passed.Seconds()/rateSpan.Seconds())
	if r.done == 0 && r.perSec == 0 {
		weight = 1
	}
	r.perSec += weight * (latest - r.perSec)
	r.at, r.done = now, done
}

const (
	// changesTogether is how long changes wait for others, to be told as one.
	changesTogether = 150 * time.Millisecond
	// changesAlive is how long nothing is told at the most.
	changesAlive = 30 * time.Second
)

// Changes yields after changes of what the user sees, until ctx ends. That his
// account still is what it was, the door asks.
func (d desk) Changes(ctx context.Context) iter.Seq[operate.Change] {
	return func(yield func(operate.Change) bool) {
		heard := d.ledger.Listen()
		defer heard.Close()
		alive := time.NewTicker(changesAlive)
		defer alive.Stop()
		for {
			var change operate.Change
			select {
			case <-ctx.Done():
				return
			case <-alive.C:
			case <-heard.Changed():
				if !wait(ctx, changesTogether) {
					return
				}
				var mine bool
				if change, mine = d.mine(ctx, heard.Take()); !mine {
					continue
				}
			}
			if !yield(change) {
				return
			}
		}
	}
}

// wait waits for d, and reports whether ctx has not ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// mine returns what of c the user may know; false for nothing.
func (d desk) mine(ctx context.Context, c ledger.Changed) (operate.Change, bool) {
	if c.All {
		return operate.Change{All: true}, true
	}
	var change operate.Change
	add := func(id vfs.ID) { change.Entries = append(change.Entries, int64(id)) }
	for id, at := range c.Gone {
		if d.touches(id, at) {
			add(id)
		}
	}
	for batch := range slices.Chunk(c.Entries, uploadsBatch) {
		places, err := d.operations.tree.Places(ctx, batch)
		if err != nil {
			return operate.Change{All: true}, true // looking again tells nobody anything
		}
		for _, id := range batch {
			if place, ok := places[id]; ok && d.touches(id, place.Path) {
				add(id)
			}
		}
	}
	slices.SortFunc(change.Entries, cmp.Compare[int64])
	return change, len(change.Entries) > 0
}

// touches reports whether a change of the entry with an id, which is or was at a
// path, is one of what the user sees: he sees it, or it is above his home.
func (d desk) touches(id vfs.ID, real string) bool {
	if d.user.Rights == auth.Drop {
		_, mine := d.dropped()[id]
		return mine
	}
	if _, ok := d.outside(real); ok {
		return true
	}
	return isBelow(vfs.Key(d.user.Home), vfs.Key(real))
}

// isBelow reports whether p is at or below dir.
func isBelow(p, dir string) bool {
	return dir == "/" || p == dir || len(p) > len(dir) && p[:len(dir)] == dir && p[len(dir)] == '/'
}
