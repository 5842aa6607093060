package main

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/vfs"
)

const (
	// brokenMost is how many uploads that broke off a desk tells of.
	brokenMost = 100
	// brokenLooked is how many of everybody's are looked at for them.
	brokenLooked = 5000
)

// BrokenOff returns what is kept of uploads that broke off, but for those that go on
// now. Where from somebody else's came is for those alone who may see everything.
func (d desk) BrokenOff(ctx context.Context) ([]operate.BrokenOff, error) {
	all, err := d.operations.tree.ListPartials(ctx, brokenLooked)
	if err != nil {
		return nil, err
	}
	going := make(map[vfs.PartialKey]bool)
	for _, in := range d.fs.Incoming() {
		going[vfs.PartialKey{Owner: in.Owner, Path: vfs.Key(in.Client + in.Path)}] = true
	}
	client := ""
	if network := auth.Network(d.from); network.IsValid() {
		client = network.String()
	}
	life := time.Duration(d.settings.Load().config.FTP.PartialLife)
	list := []operate.BrokenOff{}
	for _, part := range all {
		at, from := partialAt(part.Path)
		p, ok := d.outside(at)
		own := part.Owner == d.user.Name
		if at == "" || !ok || going[part.PartialKey] || d.user.Rights == auth.Drop && (!own || !strings.HasPrefix(part.Path, client+"/")) {
			continue
		}
		if !own && !d.Me().Operator {
			from = ""
		}
		list = append(list, operate.BrokenOff{Path: p, User: part.Owner, From: from, Size: part.Size, Since: part.Cut, Until: part.Cut.Add(life)})
		if len(list) == brokenMost {
			break
		}
	}
	return list, nil
}

// partialAt returns where in the tree a partial's file is to be, and which address, or
// network, it came from: before the path stands what [app.view] calls the client, if
// each has partials of his own. Both are "" where that is not known.
func partialAt(key string) (at, from string) {
	end := strings.Index(key, "/")
	if end == 0 {
		return key, ""
	}
	if end < 0 {
		return "", ""
	}
	bits := strings.Index(key[end+1:], "/")
	if bits < 0 {
		return "", ""
	}
	network, err := netip.ParsePrefix(key[:end+1+bits])
	if err != nil {
		return "", ""
	}
	if from = network.String(); network.IsSingleIP() {
		from = network.Addr().String()
	}
	return key[end+1+bits:], from
}
