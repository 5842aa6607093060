package main

import (
	"context"
	"errors"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// feedWatchdog tells systemd's watchdog, where there is one, that the gateway lives,
// until ctx ends. A database that answers with an error is no reason to be restarted;
// one that does not answer at all is.
func (a *app) feedWatchdog(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return
	}
	look := func(ctx context.Context) error {
		_, err := a.tree.Lookup(ctx, "/")
		return err
	}
	a.feed(ctx, interval/2, look, func() { notify(a, daemon.SdNotifyWatchdog) })
}

// feed calls alive every so often while look, at the database, comes to an end.
func (a *app) feed(ctx context.Context, every time.Duration, look func(context.Context) error, alive func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, every)
		err := look(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded):
			a.log.Error("the database does not answer; systemd will restart the gateway if that goes on")
		default:
			alive()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
