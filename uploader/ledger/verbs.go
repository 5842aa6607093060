package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// verb is something a person can do to an upload.
type verb struct {
	name string
	from []uploader.State // the states it applies to
	set  string           // $1 is when it is due, $2 the id, $3 the time
	drop bool             // lets the bytes go
	anew bool             // sends those again that are done without a URL
}

// fresh notes who was told that a reply is missing and wants it sent all the same.
const fresh = "changed = $3, state = 'settling', tries = 0, unusual = 0, due = $1, finished = 0, again = CASE WHEN reason = 'lost-reply' THEN 1 ELSE again END"

var (
	retry   = verb{name: "retry", from: []uploader.State{uploader.Settling, uploader.Held, uploader.Failed, uploader.AmbiguousState}, set: fresh + ", reason = ''", anew: true}
	hold    = verb{name: "hold", from: []uploader.State{uploader.Settling, uploader.Failed, uploader.AmbiguousState}, set: "changed = $3, state = 'held', reason = 'by-hand', finished = 0, due = CASE WHEN due > $1 THEN due ELSE $1 END"}
	release = verb{name: "release", from: []uploader.State{uploader.Held}, set: fresh + ", reason = '', error = '', remedy = '', released = 1"}
	drop    = verb{name: "drop", from: []uploader.State{uploader.Settling, uploader.Held, uploader.Failed, uploader.AmbiguousState}, drop: true}
)

// Retry sends an upload now, with fresh tries: one that waits, is held, failed,
// or whose reply was lost, also where it is done without a URL for that.
func (l *Ledger) Retry(ctx context.Context, id int64) error { return l.do(ctx, retry, id) }

// Hold keeps an upload back until Release or Retry: one that waits, failed, or
// whose reply was lost.
func (l *Ledger) Hold(ctx context.Context, id int64) error { return l.do(ctx, hold, id) }

// Release lets a held upload go on; the check that held it does not hold it
// again.
func (l *Ledger) Release(ctx context.Context, id int64) error { return l.do(ctx, release, id) }

// Drop gives an upload up: one that waits, is held, failed, or whose reply was
// lost. The file itself stays.
func (l *Ledger) Drop(ctx context.Context, id int64) error { return l.do(ctx, drop, id) }

func (l *Ledger) do(ctx context.Context, v verb, id int64) error {
	var destination string
	var entry vfs.ID
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		us, _, err := uploadsAnd(ctx, tx, "WHERE u.id = $1", id)
		if err != nil {
			return err
		}
		if len(us) == 0 {
			return fmt.Errorf("upload %d: %w", id, uploader.ErrNoUpload)
		}
		u := us[0]
		destination, entry = u.Destination, u.Entry
		if v.anew && withoutURL(u) {
			return resend(ctx, tx, u, "", now, now)
		}
		if !slices.Contains(v.from, u.State) {
			return fmt.Errorf("upload %d is %s: %w: %s is for uploads that are %s", id, u.State, uploader.ErrState, v.name, v.applies())
		}
		if v.drop {
			err = end(ctx, tx, id, uploader.Dropped, uploader.ReasonByHand, now)
		} else {
			_, err = tx.Exec(ctx, "UPDATE uploads SET "+v.set+" WHERE id = $2", nanos(now), id, nanos(now))
		}
		if err == nil && leads(u.State, u.Reason) {
			err = unpark(ctx, tx, uploader.Claimed{Upload: u}, now)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.hear.tellEntries(entry)
	l.hear.due(destination, l.clock())
	return nil
}

// applies names the states that v is for.
func (v verb) applies() string {
	var s []string
	for _, state := range v.from {
		s = append(s, string(state))
	}
	if v.anew {
		s = append(s, "done without a URL")
	}
	return strings.Join(s[:len(s)-1], ", ") + strings.Repeat(" or ", min(1, len(s)-1)) + s[len(s)-1]
}

// RetryNow gives every upload of a file's present bytes that is in trouble fresh
// tries from due on: those that failed, are held by a check, wait after an error,
// or whose reply was lost. Where there are none such, it sends those again that are done
// without a URL: who wants others tried has not looked for these at their hosts.
func (l *Ledger) RetryNow(ctx context.Context, entry vfs.ID, due time.Time) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		us, _, err := uploadsAnd(ctx, tx, "WHERE u.entry = $1", int64(entry))
		others := slices.ContainsFunc(us, func(u uploader.Upload) bool { return u.Present && inTrouble(u) })
		for _, u := range us {
			if err == nil && u.Present && !others && withoutURL(u) {
				err = resend(ctx, tx, u, uploader.ReasonQuiet, due, now)
			}
			if err == nil && u.Present && inTrouble(u) {
				_, err = tx.Exec(ctx, "UPDATE uploads SET "+fresh+", reason = 'quiet' WHERE id = $2", nanos(due), u.ID, nanos(now))
			}
			if err == nil && u.Present && u.State == uploader.Settling {
				err = probeNow(ctx, tx, u.Destination, now)
			}
			if err == nil && u.State == uploader.AmbiguousState {
				err = unpark(ctx, tx, uploader.Claimed{Upload: u}, now)
			}
		}
		return err
	})
	if err == nil {
		l.hear.tellEntries(entry)
		l.hear.due("", due)
	}
	return wrap("retry", err)
}

func inTrouble(u uploader.Upload) bool {
	switch u.State {
	case uploader.Failed, uploader.AmbiguousState:
		return true
	case uploader.Held:
		return u.Reason != uploader.ReasonByHand
	case uploader.Settling:
		return u.Error != ""
	}
	return false
}
