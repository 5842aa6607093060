// Package uploadertest is the suite that every driver passes: what was sent
// arrives whole or not at all, every way in which a host and a line can fail
// ends in the right kind of error, and no secret is ever shown.
//
// It needs of a driver's test server only that it behaves when all is well; the
// failures are made by [Faults], which stands before it.
package uploadertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"slipway/uploader"
	"slipway/uploader/form"
)

// Host is a driver's test server.
type Host interface {
	http.Handler
	// Count returns how many pictures it has.
	Count() int
	// Has reports whether it received a file with these very bytes.
	Has(sums Sums) bool
}

// Sums names bytes in the ways in which hosts do, in lower-case hexadecimal digits.
type Sums struct {
	SHA256, MD5 string
}

// Harness makes what the suite judges.
type Harness struct {
	// Host returns a fresh host, which lives as long as the test. nil: the driver
	// speaks to nobody, and the cases about lines and replies are left out.
	Host func(t *testing.T) Host
	// Driver returns a fresh driver whose host is at address ("" without Host),
	// which sends with client, and whose key is Secret.
	Driver func(t *testing.T, address string, client *form.Client) uploader.Driver
	// Secret is the key or token: at least 8 letters and digits. "": none.
	Secret string
	// ByStatus: the host's status alone says that it has a picture, so that half of its
	// reply says as much as all of it.
	ByStatus bool
	// Head and Tail frame the pictures' bytes and Type is their media type, so
	// that the host takes them; none: a JPEG's.
	Head, Tail, Type string
	// Only names the cases to run, for a driver in another set-up; none: all.
	Only []string
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if h.Head == "" {
		h.Head, h.Tail, h.Type = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", "\xff\xd9", "image/jpeg"
	}
	cases := map[string]func(*testing.T, Harness){
		"Properties": properties, "Result": result, "Names": names, "Ledger": ledger,
		"Sources": sources, "Progress": progress, "ShownSecrets": shownSecrets,
		"Deletes": deletes, "Replaces": replaces,
	}
	if h.Host != nil {
		for name, f := range map[string]func(*testing.T, Harness){
			"Whole": whole, "Together": together, "Memory": memory, "Cancel": cancelled,
			"Faults": faults, "Stall": stall, "Redirect": redirect, "Echo": echo,
			"Unreachable": unreachable, "Check": check, "NoCookies": noCookies, "DeleteFaults": deleteFaults,
		} {
			cases[name] = f
		}
	}
	for name, f := range cases {
		if len(h.Only) > 0 && !slices.Contains(h.Only, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { // Runs last, after servers and clients were closed.
				if err := goleak.Find(before); err != nil {
					t.Errorf("goroutines are left: %v", err)
				}
			})
			f(t, h)
		})
	}
}

// bench is one driver before its host, for one case.
type bench struct {
	*testing.T
	Harness
	host   Host
	faults *Faults
	server *httptest.Server
	client *form.Client
	driver uploader.Driver
	seed   uint64
}

// start makes a bench; times are short, so that waiting is.
func start(t *testing.T, h Harness) *bench {
	b := &bench{T: t, Harness: h, client: form.NewClient("test")}
	t.Cleanup(b.client.HTTP.CloseIdleConnections)
	if h.Host == nil {
		b.driver = h.Driver(t, "", b.client)
		return b
	}
	b.host = h.Host(t)
	b.faults = NewFaults(b.host)
	b.server = httptest.NewServer(b.faults)
	t.Cleanup(func() { b.faults.Close(); b.server.Close() })
	b.driver = h.Driver(t, b.server.URL, b.client)
	return b
}

// stored returns how many pictures the host has; 0 without a host.
func (b *bench) stored() int {
	if b.host == nil {
		return 0
	}
	return b.host.Count()
}

// send sends p, which has to work.
func (b *bench) send(p *picture) uploader.Result {
	b.Helper()
	r, err := b.driver.Send(b.Context(), p.Picture)
	if err != nil {
		b.Fatalf("sending %q of %d bytes: %v", p.Name, p.Size, err)
	}
	b.closed(p)
	return r
}

// refuse sends p, which has to fail in one of kinds, and returns the error.
func (b *bench) refuse(p *picture, sent bool, kinds ...uploader.Kind) *uploader.Error {
	b.Helper()
	r, err := b.driver.Send(b.Context(), p.Picture)
	return b.judge(p, r, err, sent, kinds...)
}

// judge asserts that err is one of kinds, complete and without the secret.
func (b *bench) judge(p *picture, r uploader.Result, err error, sent bool, kinds ...uploader.Kind) *uploader.Error {
	b.Helper()
	if err == nil {
		b.Fatalf("no error, result %+v", r)
	}
	e := uploader.AsError(err)
	var fits bool
	for _, k := range kinds {
		fits = fits || e.Kind == k
	}
	if !fits || e.BodySent != sent {
		b.Errorf("%v, body sent %v, want one of %v, %v: %v", e.Kind, e.BodySent, kinds, sent, err)
	}
	if e.Message == "" {
		b.Errorf("no message: %#v", e)
	}
	b.secretless(err)
	b.closed(p)
	return e
}

// closed asserts that every reader that p gave was closed.
func (b *bench) closed(p *picture) {
	b.Helper()
	if n := p.open.Load(); n != 0 {
		b.Errorf("%d of the picture's readers were not closed", n)
	}
}

// secretless asserts that v shows no secret however it is printed.
func (b *bench) secretless(v any) {
	b.Helper()
	if b.Secret == "" {
		return
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(verb, v); strings.Contains(s, b.Secret) {
			b.Errorf("%s of %T shows the secret: %s", verb, v, strings.ReplaceAll(s, b.Secret, "<SECRET>"))
		}
	}
	if e, ok := v.(*uploader.Error); ok {
		b.secretless(*e)
		if e.Err != nil {
			b.secretless(e.Err)
		}
	}
}

// lost is what a driver may answer where the whole body was sent and the reply
// is missing or makes no sense.
func (b *bench) lost(also ...uploader.Kind) []uploader.Kind {
	kinds := append(also, uploader.Ambiguous)
	if b.driver.Properties().Idempotent {
		kinds = append(kinds, uploader.Temporary)
	}
	return kinds
}

// moment is how long a bench waits for what happens at once on a good day: less than
// any of the waits that a client has of itself.
const moment = 45 * time.Second
