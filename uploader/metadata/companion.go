package metadata

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// CompanionMax is how many bytes of a companion are read at the most; a larger one
// is passed over.
const CompanionMax = maxXMP

// The extensions of companions, those first that say most on purpose.
var companionExtensions = []string{".json", ".xmp", ".txt"}

// likenesses are the extensions of files that cameras write beside a raw file of
// the same name, and that can be asked where the raw one says nothing.
var likenesses = []string{".jpg", ".jpeg", ".heic", ".heif"}

// IsCompanion reports whether a file of that name says something about a picture
// beside it, and is none itself: "a.xmp", "a.jpg.json", "A.TXT".
func IsCompanion(name string) bool {
	return slices.Contains(companionExtensions, strings.ToLower(path.Ext(name)))
}

// Companions returns the names that files may have which say something about a
// picture, those first that count for more: "a.jpg.json" before "a.json", and the
// JSON of Chevereto's bulk importer before XMP before a plain text. Extensions are
// in small or in capital letters.
func Companions(picture string) []string {
	stem := strings.TrimSuffix(picture, path.Ext(picture))
	var names []string
	for _, ext := range companionExtensions {
		for _, base := range slices.Compact([]string{picture, stem}) {
			names = append(names, base+ext, base+strings.ToUpper(ext))
		}
	}
	return names
}

// Likenesses returns the names of files that show the same as picture, which may
// tell what it does not: the JPEG or HEIC that a camera wrote beside a raw file.
func Likenesses(picture string) []string {
	ext := path.Ext(picture)
	if slices.Contains(likenesses, strings.ToLower(ext)) {
		return nil
	}
	var names []string
	for _, other := range likenesses {
		base := strings.TrimSuffix(picture, ext)
		names = append(names, base+other, base+strings.ToUpper(other))
	}
	return names
}

// ReadCompanion returns what r, the companion of that name, says about picture: the
// keys "title", "caption" and "keywords" of [Read], and of XMP also "xmp.…" and what
// follows from it.
//
//   - JSON: {"imageData": {"title", "description", "tags"}} as Chevereto's bulk
//     importer has it (https://v3-docs.chevereto.com/features/content/bulk-content-importer.html),
//     or the same keys at the top. A "title" that is only the file's name, as photo
//     services export it, is none.
//   - XMP: a packet in a file of its own (ISO 16684-1).
//   - Text: the caption, in UTF-8, UTF-16 with a mark, or else ISO 8859-1.
//
// What is damaged, too large or of no known form says nothing. The error is r's or
// ctx's.
func ReadCompanion(ctx context.Context, picture, name string, r io.Reader) (map[string]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, CompanionMax+1))
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %w", name, err)
	}
	said := map[string]string{}
	if len(b) > CompanionMax {
		return said, nil
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".xmp":
		c := newCollector(ctx)
		c.xmp(decoded(b))
		said = c.result()
	case ".json":
		said = fromJSON(decoded(b), picture)
	case ".txt":
		if text := decoded(b); !bytes.ContainsRune(text, 0) {
			said["caption"] = string(text)
		}
	}
	for k, v := range said {
		said[k] = clean(v)
	}
	maps.DeleteFunc(said, func(_, v string) bool { return v == "" })
	return said, nil
}

// decoded returns text as UTF-8, by its byte order mark or by whether it is that.
func decoded(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		order = binary.BigEndian
	case utf8.Valid(b):
		return b
	default: // ISO 8859-1: each byte is the character of that number
		out := make([]rune, len(b))
		for i, c := range b {
			out[i] = rune(c)
		}
		return []byte(string(out))
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		units = append(units, order.Uint16(b[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// about is what a JSON companion says.
type about struct {
	Title       any `json:"title"`
	Description any `json:"description"`
	Caption     any `json:"caption"`
	Tags        any `json:"tags"`
	Keywords    any `json:"keywords"`
}

func fromJSON(b []byte, picture string) map[string]string {
	var whole struct {
		about
		ImageData about `json:"imageData"`
	}
	var mismatch *json.UnmarshalTypeError // the rest was read all the same
	if err := json.Unmarshal(b, &whole); err != nil && !errors.As(err, &mismatch) {
		return map[string]string{}
	}
	in, top := whole.ImageData, whole.about
	title := firstText(in.Title, top.Title)
	if strings.EqualFold(title, picture) {
		title = ""
	}
	return map[string]string{
		"title":    title,
		"caption":  firstText(in.Description, in.Caption, top.Description, top.Caption),
		"keywords": firstText(in.Tags, in.Keywords, top.Tags, top.Keywords),
	}
}

// firstText returns the first value that is a text, or a list of some, which is
// joined.
func firstText(values ...any) string {
	for _, v := range values {
		switch v := v.(type) {
		case string:
			if s := strings.TrimSpace(v); s != "" {
				return s
			}
		case []any:
			var words []string
			for _, e := range v[:min(len(v), maxKeys)] {
				if s, ok := e.(string); ok && strings.TrimSpace(s) != "" {
					words = append(words, strings.TrimSpace(s))
				}
			}
			if len(words) > 0 {
				return strings.Join(words, ", ")
			}
		}
	}
	return ""
}

// Join returns what a picture says about itself together with what its companions
// say, those first that count for more. They go before the picture: somebody wrote
// them on purpose. What they say of title, caption and keywords stands under
// "companion.title" and so on too.
func Join(own map[string]string, companions ...map[string]string) map[string]string {
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	for _, said := range slices.Backward(companions) {
		for k, v := range said {
			all[k] = v
			if k == "title" || k == "caption" || k == "keywords" {
				all["companion."+k] = v
			}
		}
	}
	return all
}

// Complete adds to what a picture says what another one of the same scene does.
func Complete(own, other map[string]string) map[string]string {
	all := maps.Clone(other)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, own)
	return all
}
