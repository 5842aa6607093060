package uploadertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
)

// failing is an Open that fails.
func failing(err error) func(context.Context) (io.ReadSeekCloser, error) {
	return func(context.Context) (io.ReadSeekCloser, error) { return nil, err }
}

// memory: a driver's memory does not grow with the picture.
func memory(t *testing.T, h Harness) {
	b := start(t, h)
	const size, bound = 64 << 20, 12 << 20
	arrived := make(chan int64, 1)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		select {
		case arrived <- n:
		default: // a probe
		}
		page(w, http.StatusInternalServerError)
	}))
	defer sink.Close()
	d := h.Driver(t, sink.URL, b.client)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := b.picture(size)
	_, err := d.Send(t.Context(), p.Picture)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("HTTP 500 is no error")
	}
	if n := <-arrived; n < size {
		t.Errorf("%d bytes arrived: %v", n, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > bound {
		t.Errorf("%d MiB were allocated for a picture of %d MiB", n>>20, size>>20)
	}
}

// cancelled: a context that ends in the body leaves nothing at the host.
func cancelled(t *testing.T, h Harness) {
	b := start(t, h)
	p := b.picture(32 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.onRead = func(at int64) error {
		if at > 1<<20 {
			cancel()
		}
		return nil
	}
	begin := time.Now()
	r, err := b.driver.Send(ctx, p.Picture)
	if e := b.judge(p, r, err, false, uploader.Temporary); !errors.Is(e, context.Canceled) {
		t.Errorf("%v does not say that it was cancelled", e)
	}
	if d := time.Since(begin); d > moment {
		t.Errorf("it took %v", d)
	}
	b.server.Close()
	if n := b.host.Count(); n != 0 {
		t.Errorf("%d pictures were stored", n)
	}
}

// faults: every failure is of the right kind, and what the host has is told.
func faults(t *testing.T, h Harness) {
	lost := []uploader.Kind{}
	odd := []uploader.Kind{uploader.Unusual}
	tests := []struct {
		mode  Mode
		size  int64
		sent  bool
		kinds []uploader.Kind // nil: any error; lost and odd: and what a lost reply is
	}{
		{ResetBefore, 32 << 20, false, []uploader.Kind{uploader.Temporary}},
		{ResetInBody, 64 << 20, false, []uploader.Kind{uploader.Temporary}},
		{ResetAfterBody, 2000, true, lost},
		{ResetAfterBody, 300_000, true, lost},
		{LoseReply, 300_000, true, lost},
		{Hang, 300_000, true, lost},
		{CutReply, 300_000, true, lost},
		{CutJSON, 300_000, true, odd},
		{HTML500, 300_000, true, odd},
		{HTML502, 300_000, true, odd},
		{TooMany, 300_000, true, []uploader.Kind{uploader.RetryAfter}},
		{HTMLPage, 300_000, true, nil},
		{Empty, 300_000, true, nil},
		{Early503, 32 << 20, false, nil},
		{Early413, 32 << 20, false, []uploader.Kind{uploader.Permanent}},
	}
	for _, test := range tests {
		t.Run(string(test.mode), func(t *testing.T) {
			if test.mode == CutJSON && h.ByStatus {
				t.Log("left out: the host says with its status alone that it has a picture")
				return
			}
			b := start(t, h)
			if test.mode == Hang {
				b.client.Answer, b.client.MinRate = 300*time.Millisecond, 0
				b.driver = h.Driver(t, b.server.URL, b.client)
			}
			kinds := test.kinds
			switch {
			case kinds == nil:
				kinds = []uploader.Kind{uploader.Temporary, uploader.Unusual, uploader.Refused, uploader.Ambiguous, uploader.RetryAfter}
			case test.sent && (len(kinds) == 0 || kinds[0] == uploader.Unusual):
				kinds = b.lost(slices.Clone(kinds)...)
			}
			b.faults.FailNext(test.mode)
			p := b.picture(test.size)
			b.refuse(p, test.sent, kinds...)
			stored := test.mode == LoseReply || test.mode == Hang || test.mode == CutReply || test.mode == CutJSON
			if got := b.host.Has(p.sums) || b.host.Count() > 0; got != stored {
				t.Errorf("the host has the picture: %v", got)
			}
			if n := len(b.faults.Requests()); n != 1 {
				t.Errorf("%d requests for one attempt", n)
			}
			b.send(b.picture(3000)) // The next one is not harmed.
		})
	}
}

// stall: a host that takes no more bytes is given up.
func stall(t *testing.T, h Harness) {
	b := start(t, h)
	b.client.Stall = 300 * time.Millisecond
	b.driver = h.Driver(t, b.server.URL, b.client)
	b.faults.FailNext(Stall)
	begin := time.Now()
	b.refuse(b.picture(24<<20), false, uploader.Temporary)
	if d := time.Since(begin); d > moment {
		t.Errorf("it took %v", d)
	}
	b.faults.Close()
	b.server.Close()
	if n := b.host.Count(); n != 0 {
		t.Errorf("%d pictures were stored", n)
	}
}

// redirect: a redirect is a wrong address, told and not followed.
func redirect(t *testing.T, h Harness) {
	b := start(t, h)
	b.faults.FailNext(Elsewhere)
	e := b.refuse(b.picture(3000), true, uploader.Refused)
	if !strings.Contains(e.Message+e.Remedy, "/elsewhere/") || e.Remedy == "" {
		t.Errorf("the error does not say where the host points, or what to do: %q, %q", e.Message, e.Remedy)
	}
	if n := len(b.faults.Requests()); n != 1 || b.host.Count() != 0 {
		t.Errorf("%d requests, %d pictures", n, b.host.Count())
	}
}

// echo: a host that repeats the secret does not get it into an error.
func echo(t *testing.T, h Harness) {
	if h.Secret == "" {
		t.Skip("the driver has no secret")
	}
	b := start(t, h)
	b.faults.EchoNext(`{"status_code":400,"error":{"message":"bad ` + h.Secret + `","code":999},"code":-1,"msg":"bad ` + h.Secret + `"}`)
	b.refuse(b.picture(3000), true, uploader.Temporary, uploader.Permanent, uploader.Refused, uploader.Unusual, uploader.Ambiguous)
}

// unreachable: nobody listens at the address.
func unreachable(t *testing.T, h Harness) {
	b := start(t, h)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	b.driver = h.Driver(t, "http://"+l.Addr().String(), b.client)
	if e := b.refuse(b.picture(3000), false, uploader.Temporary); e.Remedy == "" {
		t.Errorf("no remedy: %v", e)
	}
	if c, ok := b.driver.(uploader.Checker); ok {
		_, err := c.Check(t.Context())
		if err == nil || uploader.AsError(err).Kind != uploader.Temporary {
			t.Errorf("check of a dead host: %v", err)
		}
		b.secretless(err)
	}
}

// check: asking uploads nothing.
func check(t *testing.T, h Harness) {
	b := start(t, h)
	c, ok := b.driver.(uploader.Checker)
	if !ok {
		t.Skip("the driver cannot ask its host")
	}
	notes, err := c.Check(t.Context())
	if err != nil || b.host.Count() != 0 {
		t.Errorf("%v, %d pictures", err, b.host.Count())
	}
	b.secretless(notes)
}

// shownSecrets: neither the driver nor what it says shows its secret.
func shownSecrets(t *testing.T, h Harness) {
	b := start(t, h)
	b.secretless(b.driver)
	b.secretless(b.driver.Properties())
	if out, err := json.Marshal(b.driver); err == nil {
		b.secretless(string(out))
	}
	if b.host != nil {
		p := b.picture(3000)
		b.faults.FailNext(ResetInBody)
		_, err := b.driver.Send(t.Context(), p.Picture)
		b.secretless(err)
	}
}
