package ledger

import (
	"context"
	"database/sql"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// Stats is how a destination stands.
type Stats struct {
	Destination string
	Configured  bool
	Count       Tally
	Oldest      time.Time // when the first of the rows that are due was; zero: none is
	Paused      time.Time // since when; zero: not paused
	Reason      string    // of the pause: "refused" or "by-hand"
	Error       string    // in plain words
	Remedy      string
	Probe       time.Time // when it is tried again; zero: not by itself
	LastDone    time.Time // when a picture was last taken; zero: never
	LastFailed  time.Time // when a request last did not end well; zero: not lately
	LastError   string    // of that one
}

// Stats returns how every destination stands that is configured, paused or has
// uploads, by name. It costs the same however many uploads there are.
func (l *Ledger) Stats(ctx context.Context) (map[string]*Stats, error) {
	s := stats{all: make(map[string]*Stats)}
	for d := range l.config.Load().destinations {
		s.at(d).Configured = true
	}
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		tallies, err := l.talliesOf(ctx, tx, vfs.Root)
		if err != nil {
			return err
		}
		for d, t := range tallies {
			s.at(d).Count = t
		}
		for _, read := range []func(context.Context, vfs.Tx) error{s.pauses, s.failures} {
			if err := read(ctx, tx); err != nil {
				return err
			}
		}
		for d, stats := range s.all {
			if err := stats.times(ctx, tx, d, now); err != nil {
				return err
			}
		}
		return nil
	})
	return s.all, wrap("stats", err)
}

// stats are those of all destinations, being read.
type stats struct{ all map[string]*Stats }

func (s stats) at(name string) *Stats {
	if s.all[name] == nil {
		s.all[name] = &Stats{Destination: name, Count: make(Tally)}
	}
	return s.all[name]
}

func (s stats) pauses(ctx context.Context, tx vfs.Tx) error {
	return each(ctx, tx, func(r *sql.Rows) error {
		var d string
		var paused, probe int64
		var p Stats
		err := r.Scan(&d, &paused, &p.Reason, &p.Error, &p.Remedy, &probe)
		t := s.at(d)
		t.Paused, t.Reason, t.Error, t.Remedy, t.Probe = moment(paused), p.Reason, p.Error, p.Remedy, moment(probe)
		return err
	}, "SELECT name, paused, reason, error, remedy, probe FROM destinations WHERE paused <> 0")
}

// failuresMost is how many requests to a host that failed are looked at for the
// last of each destination there.
const failuresMost = 200

// failures finds the last request of each destination that did not end well, among
// the last of its host.
func (s stats) failures(ctx context.Context, tx vfs.Tx) error {
	var hosts []string
	err := each(ctx, tx, func(r *sql.Rows) error {
		var host string
		err := r.Scan(&host)
		hosts = append(hosts, host)
		return err
	}, `WITH RECURSIVE h (name) AS (
			SELECT min(host) FROM attempts WHERE error <> ''
			UNION ALL
			SELECT (SELECT min(host) FROM attempts WHERE host > h.name AND error <> '') FROM h WHERE h.name IS NOT NULL
		) SELECT name FROM h WHERE name IS NOT NULL`)
	for _, host := range hosts {
		if err != nil {
			return err
		}
		err = each(ctx, tx, func(r *sql.Rows) error {
			var d, text string
			var started, ended int64
			err := r.Scan(&d, &started, &ended, &text)
			if t := s.at(d); t.LastFailed.IsZero() {
				t.LastFailed, t.LastError = moment(max(started, ended)), text
			}
			return err
		}, `SELECT u.destination, a.started, a.ended, a.error FROM (SELECT upload, started, ended, error, outcome FROM attempts
			WHERE host = $1 AND error <> '' ORDER BY started DESC LIMIT $2) AS a JOIN uploads u ON u.id = a.upload
			WHERE a.outcome NOT IN ('cancelled', 'no-url') ORDER BY a.started DESC`, host, failuresMost)
	}
	return err
}

// times finds since when rows are due, and when a picture was last taken.
func (s *Stats) times(ctx context.Context, tx vfs.Tx, destination string, now time.Time) error {
	var due, done int64
	if s.Count[uploader.Settling] > 0 {
		if err := tx.QueryRow(ctx, soonest, destination, string(uploader.Settling)).Scan(&due); err != nil {
			return err
		}
		if due <= nanos(now) {
			s.Oldest = moment(due)
		}
	}
	_, err := optional(tx.QueryRow(ctx, "SELECT changed FROM uploads WHERE destination = $1 AND state = 'done' ORDER BY changed DESC LIMIT 1", destination), &done)
	s.LastDone = moment(done)
	return err
}
