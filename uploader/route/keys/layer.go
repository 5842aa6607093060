package keys

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"slipway/uploader/route/template"
)

// The names of the per-upload keys, in the order people see them.
var Names = []string{
	"album_id", "category_id", "title", "description", "tags", "nsfw", "expiration", "width", "use_file_date",
}

// Layer is what one place of the configuration says about uploads: a route, one
// destination of it, or an .album.toml. Nil is not said.
type Layer struct {
	Source   string // for people: "route 2", "/holiday/.album.toml, at.home"
	texts    map[string]template.Template
	Tags     *[]template.Template
	NSFW     *bool
	Width    *int
	FileDate *bool
}

// Compile reads the templates of k and reports each key that is wrong.
func Compile(k Keys, source string, report func(key string, err error)) Layer {
	l := Layer{Source: source, texts: map[string]template.Template{}, NSFW: k.NSFW, Width: k.Width, FileDate: k.UseFileDate}
	texts := k.texts()
	for _, name := range Names {
		text := texts[name]
		if text == nil {
			continue
		}
		t, err := template.Parse(string(*text))
		if err == nil && name == "expiration" {
			err = checkExpiration(t)
		}
		if err != nil {
			report(name, err)
			continue
		}
		l.texts[name] = t
	}
	if k.Tags != nil {
		l.Tags = new(make([]template.Template, 0, len(k.Tags)))
		for _, tag := range k.Tags {
			t, err := template.Parse(tag)
			if err != nil {
				report("tags", err)
			}
			*l.Tags = append(*l.Tags, t)
		}
	}
	if k.Width != nil && *k.Width < 0 {
		report("width", fmt.Errorf("%d is no width; write a number of pixels, or 0 for the picture as it is", *k.Width))
	}
	return l
}

// texts returns the keys whose values are single templates.
func (k Keys) texts() map[string]*Text {
	return map[string]*Text{
		"album_id": k.AlbumID, "category_id": k.CategoryID, "title": k.Title,
		"description": k.Description, "expiration": k.Expiration,
	}
}

// checkExpiration judges an expiration that is the same for every file.
func checkExpiration(t template.Template) error {
	s, constant := t.Constant()
	if !constant || s == "" {
		return nil
	}
	if _, err := ParseExpiration(s); err != nil {
		return fmt.Errorf("%q %w", s, err)
	}
	return nil
}

// Clamped returns a note on an expiration that hosts do not take as it is, or "".
func (l Layer) Clamped() string {
	s, constant := l.texts["expiration"].Constant()
	d, err := ParseExpiration(s)
	switch {
	case !constant || err != nil:
		return ""
	case d < expirationMin:
		return fmt.Sprintf("%q is under 5 minutes, which hosts take as 5 minutes", s)
	case d > expirationMax:
		return fmt.Sprintf("%q is over a year, which hosts take as a year", s)
	}
	return ""
}

// Check reports the keys whose templates have names that are not known, given
// the captures of a route.
func (l Layer) Check(captures []string, report func(key string, err error)) {
	for _, name := range l.Said() {
		for _, t := range l.templates(name) {
			if err := t.Check(captures); err != nil {
				report(name, err)
			}
		}
	}
}

// Text returns the template of a key that has one, or an empty one.
func (l Layer) Text(name string) template.Template { return l.texts[name] }

// templates returns the templates of one key.
func (l Layer) templates(name string) []template.Template {
	if name == "tags" && l.Tags != nil {
		return *l.Tags
	}
	if t, ok := l.texts[name]; ok {
		return []template.Template{t}
	}
	return nil
}

// Without returns the layer without what it says about keys of one template each.
func (l Layer) Without(names ...string) Layer {
	l.texts = maps.Clone(l.texts)
	for _, name := range names {
		delete(l.texts, name)
	}
	return l
}

// Says reports whether the layer says something about a key.
func (l Layer) Says(name string) bool {
	switch name {
	case "tags":
		return l.Tags != nil
	case "nsfw":
		return l.NSFW != nil
	case "width":
		return l.Width != nil
	case "use_file_date":
		return l.FileDate != nil
	}
	_, ok := l.texts[name]
	return ok
}

// Said returns the keys that the layer says something about.
func (l Layer) Said() []string {
	return slices.DeleteFunc(slices.Clone(Names), func(name string) bool { return !l.Says(name) })
}

// Written returns what the layer says about a key, as people wrote it.
func (l Layer) Written(name string) string {
	switch {
	case name == "tags" && l.Tags != nil:
		s := make([]string, len(*l.Tags))
		for i, t := range *l.Tags {
			s[i] = t.String()
		}
		return fmt.Sprintf("%q", s)
	case name == "nsfw" && l.NSFW != nil:
		return strconv.FormatBool(*l.NSFW)
	case name == "width" && l.Width != nil:
		return strconv.Itoa(*l.Width)
	case name == "use_file_date" && l.FileDate != nil:
		return strconv.FormatBool(*l.FileDate)
	}
	return l.texts[name].String()
}

// Layers are what holds for one upload, the first to say a key having its way.
type Layers []Layer

// Of returns the layer that decides about a key, or false where none says it.
func (ls Layers) Of(name string) (Layer, bool) {
	for _, l := range ls {
		if l.Says(name) {
			return l, true
		}
	}
	return Layer{}, false
}
