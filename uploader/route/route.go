// Package route is the routes of the configuration: which files go to which
// destinations, and with which album, category, title and so on.
//
// A [Table] answers the questions of the packages around it: which uploads a
// file owes and how each is to be sent (uploader.Router), and which names may
// appear at all (vfs.Policy). It holds no state of its own but a cache; a changed
// configuration is a new Table.
package route

import (
	"context"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/metadata"
	"slipway/uploader/route/filetype"
	"slipway/uploader/route/keys"
	"slipway/uploader/route/pattern"
	"slipway/vfs"
)

// FolderFile is the name of the file that sets per-upload keys for its folder and
// all below it. It is kept like any other file, and never forwarded.
const FolderFile = ".album.toml"

// FolderFileMax is the largest FolderFile in bytes that is read.
const FolderFileMax = 64 << 10

// What becomes of a file without a route.
const (
	RefuseUnrouted = "refuse"
	StoreUnrouted  = "store"
)

// Options is what the routes are judged against.
type Options struct {
	// Destinations are the configured ones, by name.
	Destinations map[string]uploader.Properties
	// MaxSizes are limits in bytes that the configuration sets for destinations,
	// beside Properties.MaxSize; the smaller one holds.
	MaxSizes map[string]int64
	// Unrouted is RefuseUnrouted (default) or StoreUnrouted.
	Unrouted string
	// Folder reads a FolderFile by its absolute path; none there is
	// fs.ErrNotExist. It need not read more than FolderFileMax+1 bytes. Nil:
	// there are no such files.
	Folder func(ctx context.Context, path string) ([]byte, error)
	// Sidecar reports whether a path is a name that sidecars use: a file put
	// there is kept and not forwarded. Nil: no name is.
	Sidecar func(path string) bool
}

// Table is the routes. It is safe for concurrent use.
type Table struct {
	options      Options
	routes       []*rule
	destinations map[string]*destination
	names        []string // of the destinations, in order
	folders      folderCache
	warnings     []string
}

var (
	_ uploader.Router = (*Table)(nil)
	_ vfs.Policy      = (*Table)(nil)
)

// rule is one route, ready for use.
type rule struct {
	number   int // from 1, as people count
	pattern  pattern.Pattern
	captures []string
	config   Config
	layer    keys.Layer
	targets  []target
	types    []filetype.Rule
	limit    int64 // bytes; over it every target refuses. 0: some has no limit
	albums   names
	category names
	// companions: how long to wait for them; beside is what they say where nobody
	// else does. Nil: they are files like any other.
	companions time.Duration
	beside     *keys.Layer
}

// about reports whether a file of that name is no picture of the rule's but says
// something about one.
func (r *rule) about(name string) bool { return r.beside != nil && metadata.IsCompanion(name) }

// Companions returns how long a file at path is to wait for files beside it that
// say something about it, and whether those count at all.
func (t *Table) Companions(path string) (wait time.Duration, count bool) {
	r := t.find(path)
	if r == nil || r.beside == nil {
		return 0, false
	}
	return r.companions, true
}

// target is one destination of a rule.
type target struct {
	*destination
	order int
	at    *keys.Layer // what the rule says for it alone
}

// destination is one account, ready for use.
type destination struct {
	name       string
	properties uploader.Properties
	types      []filetype.Rule
	limit      int64 // bytes; 0: none known
}

// has reports whether a per-upload key has an effect at d.
func (d *destination) has(key string) bool { return slices.Contains(d.properties.Keys, key) }

// refusal says why a destination does not take a file.
type refusal int

const (
	taken refusal = iota
	wrongType
	refusedExtension
	tooLarge
)

// takes judges a file by its name, type and size (-1: not known).
func (d *destination) takes(name, mediaType string, size int64) refusal {
	switch {
	case !filetype.Any(d.types, name, mediaType):
		return wrongType
	case len(d.properties.RefusedExtensions) > 0 && refusesExtension(d.properties.RefusedExtensions, filetype.Extension(name)):
		return refusedExtension
	case d.limit > 0 && size > d.limit:
		return tooLarge
	}
	return taken
}

func refusesExtension(refused []string, ext string) bool {
	return slices.ContainsFunc(refused, func(r string) bool { return strings.EqualFold(r, ext) })
}

// find returns the first rule that matches path, or nil.
func (t *Table) find(path string) *rule {
	for _, r := range t.routes {
		if r.pattern.Matches(path) {
			return r
		}
	}
	return nil
}

// Number returns the number of the route that takes files at path, from 1; 0: none.
func (t *Table) Number(path string) int {
	if r := t.find(path); r != nil {
		return r.number
	}
	return 0
}

// findTo returns the first rule that matches path and goes to a destination. A
// file whose route was changed after it was committed is still sent there, and
// what holds for it is the rule that it would have gone by.
func (t *Table) findTo(path, destination string) *rule {
	for _, r := range t.routes {
		if r.pattern.Matches(path) && slices.Contains(r.config.To, destination) {
			return r
		}
	}
	return nil
}

// Warnings returns what in the configuration has no effect or another one than it
// seems, a sentence each, for people.
func (t *Table) Warnings() []string { return slices.Clone(t.warnings) }

// Owed returns the destinations that a file at path is owed to; see
// uploader.Router. An unknown type (mediaType "") is judged by the extension.
func (t *Table) Owed(path, mediaType string, size int64) []uploader.Owed {
	if size == 0 || t.keptOnly(path) {
		return nil
	}
	r := t.find(path)
	if r == nil || t.Links(path) {
		return nil
	}
	name := baseName(path)
	mediaType = typeOrGuess(mediaType, name)
	if r.about(name) || !filetype.Any(r.types, name, mediaType) {
		return nil
	}
	owed := make([]uploader.Owed, 0, len(r.targets))
	for _, d := range r.targets {
		if d.takes(name, mediaType, size) == taken {
			owed = append(owed, uploader.Owed{Destination: d.name, Host: d.properties.Host, Order: d.order})
		}
	}
	return owed
}

// typeOrGuess returns the plain media type, or one guessed from the name.
func typeOrGuess(mediaType, name string) string {
	if mediaType == "" {
		return filetype.Of(filetype.Extension(name))
	}
	return filetype.Plain(mediaType)
}

// keptOnly reports whether a file is never forwarded, by its name alone.
func (t *Table) keptOnly(path string) bool {
	return admittedAnywhere(path) || t.options.Sidecar != nil && t.options.Sidecar(path)
}

// admittedAnywhere reports whether a file may appear without a route: one that
// programs keep for themselves, or a FolderFile.
func admittedAnywhere(path string) bool {
	return vfs.Temporary(path) || vfs.Junk(path) || baseName(path) == FolderFile
}

func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// key returns a name in the form that names are compared in.
func key(name string) string { return vfs.Key(name) }
