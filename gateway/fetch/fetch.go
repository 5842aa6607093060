// Package fetch reads what a link leads to, where whoever wrote the link is not
// trusted: nothing of this machine and its network can be reached by it, nothing that
// it answers takes more time or room than it is given, and nothing is told of us.
//
//  1. Only http and https, without a name and password, on the ports of the web.
//  2. Names are resolved here; if one of a name's addresses is not public, nothing
//     is fetched. Each connection is judged once more by the address that it goes to,
//     so that a name whose addresses change is not better off.
//  3. A redirect is a link like the first one; it may not lead from https to http.
//  4. No proxy, no cookies, no credentials, no Referer, no compression.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Limits of one fetch. The zero value of each is the default.
type Limits struct {
	Connect time.Duration // for a connection, TLS included: 15 s
	Answer  time.Duration // from the request to the header of the answer: 30 s
	Stall   time.Duration // for each further 32 KiB: 60 s
	Total   time.Duration // for everything: 10 min
}

// Options of New.
type Options struct {
	// Allow permits an address, with any port, that is not permitted by itself; nil: none.
	Allow func(netip.AddrPort) bool
	// Resolver finds the addresses of a name; nil: the system's.
	Resolver Resolver
	// Interfaces returns the addresses of this machine, with their networks; nil: as the
	// system has them.
	Interfaces func() ([]net.Addr, error)
	// Agent is what the client calls itself.
	Agent  string
	Limits Limits
}

// Resolver is what finds addresses; a *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client fetches. It is safe for concurrent use, and keeps no connection.
type Client struct {
	o    Options
	http *http.Client
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// redirectsMax is how many redirects are followed.
const redirectsMax = 5

// New returns a client.
func New(o Options) *Client {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Interfaces == nil {
		o.Interfaces = net.InterfaceAddrs
	}
	for _, d := range []struct {
		limit *time.Duration
		is    time.Duration
	}{{&o.Limits.Connect, 15 * time.Second}, {&o.Limits.Answer, 30 * time.Second}, {&o.Limits.Stall, time.Minute}, {&o.Limits.Total, 10 * time.Minute}} {
		if *d.limit <= 0 {
			*d.limit = d.is
		}
	}
	c := &Client{o: o}
	c.dial = c.dialer().DialContext
	c.http = &http.Client{
		CheckRedirect: c.redirect,
		Transport: &http.Transport{
			Proxy:                  nil, // it would connect where we do not look
			DialContext:            c.connect,
			TLSHandshakeTimeout:    o.Limits.Connect,
			ResponseHeaderTimeout:  o.Limits.Answer,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true,
			DisableCompression:     true,
		},
	}
	return c
}

// Response is what a link leads to. Close its Body.
type Response struct {
	Host string // that answered, after redirects
	Type string // as the server calls it, without parameters; it may lie
	Name string // as the server calls it; ""; it may be anything
	Size int64  // bytes; -1: not told
	// Body fails with an *Error; also where more than the most bytes come, or fewer
	// than Size.
	Body io.ReadCloser
}

// Get fetches address, of which most bytes are taken at the most. All errors are
// *Error.
func (c *Client) Get(ctx context.Context, address string, most int64) (*Response, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = check(u)
	} else {
		err = permanent("", "the link is not written as links are")
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Limits.Total, errTotal)
	ctx, stop := context.WithCancelCause(ctx)
	end := func() { stop(nil); cancel() }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		end()
		return nil, permanent("", "the link is not written as links are")
	}
	request.Header.Set("User-Agent", c.o.Agent)
	request.Header.Set("Accept", "image/*, video/*;q=0.9, */*;q=0.1")
	request.Header.Set("Accept-Encoding", "identity")
	r, err := c.http.Do(request)
	if err != nil {
		defer end()
		return nil, failed(ctx, u.Hostname(), err)
	}
	b := &body{ctx: ctx, from: r.Body, host: r.Request.URL.Hostname(), left: most, stall: c.o.Limits.Stall, stop: stop, end: end}
	response := &Response{Host: b.host, Size: r.ContentLength, Body: b}
	if err := response.accept(r, most); err != nil {
		b.Close() //nolint:errcheck // Nothing was taken of it.
		return nil, err
	}
	b.begin()
	return response, nil
}

// accept judges the header of an answer.
func (response *Response) accept(r *http.Response, most int64) error {
	if r.StatusCode != http.StatusOK {
		return refused(response.Host, r)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return permanent("Download the picture, and drop it itself.", "%s sends it compressed although it was asked not to", response.Host)
	}
	if r.ContentLength > most {
		return tooLarge(most)
	}
	response.Type, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	if _, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil {
		response.Name = parameters["filename"]
	}
	return nil
}

func tooLarge(most int64) *Error {
	return permanent("Make the picture smaller, or choose another one.", "it is larger than the %d bytes that are taken", most)
}

// check judges an address before anything is asked for.
func check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return permanent("", "only http and https links are fetched")
	case u.User != nil:
		return permanent("", "the link has a name or password in it, and such links are not fetched")
	case u.Hostname() == "":
		return permanent("", "the link has no host")
	}
	return nil
}

// redirect judges a redirect.
func (c *Client) redirect(to *http.Request, via []*http.Request) error {
	to.Header.Del("Referer")
	from := via[len(via)-1].URL
	if len(via) > redirectsMax {
		return permanent("", "%s leads on more than %d times", via[0].URL.Hostname(), redirectsMax)
	}
	if err := check(to.URL); err != nil {
		return permanent("", "%s leads on to another place: %v", from.Hostname(), err)
	}
	if from.Scheme == "https" && to.URL.Scheme == "http" {
		return permanent("", "%s leads on from an encrypted address to one that is not", from.Hostname())
	}
	return nil
}

// web are the ports that links may have.
var web = []uint16{80, 443, 8080, 8443}

func (c *Client) allowed(to netip.AddrPort) error {
	if c.o.Allow != nil && c.o.Allow(netip.AddrPortFrom(to.Addr().Unmap(), to.Port())) {
		return nil
	}
	near, err := c.near(to.Addr().Unmap())
	if err != nil {
		return err
	}
	if near || !Public(to.Addr()) {
		return &errAddress{text: "it is at an address of a private network or of this machine, and such links are not fetched"}
	}
	for _, port := range web {
		if port == to.Port() {
			return nil
		}
	}
	return &errAddress{text: fmt.Sprintf("it is on port %d, and only links to the ports of the web are fetched: %v", to.Port(), web)}
}

// near reports whether addr is this machine's or that of a neighbour, though it may be
// one of the Internet, as those of IPv6 are: what listens there may trust them.
func (c *Client) near(addr netip.Addr) (bool, error) {
	own, err := c.o.Interfaces()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.Contains(addr.AsSlice())
	}), nil
}

var errNoAddress = errors.New("the name has no address")
