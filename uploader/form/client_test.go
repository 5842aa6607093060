package form_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

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

// dyingConn takes as many writes as it has left, and does not say when it is dead.
type dyingConn struct {
	net.Conn
	left *atomic.Int32
}

func (c dyingConn) Write(p []byte) (int, error) {
	if c.left.Add(-1) < 0 {
		return 0, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return c.Conn.Write(p)
}

// TestDeadConnectionIsNotRepeated: net/http repeats a request whose reused
// connection took nothing, where it can make the body again. A connection that
// took the headers alone leaves the body, complete in a buffer, unsent.
func TestDeadConnectionIsNotRepeated(t *testing.T) {
	for _, writes := range []int32{0, 1} {
		var requests atomic.Int32
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n, _ := io.Copy(io.Discard, r.Body); n == r.ContentLength {
				requests.Add(1)
			}
		})
		c := client(t)
		var left *atomic.Int32 // of the last connection dialled
		tr := c.HTTP.Transport.(*http.Transport)
		tr.DialContext = form.Lingering(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			left = new(atomic.Int32)
			left.Store(1000)
			return dyingConn{c, left}, err
		})
		p, closed := picture(1000)
		if _, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p); err != nil {
			t.Fatal(err)
		}
		left.Store(writes)
		_, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p)
		fails(t, err, uploader.Temporary, false, "broke off")
		if requests.Load() != 1 || closed.Load() != 2 {
			t.Errorf("%d requests arrived, %d bodies were made", requests.Load(), closed.Load())
		}
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

func TestHTTP1Only(t *testing.T) {
	var proto string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		io.Copy(io.Discard, r.Body)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := client(t)
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c.HTTP.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	p, _ := picture(300_000)
	if reply, err := c.Post(t.Context(), srv.URL, nil, formOf(p), p); err != nil || reply.Status != 200 || proto != "HTTP/1.1" {
		t.Errorf("%s, %d, %v", proto, reply.Status, err)
	}
}
