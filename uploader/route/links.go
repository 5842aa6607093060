package route

import (
	"slices"
	"strings"

	"slipway/uploader/route/filetype"
)

// linkExtensions are those of files that hold links.
var linkExtensions = []string{".url", ".webloc", ".desktop", ".txt"}

// linksText says what becomes of such a file.
const linksText = "it is looked at for links (links): the pictures that it links to are fetched, put beside it and forwarded, and the file itself is kept"

// Links reports whether a file at path is one whose links are followed; see
// uploader.Router. One with the name of a sidecar is not: people put back whole folders
// that they got from here.
func (t *Table) Links(path string) bool {
	if !slices.Contains(linkExtensions, strings.ToLower(filetype.Extension(baseName(path)))) {
		return false // most files
	}
	r := t.find(path)
	return r != nil && r.config.Links && !t.keptOnly(path) && !r.about(baseName(path))
}

// LinksMax returns how many bytes a picture for a link at path may have by the limits
// of its route's destinations; 0: any number.
func (t *Table) LinksMax(path string) int64 {
	if r := t.find(path); r != nil {
		return r.limit
	}
	return 0
}
