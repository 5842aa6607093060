package route

import (
	"slipway/uploader"
	"slipway/uploader/route/filetype"
)

// Takes reports whether a file of that media type ("": judged by the name) and size in
// bytes at path can be sent to a destination that somebody names, whether its route
// goes there or not; why says why not. What a route never forwards is not sent so
// either: empty, temporary and junk files, sidecars, companions, files of links, and
// types that its `types` leave out.
func (t *Table) Takes(path, mediaType string, size int64, destination string) (o uploader.Owed, why string) {
	d, ok := t.destinations[destination]
	if !ok {
		return o, "the configuration has no such destination"
	}
	name := baseName(path)
	mediaType = typeOrGuess(mediaType, name)
	r := t.find(path)
	o = uploader.Owed{Destination: d.name, Host: d.properties.Host}
	switch {
	case size == 0:
		return o, "it is empty"
	case admittedAnywhere(path):
		return o, "files of this name are never forwarded: temporary and system files, and " + FolderFile
	case t.keptOnly(path):
		return o, "this is the name of a sidecar"
	case t.Links(path):
		return o, "it holds links, and what they lead to is forwarded in its place"
	case r != nil && r.about(name):
		return o, "it says something about a picture beside it (companions)"
	case r != nil && !filetype.Any(r.types, name, mediaType):
		return o, "the types of its route (" + r.typesText() + ") do not include it"
	}
	if r != nil {
		o.Order = len(r.targets) // after those of the route
		for _, target := range r.targets {
			if target.destination == d {
				o.Order = target.order
			}
		}
	}
	return o, d.explain(name, mediaType, size)
}

// Repeats reports what on_duplicate of path's route says for a destination.
func (t *Table) Repeats(path, destination string) string {
	r := t.findTo(path, destination)
	if r == nil {
		r = t.find(path)
	}
	if r == nil || r.config.OnDuplicate == "" {
		return uploader.ReuseDuplicate
	}
	return r.config.OnDuplicate
}

// besideRoute gives a sheet of a destination that the path's route does not go to what
// that route says of every picture: titles, tags and so on. Ids of albums and
// categories are one host's, and mean nothing, or another thing, at another.
func (s *sheet) besideRoute() {
	if s.beside == nil {
		return
	}
	s.layers = append(s.layers, s.beside.layer.Without("album_id", "category_id"))
	if s.beside.beside != nil {
		s.layers = append(s.layers, s.beside.beside.Without("album_id", "category_id"))
	}
}
