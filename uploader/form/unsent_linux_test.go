package form_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slipway/uploader/form"
)

// listenSmall listens with connections whose receive buffer is of a size in bytes.
func listenSmall(t testing.TB, size int) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, size) })
		if err == nil {
			err = failed
		}
		return err
	}}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestProgressIsTrue: what is told as sent is never much more than what the host has
// taken, however much the kernel would take from us.
func TestProgressIsTrue(t *testing.T) {
	const size, receive = 1_800_000, 64 << 10
	// the kernel's unsent bytes and the one packet that it lets pass, net/http's
	// buffer, and the host's, which Linux doubles (socket(7))
	const ahead = 128<<10 + 64<<10 + 64<<10 + 2*receive
	l := listenSmall(t, receive)
	var taken, most atomic.Int64
	host := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			host <- err
			return
		}
		defer c.Close()
		time.Sleep(200 * time.Millisecond) // in which it would all go into buffers
		r, err := http.ReadRequest(bufio.NewReaderSize(&slowly{c}, 16<<10))
		for b := make([]byte, 16<<10); err == nil; {
			var n int
			n, err = r.Body.Read(b)
			taken.Add(int64(n))
		}
		if err == io.EOF {
			_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		host <- err
	}()
	p, _ := picture(size)
	steps := 0
	p.Progress = func(n int64) {
		steps++
		most.Store(max(most.Load(), n-taken.Load()))
	}
	reply, err := client(t).Post(t.Context(), "http://"+l.Addr().String(), nil, formOf(p), p)
	if err := <-host; err != nil {
		t.Fatal(err)
	}
	if err != nil || reply.Status != 200 || steps < 10 {
		t.Errorf("%d %v, %d steps", reply.Status, err, steps)
	}
	if n := most.Load(); n > ahead {
		t.Errorf("%d bytes were told as sent that the host had not taken; %d may be", n, ahead)
	} else {
		t.Logf("%d bytes ahead at the most, of %d", n, ahead)
	}
}

// slowly is a connection that is read slowly.
type slowly struct{ net.Conn }

func (s *slowly) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.Conn.Read(b)
}

// BenchmarkPost sends 64 MiB to a host on this machine.
func BenchmarkPost(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the reply says
	})}
	go srv.Serve(l) //nolint:errcheck // until it is closed
	defer srv.Close()
	p, _ := picture(64 << 20)
	c := form.NewClient("1.2")
	defer c.HTTP.CloseIdleConnections()
	b.SetBytes(p.Size)
	for b.Loop() {
		if _, err := c.Post(b.Context(), "http://"+l.Addr().String(), nil, formOf(p), p); err != nil {
			b.Fatal(err)
		}
	}
}
