package ledger

import (
	"context"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

const (
	probeFirst = 30 * time.Second
	probeLast  = 15 * time.Minute
)

// interval is the time before the probe after n probes: 30 s, 1, 2, 4, … 15 min.
func interval(n int) time.Duration {
	return min(probeFirst<<min(n, 10), probeLast)
}

// pause pauses a destination. One that was resumed only to be refused again soon
// goes on with the longer waits of the pause before.
func pause(ctx context.Context, tx vfs.Tx, destination, reason, text, remedy string, now time.Time) error {
	var paused, resumed int64
	var probes int
	_, err := optional(tx.QueryRow(ctx, "SELECT paused, resumed, probes FROM destinations WHERE name = $1", destination), &paused, &resumed, &probes)
	if err != nil || paused != 0 {
		return err
	}
	if resumed == 0 || now.Sub(time.Unix(0, resumed)) > probeLast {
		probes = 0
	}
	probe := nanos(now.Add(interval(probes)))
	if reason == uploader.ReasonByHand {
		probe = 0
	}
	_, err = tx.Exec(ctx, `INSERT INTO destinations (name, paused, reason, error, remedy, probe, probes) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, reason = excluded.reason, error = excluded.error,
		remedy = excluded.remedy, probe = excluded.probe, probes = excluded.probes`,
		destination, nanos(now), reason, text, remedy, probe, probes)
	return err
}

// Pause pauses a destination by hand: nothing is claimed, and it is not probed,
// until Resume.
func (l *Ledger) Pause(ctx context.Context, destination, text string) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		// By hand outranks a pause that probes would end.
		if _, err := tx.Exec(ctx, "UPDATE destinations SET paused = 0 WHERE name = $1", destination); err != nil {
			return err
		}
		return pause(ctx, tx, destination, uploader.ReasonByHand, text, "", now)
	})
	return wrap("pause", err)
}

// Probe takes the right to probe; see uploader.Pauses.
func (l *Ledger) Probe(ctx context.Context, destination string) (mine bool, err error) {
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		mine = false
		var probes int
		due, err := optional(tx.QueryRow(ctx, "SELECT probes FROM destinations WHERE name = $1 AND paused <> 0 AND probe <> 0 AND probe <= $2",
			destination, nanos(now)), &probes)
		if err != nil || !due {
			return err
		}
		mine = true
		_, err = tx.Exec(ctx, "UPDATE destinations SET probes = $1, probe = $2 WHERE name = $3",
			probes+1, nanos(now.Add(interval(probes+1))), destination)
		return err
	})
	return mine, wrap("probe", err)
}

// Resume ends a pause; see uploader.Pauses. None is no error.
func (l *Ledger) Resume(ctx context.Context, destination string) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		_, err := tx.Exec(ctx, "UPDATE destinations SET paused = 0, reason = '', error = '', remedy = '', probe = 0, resumed = $1 WHERE name = $2 AND paused <> 0",
			nanos(now), destination)
		return err
	})
	if err == nil {
		l.hear.due(destination, l.clock())
	}
	return wrap("resume", err)
}
