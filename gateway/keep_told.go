package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/route"
)

// bytesOf says where the bytes of the file at p are that were let go here, or why they
// stay where they might go; "": they are here, and stay here always.
func (a *app) bytesOf(ctx context.Context, p string) (string, error) {
	e, err := a.tree.Lookup(ctx, p)
	if err != nil || e.Dir {
		return "", err
	}
	text, err := a.store.Where(ctx, e.Blob)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	s := a.settings.Load()
	if !s.keeps(s.table.Number(p)).Lets() {
		return "", nil
	}
	if e.Inline {
		return "its bytes are here: files up to 64 KiB always stay", nil
	}
	why, going, err := a.releaser.Why(ctx, e.Blob)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case going:
		return "its bytes are here, and go within the next half hour if they are still elsewhere too", nil
	case why == "":
		return "its bytes are here, and may go", nil
	}
	return "its bytes are here: " + why, nil
}

// bytesForUsers is what those who do not run the gateway hear of what bytesOf said:
// whether the bytes have to come from elsewhere, and not from where.
func bytesForUsers(told string) string {
	switch {
	case told == "" || strings.HasPrefix(told, "its bytes are here"):
		return ""
	case strings.Contains(told, "read from "):
		return "its bytes are not kept here, and are read from where they are when somebody opens it"
	}
	return "its bytes are not kept here, and could not be read where they were; storing the file here again helps"
}

// keepStatus says how what is kept stands to the sizes that are set.
func (a *app) keepStatus() (list []operate.Keeping) {
	c := a.settings.Load().config
	a.keeping.mu.Lock()
	defer a.keeping.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(a.keeping.groups)) {
		g := a.keeping.groups[n]
		list = append(list, operate.Keeping{Setting: settingOf(n), Keep: c.keepText(n), Limit: g.limit, Kept: g.kept, Going: g.going,
			Over: max(g.excess(), 0), Text: g.text()})
	}
	return list
}

// keepWarnings returns which settings of `keep` can have no effect, a sentence each.
func (s *settings) keepWarnings() (list []string) {
	said := make(map[string]bool)
	for i, r := range s.config.Routes {
		n := i + 1
		if !s.keeps(n).Lets() {
			continue
		}
		setting := settingOf(s.config.keepGroup(n))
		why := ""
		if holds := s.among(r, func(p uploader.Properties) bool { return p.HoldsBlob }); holds != "" {
			why = fmt.Sprintf("%q serves pictures from the bytes here", holds)
		} else if !s.hasCopies(n, r) {
			why = "none of its destinations keeps the very bytes, and no watched folder with after = \"keep\" leads there"
		}
		if text := fmt.Sprintf("%s = %q has no effect on what route %d takes: %s", setting, s.config.keepText(s.config.keepGroup(n)), n, why); why != "" && !said[text] {
			list, said[text] = append(list, text), true
		}
	}
	return list
}

// among returns the first destination of a route with a property.
func (s *settings) among(r route.Config, is func(uploader.Properties) bool) string {
	for _, d := range s.destinations {
		if slices.Contains(r.To, d.Name) && is(d.Driver.Properties()) {
			return d.Name
		}
	}
	return ""
}

// hasCopies reports whether something else may have the bytes of the files of a route.
func (s *settings) hasCopies(n int, r route.Config) bool {
	return s.among(r, func(p uploader.Properties) bool { return p.KeepsBytes }) != "" ||
		slices.ContainsFunc(s.config.Watches, func(w WatchConfig) bool {
			return w.After == afterKeep && slices.Contains(w.routes(s.table), n)
		})
}
