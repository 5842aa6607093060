// Package faulttest drives the program through every way in which a host or the
// line to it fails, by a [Proxy] between the program and sites that behave like
// the real ones, and looks what becomes of each file.
package faulttest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Whole is a Fault's Read for the whole body.
const Whole int64 = -1

// Action is what a Proxy does when a fault strikes.
type Action int

// The actions.
const (
	Reset     Action = iota // the connection is reset (TCP RST)
	Close                   // the connection is closed in order (TCP FIN)
	Stall                   // nothing more happens until the Proxy closes
	Answer                  // Fault.Reply is answered
	CutReply                // half of the host's reply, then the connection closes
	HalfReply               // half of the host's reply, framed as if it were whole
)

// Fault is one way to fail a request.
type Fault struct {
	// Read is how many bytes of the body are read before; Whole: all of them.
	Read int64
	// Reached: the host gets the request first. Its reply is lost, but for
	// CutReply and HalfReply.
	Reached bool
	Do      Action
	Reply   string // for Answer: a whole HTTP reply, as on the wire
	// Once: only the first request with a body fails. Else all of them do, and
	// those without one as well.
	Once bool
}

// Page returns a reply of a web server: some HTML. Headers are lines without
// their ends.
func Page(status int, headers ...string) string {
	body := fmt.Sprintf("<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%s</h1></body></html>\n", status, http.StatusText(status))
	headers = append(headers, "Content-Type: text/html; charset=utf-8", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close")
	return fmt.Sprintf("HTTP/1.1 %d %s\r\n%s\r\n\r\n%s", status, http.StatusText(status), strings.Join(headers, "\r\n"), body)
}

// Proxy passes requests on to a host, unless it has a fault. It is safe for
// concurrent use.
type Proxy struct {
	host     string // "127.0.0.1:port"
	listener net.Listener
	done     chan struct{}
	work     sync.WaitGroup

	mu     sync.Mutex
	fault  *Fault
	bodies int
	conns  map[net.Conn]bool
}

// The kernel is to take little of a body that nobody reads, and much of others.
const (
	smallBuffer = 64 << 10
	largeBuffer = 4 << 20
)

// NewProxy starts a proxy on a port of its own before host, "127.0.0.1:port".
func NewProxy(host string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{host: host, listener: l, done: make(chan struct{}), conns: make(map[net.Conn]bool)}
	p.work.Go(p.accept)
	return p, nil
}

// Address returns where it listens, "127.0.0.1:port".
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set makes requests fail from now on; nil lets them pass.
func (p *Proxy) Set(f *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Bodies returns how many requests with a body came.
func (p *Proxy) Bodies() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bodies
}

// Close ends all connections and returns when nothing of it runs any more.
func (p *Proxy) Close() {
	close(p.done)
	p.listener.Close()
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		c.(*net.TCPConn).SetReadBuffer(smallBuffer) //nolint:errcheck // it only makes tests slower
		p.track(c, true)
		p.work.Go(func() {
			defer p.track(c, false)
			defer c.Close()
			p.serve(c)
		})
	}
}

// track keeps c to be closed with the proxy, or forgets it.
func (p *Proxy) track(c net.Conn, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !open {
		delete(p.conns, c)
		return
	}
	p.conns[c] = true
	select {
	case <-p.done:
		c.Close()
	default:
	}
}

// serve handles the requests of one connection.
func (p *Proxy) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		f := p.arrive(r)
		if f == nil {
			c.(*net.TCPConn).SetReadBuffer(largeBuffer) //nolint:errcheck // as above
			if p.pass(c, r) != nil {
				return
			}
			continue
		}
		if f.strike(p, c, r) != nil || f.Do != HalfReply {
			return
		}
	}
}

// arrive counts a request and returns what is to fail it.
func (p *Proxy) arrive(r *http.Request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, hasBody := p.fault, r.ContentLength > 0
	if hasBody {
		p.bodies++
	}
	if f != nil && f.Once {
		if !hasBody {
			return nil
		}
		p.fault = nil
	}
	return f
}

// ask hands r on to the host.
func (p *Proxy) ask(r *http.Request) (*http.Response, func(), error) {
	up, err := net.Dial("tcp", p.host)
	if err != nil {
		return nil, nil, err
	}
	p.track(up, true)
	end := func() {
		p.track(up, false)
		up.Close()
	}
	if err := r.Write(up); err != nil {
		end()
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(up), r)
	if err != nil {
		end()
		return nil, nil, err
	}
	return resp, end, nil
}

// pass hands a request and its reply on.
func (p *Proxy) pass(c net.Conn, r *http.Request) error {
	resp, end, err := p.ask(r)
	if err != nil {
		return err
	}
	defer end()
	defer resp.Body.Close()
	return resp.Write(c)
}

// strike fails one request.
func (f *Fault) strike(p *Proxy, c net.Conn, r *http.Request) error {
	if f.Reached {
		resp, end, err := p.ask(r)
		if err != nil {
			return err
		}
		defer end()
		defer resp.Body.Close()
		if f.Do == CutReply || f.Do == HalfReply {
			return f.cut(c, resp)
		}
	} else if err := f.take(r); err != nil {
		return err
	}
	switch f.Do {
	case Reset:
		return c.(*net.TCPConn).SetLinger(0) // and then it is closed
	case Stall:
		<-p.done
	case Answer:
		return f.answer(p, c)
	}
	return nil
}

// take reads as much of the body as the fault wants.
func (f *Fault) take(r *http.Request) error {
	if f.Read == Whole {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	_, err := io.CopyN(io.Discard, r.Body, f.Read)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// answer writes the reply. Where the body was not read, the connection stays open
// for a moment: its reset would overtake the reply.
func (f *Fault) answer(p *Proxy, c net.Conn) error {
	_, err := io.WriteString(c, f.Reply)
	if f.Read != Whole && err == nil {
		select {
		case <-time.After(500 * time.Millisecond):
		case <-p.done:
		}
	}
	return err
}

// cut hands half of the reply on.
func (f *Fault) cut(c net.Conn, resp *http.Response) error {
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	length, half := len(b), b[:len(b)/2]
	if f.Do == HalfReply {
		length = len(half)
	}
	_, err = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		resp.Status, resp.Header.Get("Content-Type"), length, half)
	return err
}
