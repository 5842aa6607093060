package form_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"slipway/uploader"
	"slipway/uploader/form"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type reader struct {
	io.ReadSeeker
	closed *atomic.Int32
}

func (r reader) Close() error { r.closed.Add(1); return nil }

// picture makes a picture of n bytes; closed counts its readers' Close calls.
func picture(n int) (p uploader.Picture, closed *atomic.Int32) {
	content := bytes.Repeat([]byte("picture "), n/8+1)[:n]
	closed = new(atomic.Int32)
	return uploader.Picture{
		Name: "a.jpg", Type: "image/jpeg", Size: int64(n), SHA256: sha256.Sum256(content),
		Open: func(context.Context) (io.ReadSeekCloser, error) {
			return reader{bytes.NewReader(content), closed}, nil
		},
	}, closed
}

func formOf(p uploader.Picture) *form.Form {
	return form.New([]form.Field{{Name: "a", Value: "b"}}, form.File{Field: "source", Name: p.Name, Type: p.Type, Size: p.Size})
}

// client returns one whose connections end with the test.
func client(t *testing.T) *form.Client {
	c := form.NewClient("1.2")
	t.Cleanup(c.HTTP.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// fails asserts that err is an *uploader.Error of a kind, without a secret.
func fails(t *testing.T, err error, kind uploader.Kind, sent bool, text string) {
	t.Helper()
	var e *uploader.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no *uploader.Error", err)
	}
	if e.Kind != kind || e.BodySent != sent || !strings.Contains(e.Error(), text) {
		t.Errorf("got %v, body sent %v: %v; want %v, %v, %q", e.Kind, e.BodySent, e, kind, sent, text)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestPost(t *testing.T) {
	p, closed := picture(100_000)
	f := formOf(p)
	var progress []int64
	p.Progress = func(n int64) { progress = append(progress, n) }
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" || r.ContentLength != f.ContentLength() || len(r.TransferEncoding) > 0 {
			t.Errorf("%s, length %d, %v", r.Proto, r.ContentLength, r.TransferEncoding)
		}
		if r.UserAgent() != "Slipway/1.2" || r.Header.Get("Accept-Language") != "en-US" || r.Header.Get("X-Api-Key") != "k" {
			t.Errorf("headers %v", r.Header)
		}
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie came back")
		}
		file, _, err := r.FormFile("source")
		if err != nil {
			t.Error(err)
			return
		}
		b, _ := io.ReadAll(file)
		if sha256.Sum256(b) != [32]byte(p.SHA256) {
			t.Error("other bytes arrived")
		}
		http.SetCookie(w, &http.Cookie{Name: "PHPSESSID", Value: "1"})
		w.WriteHeader(299)
		io.WriteString(w, "hello")
	})
	c := client(t)
	for range 2 {
		var tee bytes.Buffer
		reply, err := c.Post(t.Context(), srv.URL, http.Header{"X-Api-Key": {"k"}}, f, p, &tee)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != 299 || string(reply.Body) != "hello" || !reply.BodySent || sha256.Sum256(tee.Bytes()) != [32]byte(p.SHA256) {
			t.Errorf("reply %d %q, sent %v, %d teed", reply.Status, reply.Body, reply.BodySent, tee.Len())
		}
	}
	if closed.Load() != 2 {
		t.Errorf("%d readers closed", closed.Load())
	}
	if last := progress[len(progress)-1]; last != p.Size {
		t.Errorf("progress ended at %d", last)
	}
}

func TestRedirectIsAReply(t *testing.T) {
	var hits atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	})
	p, _ := picture(10)
	reply, err := client(t).Post(t.Context(), srv.URL, nil, formOf(p), p)
	if err != nil || reply.Status != 301 || reply.Header.Get("Location") != "/elsewhere" || hits.Load() != 1 {
		t.Errorf("%+v, %v, %d requests", reply, err, hits.Load())
	}
}

// TestSentAtMostOnce has a host that drops connections as soon as they are
// unused, and counts what reaches it.
func TestSentAtMostOnce(t *testing.T) {
	var requests, connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		io.Copy(io.Discard, r.Body)
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // Promises to keep the connection,
			c.Close()                                                           // and does not.
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := client(t)
	p, _ := picture(4000)
	const posts = 300
	var failed int32
	for range posts {
		var asked int
		p.BeforeLastByte = func() error { asked++; return nil }
		_, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p)
		if asked > 1 {
			t.Fatal("a body was made twice")
		}
		if err != nil {
			failed++
		}
	}
	if got := requests.Load(); got > posts || got < posts-failed {
		t.Errorf("%d posts, of which %d failed, reached the host %d times", posts, failed, got)
	}
	if connections.Load() > posts {
		t.Errorf("%d connections for %d posts: something was sent again", connections.Load(), posts)
	}
}

// deadConn takes no more bytes once it is dead, and does not say so.
type deadConn struct {
	net.Conn
	dead *atomic.Bool
}

func (c deadConn) Write(p []byte) (int, error) {
	if c.dead.Load() {
		return 0, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return c.Conn.Write(p)
}

// TestDeadConnectionIsNotRepeated: net/http repeats a request whose reused
// connection took nothing, where it can make the body again.
func TestDeadConnectionIsNotRepeated(t *testing.T) {
	var requests atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		io.Copy(io.Discard, r.Body)
	})
	c := client(t)
	var dead *atomic.Bool // of the last connection dialled
	tr := c.HTTP.Transport.(*http.Transport)
	tr.DialContext = form.Lingering(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		dead = new(atomic.Bool)
		return deadConn{c, dead}, err
	})
	p, closed := picture(1000)
	if _, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p); err != nil {
		t.Fatal(err)
	}
	dead.Store(true)
	_, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p)
	fails(t, err, uploader.Temporary, false, "broke off") // All in net/http's buffer, none of it sent.
	if requests.Load() != 1 || closed.Load() != 2 {
		t.Errorf("%d requests arrived, %d bodies were made", requests.Load(), closed.Load())
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := client(t)
	p, _ := picture(200_000)
	for range 20 {
		if _, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 20 posts", n)
	}
}

// rawServer gives every connection to h.
func rawServer(t *testing.T, h func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h(c)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String() + "/up?token=s3cret"
}

func TestEarlyAnswerIsHeard(t *testing.T) {
	for range 20 {
		url := rawServer(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 2000))
			io.WriteString(c, "HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
			c.(*net.TCPConn).SetLinger(0) // What was not read makes it a reset anyway.
		})
		p, closed := picture(30 << 20)
		reply, err := client(t).Post(t.Context(), url, nil, formOf(p), p)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != 413 || reply.BodySent || closed.Load() != 1 {
			t.Errorf("reply %d %q, body sent %v", reply.Status, reply.Body, reply.BodySent)
		}
	}
}

func TestBrokenConnections(t *testing.T) {
	p, _ := picture(8 << 20)
	small, _ := picture(1000)
	length := formOf(small).ContentLength()
	for name, test := range map[string]struct {
		p    uploader.Picture
		host func(net.Conn)
		kind uploader.Kind
		sent bool
	}{
		"reset in the body": {p, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 100_000))
			c.(*net.TCPConn).SetLinger(0)
		}, uploader.Temporary, false},
		"closed after the body": {small, func(c net.Conn) {
			readRequest(c, length)
		}, uploader.Ambiguous, true},
		"reset after the body": {small, func(c net.Conn) {
			readRequest(c, length)
			c.(*net.TCPConn).SetLinger(0)
		}, uploader.Ambiguous, true},
		"reply breaks off": {small, func(c net.Conn) {
			readRequest(c, length)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status_")
		}, uploader.Ambiguous, true},
		"nonsense": {small, func(c net.Conn) {
			readRequest(c, length)
			io.WriteString(c, "220 s3cret FTP\r\n\r\n")
		}, uploader.Ambiguous, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t).Post(t.Context(), rawServer(t, test.host), nil, formOf(test.p), test.p)
			fails(t, err, test.kind, test.sent, "the host")
		})
	}
}

// readRequest reads one request whose body has length bytes.
func readRequest(c net.Conn, length int64) {
	var b []byte
	for one := make([]byte, 1); !bytes.HasSuffix(b, []byte("\r\n\r\n")); {
		if _, err := c.Read(one); err != nil {
			return
		}
		b = append(b, one...)
	}
	io.CopyN(io.Discard, c, length)
}

func TestUnreachable(t *testing.T) {
	p, closed := picture(10)
	f := formOf(p)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = client(t).Post(t.Context(), "http://"+l.Addr().String()+"/?key=s3cret", nil, f, p)
	fails(t, err, uploader.Temporary, false, "refused the connection")
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v does not unwrap to its cause", err)
	}

	c := client(t)
	c.HTTP.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "pics.example", IsNotFound: true}}
	}
	_, err = c.Post(t.Context(), "http://pics.example/?key=s3cret", nil, f, p)
	fails(t, err, uploader.Temporary, false, "could not be looked up")
	if uploader.AsError(err).Remedy == "" {
		t.Error("no remedy")
	}

	_, err = client(t).Post(t.Context(), "http://a b/?key=s3cret", nil, f, p)
	fails(t, err, uploader.Refused, false, "not a valid URL")
	if closed.Load() != 3 {
		t.Errorf("%d of 3 readers closed", closed.Load())
	}
}

func TestTLSFailures(t *testing.T) {
	p, _ := picture(10)
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	_, err := client(t).Post(t.Context(), srv.URL+"/?key=s3cret", nil, formOf(p), p)
	fails(t, err, uploader.Temporary, false, "nobody this machine trusts")

	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err = client(t).Post(t.Context(), "https"+strings.TrimPrefix(plain.URL, "http")+"/?key=s3cret", nil, formOf(p), p)
	fails(t, err, uploader.Temporary, false, "does not speak TLS")

	c := client(t)
	c.HTTP.Transport.(*http.Transport).TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	c.HTTP.Transport.(*http.Transport).TLSClientConfig.ServerName = "other.test"
	_, err = c.Post(t.Context(), srv.URL, nil, formOf(p), p)
	fails(t, err, uploader.Temporary, false, "for another name")
}

func TestCancel(t *testing.T) {
	for name, test := range map[string]struct {
		size int
		kind uploader.Kind
		sent bool
	}{"in the body": {64 << 20, uploader.Temporary, false}, "after the body": {10, uploader.Ambiguous, true}} {
		t.Run(name, func(t *testing.T) {
			p, closed := picture(test.size)
			ctx, cancel := context.WithCancel(t.Context())
			over := make(chan struct{})
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				io.CopyN(io.Discard, r.Body, 400)
				cancel()
				<-over
			})
			defer close(over)
			_, err := client(t).Post(ctx, srv.URL, nil, formOf(p), p)
			fails(t, err, test.kind, test.sent, "cancelled")
			if !errors.Is(err, context.Canceled) || closed.Load() != 1 {
				t.Errorf("%v; %d readers closed", err, closed.Load())
			}
		})
	}
}

func TestOwnErrorsStopTheBody(t *testing.T) {
	bad := errors.New("no ledger")
	p, _ := picture(10)
	p.BeforeLastByte = func() error { return bad }
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Error("the body arrived whole")
		}
	})
	_, err := client(t).Post(t.Context(), srv.URL, nil, formOf(p), p)
	fails(t, err, uploader.Temporary, false, "the gateway stopped")
	if !errors.Is(err, bad) {
		t.Errorf("%v does not wrap the cause", err)
	}
	p.Open = func(context.Context) (io.ReadSeekCloser, error) { return nil, bad }
	_, err = client(t).Post(t.Context(), srv.URL, nil, formOf(p), p)
	if fails(t, err, uploader.Temporary, false, "could not open"); !errors.Is(err, bad) {
		t.Errorf("%v does not wrap the cause", err)
	}
}

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

func TestReplyIsLimited(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(make([]byte, form.ReplyMax+100))
	})
	p, _ := picture(10)
	reply, err := client(t).Post(t.Context(), srv.URL, nil, formOf(p), p)
	if err != nil || len(reply.Body) != form.ReplyMax {
		t.Errorf("%d bytes, %v", len(reply.Body), err)
	}
}

func TestProbe(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(400)
		io.WriteString(w, r.Method+" "+r.UserAgent()+" "+r.Header.Get("X-Api-Key")+" "+string(b))
	})
	reply, err := client(t).Probe(t.Context(), "POST", srv.URL, http.Header{"X-Api-Key": {"k"}}, []byte("x"))
	if err != nil || reply.Status != 400 || string(reply.Body) != "POST Slipway/1.2 k x" {
		t.Errorf("%d %q %v", reply.Status, reply.Body, err)
	}
	srv.Close()
	_, err = client(t).Probe(t.Context(), "POST", srv.URL+"?token=s3cret", nil, nil)
	fails(t, err, uploader.Temporary, false, "refused the connection")
}
