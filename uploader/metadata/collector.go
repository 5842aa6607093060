package metadata

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bep/imagemeta"
)

// reserved is how many keys are kept free for the derived ones.
const reserved = 16

// collector gathers tags as text. The first value of a key stays.
type collector struct {
	ctx      context.Context
	values   map[string]string
	lists    map[string][]string // tags of several values: keywords
	lat, lon float64             // as Exif gives them, without sign
}

func newCollector(ctx context.Context) *collector {
	return &collector{ctx: ctx, values: map[string]string{}, lists: map[string][]string{}}
}

// notText are tags whose values are no text for people, or text in UTF-16, from
// which the library drops each byte that is no ASCII: Windows writes the same
// into XMP.
var notText = map[string]bool{
	"ApplicationNotes": true, "DNGPrivateData": true, "ICC_Profile": true, "ImageSourceData": true, "IPTC-NAA": true,
	"JPEGTables": true, "OffsetSchema": true, "Padding": true, "PhotoshopSettings": true, "PrintIM": true, "SR2Private": true,
	"StripByteCounts": true, "StripOffsets": true, "TileByteCounts": true, "TileOffsets": true,
	"XPAuthor": true, "XPComment": true, "XPKeywords": true, "XPSubject": true, "XPTitle": true,
}

// wants decides which tags are read: those of the picture, not of a preview or
// of the raw data beside it.
func (c *collector) wants(t imagemeta.TagInfo) bool {
	if t.Source != imagemeta.EXIF {
		return !strings.HasPrefix(t.Tag, imagemeta.UnknownPrefix)
	}
	return strings.HasPrefix(t.Namespace, "IFD0") && !strings.Contains(t.Namespace, "SubIFD") &&
		!strings.Contains(t.Namespace, "Interoperability") &&
		!strings.HasPrefix(t.Tag, imagemeta.UnknownPrefix) && !strings.HasPrefix(t.Tag, "MakerNote") && !notText[t.Tag]
}

// tag takes one tag; its error ends the reading.
func (c *collector) tag(t imagemeta.TagInfo) error {
	switch t.Source {
	case imagemeta.EXIF:
		if v := text(t.Value); !strings.ContainsRune(v, utf8.RuneError) || t.Tag != "UserComment" { // UTF-16 too
			c.put("exif."+t.Tag, v)
		}
		if v, ok := t.Value.(float64); ok && t.Tag == "GPSLatitude" {
			c.lat = v
		} else if ok && t.Tag == "GPSLongitude" {
			c.lon = v
		}
	case imagemeta.IPTC:
		list, ok := t.Value.([]string)
		if !ok {
			list = []string{text(t.Value)}
		}
		for i := range list {
			list[i] = latin(list[i])
		}
		c.list("iptc."+t.Tag, list)
	}
	return c.ctx.Err()
}

// packet takes one XMP packet, and reads it to its end.
func (c *collector) packet(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxXMP))
	if err != nil {
		return err
	}
	c.xmp(b)
	_, err = io.Copy(io.Discard, r)
	return err
}

// put keeps a value under key, made clean, unless there is one.
func (c *collector) put(key, value string) {
	if _, ok := c.values[key]; ok || len(c.values) >= maxKeys-reserved || len(key) > 100 || key != clean(key) {
		return
	}
	if value = clean(value); value != "" {
		c.values[key] = value
	}
}

// list keeps values under key, and apart for who needs them so.
func (c *collector) list(key string, values []string) {
	var kept []string
	for _, v := range values[:min(len(values), maxKeys)] {
		if v = clean(v); v != "" {
			kept = append(kept, v)
		}
	}
	if _, ok := c.lists[key]; !ok && len(c.lists) < maxKeys {
		c.lists[key] = kept
	}
	c.put(key, strings.Join(kept, ", "))
}

// text writes a tag's value as people read it.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case float32:
		return number(float64(v))
	case float64:
		return number(v)
	case interface{ Float64() float64 }: // a fraction: 1/250 is a time, 28/10 an aperture
		if s := fmt.Sprint(v); strings.HasPrefix(s, "1/") {
			return s
		}
		return number(v.Float64())
	case []any:
		var parts []string
		for _, e := range v[:min(len(v), maxKeys)] {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, " ")
	}
	return fmt.Sprint(value)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// latin undoes the reading of UTF-8 as ISO 8859-1, which is what becomes of IPTC
// text whose writer did not declare its character set.
func latin(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return s
}

// clean makes text from a file valid UTF-8 without control characters, of at
// most maxValue bytes, without blanks around it.
func clean(s string) string {
	const room = 4 * maxValue // what is looked at: more than can be left of it
	if len(s) > room {
		s = s[:room]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > maxValue {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxValue], "")) // the last rune may be cut
	}
	return s
}
