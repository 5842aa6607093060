package vfs

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name in bytes that Linux, macOS and Windows all store.
const maxName = 255

// temporary lists the names under which programs keep a file that they have not
// finished: it gets its final name by a rename. * stands for any run of bytes
// and ? for one byte; letters match in either case.
var temporary = []string{
	// Transfers: proftpd, WinSCP, FolderSync, lftp, browsers, torrents, FreeFileSync.
	".in.*", "*.filepart", "*.part", "*.partial", "*.tmp", "*.temp", "*.tacitpart", "*.lftp",
	"*.crdownload", "*.download", "*.opdownload", "*.!ut", "*.aria2", "*.ffs_tmp",
	// Tools, Android's media store, synchronisers.
	"*_exiftool_tmp", ".pending-*", ".syncthing.*", "~syncthing~*", "*_tmp.jp*g", ".~tmp~", ".rsync-partial",
	// Editors: Office, LibreOffice, backups, vim, Emacs, macOS's safe save, GTK.
	"~$*", ".~lock.*#", "*~", ".*.sw?", vimProbe, ".#*", "*.sb-????????-??????", ".goutputstream-*",
	// Network file systems: removed while open, or cached.
	".nfs*", ".fuse_hidden*", ".smbdelete*", ".davfs.tmp*",
	// Cameras and surveillance systems.
	"*.jpg_", "*.dav_", "*.idx_", "*.mp4_",
}

// vimProbe is the file by which vim tries whether it may write. As the name of a
// folder it is an album like any other.
const vimProbe = "4913"

// junk lists what systems leave beside files for themselves, in the same form. A
// leading dot is junk by rule and so not listed here again.
var junk = []string{
	".*", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r",
	"@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found",
	"*.icloud", "DVRWorkDirectory", "*.sync-conflict-*",
}

// Temporary reports whether a file at path has not got its final name yet, or
// lies in a folder for such files. It is not forwarded until it is renamed.
func Temporary(path string) bool { return anyElement(path, temporary) }

// Junk reports whether the file at path, or a folder above it, is hidden or the
// litter of an operating system, or the file is a [Backup]. It is kept and never
// forwarded.
func Junk(path string) bool { return anyElement(path, junk) || Backup(path) }

// original is what exiftool adds to the name of the file that it has rewritten, for a
// copy of it as it was.
const original = "_original"

// backedUp lists the extensions of what exiftool rewrites, with a space before and
// behind each.
const backedUp = " jpg jpeg jpe jp2 jpf jpm jpx jxl jxr hdp wdp mpo png mng jng apng gif webp tif tiff heic heif hif avif thm " +
	"dng arw arq sr2 srf srw cr2 cr3 crw crm nef nrw raf raw rw2 rwl orf ori pef ptx 3fr fff iiq mef mos mrw erf gpr x3f dcp ciff cs1 " +
	"psd psb psdt eps epsf ps ai ait pdf ind indd indt exif exv icc icm mie vrd dr4 pbm pgm ppm flif insp xmp " +
	"mov qt mp4 m4a m4b m4p m4v f4v f4a 3gp 3gpp 3g2 3gp2 lrv insv 360 glv dvb aax "

// Backup reports whether the file at path is the copy that exiftool keeps of what it
// has rewritten ("a.jpg_original"): what was taken out of that, such as the place where
// a picture was taken, is in it still.
func Backup(path string) bool {
	end := len(path) - len(original)
	if end <= 0 || !same(original, path[end:]) {
		return false
	}
	dot := strings.LastIndexByte(path[:end], '.')
	return dot >= 0 && !strings.ContainsAny(path[dot:end], " /") && strings.Contains(backedUp, " "+strings.ToLower(path[dot+1:end])+" ")
}

// anyElement reports whether a pattern matches an element of path.
func anyElement(path string, patterns []string) bool {
	for more := true; more; {
		var name string
		name, path, more = strings.Cut(path, "/")
		if name == "" || more && name == vimProbe {
			continue
		}
		for _, p := range patterns {
			if match(p, name) {
				return true
			}
		}
	}
	return false
}

// match reports whether name, which is not empty, matches a pattern of at most
// two stars. Nearly all names differ in the first or last byte already.
func match(pattern, name string) bool {
	if !agree(pattern[0], name[0]) || !agree(pattern[len(pattern)-1], name[len(name)-1]) {
		return false
	}
	star := strings.IndexByte(pattern, '*')
	if star < 0 {
		return len(name) == len(pattern) && same(pattern, name)
	}
	prefix, rest := pattern[:star], pattern[star+1:]
	if len(name) < len(pattern)-strings.Count(pattern, "*") || !same(prefix, name) {
		return false
	}
	name = name[len(prefix):]
	middle, suffix, two := strings.Cut(rest, "*")
	if !two {
		return same(rest, name[len(name)-len(rest):])
	}
	if !same(suffix, name[len(name)-len(suffix):]) {
		return false
	}
	name = name[:len(name)-len(suffix)]
	for i := range len(name) - len(middle) + 1 {
		if same(middle, name[i:]) {
			return true
		}
	}
	return false
}

// same reports whether name, which is long enough, begins like pattern.
func same(pattern, name string) bool {
	for i := range len(pattern) {
		if p := pattern[i]; p != '?' && lower(p) != lower(name[i]) {
			return false
		}
	}
	return true
}

func agree(p, c byte) bool { return p == '*' || p == '?' || lower(p) == lower(c) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// ForWindows reports whether Windows can show a file of that name. One name that
// it cannot makes the whole folder unreadable in its WebDAV client.
func ForWindows(name string) bool {
	if name == "" || strings.ContainsAny(name, `<>:"/\|?*`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return false
	}
	for i := range len(name) {
		if name[i] < ' ' {
			return false
		}
	}
	return !device(name)
}

// device reports whether Windows takes name for a device: whatever its extension
// ("nul.txt"), and with superscript digits too.
func device(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, isCOM := strings.CutPrefix(stem, "COM")
	if !isCOM {
		var isLPT bool
		if port, isLPT = strings.CutPrefix(stem, "LPT"); !isLPT {
			return false
		}
	}
	return utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// Clean returns path absolute, separated by slashes, without "." and "..", which
// never lead above the root, and without a slash at its end. The error is
// ErrBadName where the path has a NUL or is not UTF-8, or a name has more than
// 255 bytes.
func Clean(name string) (string, error) {
	switch {
	case strings.IndexByte(name, 0) >= 0:
		return "", fmt.Errorf("%w: it has a NUL byte", ErrBadName)
	case !utf8.ValidString(name):
		return "", fmt.Errorf("%w: it is not UTF-8", ErrBadName)
	}
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	name = path.Clean(name)
	for rest, more := name, true; more; {
		var element string
		element, rest, more = strings.Cut(rest, "/")
		if len(element) > maxName {
			return "", fmt.Errorf("%w: it is longer than %d bytes", ErrBadName, maxName)
		}
	}
	return name, nil
}

// Numbered returns name with a number before its extension, "DSC_0001 (1).JPG",
// and a stem cut so that the whole has at most 255 bytes.
func Numbered(name string, n int) string {
	stem, ext := split(name)
	number := fmt.Sprintf(" (%d)", n)
	if room := maxName - len(number) - len(ext); len(stem) > room {
		for room > 0 && !utf8.RuneStart(stem[room]) {
			room--
		}
		stem = stem[:room]
	}
	return stem + number + ext
}

// split parts name into stem and extension: ".JPG", ".tar.gz", or none where what
// follows the last dot is no extension ("Mr. Smith", ".profile").
func split(name string) (stem, ext string) {
	const longest = 16 // bytes
	ext = path.Ext(name)
	stem = name[:len(name)-len(ext)]
	if stem == "" || len(ext) < 2 || len(ext) > longest || strings.ContainsAny(ext, " ()") {
		return name, ""
	}
	if inner := path.Ext(stem); len(inner) < len(stem) && strings.EqualFold(inner, ".tar") {
		return stem[:len(stem)-len(inner)], inner + ext
	}
	return stem, ext
}

// Key returns the form in which names are compared: Unicode's normal form C, as
// macOS sends the same name in another form than others do.
func Key(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return norm.NFC.String(name)
		}
	}
	return name
}
