package form_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"slipway/uploader"
	"slipway/uploader/form"
)

// inBubble runs a client against host over pipes, so that synctest's clock rules.
func inBubble(t *testing.T, host func(net.Conn), run func(*testing.T, *form.Client)) {
	synctest.Test(t, func(t *testing.T) {
		c := form.NewClient("1")
		tr := c.HTTP.Transport.(*http.Transport)
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				host(theirs)
			}()
			return ours, nil
		}
		run(t, c)
		tr.CloseIdleConnections()
		synctest.Wait()
	})
}

func TestStall(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		io.CopyN(io.Discard, c, 100_000)
		time.Sleep(time.Hour)
	}, func(t *testing.T, c *form.Client) {
		p, _ := picture(8 << 20)
		start := time.Now()
		_, err := c.Post(t.Context(), "http://pics.example", nil, formOf(p), p)
		fails(t, err, uploader.Temporary, false, "stopped taking bytes")
		if d := time.Since(start); d != c.Stall {
			t.Errorf("given up after %v", d)
		}
		time.Sleep(time.Hour)
	})
}

func TestNoAnswer(t *testing.T) {
	p, _ := picture(1 << 20)
	f := formOf(p)
	inBubble(t, func(c net.Conn) {
		readRequest(c, f.ContentLength())
		time.Sleep(time.Hour)
	}, func(t *testing.T, c *form.Client) {
		start := time.Now()
		_, err := c.Post(t.Context(), "http://pics.example", nil, f, p)
		fails(t, err, uploader.Ambiguous, true, "did not answer in time")
		// 60 s, 1 MiB at 64 KiB/s that may still be in the kernel, 1 s to process it.
		if d := time.Since(start); d != 77*time.Second {
			t.Errorf("given up after %v", d)
		}
		time.Sleep(time.Hour)
	})
}

func TestDrip(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		for b := make([]byte, 4096); ; time.Sleep(50 * time.Second) {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	}, func(t *testing.T, c *form.Client) {
		p, _ := picture(8 << 20)
		start := time.Now()
		c.Stall = time.Hour
		_, err := c.Post(t.Context(), "http://pics.example", nil, formOf(p), p)
		fails(t, err, uploader.Temporary, false, "took too long")
		if d := time.Since(start); d != c.Timeout(p.Size) {
			t.Errorf("given up after %v, not %v", d, c.Timeout(p.Size))
		}
		time.Sleep(time.Hour)
	})
}

func TestBandwidth(t *testing.T) {
	p, _ := picture(10 << 20)
	f := formOf(p)
	inBubble(t, func(c net.Conn) {
		readRequest(c, f.ContentLength())
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}, func(t *testing.T, c *form.Client) {
		c.Bandwidth = rate.NewLimiter(8<<10, 8<<10)
		c.Stall = 500 * time.Millisecond // Waiting on purpose is no stall.
		start := time.Now()
		if _, err := c.Post(t.Context(), "http://pics.example", nil, f, p); err != nil {
			t.Fatal(err)
		}
		want := time.Duration(f.ContentLength()-8<<10) * time.Second / (8 << 10)
		if d := time.Since(start); d < want-time.Second || d > want+time.Second || d < c.Timeout(p.Size) {
			t.Errorf("10 MiB at 8 KiB/s took %v, not %v (limit %v)", d, want, c.Timeout(p.Size))
		}
	})
}

func TestBandwidthHearsCancel(t *testing.T) {
	inBubble(t, func(c net.Conn) { io.Copy(io.Discard, c) }, func(t *testing.T, c *form.Client) {
		p, _ := picture(1 << 20)
		c.Bandwidth = rate.NewLimiter(1, 64<<10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Post(ctx, "http://pics.example", nil, formOf(p), p)
		fails(t, err, uploader.Temporary, false, "cancelled")
	})
}
