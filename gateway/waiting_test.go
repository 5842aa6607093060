package main

import (
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/gateway/webdav"
	"slipway/uploader"
	"slipway/vfs"
)

// TestWaiting: what exactly an upload waits for.
func TestWaiting(t *testing.T) {
	a := &app{dav: webdav.New(webdav.Options{Key: vfs.Key})}
	running := &app{dav: a.dav}
	running.pool.Store(uploader.NewPool(uploader.Config{}))
	plain, beside := "[storage]\nunrouted = \"store\"\n", &app{dav: a.dav}
	running.settings.Store(settingsOf(t, loadText(t, plain)))
	beside.settings.Store(settingsOf(t, loadText(t, plain+"[destination.anh]\ndriver = \"chevereto\"\nurl = \"http://localhost/\"\nkey = \"k\"\n"+
		"[[route]]\npath = \"/in/{rest...}\"\nto = [\"anh\"]\ncompanions = \"1m\"\n")))
	now := time.Now()
	ready := operate.Destination{Configured: true}
	full := operate.Destination{Configured: true, Windows: []operate.Window{{Per: time.Minute, Limit: 50, Used: 3}, {Per: time.Hour, Limit: 500, Used: 500}}}
	paused := operate.Destination{Configured: true, Paused: true, Error: "The key was refused.", Probe: now.Add(time.Hour)}
	for _, c := range []struct {
		on            *app
		state, reason string
		due           time.Time
		d             operate.Destination
		want          string
	}{
		{running, "settling", "quiet", now.Add(time.Minute), ready, "to be left alone until " + when(now.Add(time.Minute))},
		{running, "settling", "quiet", now.Add(-time.Minute), ready, "It is due, and goes within a moment."},
		{a, "settling", "quiet", now.Add(-time.Minute), ready, "No gateway runs"},
		{running, "settling", "quiet", now.Add(-time.Minute), full, "The host takes 500 requests in an hour"},
		{running, "settling", "quiet", now.Add(time.Minute), paused, "paused: The key was refused. It is tried again at " + when(now.Add(time.Hour))},
		{running, "settling", "backoff", now.Add(time.Minute), ready, "The last try failed; the next one is at " + when(now.Add(time.Minute))},
		{running, "settling", "locked", now.Add(-time.Minute), ready, "A client had locked it"},
		{running, "settling", "same-bytes", now.Add(-time.Minute), ready, "for another file"},
		{running, "settling", "quiet", now.Add(-time.Minute), operate.Destination{}, "no such destination now"},
		{running, "sending", "", now, ready, "being sent now"},
		{running, "held", "by-hand", now, ready, "`slipway queue release 7`"},
		{running, "held", "no-album", now, ready, "until somebody decides: the error"},
		{running, "awaiting", "", now, ready, "approve"},
		{running, "ambiguous", "lost-reply", now.Add(time.Minute), ready, "next at " + when(now.Add(time.Minute))},
		{running, "failed", "", now, ready, "given up: the error"},
		{running, "done", "", now, ready, ""},
		{beside, "settling", "quiet", now.Add(time.Minute), ready, "Files beside it may still say something about it"},
	} {
		u := operate.Upload{ID: 7, Path: "/in/a.jpg", Destination: "anh", State: c.state, Reason: c.reason, Due: c.due, Error: "the error"}
		got := operations{c.on}.waiting(u, c.d, now)
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s (%s): %q, want %q", c.state, c.reason, got, c.want)
		}
	}
	replayed := operations{running}.waiting(operate.Upload{State: "settling", Reason: uploader.ReasonReplay, Late: true, Due: now.Add(-time.Minute)}, ready, now)
	if !strings.Contains(replayed, "files that come in meanwhile go first") {
		t.Errorf("owed by a replay: %q", replayed)
	}
	lost := shown(uploader.Upload{State: uploader.Done, Reason: uploader.ReasonNoURL, Present: true})
	if waits := (operations{running}).waiting(lost, ready, now); waits != "" || !strings.Contains(lost.Remedy, "Look for it on the host's site") {
		t.Errorf("without a URL: %q, %+v", waits, lost)
	}
}
