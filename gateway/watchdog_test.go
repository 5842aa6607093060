package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdog: systemd hears, on its socket, that the gateway lives.
func TestWatchdog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's")
	}
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "100000")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { a.feedWatchdog(ctx); close(done) }()
	for range 3 {
		text := make([]byte, 100)
		socket.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // Read says so
		if n, err := socket.Read(text); err != nil || string(text[:n]) != "WATCHDOG=1" {
			t.Fatalf("%q %v", text[:n], err)
		}
	}
	stop()
	<-done

}

// TestWatchdogBites: it is fed when the database answers, be it with an error, and not
// while it does not.
func TestWatchdogBites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{log: slog.New(slog.DiscardHandler)}
		for _, tt := range []struct {
			look func(context.Context) error
			want int
		}{
			{func(context.Context) error { return nil }, 10},
			{func(context.Context) error { return errors.New("no disk") }, 10},
			{func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 0},
		} {
			ctx, stop := context.WithTimeout(t.Context(), 9*time.Minute+time.Second)
			fed := 0
			a.feed(ctx, time.Minute, tt.look, func() { fed++ })
			stop()
			if fed != tt.want {
				t.Errorf("fed %d times, want %d", fed, tt.want)
			}
		}
	})
}
