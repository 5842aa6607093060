package form

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"slipway/uploader"
)

// ReplyMax is how many bytes of a reply are read; the rest is dropped.
const ReplyMax = 1 << 20

// What a [Client] starts from.
const (
	DefaultBase    = 60 * time.Second
	DefaultMinRate = 64 << 10
	DefaultStall   = 60 * time.Second
	DefaultAnswer  = 60 * time.Second
	DefaultProbe   = 30 * time.Second

	// socketBuffer is how much of a body the kernel may still hold when its last
	// byte was handed out (Linux: net.ipv4.tcp_wmem).
	socketBuffer = 4 << 20
	// answerRate is how fast a host is trusted to process a picture: a big PNG
	// took 8.6 s where it was decoded and encoded again.
	answerRate = 1 << 20
)

// Client sends forms to one host or more. Its fields may be changed before its
// first use; a copy shares the connections. It is safe for concurrent use.
type Client struct {
	// HTTP makes the requests; NewHTTP makes one that keeps this package's promises.
	HTTP *http.Client
	// Version is this program's, for the User-Agent.
	Version string
	// Base is the fixed part of a request's time.
	Base time.Duration
	// MinRate in bytes a second is the slowest line that is waited for.
	MinRate int64
	// Answer is how long a host may think once it has the whole body; more is
	// added by size.
	Answer time.Duration
	// Stall is how long the host may take no byte of a body before it is given up.
	Stall time.Duration
	// ProbeTime is how long a Probe may take.
	ProbeTime time.Duration
	// Bandwidth, if not nil, limits body bytes a second; all clients of one host
	// share it. Waiting for it counts as neither stalling nor time.
	Bandwidth *rate.Limiter
}

// NewClient returns a client with connections of its own and the default times.
func NewClient(version string) *Client {
	return &Client{
		HTTP: NewHTTP(), Version: version, Base: DefaultBase, MinRate: DefaultMinRate,
		Answer: DefaultAnswer, Stall: DefaultStall, ProbeTime: DefaultProbe,
	}
}

// Within returns a copy that shares the connections and gives a host d to take a
// picture and d to answer, beside the time that the picture's size needs, and at
// the most d without taking a byte. 0 changes nothing.
func (c *Client) Within(d time.Duration) *Client {
	own := *c
	if d > 0 {
		own.Base, own.Answer, own.Stall = d, d, min(own.Stall, d)
	}
	return &own
}

// NewHTTP returns the HTTP client of uploads: HTTP/1.1 only, no cookies (a shared
// session makes PHP hosts run uploads one after another), no redirect followed
// (a POST would become a GET without its body), unused connections dropped
// before hosts drop them (Apache: 5 s). Little of a body waits in the kernel.
func NewHTTP() *http.Client {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: limitUnsent}
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			Protocols:           &http1,
			DialContext:         lingering(dialer.DialContext),
			TLSHandshakeTimeout: 20 * time.Second,
			IdleConnTimeout:     3 * time.Second,
			MaxIdleConnsPerHost: 16,
			WriteBufferSize:     64 << 10,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Reply is what the host answered, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	// Body is at most ReplyMax bytes; it may be cut where Status is an error's.
	Body []byte
	// BodySent: the whole request body had gone out before the reply.
	BodySent bool
}

// Timeout returns how long the request of a picture of size bytes may take in
// all: Base, the time at MinRate, and what the host may think.
func (c *Client) Timeout(size int64) time.Duration {
	return c.Base + over(size, c.MinRate) + c.answer(size)
}

// answer returns how long the host may take once the body was handed out, of
// which the kernel may hold the last megabytes.
func (c *Client) answer(size int64) time.Duration {
	return c.Answer + over(min(size, socketBuffer), c.MinRate) + over(size, answerRate)
}

// over returns how long size bytes take at rate bytes a second.
func over(size, rate int64) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Duration(float64(size) / float64(rate) * float64(time.Second))
}

// Post sends f once, with p's bytes as its file; each of tee is given those
// bytes as they go out. It never sends anything a second time.
//
//  1. The host answered, even before it had the whole body: its Reply, of any status.
//  2. It did not: an *uploader.Error, Temporary where the body was not complete,
//     Ambiguous (and BodySent set) where it was.
//  3. ctx ended: as 2.
//
// p's BeforeLastByte and Progress are heeded; Progress hears bytes of the
// picture, 0 to p.Size. p's reader is closed when Post returns. No error holds a
// URL's query or a header.
func (c *Client) Post(ctx context.Context, address string, header http.Header, f *Form, p uploader.Picture, tee ...io.Writer) (Reply, error) {
	return c.Send(ctx, http.MethodPost, address, header, f, p, tee...)
}

// Send is Post with another method, such as PUT.
func (c *Client) Send(ctx context.Context, method, address string, header http.Header, f *Form, p uploader.Picture, tee ...io.Writer) (Reply, error) {
	content, err := p.Open(ctx)
	if err != nil {
		return Reply{}, &uploader.Error{Message: "the gateway could not open the file's bytes", Err: err}
	}
	defer content.Close()
	var source io.Reader = content
	if len(tee) > 0 {
		source = io.TeeReader(content, io.MultiWriter(tee...))
	}
	body := f.Reader(source, p.BeforeLastByte, pictureProgress(f, p.Progress))
	defer body.Close()

	g := newGuard(ctx, c.Timeout(f.size), c.Stall)
	defer g.stop()
	flow := &flow{Body: body, guard: g, limit: c.Bandwidth, length: f.ContentLength(), answer: c.answer(f.size)}
	var l line
	req, err := c.request(l.trace(g.ctx), method, address, header, flow)
	if err != nil {
		return Reply{}, err
	}
	req.ContentLength = f.ContentLength()
	if f.contentType != "" {
		req.Header.Set("Content-Type", f.contentType)
	}
	reply, err := c.do(req)
	body.Close() // From here on nothing more goes out: what Complete says is final.
	if err != nil {
		return Reply{}, failure(g, body, body.Complete() && !l.cut(f.ContentLength()), err)
	}
	reply.BodySent = body.Complete()
	return reply, nil
}

// pictureProgress turns bytes of the body into bytes of the picture, each told once.
func pictureProgress(f *Form, progress func(int64)) func(int64) {
	if progress == nil {
		return nil
	}
	last := int64(-1)
	return func(sent int64) {
		if n := min(max(sent-int64(len(f.head)), 0), f.size); n != last {
			last = n
			progress(n)
		}
	}
}

// Probe makes a small request that uploads nothing, such as an empty POST or a
// look at a page. Its errors are Temporary *uploader.Errors. Redirects are not
// followed.
func (c *Client) Probe(ctx context.Context, method, address string, header http.Header, body []byte) (Reply, error) {
	g := newGuard(ctx, c.ProbeTime, 0)
	defer g.stop()
	req, err := c.request(g.ctx, method, address, header, bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	reply, err := c.do(req)
	if err != nil {
		return Reply{}, failure(g, nil, false, err)
	}
	return reply, nil
}

// request makes a request with the headers that every one of ours has.
func (c *Client) request(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil { // Its text would show the address with its query.
		return nil, &uploader.Error{Kind: uploader.Refused, Message: "the destination's address is not a valid URL", Remedy: "correct the destination's url in the configuration"}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	for name, value := range map[string]string{"User-Agent": "Slipway/" + c.Version, "Accept-Language": "en-US"} {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// do makes the request and reads the reply. A reply that breaks off counts as
// one only where its status alone says that nothing was taken.
func (c *Client) do(req *http.Request) (Reply, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return Reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, ReplyMax))
	if err != nil && (resp.StatusCode < 400 || resp.StatusCode >= 500) {
		return Reply{}, &brokenReply{err}
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: b}, nil
}

// brokenReply is a reply that began and did not end.
type brokenReply struct{ err error }

func (b *brokenReply) Error() string { return "the reply broke off: " + b.err.Error() }
func (b *brokenReply) Unwrap() error { return b.err }
