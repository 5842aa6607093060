package uploadertest

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"slipway/uploader"
)

// properties: what a driver says of its host is well formed and never changes.
func properties(t *testing.T, h Harness) {
	b := start(t, h)
	p := b.driver.Properties()
	if p.Driver == "" || p.Host == "" || p.Host != strings.ToLower(p.Host) || strings.Contains(p.Host, "/") {
		t.Errorf("driver %q, host %q", p.Driver, p.Host)
	}
	for _, typ := range p.Types {
		if strings.Count(typ, "/") != 1 || typ != strings.ToLower(typ) {
			t.Errorf("type %q", typ)
		}
	}
	for _, ext := range p.RefusedExtensions {
		if !strings.HasPrefix(ext, ".") || ext != strings.ToLower(ext) {
			t.Errorf("extension %q", ext)
		}
	}
	const known = " album_id category_id title description tags nsfw expiration width use_file_date "
	for _, key := range p.Keys {
		if !strings.Contains(known, " "+key+" ") {
			t.Errorf("unknown per-upload key %q", key)
		}
	}
	b.send(b.picture(3000))
	if after := b.driver.Properties(); after.Host != p.Host || after.Idempotent != p.Idempotent || after.Limits != p.Limits {
		t.Errorf("properties changed from %+v to %+v", p, after)
	}
}

// result: a picture that was taken has an address, which holds no secret.
func result(t *testing.T, h Harness) {
	b := start(t, h)
	r := b.send(b.picture(3000))
	if !r.Awaiting && !strings.HasPrefix(r.URL, "http") {
		t.Errorf("URL %q", r.URL)
	}
	if strings.ContainsAny(r.URL+r.ViewerURL+r.ThumbnailURL, " \"<>") {
		t.Errorf("an address is not escaped: %+v", r)
	}
	b.secretless(r)
}

// whole: the very bytes arrive, under a length that was announced.
func whole(t *testing.T, h Harness) {
	b := start(t, h)
	for i, size := range []int64{64, 4095, 4096, 65536, 300_001, 5 << 20} {
		p := b.picture(size)
		b.send(p)
		if !b.host.Has(p.sums) || b.host.Count() != i+1 {
			t.Errorf("%d bytes did not arrive as they are; %d pictures of %d", size, b.host.Count(), i+1)
		}
		seen := b.faults.Requests()[i]
		if seen.Proto != "HTTP/1.1" || seen.Chunked || seen.Length != seen.Read() || seen.Length < size {
			t.Errorf("%s, chunked %v, length %d, %d read of a picture of %d", seen.Proto, seen.Chunked, seen.Length, seen.Read(), size)
		}
		if !strings.HasPrefix(seen.Header.Get("User-Agent"), "Slipway/") {
			t.Errorf("User-Agent %q", seen.Header.Get("User-Agent"))
		}
	}
}

// noCookies: a session makes some hosts run uploads one after another.
func noCookies(t *testing.T, h Harness) {
	b := start(t, h)
	for range 3 {
		b.send(b.picture(1000))
	}
	for _, seen := range b.faults.Requests() {
		if c := seen.Header.Get("Cookie"); c != "" {
			t.Errorf("cookie %q", c)
		}
	}
}

// together: a driver is safe for concurrent use.
func together(t *testing.T, h Harness) {
	b := start(t, h)
	var wg sync.WaitGroup
	var pictures []*picture
	for range 8 {
		pictures = append(pictures, b.picture(200_000))
	}
	for _, p := range pictures {
		wg.Go(func() {
			if _, err := b.driver.Send(t.Context(), p.Picture); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	for _, p := range pictures {
		if !b.host.Has(p.sums) {
			t.Error("a picture is missing")
		}
	}
	if n := b.host.Count(); n != len(pictures) {
		t.Errorf("%d pictures", n)
	}
}

// names: whatever a camera or a person calls a file, its bytes arrive.
func names(t *testing.T, h Harness) {
	b := start(t, h)
	for i, name := range []string{
		"a.jpg", "Sommer in Köln.jpg", "日本語の写真.jpg", "emoji😀.jpg", `quote"s.jpg`, `back\slash.jpg`, "semi;colon=1.jpg",
		"line\r\nbreak: x.jpg", "nul\x00tab\tdel\x7f.jpg", "bad\xff\xfeutf.jpg", "", ".", "..", ".hidden", ".jpg", "noext", "100%25.jpg",
		"../../etc/passwd.jpg", " lead and trail .jpg ", strings.Repeat("n", 300) + ".jpg", strings.Repeat("日", 120) + ".jpg",
		"x." + strings.Repeat("e", 300), "--boundary\r\n\r\n--.jpg",
	} {
		p := b.picture(2000)
		p.Name = name
		r, err := b.driver.Send(t.Context(), p.Picture)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if b.host != nil && !b.host.Has(p.sums) {
			t.Errorf("%q: other bytes arrived", name)
		}
		if r.URL == "" && !r.Awaiting {
			t.Errorf("name %d: %+v", i, r)
		}
	}
}

// ledger: BeforeLastByte is asked once, before the host can have the picture, and
// its No is final.
func ledger(t *testing.T, h Harness) {
	b := start(t, h)
	for i, size := range []int64{64, 500_000} {
		had, calls := b.stored(), 0
		p := b.picture(size)
		p.BeforeLastByte = func() error {
			if calls++; b.stored() != had {
				t.Error("the host had the picture before the ledger was asked")
			}
			if b.faults != nil {
				if seen := b.faults.Requests(); len(seen) > i && seen[i].Read() >= seen[i].Length {
					t.Error("the last byte arrived before the ledger was asked")
				}
			}
			return nil
		}
		if b.send(p); calls != 1 {
			t.Errorf("%d bytes: the ledger was asked %d times", size, calls)
		}
	}
	for _, size := range []int64{64, 500_000} {
		had, calls := b.stored(), 0
		no := errors.New("the ledger says no")
		p := b.picture(size)
		p.BeforeLastByte = func() error { calls++; return no }
		if e := b.refuse(p, false, uploader.Temporary); !errors.Is(e, no) || calls != 1 {
			t.Errorf("asked %d times, error %v", calls, e)
		}
		if b.stored() != had {
			t.Error("the host has what the ledger refused")
		}
		p.BeforeLastByte = nil
		b.send(p)
	}
}

// sources: bytes that cannot be read are never sent as if they were whole.
func sources(t *testing.T, h Harness) {
	b := start(t, h)
	bad := errors.New("the disk is on fire")
	p := b.picture(3000)
	p.onRead = func(int64) error { return bad }
	if e := b.refuse(p, false, uploader.Temporary); !errors.Is(e, bad) {
		t.Errorf("%v does not wrap its cause", e)
	}
	if b.host != nil {
		for _, length := range []int64{299_999, 300_001, 0} {
			p = b.picture(300_000)
			p.length = length
			b.refuse(p, false, uploader.Temporary)
		}
		p = b.picture(300_000)
		p.onRead = func(at int64) error {
			if at > 100_000 {
				return bad
			}
			return nil
		}
		b.refuse(p, false, uploader.Temporary)
	}
	if n := b.stored(); n != 0 {
		t.Errorf("%d pictures were stored", n)
	}
	p = b.picture(3000)
	p.Open = nil
	p.Picture.Open = failing(bad)
	if e := b.refuse(p, false, uploader.Temporary); !errors.Is(e, bad) {
		t.Errorf("%v does not wrap its cause", e)
	}
}

// progress: it only grows, and ends at the picture's size.
func progress(t *testing.T, h Harness) {
	b := start(t, h)
	p := b.picture(1_000_000)
	last := int64(-1)
	p.Progress = func(n int64) {
		if n <= last {
			t.Errorf("%d after %d", n, last)
		}
		last = n
	}
	if b.send(p); last != p.Size {
		t.Errorf("progress ended at %d of %d", last, p.Size)
	}
	r, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := io.Copy(io.Discard, struct{ io.Reader }{r}); n != p.Size {
		t.Errorf("the picture has %d bytes now", n)
	}
	r.Close()
}
