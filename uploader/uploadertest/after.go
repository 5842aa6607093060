package uploadertest

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
)

// deletes: what a driver says that it can delete goes, once and for all, a failure
// leaves it to be tried again, and nobody learns of the link.
func deletes(t *testing.T, h Harness) {
	b := start(t, h)
	deleter, ok := b.driver.(uploader.Deleter)
	if !b.driver.Properties().Deletes {
		t.Log("left out: the host does not let its pictures be deleted")
		return
	}
	if !ok {
		t.Fatal("its properties say that it deletes; it is no Deleter")
	}
	kept, p := b.picture(3000), b.picture(4000)
	b.send(kept)
	r := b.send(p)
	for i := range 3 { // it may be called again for the same
		if err := deleter.Delete(t.Context(), r); err != nil {
			t.Fatalf("deletion %d: %v", i, err)
		}
		if b.host != nil && (b.host.Count() != 1 || b.host.Has(p.sums) || !b.host.Has(kept.sums)) {
			t.Fatalf("%d pictures after deletion %d", b.host.Count(), i)
		}
	}
	if b.host == nil {
		return
	}
	if err := deleter.Delete(t.Context(), uploader.Result{}); uploader.AsError(err).Kind != uploader.Permanent || b.host.Count() != 1 {
		t.Errorf("deleting nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = b.send(b.picture(5000))
	if err := deleter.Delete(ctx, r); !errors.Is(err, context.Canceled) || b.host.Count() != 2 {
		t.Errorf("deleting when it was too late: %v", err)
	}
	if b.send(b.picture(6000)); b.host.Count() != 3 {
		t.Errorf("%d pictures", b.host.Count())
	}
}

// deleteFaults: a deletion that failed is an error that says how, and is done later.
func deleteFaults(t *testing.T, h Harness) {
	anyKind := []uploader.Kind{uploader.Temporary, uploader.Unusual, uploader.Refused, uploader.RetryAfter, uploader.Permanent}
	soon := []uploader.Kind{uploader.Temporary, uploader.Unusual, uploader.Ambiguous, uploader.RetryAfter}
	for mode, kinds := range map[Mode][]uploader.Kind{
		HTML500: soon, HTML502: soon, Early503: soon, ResetBefore: soon, LoseReply: soon, Hang: soon, CutReply: nil,
		TooMany: {uploader.RetryAfter}, HTML403: anyKind, Empty403: anyKind,
	} {
		t.Run(string(mode), func(t *testing.T) {
			b := start(t, h)
			b.client.ProbeTime = 2 * time.Second
			if mode == Hang {
				b.client.ProbeTime = 200 * time.Millisecond
			}
			b.driver = h.Driver(t, b.server.URL, b.client)
			deleter, ok := b.driver.(uploader.Deleter)
			if !ok || !b.driver.Properties().Deletes {
				t.Log("left out: the host does not let its pictures be deleted")
				return
			}
			p := b.picture(3000)
			r := b.send(p)
			b.faults.FailNextSmall(mode)
			err := deleter.Delete(t.Context(), r)
			if mode != CutReply || err != nil { // of a reply whose status says it all, the rest may be missing
				b.judgeDeletion(r, err, kinds)
			}
			if mode != LoseReply && mode != Hang && mode != CutReply && !b.host.Has(p.sums) {
				t.Error("the picture is gone")
			}
			if err := deleter.Delete(t.Context(), r); err != nil || b.host.Has(p.sums) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// judgeDeletion asserts that err is one of kinds, in words, and holds no secret.
func (b *bench) judgeDeletion(r uploader.Result, err error, kinds []uploader.Kind) {
	b.Helper()
	if err == nil {
		b.Fatal("no error")
	}
	e := uploader.AsError(err)
	fits := len(kinds) == 0
	for _, k := range kinds {
		fits = fits || e.Kind == k
	}
	if !fits || e.Message == "" {
		b.Errorf("%v, want one of %v: %q", e.Kind, kinds, e.Message)
	}
	b.secretless(err)
	hash := path.Base(r.DeleteURL)
	own := *b
	for _, secret := range []string{r.DeleteURL, hash} {
		if own.Secret = secret; len(secret) >= 8 && !strings.HasPrefix(r.ID, secret) {
			own.secretless(err)
		}
	}
}

// replaces: other bytes take the place of a picture, or are one of their own, and say
// so; a driver that does not replace sends a new picture.
func replaces(t *testing.T, h Harness) {
	b := start(t, h)
	first, second, third := b.picture(3000), b.picture(4000), b.picture(5000)
	old := b.send(first)
	second.Replaces = old.ID
	calls := 0
	second.BeforeLastByte = func() error { calls++; return nil }
	r := b.send(second)
	if calls != 1 {
		t.Errorf("the end of the body was told of %d times", calls)
	}
	count := b.stored()
	switch {
	case b.host != nil && !b.host.Has(second.sums):
		t.Error("the bytes did not arrive")
	case r.Replaced && !b.driver.Properties().Replaces:
		t.Error("it says Replaced, and its properties do not")
	case r.Replaced && (r.ID != old.ID || b.host != nil && (count != 1 || b.host.Has(first.sums))):
		t.Errorf("replaced %q by %q; %d pictures", old.ID, r.ID, count)
	case !r.Replaced && (r.ID == old.ID && r.ID != "" || b.host != nil && (count != 2 || !b.host.Has(first.sums))):
		t.Errorf("not replaced: %q and %q; %d pictures", old.ID, r.ID, count)
	case !r.Replaced && b.driver.Properties().Replaces && len(r.Notes) == 0:
		t.Error("it was not replaced, and no note says so")
	}
	third.Replaces = "987654321" // no picture's
	if r := b.send(third); r.Replaced || b.stored() != count+min(count, 1) || b.driver.Properties().Replaces && len(r.Notes) == 0 {
		t.Errorf("in the place of none: %+v, %d pictures", r, b.stored())
	}
	b.replaceAgain(r, first)
}

// replaceAgain puts first's bytes into r's place again, over a lost reply.
func (b *bench) replaceAgain(r uploader.Result, first *picture) {
	if b.host == nil || !r.Replaced {
		return
	}
	first.Replaces = r.ID
	b.faults.FailNext(LoseReply)
	b.refuse(first, true, b.lost()...)
	if again := b.send(first); !again.Replaced || again.ID != r.ID || again.URL != r.URL || !b.host.Has(first.sums) {
		b.Errorf("after a lost reply: %+v, was %+v", again, r)
	}
}
