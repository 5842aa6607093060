package film

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"slipway/uploader/strip/exif"
)

// media are the handlers of tracks that show or sound (ISO/IEC 14496-12 §12), and
// of time codes and hints.
var media = []string{"vide", "soun", "auxv", "pict", "tmcd", "hint"}

// track judges the children of a track: what is measured while it is filmed lies
// among the samples, from where it is not taken out.
func (w *walk) track(children []box) error {
	i := slices.IndexFunc(children, func(b box) bool { return b.kind == "mdia" })
	if i < 0 {
		return nil
	}
	inner, err := w.children(children[i].in, children[i].end)
	if err != nil {
		return err
	}
	for _, b := range inner {
		if b.kind != "hdlr" {
			continue
		}
		h, err := w.bytes(b.in, min(12, b.end-b.in))
		if err != nil {
			return err
		}
		if len(h) < 12 {
			return problem("its boxes are damaged at byte %d", b.off)
		}
		if kind := string(h[8:]); !slices.Contains(media, kind) {
			return w.timed(kind, inner)
		}
	}
	return nil
}

// timed judges a track of another kind: metadata of an iPhone, whose keys stand in
// its sample description, goes; others may hold positions.
func (w *walk) timed(kind string, inner []box) error {
	held := problem("it has a track of %q beside picture and sound, which may hold positions", strings.TrimSpace(kind))
	if kind != "meta" || w.all {
		return held
	}
	at := box{in: -1}
	for _, name := range []string{"minf", "stbl", "stsd"} {
		i := slices.IndexFunc(inner, func(b box) bool { return b.kind == name })
		if i < 0 {
			return held
		}
		var err error
		if at = inner[i]; name == "stsd" {
			break
		}
		if inner, err = w.children(at.in, at.end); err != nil {
			return err
		}
	}
	b, err := w.bytes(at.in, at.end-at.in)
	if err != nil {
		return err
	}
	if len(b) < 16 || string(b[12:16]) != "mebx" || ofPlace(b) || binary.BigEndian.Uint32(b[4:]) != 1 {
		return held
	}
	return nil
}

// ofPlace reports whether names in b speak of places.
func ofPlace(b []byte) bool {
	b = bytes.ToLower(b)
	for _, name := range []string{"location", "gps", "latitude", "longitude", "altitude", "geotag", "geolocation", "country"} {
		if bytes.Contains(b, []byte(name)) {
			return true
		}
	}
	return false
}

// harmless are boxes of user data that stay where only places go: names, dates and
// rights of QuickTime (those with a copyright sign) and of 3GPP.
var harmless = []string{"name", "cprt", "titl", "auth", "dscp", "perf", "gnre", "yrrc", "rtng", "clsf", "kywd", "albm", "hnti", "hinf", "tagc", "WLOC", "LOOP", "SelO", "AllF"}

// user deals with user data.
func (w *walk) user(b box) error {
	if w.all {
		return w.free(b)
	}
	children, err := w.children(b.in, b.end)
	if err != nil {
		return err
	}
	for _, c := range children {
		switch {
		case c.kind == "meta":
			err = w.keyed(c)
		case c.kind == "XMP_":
			err = w.replace(c.in, c.end, exif.XMP)
		case c.kind[0] == 0xa9 && c.kind != "\xa9xyz" && c.kind != "\xa9gps" && c.kind != "\xa9loc", slices.Contains(harmless, c.kind):
		default:
			err = w.free(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keyed deals with a meta box of a film: QuickTime's keys, or iTunes' list.
func (w *walk) keyed(b box) error {
	if w.all {
		return w.free(b)
	}
	children, err := w.metaChildren(b)
	if err != nil {
		return err
	}
	var keys [][]byte
	for _, c := range children {
		switch c.kind {
		case "hdlr", "mhdr":
		case "keys":
			keys, err = w.keys(c)
		case "ilst":
			err = w.list(c, keys)
		default:
			err = w.free(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// metaChildren reads the boxes of a meta box, which is a full box but in QuickTime.
func (w *walk) metaChildren(b box) ([]box, error) {
	in := b.in + 4
	if h, err := w.bytes(b.in, min(8, b.end-b.in)); err != nil {
		return nil, err
	} else if len(h) == 8 && string(h[4:]) == "hdlr" {
		in = b.in
	}
	return w.children(in, b.end)
}

// keys reads the names of QuickTime's metadata.
func (w *walk) keys(b box) ([][]byte, error) {
	data, err := w.bytes(b.in, b.end-b.in)
	if err != nil {
		return nil, err
	}
	if len(data) < 8 {
		return nil, problem("its boxes are damaged at byte %d", b.off)
	}
	var keys [][]byte
	for rest := data[8:]; len(rest) > 0; {
		n := int64(0)
		if len(rest) >= 8 {
			n = int64(binary.BigEndian.Uint32(rest))
		}
		if n < 8 || n > int64(len(rest)) {
			return nil, problem("its boxes are damaged at byte %d", b.off)
		}
		keys, rest = append(keys, rest[8:n]), rest[n:]
	}
	return keys, nil
}

// list frees the values of a list that tell of places.
func (w *walk) list(b box, keys [][]byte) error {
	items, err := w.children(b.in, b.end)
	if err != nil {
		return err
	}
	for _, item := range items {
		name := []byte(item.kind)
		if i := binary.BigEndian.Uint32(name); i > 0 && int64(i) <= int64(len(keys)) {
			name = keys[i-1]
		}
		place := item.kind == "\xa9xyz" || item.kind == "loci" || ofPlace(name)
		if item.kind == "----" { // its name stands inside, and is not more than a few words
			inside, err := w.bytes(item.in, min(256, item.end-item.in))
			if err != nil {
				return err
			}
			place = place || ofPlace(inside)
		}
		if !place {
			continue
		}
		if err := w.free(item); err != nil {
			return err
		}
	}
	return nil
}
