package keys

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"slipway/uploader/route/settings"
)

// fileConfig is what an .album.toml may hold.
type fileConfig struct {
	Keys
	At     map[string]Keys `toml:"at"`
	Places settings.Places `toml:"-"`
}

// File is an .album.toml, ready for use.
type File struct {
	text   string
	layer  Layer
	at     map[string]Layer
	places func(at, key string) settings.Place
	errs   settings.Errors
}

// ParseFile reads text, the .album.toml at path. Destinations are the names that
// its [at.DEST] may have. What is wrong is said by Problems.
func ParseFile(path string, text []byte, destinations []string) *File {
	f := &File{text: string(text), at: map[string]Layer{}}
	var c fileConfig
	if err := settings.Decode(text, path, &c); err != nil {
		if !errors.As(err, &f.errs) {
			f.errs = settings.Errors{{Place: settings.Place{File: path}, Text: err.Error()}}
		}
		return f
	}
	f.places = func(at, key string) settings.Place {
		if at == "" {
			return c.Places.Of(key)
		}
		return c.At[at].Places.Of(key)
	}
	f.layer = Compile(c.Keys, path, f.report("", &f.errs))
	for _, name := range slices.Sorted(maps.Keys(c.At)) {
		if !slices.Contains(destinations, name) {
			f.report(name, &f.errs)("", fmt.Errorf("there is no destination %q; %s", name,
				settings.Suggest(name, destinations)))
			continue
		}
		f.at[name] = Compile(c.At[name], path+", at."+name, f.report(name, &f.errs))
	}
	return f
}

// report returns a function that adds an error about a key to errs.
func (f *File) report(at string, errs *settings.Errors) func(key string, err error) {
	return func(key string, err error) {
		name := strings.Trim(strings.TrimSuffix("at."+at+"."+key, "."), ".")
		if at == "" {
			name = key
		}
		*errs = append(*errs, &settings.Error{Place: f.places(at, key), Text: name + ": " + err.Error()})
	}
}

// Problems returns what is wrong with the file for a route with these captures.
func (f *File) Problems(captures []string) settings.Errors {
	if len(f.errs) > 0 {
		return f.errs
	}
	var errs settings.Errors
	f.layer.Check(captures, f.report("", &errs))
	for _, name := range slices.Sorted(maps.Keys(f.at)) {
		f.at[name].Check(captures, f.report(name, &errs))
	}
	return errs
}

// Same reports whether the file was read from text.
func (f *File) Same(text []byte) bool { return f.text == string(text) }

// Layers returns what the file says for a destination: for it alone, then for all.
func (f *File) Layers(destination string) Layers {
	if l, ok := f.at[destination]; ok {
		return Layers{l, f.layer}
	}
	return Layers{f.layer}
}
