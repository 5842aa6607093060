package route

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/uploader/route/filetype"
	"slipway/uploader/route/keys"
	"slipway/uploader/route/settings"
)

// Plan returns how u is to be sent, as route, folders and picture say now; see
// uploader.Router. Of several places that say a key, the nearest folder's
// .album.toml comes first, then those of the folders above it, then what the
// route says for the destination, then the route; within one file what it says
// for the destination comes first.
func (t *Table) Plan(ctx context.Context, u uploader.Upload, metadata func() (map[string]string, error)) (uploader.Plan, error) {
	d, ok := t.destinations[u.Destination]
	if !ok {
		return uploader.Plan{}, fmt.Errorf("the configuration has no destination %q", u.Destination)
	}
	s, err := t.newSheet(ctx, u.Path, d, metadata)
	if err != nil {
		return uploader.Plan{}, err
	}
	keys, err := s.keys()
	if err != nil {
		return uploader.Plan{}, err
	}
	p := uploader.Plan{Keys: keys, OnDuplicate: uploader.ReuseDuplicate, OnLostReply: uploader.NoURLLostReply,
		OnReplace: uploader.KeepHosted, Strip: uploader.StripNone}
	if r := cmp.Or(s.rule, s.beside); r != nil {
		p.OnDuplicate = cmp.Or(r.config.OnDuplicate, p.OnDuplicate)
		p.OnLostReply = cmp.Or(r.config.OnLostReply, p.OnLostReply)
		p.OnReplace = cmp.Or(r.config.OnReplace, p.OnReplace)
		p.Strip, p.Rotate = cmp.Or(r.config.Strip, p.Strip), r.config.Rotate
	}
	return p, nil
}

// sheet is what is said about one file at one destination.
type sheet struct {
	path        string
	destination *destination
	rule        *rule // nil where no route goes there, or not any more
	beside      *rule // then, the one that the path has; see besideRoute
	captures    map[string]string
	layers      keys.Layers
	metadata    func() (map[string]string, error)
	read        bool // metadata was called
	values      map[string]string
	err         error // of metadata
}

func (t *Table) newSheet(ctx context.Context, path string, d *destination, metadata func() (map[string]string, error)) (*sheet, error) {
	s := &sheet{path: path, destination: d, rule: t.findTo(path, d.name), metadata: metadata}
	if s.rule == nil {
		s.beside = t.find(path)
	}
	var names []string
	if r := cmp.Or(s.rule, s.beside); r != nil {
		s.captures, _ = r.pattern.Match(path)
		names = r.captures
	}
	var err error
	if s.layers, err = t.folderLayers(ctx, path, d.name, names); err != nil {
		return nil, err
	}
	if s.rule == nil {
		s.besideRoute()
		return s, nil
	}
	for _, target := range s.rule.targets {
		if target.destination == d && target.at != nil {
			s.layers = append(s.layers, *target.at)
		}
	}
	s.layers = append(s.layers, s.rule.layer)
	if s.rule.beside != nil {
		s.layers = append(s.layers, *s.rule.beside)
	}
	return s, nil
}

// lookup returns what a name in a template stands for.
func (s *sheet) lookup(name string) string {
	if v, ok := s.captures[name]; ok {
		return v
	}
	base := baseName(s.path)
	dir := strings.TrimSuffix(s.path, "/"+base)
	switch name {
	case "name":
		return base
	case "stem":
		return strings.TrimSuffix(base, filetype.Extension(base))
	case "ext":
		return strings.TrimPrefix(filetype.Extension(base), ".")
	case "dir":
		return cmp.Or(dir, "/")
	case "album":
		return baseName(dir)
	case "path":
		return s.path
	}
	return s.ofPicture(name)
}

// ofPicture returns a value of the picture's metadata, by the very name or else by
// one that differs in case.
func (s *sheet) ofPicture(name string) string {
	if !s.read && s.metadata != nil {
		s.read = true
		s.values, s.err = s.metadata()
	}
	if v, ok := s.values[name]; ok {
		return v
	}
	for k, v := range s.values {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// keys evaluates the keys that have an effect at the destination.
func (s *sheet) keys() (uploader.Keys, error) {
	var k uploader.Keys
	var problem error
	for _, name := range s.destination.properties.Keys {
		l, said := s.layers.Of(name)
		if !said {
			continue
		}
		var err error
		switch name {
		case "album_id":
			k.AlbumID, err = s.id(name, l)
		case "category_id":
			k.CategoryID, err = s.id(name, l)
		case "title":
			k.Title = s.text(name, l)
		case "description":
			k.Description = s.text(name, l)
		case "tags":
			k.Tags = s.tags(l)
		case "expiration":
			k.Expiration, err = s.expiration(l)
		case "nsfw":
			k.NSFW = *l.NSFW
		case "width":
			k.Width = *l.Width
		case "use_file_date":
			k.UseFileDate = *l.FileDate
		}
		problem = cmp.Or(problem, err)
	}
	if s.err != nil {
		return uploader.Keys{}, fmt.Errorf("reading the picture's metadata: %w", s.err)
	}
	if problem != nil {
		return uploader.Keys{}, problem
	}
	return k, nil
}

// text renders a key of one template.
func (s *sheet) text(name string, l keys.Layer) string {
	return strings.TrimSpace(l.Text(name).Render(s.lookup))
}

// tags renders and splits the tags, each once.
func (s *sheet) tags(l keys.Layer) []string {
	var out []string
	for _, t := range *l.Tags {
		for tag := range strings.SplitSeq(t.Render(s.lookup), ",") {
			tag = strings.TrimSpace(tag)
			same := func(other string) bool { return strings.EqualFold(other, tag) }
			if tag != "" && !slices.ContainsFunc(out, same) {
				out = append(out, tag)
			}
		}
	}
	return out
}

// expiration renders the expiration and refuses one that no host can read, which
// would delete the picture after five minutes.
func (s *sheet) expiration(l keys.Layer) (string, error) {
	text := s.text("expiration", l)
	if text == "" {
		return "", nil
	}
	if _, err := keys.ParseExpiration(text); err != nil {
		return "", &uploader.Hold{
			Reason: uploader.ReasonSettings,
			Text:   fmt.Sprintf("expiration (%s) comes to %q, which %v", l.Source, text, err),
			Remedy: `correct it there, then delete the .error.txt beside the picture, or run "slipway queue release"`,
		}
	}
	return text, nil
}

// id renders album_id or category_id and looks the result up where the route has
// names for ids.
//
//  1. A name of the list gives its id; one of the ids stands for itself.
//  2. A text without places is taken for an id, because somebody wrote it as one.
//  3. Without a list the result is the id.
//  4. What is then no number where numbers are wanted, or not in the list, is
//     unknown: on_unknown decides.
func (s *sheet) id(name string, l keys.Layer) (string, error) {
	value := s.text(name, l)
	if value == "" {
		return "", nil
	}
	known, list := s.list(name)
	if id, ok := known.find(value); ok {
		return id, nil
	}
	_, constant := l.Text(name).Constant()
	asItIs := len(known) == 0 || constant || known.isID(value)
	if asItIs && (name != "category_id" || isNumber(value)) {
		return value, nil
	}
	text := fmt.Sprintf("%s (%s) comes to %q, which is not among the %s of the route", name, l.Source, value, list)
	if len(known) == 0 {
		text = fmt.Sprintf("%s (%s) comes to %q, and %s wants a number", name, l.Source, value, s.destination.name)
	}
	return "", s.unknown(text, s.remedy(value, list, known))
}

// list returns the names for a key and what the configuration calls them.
func (s *sheet) list(name string) (known names, list string) {
	list = "categories"
	if name == "album_id" {
		list = "albums"
	}
	if s.rule == nil {
		return nil, list
	}
	if name == "album_id" {
		return s.rule.albums, list
	}
	return s.rule.category, list
}

// remedy says how a name becomes known.
func (s *sheet) remedy(value, list string, known names) string {
	remedy := fmt.Sprintf("add it to the route in the configuration, as in %s = { %s = ID }, and reload that", list, settings.QuoteKey(value))
	if near := settings.Nearest(value, known.list()); near != "" {
		remedy += fmt.Sprintf(`, or rename it if %q is meant`, near)
	}
	return remedy + `; then delete the .error.txt beside the picture, or run "slipway queue release"`
}

// unknown is what on_unknown makes of an id that is not known; nil sends without it.
func (s *sheet) unknown(text, remedy string) error {
	how := "hold"
	if s.rule != nil {
		how = cmp.Or(s.rule.config.OnUnknown, how)
	}
	switch how {
	case "none":
		return nil
	case "reject":
		return &uploader.Error{Kind: uploader.Permanent, Message: text, Remedy: remedy}
	}
	return &uploader.Hold{Reason: uploader.ReasonNoAlbum, Text: text, Remedy: remedy}
}
