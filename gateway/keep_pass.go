package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	fetching "slipway/gateway/fetch"
	"slipway/gateway/strict"
	"slipway/uploader/route"
	"slipway/vfs/index"
)

// keeping is what passes over the bytes that may go know from each other.
type keeping struct {
	mu sync.Mutex
	// by the group of files that a size governs; see Config.keepGroup
	groups map[int]*keepGroup
	// when all is counted next: that takes a hundredth of the time at the most
	count time.Time
	// finds the addresses of the hosts that bytes are read from; nil: the system's
	resolver fetching.Resolver
}

// keepGroup is what is kept of the files that one size governs.
type keepGroup struct {
	limit int64 // bytes
	kept  int64
	going int64            // of them, in a while
	stays map[string]int64 // of the others, by the reason
	said  bool             // that it is too much and cannot go
}

func (g *keepGroup) excess() int64 { return g.kept - g.going - g.limit }

// over reports whether there is more than the size of a group.
func (k *keeping) over(group int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.groups[group]
	return g != nil && g.excess() > 0
}

// anyOver is over for any of them.
func (k *keeping) anyOver() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range k.groups {
		if g.excess() > 0 {
			return true
		}
	}
	return false
}

// keepAtOnce is how many pictures are fetched from hosts at a time to be compared.
const keepAtOnce = 3

// runKeep lets bytes go, every minute, until ctx ends.
func (a *app) runKeep(ctx context.Context) error {
	pass := a.letGo
	if a.passes != nil {
		pass = a.passes
	}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		pass(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// letGo makes one pass over the bytes that may go.
func (a *app) letGo(ctx context.Context) {
	n, err := a.keepPass(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("bytes that are elsewhere too could not be let go", "error", err)
	}
	if n > 0 {
		a.log.Info("bytes were let go that were sent and that a host or a watched folder has", "files", n)
	}
}

// keepPass is letGo; it returns how many files' bytes went.
func (a *app) keepPass(ctx context.Context) (int, error) {
	s, r := a.settings.Load(), a.releaser
	if !s.config.releases() {
		r.Resting = true // what is marked stays after all
		return r.Release(ctx)
	}
	if err := a.reads.Flush(ctx); err != nil {
		return 0, err
	}
	if err := r.Settings(ctx, s.keepSettings()); err != nil {
		return 0, err
	}
	if err := a.countKept(ctx, s, false); err != nil {
		return 0, err
	}
	r.Resting, r.Before = true, time.Time{}
	now, always := r.Clock(), a.keeping.anyOver()
	var youngest time.Duration
	for n := range len(s.config.Routes) {
		k := s.keeps(n + 1)
		always = always || k.UntilSent
		if k.Age > 0 && (youngest == 0 || k.Age < youngest) {
			youngest = k.Age
		}
	}
	r.Resting = !always && youngest == 0
	if !always && youngest > 0 {
		r.Before = now.Add(-youngest)
	}
	n, err := r.Release(ctx)
	if err != nil {
		return n, err
	}
	return n, a.sayKept(ctx, s)
}

// went hears of what was marked: it counts no more.
func (k *keeping) went(s *settings, blob index.Kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for group := range s.groupsOf(blob.Paths) {
		if g := k.groups[group]; g != nil {
			g.going += blob.Size
		}
	}
}

// groupsOf returns the groups that files at paths belong to.
func (s *settings) groupsOf(paths []string) map[int]bool {
	groups := make(map[int]bool, 1)
	for _, p := range paths {
		groups[s.config.keepGroup(s.table.Number(p))] = true
	}
	return groups
}

// sizes returns the sizes that are set, by group.
func (s *settings) sizes() map[int]int64 {
	sizes := make(map[int]int64)
	for n := range len(s.config.Routes) + 1 {
		if k := s.keeps(n); k.Size > 0 {
			sizes[s.config.keepGroup(n)] = k.Size
		}
	}
	return sizes
}

// countKept counts what is kept by the groups that have a size, unless all together
// is less than any of those, or it was counted just now.
func (a *app) countKept(ctx context.Context, s *settings, again bool) error {
	sizes, now := s.sizes(), a.releaser.Clock()
	if len(sizes) == 0 {
		a.keeping.forget()
		return nil
	}
	total, err := a.releaser.TotalKept(ctx)
	if err != nil {
		return err
	}
	if total <= slices.Min(slices.Collect(maps.Values(sizes))) {
		a.keeping.forget()
		return nil
	}
	if !again && now.Before(a.keeping.count) {
		return nil
	}
	began := time.Now()
	groups := make(map[int]*keepGroup)
	for n, size := range sizes {
		groups[n] = &keepGroup{limit: size, stays: make(map[string]int64)}
	}
	err = a.releaser.EachKept(ctx, func(k index.Kept) error {
		for n := range s.groupsOf(k.Paths) {
			switch g := groups[n]; {
			case g == nil:
				continue
			case !k.Marked.IsZero():
				g.going += k.Size
				fallthrough
			default:
				g.kept += k.Size
				if k.Marked.IsZero() {
					g.stays[k.Stays] += k.Size
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.keeping.replace(groups, now.Add(100*time.Since(began)))
	return nil
}

func (k *keeping) forget() { k.replace(nil, time.Time{}) }

func (k *keeping) replace(groups map[int]*keepGroup, next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, g := range groups {
		if old := k.groups[n]; old != nil && old.limit == g.limit {
			g.said = old.said && g.excess() > 0
		}
	}
	k.groups, k.count = groups, next
}

// sayKept says once in the log that what is kept is more than a size, and why it
// stays.
func (a *app) sayKept(ctx context.Context, s *settings) error {
	unsaid := func() (list []int) {
		a.keeping.mu.Lock()
		defer a.keeping.mu.Unlock()
		for n, g := range a.keeping.groups {
			if g.excess() > 0 && !g.said {
				list = append(list, n)
			}
		}
		return list
	}
	if len(unsaid()) == 0 {
		return nil
	}
	if err := a.countKept(ctx, s, true); err != nil { // the reasons are known only now
		return err
	}
	for _, n := range unsaid() {
		a.keeping.mu.Lock()
		g := a.keeping.groups[n]
		g.said = true
		text, setting := g.text(), settingOf(n)
		a.keeping.mu.Unlock()
		a.log.Warn("more is kept than " + setting + " says: " + text)
	}
	return nil
}

// text says how much is kept, and why it stays.
func (g *keepGroup) text() string {
	text := fmt.Sprintf("%v of %v", strict.Size(g.kept), strict.Size(g.limit))
	if g.going > 0 {
		text += fmt.Sprintf("; %v go within the next half hour", strict.Size(g.going))
	}
	reasons := slices.SortedFunc(maps.Keys(g.stays), func(a, b string) int {
		if d := g.stays[b] - g.stays[a]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return strings.Compare(a, b)
	})
	for i, why := range reasons {
		if i == keepReasons {
			text += fmt.Sprintf("; and %d more reasons", len(reasons)-i)
			break
		}
		if why != "" {
			text += fmt.Sprintf("; %v stay: %s", strict.Size(g.stays[why]), why)
		}
	}
	return text
}

// keepReasons is how many reasons are listed.
const keepReasons = 5

// keeps returns what holds for the files of a route, counted from 1; 0: of none.
func (s *settings) keeps(number int) route.Keep {
	s.keepsOnce.Do(func() {
		for n := range len(s.config.Routes) + 1 {
			s.keepList = append(s.keepList, s.config.keepOf(n))
		}
	})
	return s.keepList[number]
}

// keepSettings is everything by which bytes may go, as a text to be compared.
func (s *settings) keepSettings() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q\n", s.config.Storage.Keep)
	for _, r := range s.config.Routes {
		fmt.Fprintf(&b, "route %q %q %q\n", r.Path, r.To, r.Keep)
	}
	for _, w := range s.config.Watches {
		fmt.Fprintf(&b, "watch %q %q\n", w.name(), w.After)
	}
	for _, d := range s.destinations {
		fmt.Fprintf(&b, "destination %q %q\n", d.Name, d.Driver.Properties().Host)
	}
	return b.String()
}
