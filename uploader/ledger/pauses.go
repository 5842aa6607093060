package ledger

import (
	"context"
	"database/sql"
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
	if err == nil {
		l.hear.tellAll()
	}
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

// probeNow makes a destination that refused be probed at once, rather than when
// its time comes.
func probeNow(ctx context.Context, tx vfs.Tx, destination string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE destinations SET probe = $1 WHERE name = $2 AND paused <> 0 AND probe > $1", nanos(now), destination)
	return err
}

// ProbeNow makes every destination that refused be probed at once, because its
// key may have been corrected. Those paused by hand stay so.
func (l *Ledger) ProbeNow(ctx context.Context) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		for d := range l.config.Load().destinations {
			if err := probeNow(ctx, tx, d, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		l.hear.due("", l.clock())
	}
	return wrap("probe", err)
}

// pauses is why uploads that could be sent are not.
type pauses struct {
	now          int64
	there        map[string]bool  // the destinations that the configuration has
	destinations map[string]Stats // those that are paused
	hosts        map[string]int64 // those that are paused, and until when
}

// pauses reads them once, for however many uploads.
func (l *Ledger) pauses(ctx context.Context, tx vfs.Tx) (p pauses, err error) {
	now, err := l.now(ctx, tx)
	if err != nil {
		return p, err
	}
	p = pauses{nanos(now), l.config.Load().destinations, make(map[string]Stats), make(map[string]int64)}
	err = each(ctx, tx, func(s *sql.Rows) error {
		var d Stats
		var paused, probe int64
		err := s.Scan(&d.Destination, &paused, &d.Error, &d.Remedy, &probe)
		d.Paused, d.Probe = moment(paused), moment(probe)
		p.destinations[d.Destination] = d
		return err
	}, "SELECT name, paused, error, remedy, probe FROM destinations WHERE paused <> 0")
	if err != nil {
		return p, err
	}
	return p, each(ctx, tx, func(s *sql.Rows) error {
		var host string
		var until int64
		err := s.Scan(&host, &until)
		p.hosts[host] = until
		return err
	}, "SELECT name, until FROM hosts WHERE until > $1", p.now)
}

// explain gives u the reason that people see: rows do not change when a destination
// is paused or taken away.
func (p pauses) explain(u *uploader.Upload) {
	if u.State != uploader.Settling {
		return
	}
	if !p.there[u.Destination] {
		u.Reason = uploader.ReasonGone
		return
	}
	if d, paused := p.destinations[u.Destination]; paused {
		u.Reason, u.Due, u.Error, u.Remedy = uploader.ReasonPaused, d.Probe, d.Error, d.Remedy
		u.Changed = latest(u.Changed, d.Paused)
		return
	}
	if until, paused := p.hosts[u.Host]; paused {
		u.Reason, u.Due = uploader.ReasonSlowDown, latest(u.Due, moment(until))
	}
}

// HostPause is a host that asked to slow down.
type HostPause struct {
	Until  time.Time
	Reason string // in plain words
}

// HostPauses returns the hosts to which nothing is sent now.
func (l *Ledger) HostPauses(ctx context.Context) (map[string]HostPause, error) {
	all := make(map[string]HostPause)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(s *sql.Rows) error {
			var name, reason string
			var until int64
			err := s.Scan(&name, &until, &reason)
			all[name] = HostPause{Until: moment(until), Reason: reason}
			return err
		}, "SELECT name, until, reason FROM hosts WHERE until > $1", nanos(now))
	})
	return all, wrap("hosts", err)
}

// ResumeHost sends to a host again though it asked to wait.
func (l *Ledger) ResumeHost(ctx context.Context, host string) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, _ time.Time) error {
		_, err := tx.Exec(ctx, "DELETE FROM hosts WHERE name = $1", host)
		return err
	})
	if err == nil {
		l.hear.tellAll()
		l.hear.due("", l.clock())
		l.hear.deletions("", l.clock())
	}
	return wrap("resume", err)
}

// Resume ends a pause; see uploader.Pauses. None is no error.
func (l *Ledger) Resume(ctx context.Context, destination string) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		_, err := tx.Exec(ctx, "UPDATE destinations SET paused = 0, reason = '', error = '', remedy = '', probe = 0, resumed = $1 WHERE name = $2 AND paused <> 0",
			nanos(now), destination)
		return err
	})
	if err == nil {
		l.hear.tellAll()
		l.hear.due(destination, l.clock())
		l.hear.deletions(destination, l.clock())
	}
	return wrap("resume", err)
}
