package chevereto

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"slipway/uploader"
	"slipway/uploader/form"
)

// What the host's database holds.
const (
	maxName        = 255        // bytes of a file name
	maxTitle       = 100        // characters
	maxDescription = 64<<10 - 1 // bytes
	maxTags        = 10
	maxTag         = 32 // characters
	maxExtension   = 16 // bytes; what is longer is no extension
)

// settings is the error of a per-upload key that the host would misread.
func settings(format string, args ...any) error {
	return &uploader.Error{
		Kind: uploader.Permanent, Message: fmt.Sprintf(format, args...),
		Remedy: "correct the route's or the folder's settings, then retry",
	}
}

// fields returns the form's fields beside the picture, and what of p's keys
// could not be kept.
func fields(p uploader.Picture) (fields []form.Field, notes []string, err error) {
	if p.Size <= 0 {
		return nil, nil, &uploader.Error{Kind: uploader.Permanent, Message: "the file is empty", Remedy: "put the whole file here again"}
	}
	if err := ValidExpiration(p.Keys.Expiration); err != nil {
		return nil, nil, settings("%v", err)
	}
	category := strings.TrimSpace(p.Keys.CategoryID)
	if _, err := strconv.ParseUint(category, 10, 31); err != nil && category != "" {
		return nil, nil, settings("category_id = %q is not the number of a category", cut(category, 50))
	}
	if p.Keys.Width < 0 {
		return nil, nil, settings("width = %d is not a width in pixels", p.Keys.Width)
	}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, form.Field{Name: name, Value: value})
		}
	}
	add("format", "json")
	title := strings.TrimSpace(text(p.Keys.Title))
	if title == "0" { // Counts as none.
		title = ""
	}
	if utf8.RuneCountInString(title) > maxTitle {
		notes = append(notes, fmt.Sprintf("The title was cut to %d characters.", maxTitle))
	}
	add("title", strings.TrimSpace(cut(title, maxTitle)))
	description := text(p.Keys.Description)
	if len(description) > maxDescription {
		notes = append(notes, "The description was cut to 64 KB.")
	}
	add("description", cutBytes(description, maxDescription))
	tags, dropped := tags(p.Keys.Tags)
	if dropped > 0 {
		notes = append(notes, fmt.Sprintf("%d tags were left out: the host takes %d, of at most %d characters each, without # or /.", dropped, maxTags, maxTag))
	}
	add("tags", strings.Join(tags, ","))
	add("album_id", strings.TrimSpace(text(p.Keys.AlbumID)))
	add("category_id", category)
	if p.Keys.Width > 0 && !isVideo(p.Type) {
		add("width", strconv.Itoa(p.Keys.Width))
	}
	add("expiration", strings.TrimSpace(p.Keys.Expiration))
	if p.Keys.NSFW {
		add("nsfw", "1")
	}
	if p.Keys.UseFileDate {
		add("use_file_date", "1")
	}
	return fields, notes, nil
}

// tags returns the tags that the host keeps, in their order, and how many others
// there were. A repeated one is not counted as lost.
func tags(all []string) (kept []string, dropped int) {
	seen := map[string]bool{}
	for _, list := range all {
		for tag := range strings.SplitSeq(text(list), ",") {
			tag = strings.Join(strings.Fields(tag), " ")
			switch {
			case tag == "" || seen[tag]:
			case utf8.RuneCountInString(tag) > maxTag || strings.ContainsAny(tag, "/#") || len(kept) == maxTags:
				dropped++
			default:
				seen[tag] = true
				kept = append(kept, tag)
			}
		}
	}
	return kept, dropped
}

// fileName returns the name that p is sent under: valid UTF-8 of at most 255
// bytes, never empty, with an extension. unique adds the end of p's key, which
// its page can be searched for.
func fileName(p uploader.Picture, unique bool) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '\\':
			return '-'
		case r == '"':
			return '\''
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text(p.Name))
	name = strings.TrimRight(strings.TrimSpace(name), ". ")
	ext := path.Ext(name)
	stem := strings.TrimSpace(strings.TrimSuffix(name, ext))
	if len(ext) < 2 || len(ext) > maxExtension {
		stem, ext = name, extension(p.Type)
	}
	if strings.Trim(stem, ".- ") == "" {
		stem = "picture"
	}
	tail := ext
	if unique {
		tail = "-" + token(p) + ext
	}
	return cutBytes(stem, maxName-len(tail)) + tail
}

// token is the end of p's key: the same for each of its attempts, and no other's.
func token(p uploader.Picture) string { return p.Upload[max(0, len(p.Upload)-8):] }

// extension returns the extension of a media type, for names that have none.
func extension(mediaType string) string {
	switch base, _, _ := strings.Cut(mediaType, ";"); strings.ToLower(strings.TrimSpace(base)) {
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	case "image/avif":
		return ".avif"
	case "image/bmp":
		return ".bmp"
	case "video/mp4":
		return ".mp4"
	case "video/quicktime":
		return ".mov"
	case "video/webm":
		return ".webm"
	}
	return ".jpg"
}

// partType returns the type of the picture's part: the host looks at a file as a
// video exactly where it says video/*.
func partType(p uploader.Picture) string {
	if p.Type == "" {
		return "application/octet-stream"
	}
	return p.Type
}

// isVideo reports whether mediaType is a video's.
func isVideo(mediaType string) bool {
	return strings.HasPrefix(strings.ToLower(mediaType), "video/")
}

// text returns s as valid UTF-8 without NUL, which the database refuses.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// cutBytes returns at most n bytes of s, whole characters only.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
