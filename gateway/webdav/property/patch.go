package property

import (
	"encoding/xml"
	"net/http"
	"slices"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

// Patch is what one PROPPATCH changes. Its instructions are taken in the order of
// the document, so that the last one about a property counts (RFC 4918 §9.2).
type Patch struct {
	// Set are the elements to be stored, and Remove the names to be forgotten.
	Set    map[xml.Name]string
	Remove []xml.Name
	// Modified is the modification time to be set; zero: as it is.
	Modified time.Time

	results []result
}

// result is what came of one property.
type result struct {
	name      xml.Name
	code      int
	condition string
}

var davModified = dav("getlastmodified")

// NewPatch returns what changes ask for. DAV:getlastmodified and
// Win32LastModifiedTime set the file's time; other live properties are protected.
func NewPatch(changes []davxml.Change) *Patch {
	p := &Patch{Set: map[xml.Name]string{}}
	for _, c := range changes {
		code, condition := p.take(c)
		p.note(result{c.Name, code, condition})
	}
	return p
}

func (p *Patch) take(c davxml.Change) (code int, condition string) {
	isTime := c.Name == davModified || c.Name == win32Modified
	switch {
	case isTime && !c.Remove:
		t, err := http.ParseTime(c.Text)
		if err != nil {
			return http.StatusConflict, "" // RFC 4918 §9.2.1
		}
		p.Modified = t
	case liveOf(c.Name) != nil:
		return http.StatusForbidden, "cannot-modify-protected-property"
	}
	p.Remove = slices.DeleteFunc(p.Remove, func(n xml.Name) bool { return n == c.Name })
	switch {
	case c.Remove:
		delete(p.Set, c.Name)
		p.Remove = append(p.Remove, c.Name)
	case c.Name != davModified:
		p.Set[c.Name] = c.Value
	}
	return http.StatusOK, ""
}

// note keeps one result for each property: the first refusal, if there is any.
func (p *Patch) note(r result) {
	i := slices.IndexFunc(p.results, func(other result) bool { return other.name == r.name })
	if i < 0 {
		p.results = append(p.results, r)
	} else if p.results[i].code == http.StatusOK {
		p.results[i] = r
	}
}

// Refused reports whether an instruction was refused. Then none must be carried
// out, and the others have failed with it.
func (p *Patch) Refused() bool {
	refused := slices.ContainsFunc(p.results, func(r result) bool { return r.code != http.StatusOK })
	if refused {
		for i := range p.results {
			if p.results[i].code == http.StatusOK {
				p.results[i].code = http.StatusFailedDependency
			}
		}
	}
	return refused
}

// OnlyTime reports whether the time is all that would be kept.
func (p *Patch) OnlyTime() bool {
	for name := range p.Set {
		if name != win32Modified {
			return false
		}
	}
	return true
}

// Fail gives every property one status, and the reason.
func (p *Patch) Fail(code int, condition string) {
	for i := range p.results {
		p.results[i].code, p.results[i].condition = code, condition
	}
}

// Namespaces returns the prefixes that the answer uses.
func (p *Patch) Namespaces() *multistatus.Namespaces {
	n := &multistatus.Namespaces{}
	for _, r := range p.results {
		n.Tag(r.name)
	}
	return n
}

// Write writes what came of each property, those of one status together.
func (p *Patch) Write(w *multistatus.Writer, n *multistatus.Namespaces) {
	rest := slices.Clone(p.results)
	for len(rest) > 0 {
		first := rest[0]
		w.Propstat()
		rest = slices.DeleteFunc(rest, func(r result) bool {
			if r.code != first.code || r.condition != first.condition {
				return false
			}
			w.Empty(n.Tag(r.name))
			return true
		})
		w.EndPropstat(first.code, first.condition)
	}
}
