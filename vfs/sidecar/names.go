package sidecar

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"slipway/vfs"
)

// kind is one sort of view.
type kind struct {
	word   string // in the configuration; "" is always shown
	suffix string // after the picture's name, or after folderStem
	media  string // its media type
	render func(*bytes.Buffer, []*picture, render)
	shows  func(*picture) bool // whether that picture has it, or counts in its folder's
}

// fileKinds are the views of a file, those with longer suffixes first: where two
// pictures' views would have one name, that of the shorter picture's name wins.
var fileKinds = []kind{
	{"", ".error.txt", "text/plain; charset=utf-8", renderError, (*picture).troubled},
	{"bbcode", ".bbcode", "text/plain; charset=utf-8", renderBBCode, (*picture).linked},
	{"json", ".json", "application/json", renderJSON, (*picture).known},
	{"html", ".html", "text/html; charset=utf-8", renderHTML, (*picture).linked},
	{"url", ".url", "application/internet-shortcut", renderURL, (*picture).linked},
	{"txt", ".txt", "text/plain; charset=utf-8", renderText, (*picture).linked},
	{"md", ".md", "text/markdown; charset=utf-8", renderMarkdown, (*picture).linked},
}

// folderKinds are the views of a folder.
var folderKinds = []kind{
	{"html", ".html", "text/html; charset=utf-8", renderFolderHTML, (*picture).linked},
	{"csv", ".csv", "text/csv; charset=utf-8", renderFolderCSV, (*picture).linked},
	{"md", ".md", "text/markdown; charset=utf-8", renderFolderMarkdown, (*picture).linked},
}

const (
	folderStem = "_links"
	// yielding comes before the suffix where a real file has the first name.
	yielding = ".slipway"
	maxName  = 255 // bytes
)

// chosen returns the kinds whose word is among words.
func chosen(kinds []kind, words []string) []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool {
		return k.word != "" && !slices.Contains(words, k.word)
	})
}

// IsName reports whether the last element of name looks like one of a view,
// whichever are switched on: a suffix of theirs after a name that has an
// extension itself ("a.jpg.url", but not "notes.txt"), or a folder's "_links.md".
func IsName(name string) bool {
	base := path.Base(name)
	for _, k := range folderKinds {
		if base == folderStem+k.suffix || base == folderStem+yielding+k.suffix {
			return true
		}
	}
	for _, k := range fileKinds {
		if stem, ok := strings.CutSuffix(base, k.suffix); ok && hasExtension(strings.TrimSuffix(stem, yielding)) {
			return true
		}
	}
	return false
}

// hasExtension reports whether name ends in a dot and two to five letters and
// digits, not only digits.
func hasExtension(name string) bool {
	ext := path.Ext(name)
	if len(ext) < 3 || len(ext) > 6 || len(ext) == len(name) {
		return false
	}
	letters := 0
	for _, c := range ext[1:] {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			letters++
		case c < '0' || c > '9':
			return false
		}
	}
	return letters > 0
}

// candidate is one way to read the name of a view.
type candidate struct {
	kind     *kind
	picture  string // "" for a folder's view
	yielding bool
	plain    string // the name to which it yielded
}

// candidates returns the ways to read name, the one that counts first.
func (v *View) candidates(name string) []candidate {
	var list []candidate
	for i := range v.folder {
		k := &v.folder[i]
		switch plain := folderStem + k.suffix; name {
		case plain:
			list = append(list, candidate{kind: k})
		case folderStem + yielding + k.suffix:
			list = append(list, candidate{kind: k, yielding: true, plain: plain})
		}
	}
	for i := range v.files {
		k := &v.files[i]
		stem, ok := strings.CutSuffix(name, k.suffix)
		if !ok {
			continue
		}
		if s, ok := strings.CutSuffix(stem, yielding); ok {
			list = append(list, readings(candidate{kind: k, yielding: true, plain: s + k.suffix}, s)...)
		}
		list = append(list, readings(candidate{kind: k}, stem)...)
	}
	return list
}

// readings returns c for the picture called stem, and for the one whose name is
// written so.
func readings(c candidate, stem string) []candidate {
	var list []candidate
	if stem != "" && encode(stem) == stem {
		c.picture = stem
		list = append(list, c)
	}
	if original, ok := decode(stem); ok {
		c.picture = original
		list = append(list, c)
	}
	return list
}

// encode returns name without what Windows forbids, were a suffix to follow it:
// such characters, and then % itself, as in %3A, and the first letter of a device
// ("con.jpg") so too.
func encode(name string) string {
	if vfs.ForWindows(name + ".x") {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < ' ' || strings.IndexByte(`<>:"/\|?*%`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	s := b.String()
	if !vfs.ForWindows(s + ".x") {
		s = fmt.Sprintf("%%%02X%s", s[0], s[1:])
	}
	return s
}

// decode returns the one other name that encode makes into s.
func decode(s string) (string, bool) {
	name, err := url.PathUnescape(s)
	return name, err == nil && name != s && encode(name) == s
}
