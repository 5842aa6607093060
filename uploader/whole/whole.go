// Package whole says whether a file ends where its format says that it must, so
// that a transfer which broke off, or which still runs into preallocated space,
// is not taken for a picture.
//
// It looks at structure only: markers, chunks, boxes, directories and the sizes
// they declare. It decodes no pixel, keeps at most one window of the file in
// memory, and reads a hostile file in bounded time.
package whole

import (
	"fmt"
	"io"
	"mime"
	"path"
	"strconv"
	"strings"
)

// Problem says why a file is not whole.
type Problem struct {
	Format string // as people call it: "JPEG", "MP4"
	Text   string // one plain sentence without full stop, for people
}

// Error returns the text.
func (p *Problem) Error() string { return p.Text }

// Zeros at the end of a file: a run of shortTail says that bytes are missing
// where the format has no place for it, and one of longTail where a compressed
// stream could, in theory, hold some.
const (
	shortTail = 4 << 10
	longTail  = 64 << 10
)

// format is one row of the table of formats that this package knows.
type format struct {
	name string
	// magic are the first bytes, in which '?' stands for any byte.
	magic []string
	// types and extensions hint at the format where its first bytes are missing.
	types, extensions []string
	// hinted: the magic alone proves too little, so that a hint is needed too.
	hinted bool
	check  func(*scan) *Problem
}

var formats = []format{
	{name: "JPEG", magic: []string{"\xff\xd8\xff"}, types: []string{"image/jpeg", "image/pjpeg"},
		extensions: []string{".jpg", ".jpeg", ".jpe", ".jfif"}, check: checkJPEG},
	{name: "PNG", magic: []string{"\x89PNG\r\n\x1a\n"}, types: []string{"image/png", "image/apng", "image/vnd.mozilla.apng"},
		extensions: []string{".png", ".apng"}, check: checkPNG},
	{name: "GIF", magic: []string{"GIF87a", "GIF89a"}, types: []string{"image/gif"},
		extensions: []string{".gif"}, check: checkGIF},
	{name: "WebP", magic: []string{"RIFF????WEBP"}, types: []string{"image/webp"},
		extensions: []string{".webp"}, check: checkRIFF},
	{name: "WAV", magic: []string{"RIFF????WAVE", "RF64????WAVE", "BW64????WAVE"}, types: []string{"audio/wav", "audio/x-wav", "audio/vnd.wave"},
		extensions: []string{".wav"}, check: checkRIFF},
	{name: "AVI", magic: []string{"RIFF????AVI "}, types: []string{"video/x-msvideo", "video/avi"},
		extensions: []string{".avi"}, check: checkRIFF},
	{name: "MP4", magic: []string{"????ftyp"},
		types:      []string{"image/heic", "image/heif", "image/avif", "video/mp4", "video/quicktime", "audio/mp4", "image/x-canon-cr3"},
		extensions: []string{".heic", ".heif", ".hif", ".avif", ".mp4", ".m4v", ".m4a", ".mov", ".qt", ".cr3", ".3gp"}, check: checkBMFF},
	{name: "MOV", magic: []string{"????moov", "????mdat", "????wide", "????free", "????skip"}, hinted: true,
		types: []string{"video/quicktime", "video/mp4"}, extensions: []string{".mov", ".qt", ".mp4"}, check: checkBMFF},
	{name: "TIFF", magic: []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+", "IIRO", "IIRS", "MMOR", "IIU\x00"},
		types: []string{"image/tiff", "image/x-adobe-dng", "image/x-nikon-nef", "image/x-sony-arw", "image/x-canon-cr2",
			"image/x-olympus-orf", "image/x-panasonic-rw2"},
		extensions: []string{".tif", ".tiff", ".dng", ".nef", ".arw", ".cr2", ".orf", ".rw2", ".pef", ".srw"}, check: checkTIFF},
}

// Check reports whether the size bytes of r are all that its format says there
// must be.
//
//  1. They are, or the format is none that this package knows: nil.
//  2. They are not: a *Problem.
//  3. r could not be read, or held fewer than size bytes: that error.
//
// The content decides which format it is. The media type, and the extension of
// name where the type says nothing, count only for a file whose first bytes have
// not come yet.
func Check(r io.ReaderAt, size int64, mediaType, name string) error {
	s := newScan(r, size)
	p := check(s, mediaType, name)
	if s.err != nil {
		return fmt.Errorf("whole: %w", s.err)
	}
	if p != nil {
		return p
	}
	return nil
}

// Proves reports whether the size bytes of r are a file whose own structure shows
// that it is whole. Where Check knows no format, or r cannot be read, nothing does.
func Proves(r io.ReaderAt, size int64, mediaType, name string) bool {
	s := newScan(r, size)
	head, mediaType, extension := s.hints(mediaType, name)
	f, ok := recognize(head, mediaType, extension)
	s.format = f.name
	return ok && f.check(s) == nil && s.err == nil
}

// hints returns the first bytes of a file, its type without parameters, and its
// extension.
func (s *scan) hints(mediaType, name string) (head []byte, kind, extension string) {
	kind, _, _ = mime.ParseMediaType(mediaType) // a malformed type is no hint
	return s.at(0, int(min(s.size, 16))), kind, strings.ToLower(path.Ext(name))
}

// recognize returns the format of which a file has the first bytes.
func recognize(head []byte, mediaType, extension string) (format, bool) {
	for _, f := range formats {
		if f.matches(head) && (!f.hinted || f.hints(mediaType, extension)) {
			return f, true
		}
	}
	return format{}, false
}

func check(s *scan, mediaType, name string) *Problem {
	head, mediaType, extension := s.hints(mediaType, name)
	if f, ok := recognize(head, mediaType, extension); ok {
		s.format = f.name
		return f.check(s)
	}
	for _, f := range formats {
		if f.hints(mediaType, extension) && s.err == nil {
			s.format = f.name
			if p := f.headless(s, head); p != nil {
				return p
			}
		}
	}
	return nil
}

func (f format) matches(head []byte) bool {
	for _, m := range f.magic {
		if len(head) >= len(m) && agrees(m, head) {
			return true
		}
	}
	return false
}

func (f format) hints(mediaType, extension string) bool {
	for _, t := range f.types {
		if t == mediaType {
			return true
		}
	}
	for _, e := range f.extensions {
		if e == extension {
			return true
		}
	}
	return false
}

// headless judges a file that ought to be of format f and does not begin like
// one: too short to tell, or preallocated and not written from the start.
// Anything else is a file of another kind under a wrong name, and none of ours.
func (f format) headless(s *scan, head []byte) *Problem {
	for _, m := range f.magic {
		if len(head) < len(m) && agrees(m, head) {
			return s.problem("the %s ends after %s bytes, before its header does", f.name, count(s.size))
		}
	}
	if zeros(head) {
		return s.problem("the %s begins with zeros: its first bytes have not been written", f.name)
	}
	return nil
}

// agrees reports whether head and magic are the same as far as both go.
func agrees(magic string, head []byte) bool {
	for i := range min(len(magic), len(head)) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// count writes n with commas between thousands.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
