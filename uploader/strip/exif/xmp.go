package exif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
)

// placeNames are properties that tell of a place, beside those whose names speak of
// GPS, latitude, longitude or altitude: IPTC Core and Extension, Photoshop, Dublin
// Core, xmpDM. In lower case.
var placeNames = map[string]bool{
	"city": true, "state": true, "country": true, "countrycode": true, "countryname": true, "location": true,
	"locationcreated": true, "locationshown": true, "provincestate": true, "provincename": true, "sublocation": true,
	"worldregion": true, "coverage": true, "shotlocation": true, "locationid": true, "locationname": true, "place": true,
	"lat": true, "long": true, "lng": true, "lon": true, "point": true, // WGS84 Geo, GeoRSS
}

// ofPlace reports whether a property's name is one that tells of a place.
func ofPlace(name string) bool {
	name = strings.ToLower(name)
	if placeNames[name] {
		return true
	}
	for _, part := range []string{"gps", "latitude", "longitude", "longtitude", "altitude", "geotag", "geolocation"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// XMP returns a packet of the same length with blanks in place of what tells of a
// place. A packet that is no XML, or none in UTF-8, becomes nothing but blanks.
func XMP(packet []byte) []byte {
	out := bytes.Clone(packet)
	end := len(bytes.TrimRight(packet, "\x00"))
	if !blankPlaces(out[:end], packet[:end]) {
		for i := range out {
			out[i] = ' '
		}
	}
	return out
}

// blankPlaces blanks out what b, which out is a copy of, tells of places.
func blankPlaces(out, b []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(b))
	depth, begun, from := 0, 0, int64(0) // begun: the depth inside of a property of a place
	for {
		at := d.InputOffset()
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return depth == 0
		}
		if err != nil {
			return false
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case begun > 0:
			case ofPlace(t.Name.Local):
				begun, from = depth, at
			case !blankAttributes(out[at:d.InputOffset()], t.Attr):
				return false
			}
		case xml.EndElement:
			if depth == begun {
				blank(out[from:d.InputOffset()])
				begun = 0
			}
			if depth--; depth < 0 {
				return false
			}
		}
	}
}

func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}

// blankAttributes blanks the attributes of the start tag b that tell of a place.
func blankAttributes(b []byte, attributes []xml.Attr) bool {
	rest := b
	for _, a := range attributes {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		i := attribute(rest, name)
		if i < 0 {
			return false
		}
		open := i + len(name) + bytes.IndexAny(rest[i+len(name):], `"'`)
		n := bytes.IndexByte(rest[open+1:], rest[open])
		if n < 0 {
			return false
		}
		end := open + 1 + n + 1
		if ofPlace(a.Name.Local) && a.Name.Space != "xmlns" {
			blank(rest[i:end])
		}
		rest = rest[end:]
	}
	return true
}

// attribute returns where in b the next attribute begins, which is of that name; -1
// where it is not.
func attribute(b []byte, name string) int {
	for i := 0; i < len(b); i++ {
		if !bytes.HasPrefix(b[i:], []byte(name)) || i == 0 || strings.IndexByte(" \t\r\n", b[i-1]) < 0 {
			continue
		}
		rest := bytes.TrimLeft(b[i+len(name):], " \t\r\n")
		if len(rest) < 2 || rest[0] != '=' {
			continue
		}
		if rest = bytes.TrimLeft(rest[1:], " \t\r\n"); len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
			return i
		}
	}
	return -1
}

var orientation = regexp.MustCompile(`(tiff:Orientation\s*(?:=\s*["']|>)\s*)[2-8](\s*["'<])`)

// UprightXMP returns a packet of the same length in which the orientation is 1.
func UprightXMP(packet []byte) []byte { return orientation.ReplaceAll(packet, []byte("${1}1$2")) }
