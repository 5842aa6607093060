package property

import (
	"encoding/xml"
	"net/http"
	"slices"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

// Namespaces of properties.
const (
	Own      = "urn:x-slipway:dav" // state, url and uploads
	Win32    = "urn:schemas-microsoft-com:"
	ownCloud = "http://owncloud.org/ns"
)

var win32Modified = xml.Name{Space: Win32, Local: "Win32LastModifiedTime"}

// level says who is told a live property, beside those who name it.
type level int

const (
	listed  level = iota // everybody who asks for all
	general              // the same, but for brief listings
	named                // nobody
)

// live is a live property.
type live struct {
	name  xml.Name
	level level
	quota bool
	// fill writes its value, and reports whether the resource has it.
	fill func(*multistatus.Writer, *Source, *Resource) bool
}

// lives are the live properties, in the order in which they are told.
var lives = []live{
	{dav("resourcetype"), listed, false, fillResourceType},
	{dav("getcontentlength"), listed, false, fillLength},
	{dav("getlastmodified"), listed, false, fillModified},
	{dav("getetag"), general, false, fillETag},
	{dav("getcontenttype"), general, false, fillContentType},
	{dav("creationdate"), general, false, fillCreated},
	{dav("displayname"), general, false, fillDisplayName},
	{dav("supportedlock"), named, false, fillSupportedLock},
	{dav("lockdiscovery"), named, false, fillLocks},
	{dav("quota-used-bytes"), named, true, fillUsed},
	{dav("quota-available-bytes"), named, true, fillAvailable},
	{xml.Name{Space: ownCloud, Local: "checksums"}, named, false, fillChecksums},
	{xml.Name{Space: Own, Local: "state"}, named, false, fillState},
	{xml.Name{Space: Own, Local: "url"}, named, false, fillURL},
	{xml.Name{Space: Own, Local: "uploads"}, named, false, fillUploads},
}

func dav(local string) xml.Name { return xml.Name{Space: davxml.DAV, Local: local} }

func liveOf(name xml.Name) *live {
	for i := range lives {
		if lives[i].name == name {
			return &lives[i]
		}
	}
	return nil
}

func fillResourceType(w *multistatus.Writer, _ *Source, r *Resource) bool {
	if r.Info.IsDir() {
		w.Raw("<D:collection/>")
	}
	return true
}

func fillLength(w *multistatus.Writer, _ *Source, r *Resource) bool {
	if r.Info.IsDir() {
		return false
	}
	w.Int(r.Info.Size())
	return true
}

// fillModified tells the time of folders too: clients sort by it. The topmost one
// has none, and no client's clock begins in the year 1.
func fillModified(w *multistatus.Writer, _ *Source, r *Resource) bool {
	t := r.Info.ModTime()
	w.Time(t, http.TimeFormat)
	return !t.IsZero()
}

func fillETag(w *multistatus.Writer, s *Source, r *Resource) bool {
	tag := s.ETag(r.Info)
	w.Text(tag)
	return tag != ""
}

func fillContentType(w *multistatus.Writer, s *Source, r *Resource) bool {
	if r.Info.IsDir() {
		return false
	}
	w.Text(s.ContentType(r.Info))
	return true
}

// fillCreated writes the profile of ISO 8601 that RFC 4918 §15.1 asks for.
func fillCreated(w *multistatus.Writer, s *Source, r *Resource) bool {
	t := s.Created(r.Info)
	w.Time(t, time.RFC3339)
	return !t.IsZero()
}

// fillDisplayName tells the name; that of the root is nobody's business.
func fillDisplayName(w *multistatus.Writer, _ *Source, r *Resource) bool {
	if r.Path != "/" {
		w.Text(r.Info.Name())
	}
	return true
}

func fillSupportedLock(w *multistatus.Writer, _ *Source, _ *Resource) bool {
	w.Raw(`<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>` +
		`<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`)
	return true
}

func fillLocks(w *multistatus.Writer, s *Source, r *Resource) bool {
	w.Raw(s.Locks(r.Path))
	return true
}

// Quotas are told of folders (RFC 4331 §2).

func fillUsed(w *multistatus.Writer, s *Source, r *Resource) bool {
	w.Int(s.Used)
	return r.Info.IsDir() && s.Used >= 0
}

func fillAvailable(w *multistatus.Writer, s *Source, r *Resource) bool {
	w.Int(s.Available)
	return r.Info.IsDir() && s.Available >= 0
}

// fillChecksums writes all sums into one element, as ownCloud does.
func fillChecksums(w *multistatus.Writer, s *Source, r *Resource) bool {
	sums := s.Checksums(r.Info)
	const tag = "oc:checksum"
	mark := w.Start(tag)
	for i, sum := range sums {
		if i > 0 {
			w.Raw(" ")
		}
		w.Text(sum)
	}
	w.End(tag, mark)
	return len(sums) > 0
}

// states are those of an upload, those first that most need somebody's attention.
// One that is not among them comes before all.
var states = []string{"failed", "ambiguous", "held", "awaiting", "sending", "settling", "done", "dropped", "superseded"}

func fillState(w *multistatus.Writer, _ *Source, r *Resource) bool {
	if len(r.Uploads) == 0 {
		return false
	}
	w.Text(slices.MinFunc(r.Uploads, func(a, b Upload) int {
		return slices.Index(states, a.State) - slices.Index(states, b.State)
	}).State)
	return true
}

// fillURL tells the address at the first destination that has the file.
func fillURL(w *multistatus.Writer, _ *Source, r *Resource) bool {
	for _, u := range r.Uploads {
		if u.State == "done" && u.URL != "" {
			w.Text(u.URL)
			return true
		}
	}
	return false
}

func fillUploads(w *multistatus.Writer, _ *Source, r *Resource) bool {
	for _, u := range r.Uploads {
		w.Raw("<S:upload>")
		part(w, "S:destination", u.Destination)
		part(w, "S:state", u.State)
		part(w, "S:reason", u.Reason)
		part(w, "S:url", u.URL)
		part(w, "S:viewer-url", u.ViewerURL)
		w.Raw("</S:upload>")
	}
	return len(r.Uploads) > 0
}

// part writes an element, unless it would be empty.
func part(w *multistatus.Writer, tag, text string) {
	if text != "" {
		mark := w.Start(tag)
		w.Text(text)
		w.End(tag, mark)
	}
}
