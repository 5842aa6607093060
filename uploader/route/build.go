package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/route/filetype"
	"slipway/uploader/route/keys"
	"slipway/uploader/route/pattern"
	"slipway/uploader/route/settings"
)

// NewTable makes the routes ready for use. The errors are all that is wrong, each
// a *settings.Error with the line it is about where configs were decoded from a
// file; the table is then nil. See Warnings for what is right but without effect.
func NewTable(configs []Config, options Options) (*Table, []error) {
	b := builder{table: &Table{options: options, destinations: map[string]*destination{}}}
	switch options.Unrouted {
	case "", RefuseUnrouted, StoreUnrouted:
	default:
		b.errs = append(b.errs, &settings.Error{Text: fmt.Sprintf("unrouted = %q: %s", options.Unrouted,
			settings.Suggest(options.Unrouted, []string{RefuseUnrouted, StoreUnrouted}))})
	}
	b.table.names = slices.Sorted(maps.Keys(options.Destinations))
	for _, name := range b.table.names {
		b.destination(name, options.Destinations[name], options.MaxSizes[name])
	}
	for i, c := range configs {
		b.rule(i+1, c)
	}
	if len(b.errs) > 0 {
		slices.SortStableFunc(b.errs, byLine)
		return nil, b.errs
	}
	b.unreachable()
	return b.table, nil
}

// byLine orders errors as their lines are.
func byLine(x, y error) int {
	line := func(err error) int {
		if e, ok := errors.AsType[*settings.Error](err); ok {
			return e.Place.Line
		}
		return 0
	}
	return cmp.Compare(line(x), line(y))
}

// builder gathers what is wrong while it makes a table.
type builder struct {
	table   *Table
	errs    []error
	current *rule // the one being made
}

// fail reports that a key of the present rule is wrong.
func (b *builder) fail(places settings.Places, name string, err error) {
	b.errs = append(b.errs, &settings.Error{Place: places.Of(name), Text: fmt.Sprintf("%s: %s: %v", b.current.title(), name, err)})
}

// warn reports that a key of the present rule has no effect, or an odd one.
func (b *builder) warn(places settings.Places, name, format string, args ...any) {
	e := settings.Error{Place: places.Of(name), Text: b.current.title() + ": " + name + " " + fmt.Sprintf(format, args...)}
	b.table.warnings = append(b.table.warnings, e.Error())
}

// title names the rule for people.
func (r *rule) title() string { return fmt.Sprintf("route %d (%s)", r.number, r.config.Path) }

func (b *builder) destination(name string, p uploader.Properties, limit int64) {
	d := &destination{name: name, properties: p, limit: p.MaxSize}
	if limit > 0 && (d.limit == 0 || limit < d.limit) {
		d.limit = limit
	}
	for _, s := range p.Types {
		one, err := filetype.Parse(s)
		if err != nil {
			b.errs = append(b.errs, fmt.Errorf("destination %s: %w", name, err))
			continue
		}
		d.types = append(d.types, one)
	}
	b.table.destinations[name] = d
}

// rule makes one route.
func (b *builder) rule(number int, c Config) {
	r := &rule{number: number, config: c, albums: newNames(c.Albums), category: newNames(c.Categories)}
	b.current = r
	var err error
	if r.pattern, err = pattern.Parse(c.Path); err != nil {
		b.fail(c.Places, "path", err)
	}
	r.captures = r.pattern.Captures()
	b.words(c)
	b.types(r)
	report := func(key string, err error) { b.fail(c.Places, key, err) }
	r.layer = keys.Compile(c.Keys, fmt.Sprintf("route %d", number), report)
	r.layer.Check(r.captures, report)
	b.companions(r)
	b.targets(r)
	b.overrides(r)
	b.ids(r)
	b.effects(r)
	b.table.routes = append(b.table.routes, r)
}

// words judges the keys that take one of a few words.
func (b *builder) words(c Config) {
	for _, w := range []struct {
		name, value string
		known       []string
	}{
		{"on_unknown", c.OnUnknown, []string{"hold", "reject", "none"}},
		{"on_same_name", c.OnSameName, []string{"version", "replace"}},
		{"on_duplicate", c.OnDuplicate, []string{"reuse", "new-copy", "hold"}},
		{"on_lost_reply", c.OnLostReply, []string{"no-url", "new-copy", "hold"}},
		{"on_delete", c.OnDelete, []string{uploader.KeepHosted, uploader.DeleteHosted}},
		{"on_replace", c.OnReplace, []string{uploader.KeepHosted, uploader.DeleteOld}},
		{"strip", c.Strip, []string{uploader.StripNone, uploader.StripGPS, uploader.StripAll}},
		{"on_type", c.OnType, []string{"store", "refuse"}},
	} {
		if w.value != "" && !slices.Contains(w.known, w.value) {
			b.fail(c.Places, w.name, fmt.Errorf("%q is not known; %s", w.value, settings.Suggest(w.value, w.known)))
		}
	}
	if c.Keep != "" {
		if err := CheckKeep(c.Keep); err != nil {
			b.fail(c.Places, "keep", err)
		}
	}
}

// companionsMax is how long a picture waits for its companions at the most.
const companionsMax = time.Hour

// companions reads how long pictures wait for what others say about them.
func (b *builder) companions(r *rule) {
	c := r.config
	if c.Companions == "" {
		return
	}
	wait, err := time.ParseDuration(c.Companions)
	if err != nil || wait < 0 || wait > companionsMax {
		b.fail(c.Places, "companions", fmt.Errorf(`%q is no time span of up to an hour; write one as in "30s", or "0s" for not to wait`, c.Companions))
		return
	}
	text := func(s keys.Text) *keys.Text { return &s }
	said := keys.Compile(keys.Keys{Title: text("{companion.title}"), Description: text("{companion.caption}"), Tags: keys.Tags{"{companion.keywords}"}},
		"files beside the picture", func(string, error) {})
	r.companions, r.beside = wait, &said
}

// types reads the rule's list of types.
func (b *builder) types(r *rule) {
	for _, s := range r.config.Types {
		one, err := filetype.Parse(s)
		if err != nil {
			b.fail(r.config.Places, "types", err)
			continue
		}
		r.types = append(r.types, one)
	}
}

// targets finds the rule's destinations.
func (b *builder) targets(r *rule) {
	c := r.config
	if len(c.To) == 0 {
		b.fail(c.Places, "to", errors.New(`no destination is named; write to = ["…"] with the name of a [destination.…]`))
	}
	for i, name := range c.To {
		d, ok := b.table.destinations[name]
		switch {
		case !ok:
			b.fail(c.Places, "to", fmt.Errorf("there is no destination %q; %s", name, settings.Suggest(name, b.table.names)))
			continue
		case slices.Contains(c.To[:i], name):
			b.fail(c.Places, "to", fmt.Errorf("%q is there twice; name it once", name))
			continue
		}
		r.targets = append(r.targets, target{destination: d, order: i})
	}
	if !slices.ContainsFunc(r.targets, func(d target) bool { return d.limit == 0 }) {
		for _, d := range r.targets {
			r.limit = max(r.limit, d.limit)
		}
	}
}

// overrides reads what the rule says for single destinations.
func (b *builder) overrides(r *rule) {
	for _, name := range slices.Sorted(maps.Keys(r.config.At)) {
		k := r.config.At[name]
		place := func(key string) settings.Places {
			if at := k.Places.Of(key); at.Line > 0 {
				return settings.Places{"": at}
			}
			return settings.Places{"": r.config.Places.Of("at")}
		}
		i := slices.IndexFunc(r.targets, func(d target) bool { return d.name == name })
		if i < 0 {
			b.fail(place(""), "at."+name, fmt.Errorf("the route does not go to %q; %s", name, settings.Suggest(name, r.config.To)))
			continue
		}
		report := func(key string, err error) { b.fail(place(key), "at."+name+"."+key, err) }
		l := keys.Compile(k, fmt.Sprintf("route %d, at.%s", r.number, name), report)
		l.Check(r.captures, report)
		r.targets[i].at = &l
		for _, key := range l.Said() {
			if !r.targets[i].has(key) {
				b.warn(place(key), "at."+name+"."+key, "has no effect there; %s", r.targets[i].effective())
			}
		}
		if note := l.Clamped(); note != "" {
			b.warn(place("expiration"), "at."+name+".expiration", "%s", note)
		}
	}
}

// effective says which keys have an effect at d.
func (d *destination) effective() string {
	if len(d.properties.Keys) == 0 {
		return fmt.Sprintf("%s takes none of these keys", d.name)
	}
	return fmt.Sprintf("%s takes %s", d.name, strings.Join(d.properties.Keys, ", "))
}

// ids judges albums, categories, and the ids that are the same for every file.
func (b *builder) ids(r *rule) {
	numbers := slices.ContainsFunc(r.targets, func(d target) bool { return d.has("category_id") })
	for _, name := range r.category.list() {
		if id := r.category[name]; numbers && !isNumber(id) {
			b.fail(r.config.Places, "categories", fmt.Errorf("the id of %q is %q; it must be a whole number from 0 to 4294967295", name, id))
		}
	}
	check := func(l keys.Layer, places settings.Places, prefix string) {
		s, constant := l.Text("category_id").Constant()
		if _, named := r.category.find(s); !constant || s == "" || named || !numbers || isNumber(s) {
			return
		}
		b.fail(places, prefix+"category_id", fmt.Errorf("%q is neither a whole number nor one of the names in categories; %s", s, settings.Suggest(s, r.category.list())))
	}
	check(r.layer, r.config.Places, "")
	for _, d := range r.targets {
		if d.at != nil {
			check(*d.at, r.config.At[d.name].Places, "at."+d.name+".")
		}
	}
}

// effects warns of keys that come to nothing.
func (b *builder) effects(r *rule) {
	places := r.config.Places
	for _, key := range r.layer.Said() {
		if !slices.ContainsFunc(r.targets, func(d target) bool { return d.has(key) }) && len(r.targets) > 0 {
			takes := make([]string, len(r.targets))
			for i, d := range r.targets {
				takes[i] = d.effective()
			}
			b.warn(places, key, "has no effect at this route's destinations; %s", strings.Join(takes, ", "))
		}
	}
	if note := r.layer.Clamped(); note != "" {
		b.warn(places, "expiration", "%s", note)
	}
	for _, m := range []struct{ names, key string }{{"albums", "album_id"}, {"categories", "category_id"}} {
		given := m.names == "albums" && len(r.albums) > 0 || m.names == "categories" && len(r.category) > 0
		said := r.layer.Says(m.key) || slices.ContainsFunc(r.targets, func(d target) bool { return d.at != nil && d.at.Says(m.key) })
		if given && !said {
			b.warn(places, m.names, "has no effect before %s says which name to look up, as in %s = \"{album}\"", m.key, m.key)
		}
	}
}

// unreachable warns of routes that an earlier one takes everything from.
func (b *builder) unreachable() {
	for i, r := range b.table.routes {
		for _, before := range b.table.routes[:i] {
			if before.pattern.Covers(r.pattern) {
				b.current = r
				b.warn(r.config.Places, "path", "is never reached, because %s comes first and matches all of it; put this route before that one", before.title())
				break
			}
		}
	}
}
