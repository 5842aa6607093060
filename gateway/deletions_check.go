package main

import (
	"fmt"
	"slices"

	"slipway/uploader"
	"slipway/uploader/route"
)

// afterwards says of a destination whether its pictures can be deleted and replaced,
// and which routes ask for what it cannot.
func afterwards(d uploader.Destination, routes []route.Config) (notes []string) {
	p := d.Driver.Properties()
	switch {
	case p.Deletes && p.Replaces:
		notes = append(notes, "Pictures can be deleted there, and replaced where the site lets it.")
	case p.Deletes:
		notes = append(notes, "Pictures can be deleted there, not replaced: an overwritten file gets a new address.")
	case p.Replaces:
		notes = append(notes, "Pictures cannot be deleted there by the gateway; an overwritten file takes its picture's place where the site lets it.")
	default:
		notes = append(notes, "Pictures can be neither deleted nor replaced there by the gateway: an overwritten file gets a new address.")
	}
	if p.Deletes {
		return notes
	}
	for _, r := range routes {
		if !slices.Contains(r.To, d.Name) {
			continue
		}
		if r.OnDelete == uploader.DeleteHosted {
			notes = append(notes, fmt.Sprintf("on_delete = %q of the route %s keeps the pictures there: delete them on the site.", r.OnDelete, r.Path))
		}
		if r.OnReplace == uploader.DeleteOld {
			notes = append(notes, fmt.Sprintf("on_replace = %q of the route %s keeps the earlier pictures there: delete them on the site.", r.OnReplace, r.Path))
		}
	}
	return notes
}
