package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/metrics"
	"slipway/uploader"
	"slipway/vfs"
)

// Who may read /metrics without the token.
const (
	metricsLoopback = "loopback" // programs on this machine
	metricsUsers    = "users"    // users with full rights on everything
	metricsOff      = "off"      // nobody, and nobody with the token either
)

// newMetrics makes what the gateway counts into.
func (a *app) newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Options{Version: a.version, State: a.metricsState})
}

// arrived counts a transfer that has come to its end.
func (a *app) arrived(t vfs.Arrival) {
	a.metrics.Received(t.Door, transferResult(t.Err), t.Bytes, t.Took)
}

// transferResult is the word for how a transfer ended.
func transferResult(err error) string {
	var refusal interface{ Reason() string }
	switch {
	case err == nil:
		return metrics.Stored
	case errors.As(err, &refusal), errors.Is(err, vfs.ErrQuota), errors.Is(err, vfs.ErrLocked), errors.Is(err, fs.ErrPermission),
		errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist), errors.Is(err, vfs.ErrIsDir), errors.Is(err, vfs.ErrNotDir),
		errors.Is(err, vfs.ErrChanged):
		return metrics.Refused
	case errors.Is(err, vfs.ErrAborted):
		return metrics.Aborted
	}
	return metrics.Failed
}

// observed counts what came of an upload.
func (a *app) observed(o uploader.Observation) {
	attempt := metrics.Attempt{Destination: o.Upload.Destination, Kind: o.Outcome.Kind, Request: o.Request, Bytes: o.Sent}
	if o.Outcome.State == uploader.Done || o.Outcome.State == uploader.Awaiting {
		attempt.Delay = time.Since(o.Upload.Created)
	}
	a.metrics.Attempted(attempt)
}

// metricsHandler answers /metrics to those who may read it.
func (a *app) metricsHandler() http.Handler {
	plain := func() bool { return a.settings.Load().config.Web.AllowPlain }
	show := a.metrics.Handler()
	operators := auth.Basic(a.users, "Slipway", a.client, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u := userOf(r); u.Rights != auth.Full || u.Home != "/" {
			http.Error(w, "metrics are for users with full rights on everything", http.StatusForbidden)
			return
		}
		show.ServeHTTP(w, r)
	}))
	bearer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.metricsToken(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="Slipway metrics"`)
			http.Error(w, "this is not the token of web.metrics_token", http.StatusUnauthorized)
			return
		}
		show.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := a.settings.Load().config.Web
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case c.Metrics == metricsOff:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "metrics are read with GET", http.StatusMethodNotAllowed)
		case !c.MetricsToken.IsZero() && bears(r):
			auth.Encrypted(a.client, plain, bearer).ServeHTTP(w, r)
		case c.Metrics == metricsUsers:
			auth.Encrypted(a.client, plain, operators).ServeHTTP(w, r)
		case a.fromHere(r):
			show.ServeHTTP(w, r)
		default:
			http.Error(w, `metrics are for programs on this machine; set web.metrics_token and send it as "Authorization: Bearer …", or web.metrics = "users"`, http.StatusForbidden)
		}
	})
}

// fromHere reports whether a program on this machine asks for itself, and is no
// proxy that asks for others.
func (a *app) fromHere(r *http.Request) bool {
	addr, _ := a.client(r)
	return addr.IsLoopback() && !a.settings.Load().config.Web.TrustedProxies.Hidden(r) && r.Header.Get("X-Real-Ip") == ""
}

// bears reports whether r has a token of any kind (RFC 6750 §2.1).
func bears(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// metricsToken reports whether r bears the token of the configuration.
func (a *app) metricsToken(r *http.Request) bool {
	want, err := a.settings.Load().config.Web.MetricsToken.Resolve(a.getenv)
	if err != nil || want == "" {
		if err != nil {
			a.log.Error("web.metrics_token cannot be read", "error", err)
		}
		return false
	}
	_, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	mine, theirs := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(strings.TrimSpace(got)))
	return subtle.ConstantTimeCompare(mine[:], theirs[:]) == 1
}

// readiness is one check of /readyz.
type readiness struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text,omitempty"` // what is wrong, for people; it names no path
}

// readyTime is how long one check may take.
const readyTime = 3 * time.Second

// readiness makes every check. What it tells is for everybody; the log says more.
func (a *app) readiness(ctx context.Context) []readiness {
	return []readiness{
		a.checkReady("database", a.databaseAnswers(ctx), "the database does not answer"),
		a.checkReady("data", a.dataWritable(), "the data directory cannot be written to: is its disk full, or read-only?"),
		a.checkReady("doors", a.doorsOpen(), "not every door is open yet"),
		a.checkReady("running", a.stillRunning(), "the gateway is stopping"),
	}
}

func (a *app) checkReady(name string, err error, text string) readiness {
	if err == nil {
		return readiness{Name: name, OK: true}
	}
	a.log.Warn("not ready: "+text, "check", name, "error", err)
	return readiness{Name: name, Text: text}
}

var (
	errNotOpen  = errors.New("the doors are not open")
	errStopping = errors.New("the gateway was told to stop")
)

func (a *app) databaseAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	_, err := a.tree.Lookup(ctx, "/")
	return err
}

// dataWritable tries to write, at most once a second.
func (a *app) dataWritable() error {
	a.wrote.Lock()
	defer a.wrote.Unlock()
	if time.Since(a.wrote.at) >= time.Second {
		a.wrote.err = tryWrite(a.settings.Load().config.dataDir())
		a.wrote.at = time.Now()
	}
	return a.wrote.err
}

func (a *app) doorsOpen() error {
	if !a.serving.Load() {
		return errNotOpen
	}
	return nil
}

func (a *app) stillRunning() error {
	if a.stopping.Load() {
		return errStopping
	}
	return nil
}

// ready answers /readyz: "ok", or 503 and what is wrong, a line each; as JSON with
// ?verbose.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	checks, status := a.readiness(r.Context()), http.StatusOK
	var words []string
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
			words = append(words, c.Name+": "+c.Text)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Query().Has("verbose") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "checks": checks}) //nolint:errcheck // the client left
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if status == http.StatusOK {
		words = []string{"ok"}
	}
	fmt.Fprintln(w, strings.Join(words, "\n"))
}
