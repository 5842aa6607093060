package main

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"slipway/gateway/control"
)

// front is one way in that listens on an address.
type front struct {
	name string
	// listen binds it; a nil listener where the configuration switches it off.
	listen func(a *app) (net.Listener, error)
	// serve works on the listener until ctx ends, then lets what is under way come
	// to its end, and closes it.
	serve func(ctx context.Context, a *app, l net.Listener) error
}

// fronts lists every way in. A new one is a folder below gateway and a line here.
var fronts = []front{
	{"web", listenWeb, serveWeb},
	{"ftp", listenFTP, serveFTP},
	{"ftps", listenFTPS, serveFTPS},
}

// openFronts binds every front and serves them in group. All are bound, and
// addresses.json is written, before any of them answers.
func (a *app) openFronts(ctx context.Context, group *errgroup.Group) error {
	listeners := make(map[string]net.Listener)
	fail := func(err error) error {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	bound := make(map[string]string)
	for _, f := range fronts {
		l, err := f.listen(a)
		if err != nil {
			return fail(fmt.Errorf("%s: %w", f.name, err))
		}
		if l != nil {
			listeners[f.name] = l
			bound[f.name] = l.Addr().String()
			a.addresses.Store(f.name, bound[f.name])
		}
	}
	if err := control.WriteAddresses(a.settings.Load().config.dataDir(), bound); err != nil {
		return fail(err)
	}
	if a.certs != nil {
		challenged := "" // nobody has TLS on HTTP
		if a.settings.Load().config.Web.TLS {
			challenged = bound["web"]
		}
		if err := a.certs.Start(challenged); err != nil {
			return fail(err)
		}
	}
	for _, f := range fronts {
		if l := listeners[f.name]; l != nil {
			group.Go(func() error { return f.serve(ctx, a, l) })
		}
	}
	a.serving.Store(true)
	return nil
}

// address returns where a front is bound, or "".
func (a *app) address(front string) string {
	addr, _ := a.addresses.Load(front)
	s, _ := addr.(string)
	return s
}
