package route

import (
	"fmt"
	"slices"
	"strconv"
)

// The names of the per-upload keys, in the order people see them.
var keyNames = []string{
	"album_id", "category_id", "title", "description", "tags", "nsfw", "expiration", "width", "use_file_date",
}

// layer is what one place of the configuration says about uploads: a route, one
// destination of it, or an .album.toml. Nil is not said.
type layer struct {
	source   string // for people: "route 2", "/holiday/.album.toml, at.home"
	texts    map[string]Template
	tags     *[]Template
	nsfw     *bool
	width    *int
	fileDate *bool
}

// compile reads the templates of k and reports each key that is wrong.
func compile(k Keys, source string, report func(key string, err error)) layer {
	l := layer{source: source, texts: map[string]Template{}, nsfw: k.NSFW, width: k.Width, fileDate: k.UseFileDate}
	texts := k.texts()
	for _, name := range keyNames {
		text := texts[name]
		if text == nil {
			continue
		}
		t, err := ParseTemplate(string(*text))
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
		l.tags = new(make([]Template, 0, len(k.Tags)))
		for _, tag := range k.Tags {
			t, err := ParseTemplate(tag)
			if err != nil {
				report("tags", err)
			}
			*l.tags = append(*l.tags, t)
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
func checkExpiration(t Template) error {
	s, constant := t.Constant()
	if !constant || s == "" {
		return nil
	}
	if _, err := parseExpiration(s); err != nil {
		return fmt.Errorf("%q %w", s, err)
	}
	return nil
}

// clamped returns a note on an expiration that hosts do not take as it is, or "".
func (l layer) clamped() string {
	s, constant := l.texts["expiration"].Constant()
	d, err := parseExpiration(s)
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

// check reports the keys whose templates have names that are not known, given
// the captures of a route.
func (l layer) check(captures []string, report func(key string, err error)) {
	for _, name := range l.said() {
		for _, t := range l.templates(name) {
			if err := t.Check(captures); err != nil {
				report(name, err)
			}
		}
	}
}

// templates returns the templates of one key.
func (l layer) templates(name string) []Template {
	if name == "tags" && l.tags != nil {
		return *l.tags
	}
	if t, ok := l.texts[name]; ok {
		return []Template{t}
	}
	return nil
}

// says reports whether the layer says something about a key.
func (l layer) says(name string) bool {
	switch name {
	case "tags":
		return l.tags != nil
	case "nsfw":
		return l.nsfw != nil
	case "width":
		return l.width != nil
	case "use_file_date":
		return l.fileDate != nil
	}
	_, ok := l.texts[name]
	return ok
}

// said returns the keys that the layer says something about.
func (l layer) said() []string {
	return slices.DeleteFunc(slices.Clone(keyNames), func(name string) bool { return !l.says(name) })
}

// written returns what the layer says about a key, as people wrote it.
func (l layer) written(name string) string {
	switch {
	case name == "tags" && l.tags != nil:
		s := make([]string, len(*l.tags))
		for i, t := range *l.tags {
			s[i] = t.text
		}
		return fmt.Sprintf("%q", s)
	case name == "nsfw" && l.nsfw != nil:
		return strconv.FormatBool(*l.nsfw)
	case name == "width" && l.width != nil:
		return strconv.Itoa(*l.width)
	case name == "use_file_date" && l.fileDate != nil:
		return strconv.FormatBool(*l.fileDate)
	}
	return l.texts[name].text
}

// layers are what holds for one upload, the first to say a key having its way.
type layers []layer

// of returns the layer that decides about a key, or false where none says it.
func (ls layers) of(name string) (layer, bool) {
	for _, l := range ls {
		if l.says(name) {
			return l, true
		}
	}
	return layer{}, false
}
