package anqicmstest

import (
	"bytes"
	"errors"
	"image"
	_ "image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxName is where the site cuts names, in bytes. It cuts characters in two as
// well, which its database refuses; this server refuses every longer name.
const maxName = 200

// File is a row of the site's attachments.
type File struct {
	ID         int64
	Name       string // file name as it was sent first
	Title      string // likewise, without its extension
	Path       string // "uploads/202611/21/a.txt", not escaped
	MD5        string // of the bytes as sent
	Size       int64  // of the bytes as sent
	StoredSize int64
	Category   uint64 // as of the last upload
	Image      bool
	Created    time.Time
	Sent       int    // how many uploads of these bytes were answered with this row
	Stored     []byte // what is served, with KeepBytes
	Replaced   int    // how often other bytes took its place

	width, height int
}

// Stored returns the rows in the order of their ids.
func (s *Server) Stored() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]File, len(s.files))
	for i, f := range s.files {
		out[i] = *f
	}
	return out
}

// At returns the file whose bytes are served at path, which is the one written
// there last.
func (s *Server) At(path string) (File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.byPath[strings.TrimPrefix(path, "/")]
	if !ok {
		return File{}, false
	}
	return *f, true
}

// store writes f's row, unless one with its MD5 is there: that one then moves
// into f's category, and its path gets its bytes again. Where another request
// writes such a row while this one works, f comes back with id 0 and MySQL's error.
func (s *Server) store(f File) (row File, existing bool, err error) {
	if row, ok := s.again(f); ok {
		return row, true, nil
	}
	if s.cfg.Work > 0 {
		t := time.NewTimer(s.cfg.Work)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.closed:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byPath[f.Path] = &f
	if s.byMD5[f.MD5] != nil {
		return f, false, errors.New(duplicateEntry(f.MD5))
	}
	s.lastID++
	f.ID, f.Sent = s.lastID, 1
	s.files = append(s.files, &f)
	s.byMD5[f.MD5] = &f
	return f, false, nil
}

// again returns the row of f's MD5, moved to f's category.
func (s *Server) again(f File) (File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.byMD5[f.MD5]
	if row == nil {
		return File{}, false
	}
	row.Category = f.Category
	row.Sent++
	s.byPath[row.Path] = row
	return *row, true
}

// irreplaceable returns what the site says where the file with an id cannot make room
// for one with an MD5, or "".
func (s *Server) irreplaceable(id int64, md5 string, english bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.files, func(f *File) bool { return f.ID == id }) {
		return say(english, "The image resource to be replaced does not exist", "需要替换的图片资源不存在")
	}
	if row := s.byMD5[md5]; row != nil && row.ID != id {
		return say(english, "Replacement failed, currently uploaded resources already exist", "替换失败，当前上传的资源已经存在")
	}
	return ""
}

// replace puts f into the row with an id, which keeps its name and its path, whatever
// its extension says.
func (s *Server) replace(id int64, f File) File {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range s.files {
		if row.ID != id {
			continue
		}
		delete(s.byMD5, row.MD5)
		f.ID, f.Name, f.Title, f.Path, f.Replaced, f.Sent = id, row.Name, row.Title, row.Path, row.Replaced+1, 1
		*row = f
		s.byMD5[f.MD5], s.byPath[f.Path] = row, row
	}
	return f
}

// serveFile serves what is stored at a path, and reports whether it did.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) bool {
	name := strings.Replace(r.URL.Path, "/thumb_", "/", 1)
	f, ok := s.At(name)
	if !ok || !s.cfg.KeepBytes {
		return false
	}
	http.ServeContent(w, r, path.Base(f.Path), f.Created, bytes.NewReader(f.Stored))
	return true
}

// kindOf returns the extension under which p is stored, by its content first and
// by its name where that says nothing, and whether the site takes it for an image.
func kindOf(p *part) (ext string, isImage bool) {
	switch http.DetectContentType(p.head) {
	case "image/jpeg":
		return ".jpg", true
	case "image/png", "image/bmp", "image/x-icon":
		return ".png", true
	case "image/gif":
		return ".gif", true
	case "image/webp":
		return ".webp", true
	case "application/pdf":
		return ".pdf", false
	}
	if len(p.head) >= 12 && string(p.head[4:8]) == "ftyp" {
		switch string(p.head[8:12]) {
		case "heic", "heix", "mif1", "hevc":
			return ".heif", false
		case "avif", "avis":
			return ".avif", false
		}
	}
	ext = strings.ToLower(path.Ext(p.name))
	switch ext {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".ico":
		return ext, true // and no decoder will know it
	case ".":
		return "", false
	}
	return ext, false
}

// encode fills in what is stored for p: an image but GIF is stored anew. Its
// errors are those of Go's decoders, which are the real site's.
func (f *File) encode(p *part, ext string) error {
	f.StoredSize, f.Stored = p.size, p.bytes
	if !f.Image {
		return nil
	}
	kind := http.DetectContentType(p.head)
	switch {
	case !strings.HasPrefix(kind, "image/"):
		return image.ErrFormat
	case ext == ".gif":
		return nil
	case p.bytes != nil && (kind == "image/jpeg" || kind == "image/png"):
		return f.encodeAnew(p.bytes, ext)
	case kind == "image/jpeg" && !bytes.HasSuffix(p.tail, []byte("\xff\xd9")),
		kind == "image/png" && !bytes.Contains(p.tail, []byte("IEND")):
		return errors.New("unexpected EOF")
	}
	f.StoredSize = p.size*9/16 + 17 // Another size, as after decoding and encoding.
	if p.bytes != nil {
		f.Stored = append(bytes.Clone(p.bytes), 0)
		f.StoredSize = int64(len(f.Stored))
	}
	return nil
}

// encodeAnew decodes b and encodes it again: no EXIF, no rotation.
func (f *File) encodeAnew(b []byte, ext string) error {
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if ext == ".jpg" {
		err = jpeg.Encode(&out, m, &jpeg.Options{Quality: 80})
	} else {
		err = png.Encode(&out, m)
	}
	f.width, f.height = m.Bounds().Dx(), m.Bounds().Dy()
	f.Stored, f.StoredSize = out.Bytes(), int64(out.Len())
	return err
}

// storedName returns the last element of a file's path: the middle of its MD5
// for an image, the name in lower case with hyphens for spaces for all else.
func storedName(name, md5, ext string, isImage bool) string {
	stem := strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	stem = strings.ReplaceAll(stem, " ", "-")
	if isImage || stem == "" || !strings.ContainsFunc(stem, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) {
		stem = md5[8:24]
	}
	return stem + ext
}
