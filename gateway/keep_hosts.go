package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	fetching "slipway/gateway/fetch"
	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
	"slipway/vfs/index"
)

// copiesOf returns the pictures at hosts that may come to be the only ones with the
// bytes of refs: of destinations that are configured, and keep bytes.
func (a *app) copiesOf(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) (list []index.Copy, err error) {
	hosted, err := a.ledger.Copies(ctx, tx, sum, refs)
	destinations := a.settings.Load().destinations
	for _, h := range hosted {
		if slices.ContainsFunc(destinations, func(d uploader.Destination) bool {
			p := d.Driver.Properties()
			return d.Name == h.Destination && p.Host == h.Host && p.KeepsBytes && !p.HoldsBlob
		}) {
			list = append(list, index.Copy{ID: h.ID, Destination: h.Destination, Host: h.Host, URL: h.URL})
		}
	}
	return list, err
}

// compareCopy fetches c and fails unless it is these very bytes.
func (a *app) compareCopy(ctx context.Context, c index.Copy, sum blob.Sum, size int64) error {
	return elsewhere.Compare(ctx, a.remote(c.Host, c.URL, size), sum, size)
}

// remotesOf returns the pictures at hosts from which released bytes can be read.
func (a *app) remotesOf(ctx context.Context, rel vfs.Released) (list []elsewhere.Remote, err error) {
	var hosts []string
	for _, d := range a.settings.Load().destinations {
		if p := d.Driver.Properties(); p.KeepsBytes && !slices.Contains(hosts, p.Host) {
			hosts = append(hosts, p.Host)
		}
	}
	hosted, err := a.ledger.Elsewhere(ctx, rel.SHA256, rel.Hosted, hosts, time.Now())
	for _, h := range hosted {
		list = append(list, a.remote(h.Host, h.URL, rel.Size))
	}
	return list, err
}

// remote returns the picture of size bytes at an address that a host told.
func (a *app) remote(host, address string, size int64) elsewhere.Remote {
	return elsewhere.Remote{Host: host, URL: address, Open: func(ctx context.Context) (io.ReadCloser, error) {
		limiter := a.settings.Load().bandwidth[host]
		own, unknown := a.ownHost(ctx, host)
		client := fetching.New(fetching.Options{
			Agent: "Slipway/" + a.version, Allow: own, Resolver: a.keeping.resolver,
			Limits: fetching.Limits{Total: fetchTime(size, limiter)},
		})
		r, err := client.Get(ctx, address, size)
		var refused *fetching.Error
		if unknown != nil && errors.As(err, &refused) && refused.Address() {
			err = unknown // it may be the host's own, which nobody can tell now
		}
		if err != nil {
			return nil, awayAt(ctx, host, err)
		}
		return &hostBody{ReadCloser: r.Body, ctx: ctx, host: host, limiter: limiter}, nil
	}}
}

// Bounds of the time that a host is given: it is never slower for long.
const (
	fetchBase = 60 * time.Second
	fetchRate = 64 << 10 // bytes a second
)

func fetchTime(size int64, limiter *rate.Limiter) time.Duration {
	slowest := float64(fetchRate)
	if limiter != nil {
		slowest = min(slowest, float64(limiter.Limit())/2) // others may be fetching too
	}
	return fetchBase + time.Duration(float64(size)/slowest*float64(time.Second))
}

// ownHost returns which addresses are those of a destination's own host, which may be
// anywhere: pictures are sent there too. Others are public, or not asked. The error is
// why the host's addresses are not known now, where only that keeps them from it.
func (a *app) ownHost(ctx context.Context, host string) (func(netip.AddrPort) bool, error) {
	if !slices.ContainsFunc(a.settings.Load().destinations, func(d uploader.Destination) bool { return d.Driver.Properties().Host == host }) {
		return nil, nil
	}
	u, err := url.Parse("//" + host)
	if err != nil {
		return nil, nil
	}
	var addresses []netip.Addr
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		addresses = append(addresses, addr)
	} else if addresses, err = cmp.Or[fetching.Resolver](a.keeping.resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", u.Hostname()); err != nil {
		return nil, err
	}
	ports := []string{u.Port()}
	if u.Port() == "" {
		ports = []string{"80", "443"}
	}
	return func(to netip.AddrPort) bool {
		return slices.ContainsFunc(addresses, func(addr netip.Addr) bool { return addr.Unmap() == to.Addr() }) &&
			slices.Contains(ports, portText(to))
	}, nil
}

func portText(to netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(to.String()) //nolint:errcheck // it has one
	return port
}

// hostBody is a picture as its host sends it, no faster than its bandwidth lets.
type hostBody struct {
	io.ReadCloser
	ctx     context.Context
	host    string
	limiter *rate.Limiter // nil: as fast as it comes
}

// hostChunk is how much is read at once where it has to be waited for.
const hostChunk = 32 << 10

func (b *hostBody) Read(p []byte) (int, error) {
	if b.limiter != nil {
		p = p[:min(len(p), hostChunk, b.limiter.Burst())]
	}
	n, err := b.ReadCloser.Read(p)
	if b.limiter != nil && n > 0 {
		if err := b.limiter.WaitN(b.ctx, n); err != nil {
			return n, err
		}
	}
	if err != nil && err != io.EOF {
		err = awayAt(b.ctx, b.host, err)
	}
	return n, err
}

// awayAt says that bytes could not be read from a host. An end of ctx stays one. What
// the host itself says of the picture lasts; that it cannot be reached, or its name not
// be found (a resolver that is wrong for a while says that too), passes.
func awayAt(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	away := &vfs.AwayError{Text: "its bytes are at the host " + host + " only, and could not be read there: " + whyAway(err),
		Remedy: "try again later, and look whether the picture is still at its address", Passing: true, Err: err}
	var e *fetching.Error
	var name *net.DNSError
	if errors.As(err, &e) {
		away.After = e.After
		if e.Permanent && !errors.As(err, &name) {
			away.Passing, away.Remedy = false, "store the file here again; its addresses stay as they are"
		}
	}
	return away
}

// whyAway returns what err says, in one line, and without the addresses of machines.
func whyAway(err error) string {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		why := dial.Err
		if call, ok := errors.AsType[*os.SyscallError](why); ok {
			why = call.Err
		}
		err = fmt.Errorf("it cannot be reached: %w", why)
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
