package route

import (
	"context"
	"errors"
	"fmt"

	"slipway/uploader"
	"slipway/uploader/route/filetype"
	"slipway/uploader/route/keys"
)

// Explanation says what the configuration makes of a file.
type Explanation struct {
	Path string `json:"path"`
	Type string `json:"type,omitempty"` // as given, or guessed from the name
	Size int64  `json:"size"`           // bytes; -1: not known
	// Route is the number of the route that takes the file, from 1; 0: none.
	Route    int               `json:"route"`
	Pattern  string            `json:"pattern,omitempty"`
	Captures map[string]string `json:"captures,omitempty"`
	// Refused says why the file may not appear at all; "": it may.
	Refused string `json:"refused,omitempty"`
	// Why says why nothing is forwarded; "" where something is, or where each
	// destination has its own reason.
	Why          string                 `json:"why,omitempty"`
	Destinations []ExplainedDestination `json:"destinations,omitempty"`
}

// ExplainedDestination is one destination of the route.
type ExplainedDestination struct {
	Destination string `json:"destination"`
	Host        string `json:"host"`
	// Owed says that the file goes there; Why, if not, why not.
	Owed bool   `json:"owed"`
	Why  string `json:"why,omitempty"`
	// Held says why the upload would wait or fail instead; Remedy what to do.
	Held   string         `json:"held,omitempty"`
	Remedy string         `json:"remedy,omitempty"`
	Keys   []ExplainedKey `json:"keys,omitempty"`
}

// ExplainedKey is one per-upload key and who decides about it.
type ExplainedKey struct {
	Key     string `json:"key"`
	Source  string `json:"source"`  // "route 2", "route 2, at.home", "/holiday/.album.toml"
	Written string `json:"written"` // the template
	// Value is what the template comes to, before albums and categories.
	Value string `json:"value"`
	// NoEffect: the destination does not take this key.
	NoEffect bool `json:"no_effect,omitempty"`
}

// Explain says what would become of a file of that media type ("": judged by the
// name) and size in bytes (-1: not known) at path, without changing anything.
// metadata is as for Plan; where it is nil, the picture's values are "".
func (t *Table) Explain(ctx context.Context, path, mediaType string, size int64, metadata func() (map[string]string, error)) Explanation {
	name := baseName(path)
	e := Explanation{Path: path, Type: typeOrGuess(mediaType, name), Size: size}
	if err := t.Admit(path, size); err != nil {
		e.Refused = err.Error()
	}
	r := t.find(path)
	if r == nil {
		e.Why = "no route matches this path"
		return e
	}
	e.Route, e.Pattern = r.number, r.pattern.String()
	e.Captures, _ = r.pattern.Match(path)
	switch {
	case size == 0:
		e.Why = "an empty file is a placeholder and is never forwarded"
	case admittedAnywhere(path):
		e.Why = "files of this name are kept and never forwarded: temporary and system files, and " + FolderFile
	case t.keptOnly(path):
		e.Why = "this is the name of a sidecar; such a file is kept and never forwarded"
	case r.about(name):
		e.Why = "it says something about a picture beside it (companions), and is not forwarded itself"
	case t.Links(path):
		e.Why = linksText
	case !filetype.Any(r.types, name, e.Type):
		e.Why = fmt.Sprintf("the route's types (%s) do not include it", r.typesText())
	}
	for _, d := range r.targets {
		e.Destinations = append(e.Destinations, t.explain(ctx, e, d, metadata))
	}
	return e
}

func (t *Table) explain(ctx context.Context, e Explanation, d target, metadata func() (map[string]string, error)) ExplainedDestination {
	x := ExplainedDestination{Destination: d.name, Host: d.properties.Host, Why: e.Why}
	if x.Why == "" {
		x.Why = d.explain(baseName(e.Path), e.Type, e.Size)
	}
	x.Owed = x.Why == ""
	s, err := t.newSheet(ctx, e.Path, d.destination, metadata)
	if err == nil {
		x.Keys = s.explain()
		_, err = s.keys()
	}
	if err != nil {
		x.Held, x.Remedy = err.Error(), remedyOf(err)
	}
	return x
}

func remedyOf(err error) string {
	if h, ok := errors.AsType[*uploader.Hold](err); ok {
		return h.Remedy
	}
	if e, ok := errors.AsType[*uploader.Error](err); ok {
		return e.Remedy
	}
	return ""
}

// explain says why d does not take a file; "": it does.
func (d *destination) explain(name, mediaType string, size int64) string {
	switch d.takes(name, mediaType, size) {
	case wrongType:
		return fmt.Sprintf("it does not take files of type %s", orUnknown(mediaType))
	case refusedExtension:
		return fmt.Sprintf("it never takes files that end in %s", filetype.Extension(name))
	case tooLarge:
		return fmt.Sprintf("it takes files up to %s", bytesText(d.limit))
	}
	return ""
}

func orUnknown(mediaType string) string {
	if mediaType == "" {
		return "unknown"
	}
	return mediaType
}

// explain returns the keys that are said and who says them.
func (s *sheet) explain() []ExplainedKey {
	var out []ExplainedKey
	for _, name := range keys.Names {
		l, said := s.layers.Of(name)
		if !said {
			continue
		}
		k := ExplainedKey{Key: name, Source: l.Source, Written: l.Written(name), NoEffect: !s.destination.has(name)}
		switch name {
		case "tags":
			k.Value = fmt.Sprintf("%q", s.tags(l))
		case "nsfw", "width", "use_file_date":
			k.Value = k.Written
		default:
			k.Value = s.text(name, l)
		}
		out = append(out, k)
	}
	return out
}
