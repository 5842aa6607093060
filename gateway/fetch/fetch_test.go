package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names resolves from a table; each call of a name takes the next of its answers, and
// the last one again and again.
type names struct {
	answers map[string][][]string
	asked   map[string]*atomic.Int64
}

func resolver(answers map[string][][]string) *names {
	n := &names{answers: answers, asked: make(map[string]*atomic.Int64)}
	for name := range answers {
		n.asked[name] = new(atomic.Int64)
	}
	return n
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	list := n.answers[host]
	if list == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	i := int(n.asked[host].Add(1)) - 1
	var addrs []netip.Addr
	for _, s := range list[min(i, len(list)-1)] {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs, nil
}

// serving starts a server, and returns a client that may connect to it alone; also by
// the name "pictures.example".
func serving(t *testing.T, h http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	return New(Options{Agent: "test", Resolver: resolver(map[string][][]string{"pictures.example": {{"127.0.0.1"}}}),
		Allow: func(a netip.AddrPort) bool { return a == at }}), s
}

func read(t *testing.T, c *Client, address string, most int64) (string, *Response, error) {
	t.Helper()
	r, err := c.Get(t.Context(), address, most)
	if err != nil {
		return "", nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), r, err
}

// refusal returns the error, which has to be permanent or not and to say something.
func refusal(t *testing.T, err error, lasts bool, says string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Permanent != lasts || !strings.Contains(e.Text, says) {
		t.Errorf("%#v, want permanent %v and %q", err, lasts, says)
	}
}

func TestGet(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	c, s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Cookie", "Authorization", "Referer"} {
			if r.Header.Get(h) != "" {
				t.Errorf("%s: %s", h, r.Header.Get(h))
			}
		}
		if r.Header.Get("Accept-Encoding") != "identity" || r.UserAgent() != "test" {
			t.Error(r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to?secret", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "Image/JPEG; x=y")
		w.Header().Set("Content-Disposition", `attachment; filename*=UTF-8''sea%20g%C3%BCll.jpg`)
		w.Write([]byte("bytes"))
	})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, address := range []string{s.URL + "/a?b", s.URL + "/from", "http://pictures.example:" + port + "/from"} {
		got, r, err := read(t, c, address, 5)
		if err != nil || got != "bytes" || r.Type != "image/jpeg" || r.Name != "sea güll.jpg" || r.Size != 5 {
			t.Errorf("%s: %q %+v %v", address, got, r, err)
		}
	}
}

// TestNotReached is the list of addresses that must not be asked.
func TestNotReached(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := New(Options{Limits: Limits{Connect: 2 * time.Second}, Resolver: resolver(map[string][][]string{
		"localhost": {{"127.0.0.1"}}, "inner.example": {{"10.0.0.1"}}, "mixed.example": {{"93.184.216.34", "127.0.0.1"}},
		"six.example": {{"::ffff:127.0.0.1"}}, "empty.example": {{}},
		"2130706433": {{"127.0.0.1"}}, "0x7f.1": {{"127.0.0.1"}}, "017700000001": {{"127.0.0.1"}}, "127.1": {{"127.0.0.1"}}, // as C libraries read them
	})})
	private, web := "private network", "only http and https"
	for address, says := range map[string]string{
		"http://127.0.0.1:" + port: private, "http://localhost:" + port: private, "http://localhost.:" + port: private, "http://LOCALHOST:" + port: private,
		"http://[::1]:" + port: private, "http://[::ffff:127.0.0.1]:" + port: private, "http://[::ffff:7f00:1]:" + port: private, "http://six.example:" + port: private,
		"http://2130706433:" + port: private, "http://0x7f.1:" + port: private, "http://017700000001:" + port: private, "http://127.1:" + port: private,
		"http://0.0.0.0:" + port: private, "http://[::]:" + port: private, "http://[64:ff9b::7f00:1]:" + port: private, "http://[2002:7f00:1::]:" + port: private,
		"http://169.254.169.254/latest/meta-data/": private, "http://[fd00:ec2::254]/": private, "http://[fe80::1%25lo]/": private,
		"http://inner.example/": private, "http://mixed.example/": private, "https://mixed.example/": private,
		"http://user:pw@127.0.0.1:" + port: "name or password", "http://example.com@127.0.0.1:" + port: "name or password",
		"file:///etc/passwd": web, "gopher://127.0.0.1:" + port + "/_GET": web, "data:image/png;base64,AAAA": web, "ftp://127.0.0.1/": web, "//127.0.0.1/": web, "dict://127.0.0.1/": web,
		"http://93.184.216.34:25/": "port 25", "http://93.184.216.34:6379/": "port 6379",
		"http:///x": "no host", "http://gone.example/": "no site called", "http://a b/": "not written",
	} {
		_, err := c.Get(t.Context(), address, 100)
		refusal(t, err, true, says)
		if err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, err := c.Get(t.Context(), "http://empty.example/", 100)
	refusal(t, err, false, "no address")
	if asked.Load() > 0 {
		t.Errorf("%d requests arrived", asked.Load())
	}
}

// TestDialsWhatItJudged has a name whose address changes at each look.
func TestDialsWhatItJudged(t *testing.T) {
	n := resolver(map[string][][]string{"rebind.example": {{"93.184.216.34"}, {"127.0.0.1"}}})
	c := New(Options{Resolver: n})
	var dialled []string
	c.dial = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, errors.New("not in a test")
	}
	_, err := c.Get(t.Context(), "http://rebind.example/a", 100)
	refusal(t, err, false, "not in a test")
	if len(dialled) != 1 || dialled[0] != "93.184.216.34:80" || n.asked["rebind.example"].Load() != 1 {
		t.Errorf("dialled %v after %d questions", dialled, n.asked["rebind.example"].Load())
	}
	_, err = c.Get(t.Context(), "http://rebind.example/a", 100)
	refusal(t, err, true, "private network")
	if len(dialled) != 1 {
		t.Errorf("dialled %v", dialled)
	}
}

// TestJudgesConnections: whatever came before, the connection itself is judged by the
// address that it goes to.
func TestJudgesConnections(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	conn, err := New(Options{}).dialer().DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err == nil {
		conn.Close()
	}
	refusal(t, failed(t.Context(), "x", err), true, "private network")
}

func TestRedirects(t *testing.T) {
	var inner atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inner.Add(1) }))
	defer secret.Close()
	c, s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		var n int
		fmt.Sscan(r.URL.Query().Get("n"), &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/?n=%d", n-1), http.StatusMovedPermanently)
			return
		}
		w.Write([]byte("end"))
	})
	for to, says := range map[string]string{
		secret.URL: "private network", "http://169.254.169.254/": "private network", "http://[::1]:1/": "private network",
		"file:///etc/passwd": "only http and https", "gopher://x/": "only http and https", "http://u:p@pictures.example/": "name or password",
	} {
		_, err := c.Get(t.Context(), s.URL+"/?to="+url.QueryEscape(to), 100)
		refusal(t, err, true, says)
	}
	if inner.Load() > 0 {
		t.Error("a redirect led to a server that must not be reached")
	}
	if got, _, err := read(t, c, s.URL+"/?n=5", 100); got != "end" || err != nil {
		t.Error(got, err)
	}
	_, _, err := read(t, c, s.URL+"/?n=6", 100)
	refusal(t, err, true, "more than 5 times")
	from, _ := http.NewRequest(http.MethodGet, "https://a.example/", nil)
	to, _ := http.NewRequest(http.MethodGet, "http://a.example/", nil)
	refusal(t, c.redirect(to, []*http.Request{from}), true, "encrypted")
}

func TestAnswers(t *testing.T) {
	c, s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscan(r.URL.Path[1:], &status)
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(status)
	})
	for status, want := range map[int]struct {
		lasts bool
		says  string
	}{
		404: {true, "not at 127.0.0.1 any more"}, 410: {true, "any more"}, 401: {true, "everybody"}, 403: {true, "everybody"}, 400: {true, "400 Bad Request"},
		206: {true, "206"}, 204: {true, "204"}, 429: {false, "429"}, 500: {false, "500"}, 503: {false, "503"}, 304: {true, "304"},
	} {
		_, _, err := read(t, c, fmt.Sprintf("%s/%d", s.URL, status), 100)
		refusal(t, err, want.lasts, want.says)
		if e := err.(*Error); !e.Permanent && e.After != 90*time.Second {
			t.Error(status, e.After)
		}
	}
}

// TestBodies are those that lie.
func TestBodies(t *testing.T) {
	c, s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/short":
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("short"))
		case "/long":
			w.Header().Set("Content-Length", "5000")
			w.Write(make([]byte, 5000))
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 10<<20))
			z.Close()
		case "/header":
			for i := range 4000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
		case "/exact":
			w.(http.Flusher).Flush()
			w.Write(make([]byte, 1000))
		}
	})
	got, _, err := read(t, c, s.URL+"/endless", 1000)
	refusal(t, err, true, "larger than the 1000 bytes")
	if len(got) != 1000 {
		t.Errorf("%d bytes were given", len(got))
	}
	_, _, err = read(t, c, s.URL+"/long", 1000)
	refusal(t, err, true, "larger")
	_, _, err = read(t, c, s.URL+"/short", 1000)
	refusal(t, err, false, "a part of it only")
	_, _, err = read(t, c, s.URL+"/gzip", 1000)
	refusal(t, err, true, "compressed")
	_, _, err = read(t, c, s.URL+"/header", 1000)
	refusal(t, err, false, "header")
	if got, r, err := read(t, c, s.URL+"/exact", 1000); err != nil || len(got) != 1000 || r.Size != -1 {
		t.Error(len(got), r, err)
	}
}

// piped is a client whose every connection is answered by serve, on a clock that tests
// turn.
func piped(serve func(net.Conn)) *Client {
	c := New(Options{Resolver: resolver(map[string][][]string{"pictures.example": {{"93.184.216.34"}}})})
	c.dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			serve(there)
		}()
		return here, nil
	}
	return c
}

// request reads up to the end of a request's header.
func request(conn net.Conn) {
	var all []byte
	b := make([]byte, 4096)
	for !bytes.HasSuffix(all, []byte("\r\n\r\n")) {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		all = append(all, b[:n]...)
	}
}

func TestSlow(t *testing.T) {
	const header = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
	drip := func(each int, every time.Duration) func(net.Conn) {
		return func(conn net.Conn) {
			request(conn)
			io.WriteString(conn, header)
			for {
				if _, err := conn.Write(make([]byte, each)); err != nil {
					return
				}
				time.Sleep(every)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
		after time.Duration
		says  string
	}{
		{"says nothing", func(conn net.Conn) { request(conn); io.Copy(io.Discard, conn) }, 30 * time.Second, "did not answer in time"},
		{"header byte by byte", func(conn net.Conn) {
			request(conn)
			for _, b := range []byte(header) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(20 * time.Second)
			}
		}, 30 * time.Second, "did not answer in time"},
		{"body byte by byte", drip(1, time.Second), time.Minute, "next to nothing"},
		{"stops", drip(1000, time.Hour), time.Minute, "next to nothing"},
		{"just fast enough, and never ends", drip(40<<10, 55*time.Second), 10 * time.Minute, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, _, err := read(t, piped(tt.serve), "http://pictures.example/a.png", 1<<40)
				refusal(t, err, false, tt.says)
				if took := time.Since(began); took < tt.after || took > tt.after+time.Second {
					t.Errorf("it ended after %v, want %v", took, tt.after)
				}
				time.Sleep(2 * time.Hour) // the server notices
			})
		})
	}
}

func TestInterrupted(t *testing.T) {
	c, s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := c.Get(ctx, s.URL, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	cancel()
	_, err = io.ReadAll(r.Body)
	refusal(t, err, false, "interrupted")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999": time.Hour, "Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:05 GMT": 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// TestNeighbours: addresses of the Internet that are this machine's, or of its network.
func TestNeighbours(t *testing.T) {
	c := New(Options{Interfaces: func() ([]net.Addr, error) {
		var own []net.Addr
		for _, s := range []string{"93.184.216.34/29", "2606:2800:220:1::5/64"} {
			ip, n, err := net.ParseCIDR(s)
			if err != nil {
				return nil, err
			}
			own = append(own, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		return own, nil
	}})
	for addr, want := range map[string]bool{
		"93.184.216.34": false, "93.184.216.33": false, "::ffff:93.184.216.34": false, "2606:2800:220:1::5": false, "2606:2800:220:1:248:1893:25c8:1946": false,
		"93.184.216.40": true, "2606:2800:220:2::5": true, "8.8.8.8": true,
	} {
		if err := c.allowed(netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
