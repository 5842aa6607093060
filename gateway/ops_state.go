package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"slipway/gateway/metrics"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

const (
	// tallyTime is how long a count may take.
	tallyTime = 10 * time.Second
	// tallyRest is how long a count holds, and tallyShare how many times as long as it
	// took: with a million uploads counting takes some tenths of a second.
	tallyRest  = 2 * time.Second
	tallyShare = 20
)

// tally is what is dear to count, kept for a while.
type tally struct {
	mu   sync.Mutex
	next time.Time // when to count again
	at   time.Time // when it was counted; zero: never
	tallied
}

// tallied is what was counted. Nobody changes it.
type tallied struct {
	stats     map[string]*ledger.Stats
	kept      index.Counts
	deletions map[string]map[uploader.DeletionState]int // by destination
}

// count returns what was counted lately, or counts.
func (t *tally) count(ctx context.Context, a *app) (counted tallied, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if began := time.Now(); !began.Before(t.next) {
		ctx, cancel := context.WithTimeout(ctx, tallyTime)
		defer cancel()
		stats, err := a.ledger.Stats(ctx)
		kept, countsErr := a.db.Counts(ctx)
		deletions, deletionsErr := a.ledger.DeletionCounts(ctx)
		if err = errors.Join(err, countsErr, deletionsErr); err == nil {
			t.tallied, t.at = tallied{stats, kept, deletions}, began
		} else {
			a.log.Warn("uploads could not be counted for the metrics", "error", err)
		}
		t.next = time.Now().Add(max(tallyRest, tallyShare*time.Since(began)))
	}
	return t.tallied, t.at
}

// metricsState tells the metrics how things stand.
func (a *app) metricsState() (s metrics.State) {
	ctx, cancel := context.WithTimeout(context.Background(), tallyTime)
	defer cancel()
	counted, at := a.tally.count(ctx, a)
	kept := counted.kept
	s.At = at
	if !at.IsZero() {
		s.Blobs, s.Garbage = gauge(kept.Blobs), gauge(kept.Garbage)
		s.Partials, s.PartialBytes = gauge(kept.Partials), gauge(kept.PartialBytes)
	}
	if free, err := (blob.OS{}).Free(a.settings.Load().config.dataDir()); err == nil && free >= 0 {
		s.Free = gauge(free)
	}
	s.Destinations = a.destinationStates(counted)
	s.Hosts = a.hostStates(ctx)
	s.Webhooks = a.webhookStates(ctx)
	s.Ready = make(map[string]bool)
	for _, c := range a.readiness(ctx) {
		s.Ready[c.Name] = c.OK
	}
	return s
}

func gauge(n int64) *float64 { return new(float64(n)) }

// destinationStates returns how the destinations stand, by name.
func (a *app) destinationStates(counted tallied) (all []metrics.Destination) {
	active := make(map[string]float64)
	if pool := a.pool.Load(); pool != nil {
		for _, f := range pool.Active() {
			active[f.Upload.Destination]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counted.stats)) {
		s := counted.stats[name]
		d := metrics.Destination{Name: name, Uploads: make(map[string]float64), Deletions: make(map[string]float64), Paused: s.Reason, Oldest: s.Oldest, Active: active[name]}
		for _, state := range uploader.States {
			d.Uploads[string(state)] = float64(s.Count[state])
		}
		for _, state := range uploader.DeletionStates {
			d.Deletions[string(state)] = float64(counted.deletions[name][state])
		}
		all = append(all, d)
	}
	return all
}

// hostStates returns how the hosts' limits stand, of those that have some or asked to
// slow down.
func (a *app) hostStates(ctx context.Context) (all []metrics.Host) {
	limits := a.hostLimits()
	pauses, err := a.ledger.HostPauses(ctx)
	if err != nil {
		a.log.Warn("pauses could not be read for the metrics", "error", err)
	}
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		h := metrics.Host{Name: name, Windows: a.hostWindows(ctx, name, limits[name]), Until: pauses[name].Until}
		if len(h.Windows) > 0 || !h.Until.IsZero() {
			all = append(all, h)
		}
	}
	return all
}

// hostLimits returns the limits that hold for each host: those of several destinations
// on one are shared, and the strictest holds.
func (a *app) hostLimits() map[string]uploader.Limits {
	limits := make(map[string]uploader.Limits)
	for _, d := range a.settings.Load().destinations {
		host := d.Driver.Properties().Host
		limits[host] = uploader.Strictest(limits[host], d.Limits)
	}
	return limits
}

// hostWindows returns the limits of one host, and how much of each is used.
func (a *app) hostWindows(ctx context.Context, host string, l uploader.Limits) (windows []metrics.Window) {
	var spans []time.Duration
	for _, w := range []struct {
		limit int
		span  time.Duration
	}{{l.PerMinute, time.Minute}, {l.PerHour, time.Hour}, {l.PerDay, 24 * time.Hour}} {
		if w.limit > 0 {
			spans = append(spans, w.span)
			windows = append(windows, metrics.Window{Per: w.span, Limit: float64(w.limit)})
		}
	}
	if len(spans) == 0 {
		return nil
	}
	used, err := a.ledger.Used(ctx, host, spans, max(l.PerMinute, l.PerHour, l.PerDay))
	if err != nil {
		a.log.Warn("requests could not be counted for the metrics", "error", err)
		return nil
	}
	for i := range windows {
		windows[i].Used = float64(used[i])
	}
	return windows
}
