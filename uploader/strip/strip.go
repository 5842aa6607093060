// Package strip takes out of a picture or film where it was taken, or all that it
// tells beside what it shows. Nothing is encoded anew: pixels, sound, and what is
// needed to show them stay as they are, byte for byte.
//
// With GPS go the positions of Exif, XMP, IPTC and Photoshop (coordinates and names
// of places alike), of thumbnails and previews, of films and their tracks, and
// whatever stands where nobody knows what it means. The maker's note stays, for it
// says in each camera's own secret way how its other parts are to be read. With All
// go all of them, and dates, comments and thumbnails too. What stays is the colour
// profile, without which the colours would be others, and the orientation, without
// which the picture would lie on its side.
package strip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"slices"
	"strings"

	"slipway/uploader/metadata"
	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
	"slipway/uploader/strip/film"
	"slipway/uploader/whole"
)

// Mode is how much is taken out.
type Mode string

// The modes.
const (
	GPS Mode = "gps" // where it was taken
	All Mode = "all" // everything beside what it shows
)

// Problem says why something cannot be taken out of a file.
type Problem = exif.Problem

// ErrOther is returned for a file that is neither picture nor film, of which this
// package knows nothing.
var ErrOther = errors.New("it is neither a picture nor a film")

func problem(text string, args ...any) error { return &Problem{Text: fmt.Sprintf(text, args...)} }

// format is one row of the table of formats that something can be taken out of.
type format struct {
	// magic are the first bytes, in which '?' stands for any byte.
	magic []string
	// types, where there are any, must agree too: the magic proves too little.
	types []string
	find  func(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error)
}

var formats = []format{
	{magic: []string{"\xff\xd8\xff"}, find: findJPEG},
	{magic: []string{"\x89PNG\r\n\x1a\n"}, find: findPNG},
	{magic: []string{"GIF87a", "GIF89a"}, find: findGIF},
	{magic: []string{"RIFF????WEBP"}, find: findWebP},
	{magic: []string{"????ftyp"}, find: findFilm},
	{magic: []string{"????moov", "????mdat", "????wide", "????free", "????skip"}, types: []string{"video/"}, find: findFilm},
	{magic: []string{"II*\x00", "MM\x00*", "IIRO", "IIRS", "MMOR", "IIU\x00"}, find: findTIFF},
	{magic: []string{"BM"}, types: []string{"image/bmp", "image/x-ms-bmp"}, find: findNothing},
}

// extensions are those of pictures and films whose content may not be told as one.
var extensions = []string{
	".3fr", ".3gp", ".arw", ".asf", ".avi", ".avif", ".cr2", ".cr3", ".crm", ".crw", ".dcr", ".dng", ".erf", ".fff", ".flv", ".gpr", ".heic", ".heif",
	".hif", ".iiq", ".insp", ".insv", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl", ".jxr", ".k25", ".kdc", ".lrv", ".m2ts", ".m4v", ".mef",
	".mkv", ".mos", ".mov", ".mp4", ".mpeg", ".mpg", ".mpo", ".mrw", ".mts", ".mxf", ".nef", ".nrw", ".ogv", ".orf", ".pef", ".png", ".psb", ".psd",
	".qt", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".tif", ".tiff", ".webm", ".webp", ".wmv", ".x3f",
}

// Edits returns what has to be done to the size bytes of r to take out what mode
// says, in order; none where there is nothing to take out.
//
//  1. It cannot be taken out, as the format is not known or the file is damaged: a
//     *Problem.
//  2. The file is neither picture nor film: ErrOther.
//  3. r fails: that error.
func Edits(r io.ReaderAt, size int64, mediaType, name string, mode Mode) ([]splice.Edit, error) {
	r = newWindow(r, size)
	head := make([]byte, min(size, 16))
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(mediaType) // what is malformed is no picture's
	for _, f := range formats {
		if !f.matches(head, kind) {
			continue
		}
		edits, err := f.find(r, size, mode)
		if err != nil {
			return nil, err
		}
		if edits, err = splice.Sort(edits, size); err != nil {
			return nil, problem("its parts lie over each other")
		}
		return edits, nil
	}
	if strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "video/") || slices.Contains(extensions, strings.ToLower(path.Ext(name))) {
		return nil, problem("what files of its type (%s) tell is not known here", kind)
	}
	return nil, ErrOther
}

func (f format) matches(head []byte, kind string) bool {
	if len(f.types) > 0 && !slices.ContainsFunc(f.types, func(t string) bool { return strings.HasPrefix(kind, t) }) {
		return false
	}
	return slices.ContainsFunc(f.magic, func(m string) bool {
		if len(head) < len(m) {
			return false
		}
		for i := range len(m) {
			if m[i] != '?' && m[i] != head[i] {
				return false
			}
		}
		return true
	})
}

func findNothing(io.ReaderAt, int64, Mode) ([]splice.Edit, error) { return nil, nil }

// findFilm does films, HEIC and AVIF.
func findFilm(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	b := make([]byte, min(size, 12))
	if _, err := r.ReadAt(b, 0); err != nil {
		return nil, err
	}
	if string(b[8:]) == "crx " {
		return nil, problem("what Canon's raw files of this kind (CR3) tell is not known here")
	}
	return film.Edits(r, size, mode == All)
}

// findTIFF does TIFF and the raw files that are built like one.
func findTIFF(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	if mode == All {
		return nil, problem("of a TIFF or raw file everything cannot be taken out, for its pixels are described by the same tags")
	}
	return exif.Places(r, size, nested(1))
}

// New returns the size bytes that open reads without what mode says; nil where there
// is nothing to take out. Its errors are those of Edits, and a *Problem also where
// the file is not whole, or where what is left tells of a place all the same.
func New(ctx context.Context, open splice.Open, size int64, mediaType, name string, mode Mode) (*splice.File, error) {
	src, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	defer src.Close()
	r := splice.At(ctx, src)
	edits, err := Edits(r, size, mediaType, name, mode)
	if err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	if err := isWhole(r, size, mediaType, name); err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	f := splice.New(open, size, edits)
	if err := verify(ctx, f, mediaType, name, mode); err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	if len(edits) == 0 {
		return nil, nil
	}
	return f, nil
}

// isWhole turns what whole finds into a Problem.
func isWhole(r io.ReaderAt, size int64, mediaType, name string) error {
	err := whole.Check(r, size, mediaType, name)
	var p *whole.Problem
	if errors.As(err, &p) {
		return problem("%s", p.Text)
	}
	return err
}

// verify reads what was made like any other file: there is nothing to be taken out
// of it, it is whole, and another reader of metadata finds no position in it.
func verify(ctx context.Context, f *splice.File, mediaType, name string, mode Mode) error {
	src, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	r := splice.At(ctx, src)
	switch edits, err := Edits(r, f.Size(), mediaType, name, mode); {
	case err != nil:
		return err
	case len(edits) > 0:
		return problem("after it was taken out, there is still something left")
	}
	if err := isWhole(r, f.Size(), mediaType, name); err != nil {
		return err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	tells, err := metadata.Read(ctx, src, mediaType)
	if err != nil {
		return err
	}
	for key := range tells {
		if strings.HasPrefix(key, "gps.") || strings.HasPrefix(key, "exif.GPS") || key == "iptc.City" || key == "iptc.SubLocation" {
			return problem("after it was taken out, there is still something left (%s)", key)
		}
	}
	return nil
}

// Again returns the edits that New made of a file that has passed it, without verifying
// them anew.
func Again(ctx context.Context, open splice.Open, size int64, mediaType string, mode Mode) ([]splice.Edit, error) {
	src, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	defer src.Close()
	edits, err := Edits(splice.At(ctx, src), size, mediaType, "", mode)
	if err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	return edits, nil
}
