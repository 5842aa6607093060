package elsewhere_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
)

// site is a host in memory.
type site struct {
	bytes []byte
	err   error // of opening
	cut   error // at the end
	wait  chan struct{}
	asked int
	ended int // requests whose context ended while they waited
}

func (s *site) remote() elsewhere.Remote {
	return elsewhere.Remote{Host: "host.example", URL: "https://host.example/a.jpg", Open: func(ctx context.Context) (io.ReadCloser, error) {
		s.asked++
		if s.wait != nil {
			select {
			case <-s.wait:
			case <-ctx.Done():
				s.ended++
				return nil, ctx.Err()
			}
		}
		if s.err != nil {
			return nil, s.err
		}
		var r io.Reader = bytes.NewReader(s.bytes)
		if s.cut != nil {
			r = io.MultiReader(r, errReader{s.cut})
		}
		return io.NopCloser(r), nil
	}}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// away is a world whose blob is at a host alone.
func away(t *testing.T) (*world, *site) {
	w := newWorld(t)
	s := &site{bytes: w.bytes}
	w.places, w.rel.Place, w.rel.Hosted = nil, "", 7
	w.remotes = []elsewhere.Remote{s.remote()}
	return w, s
}

// TestReadsFromHost: a picture is fetched once, kept for hours, and read in ranges.
func TestReadsFromHost(t *testing.T) {
	w, s := away(t)
	for range 3 {
		r, err := w.Open(t.Context(), w.rel.Ref)
		if err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 100)
		if _, err := r.ReadAt(part, 1234); err != nil || !bytes.Equal(part, w.bytes[1234:1334]) {
			t.Errorf("a range is wrong, error %v", err)
		}
		r.Close()
		w.now = w.now.Add(5 * time.Hour)
		if err := w.Drop(t.Context(), false); err != nil || w.left(t) != 1 {
			t.Errorf("%d files are kept, error %v", w.left(t), err)
		}
	}
	if s.asked != 1 {
		t.Errorf("the host was asked %d times", s.asked)
	}
	w.now = w.now.Add(7 * time.Hour)
	if err := w.Drop(t.Context(), false); err != nil || w.left(t) != 0 {
		t.Errorf("much later %d files are kept, error %v", w.left(t), err)
	}
	if len(w.reads) != 0 {
		t.Errorf("%d reads of what is kept here were noted", len(w.reads))
	}
}

// TestHostTroubles: what a host does wrong is said, leaves nothing, and heals.
func TestHostTroubles(t *testing.T) {
	gone := &vfs.AwayError{Text: "it is not at host.example any more", Remedy: "store it again"}
	for name, test := range map[string]struct {
		change  func(s *site)
		want    string
		passing bool
	}{
		"deleted":  {func(s *site) { s.err = gone }, "not at host.example any more", false},
		"altered":  {func(s *site) { s.bytes = bytes.Repeat([]byte("x"), len(s.bytes)) }, "gives other bytes at https://host.example/a.jpg", false},
		"longer":   {func(s *site) { s.bytes = append(bytes.Clone(s.bytes), 'x') }, "gives other bytes", false},
		"shorter":  {func(s *site) { s.bytes = s.bytes[:100] }, "gives other bytes", false},
		"cut":      {func(s *site) { s.bytes, s.cut = s.bytes[:100], io.ErrUnexpectedEOF }, "which broke off: unexpected EOF", true},
		"too slow": {func(s *site) { s.err = &vfs.AwayError{Text: "it is too slow", Passing: true} }, "too slow", true},
	} {
		w, s := away(t)
		test.change(s)
		_, err := w.Open(t.Context(), w.rel.Ref)
		var e *vfs.AwayError
		if !errors.As(err, &e) || !strings.Contains(e.Text, test.want) || e.Passing != test.passing {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Drop(t.Context(), false); err != nil || w.left(t) != 0 {
			t.Errorf("%s: %d files are left, error %v", name, w.left(t), err)
		}
		if err := elsewhere.Compare(t.Context(), s.remote(), w.rel.SHA256, w.rel.Size); !errors.As(err, &e) || e.Passing != test.passing {
			t.Errorf("%s: compared: %v", name, err)
		}
		*s = site{bytes: w.bytes}
		if err := elsewhere.Compare(t.Context(), s.remote(), w.rel.SHA256, w.rel.Size); err != nil {
			t.Errorf("%s: compared afterwards: %v", name, err)
		}
		r, err := w.Open(t.Context(), w.rel.Ref)
		if err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
			continue
		}
		r.Close()
	}
}

// TestHostWaits: all wait for one request; who gives up does not end it for the others,
// and it ends with the last of them.
func TestHostWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := away(t)
		s.wait = make(chan struct{})
		first, giveUp := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		open := func(ctx context.Context, want error) {
			readers.Go(func() {
				r, err := w.Open(ctx, w.rel.Ref)
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
				if err == nil {
					r.Close()
				}
			})
			synctest.Wait()
		}
		open(first, context.Canceled)
		open(t.Context(), nil)
		giveUp()
		synctest.Wait()
		close(s.wait)
		readers.Wait()
		if s.asked != 1 || s.ended != 0 {
			t.Errorf("asked %d times, of which %d ended early", s.asked, s.ended)
		}
		if err := w.Drop(t.Context(), true); err != nil {
			t.Error(err)
		}
		s.wait = make(chan struct{})
		alone, giveUp := context.WithCancel(t.Context())
		open(alone, context.Canceled)
		giveUp()
		readers.Wait()
		synctest.Wait()
		if s.ended != 1 {
			t.Error("the request goes on although nobody waits for it")
		}
		open(alone, context.Canceled)
		close(s.wait)
		open(t.Context(), nil)
		readers.Wait()
	})
}

// TestCacheIsBounded: of more than fits, what was read last stays.
func TestCacheIsBounded(t *testing.T) {
	w, _ := away(t)
	one := w.rel
	all := make([]vfs.Released, 4)
	w.remotes = nil
	sites := map[blob.Ref]*site{}
	for i := range all {
		content := bytes.Repeat([]byte{byte('a' + i)}, len(w.bytes))
		all[i] = vfs.Released{Ref: blob.NewRef(w.now.Add(time.Duration(i))), SHA256: sha256.Sum256(content), Size: one.Size, Hosted: 1}
		sites[all[i].Ref] = &site{bytes: content}
	}
	read := func(i int) {
		t.Helper()
		w.now = w.now.Add(time.Second)
		w.rel, w.remotes = all[i], []elsewhere.Remote{sites[all[i].Ref].remote()}
		r, err := w.Open(t.Context(), all[i].Ref)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	for _, i := range []int{0, 1, 0, 2, 0, 3, 0} { // two fit
		read(i)
	}
	if n := w.left(t); n != 2 {
		t.Errorf("%d files are kept", n)
	}
	if n := sites[all[0].Ref].asked; n != 1 {
		t.Errorf("what was read again and again was fetched %d times", n)
	}
	read(1)
	if n := sites[all[1].Ref].asked; n != 2 {
		t.Errorf("what made room was fetched %d times", n)
	}
}
