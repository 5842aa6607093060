package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
)

// TestIngestWebDAV runs the suite of every door over WebDAV.
func TestIngestWebDAV(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return newDAVClient(t, "http://"+a.address("web")+davPrefix, ingestUser, ingestPassword)
		})
	})
}

const ingestUser, ingestPassword = "demo", "correct-horse"

// ingestConfig is a gateway that sends what lands in ingesttest.Folder to one host
// and tells it the path.
const ingestConfig = `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = "127.0.0.1:0"
implicit_listen = "127.0.0.1:0"
passive_ports = ""
%s
[[user]]
name = %q
password = "env:PASSWORD"
[destination.host]
driver = "chevereto"
url = %q
key = "right-key-1"
per_minute = 0
per_hour = 0
per_day = 0
[[route]]
path = "/in/{rest...}"
to = ["host"]
description = "{path}"
[settle]
quiet = %q
incomplete_after = "0s"
`

// ingestGateway is an app that runs, and the host that it sends to.
type ingestGateway struct {
	app  *app
	site *cheveretotest.Server
	door func(t *testing.T, a *app) ingesttest.Door
}

// startIngest starts a gateway in this process; door makes the clients of the door
// under test.
func startIngest(t *testing.T, quiet time.Duration, door func(*testing.T, *app) ingesttest.Door) *ingestGateway {
	return startIngestWith(t, quiet, "", door)
}

// startIngestWith is startIngest with more of config.toml, which begins within
// [ftp].
func startIngestWith(t *testing.T, quiet time.Duration, more string, door func(*testing.T, *app) ingesttest.Door) *ingestGateway {
	site := cheveretotest.New(cheveretotest.Config{Key: "right-key-1", KeepBytes: true, RandomNames: true})
	server := httptest.NewServer(site)
	t.Cleanup(func() { site.Close(); server.CloseClientConnections(); server.Close() })
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, ingestConfig, more, ingestUser, server.URL, quiet), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), appOptions{
		config: c, log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), version: "test",
		getenv: func(string) (string, bool) { return ingestPassword, true },
		notice: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- a.run(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
		if err := a.close(); err != nil {
			t.Errorf("closing it: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return &ingestGateway{a, site, door}
}

func (g *ingestGateway) Door(t *testing.T) ingesttest.Door { return g.door(t, g.app) }

func (g *ingestGateway) Settle(t *testing.T) {
	t.Helper()
	changed, cancel := g.app.ledger.Watch()
	defer cancel()
	end := time.After(patience)
	for {
		stats, err := g.app.ledger.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count := stats["host"].Count
		if count[uploader.Settling]+count[uploader.Sending]+count[uploader.AmbiguousState] == 0 {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("uploads are still on their way: %v", count)
		}
	}
}

func (g *ingestGateway) Sent() []ingesttest.Upload {
	var all []ingesttest.Upload
	for _, p := range g.site.Stored() {
		u := ingesttest.Upload{Path: p.Description}
		hex.Decode(u.SHA256[:], []byte(p.SHA256)) //nolint:errcheck // the site wrote it
		all = append(all, u)
	}
	return all
}

func (g *ingestGateway) Host(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return data
}
