package form_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"slipway/uploader"
)

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
