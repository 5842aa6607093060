package cheveretotest

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // widths
	_ "image/jpeg"
	_ "image/png"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// refusal is an answer that is no success: a code and a message in JSON, or,
// where status is set, a page.
type refusal struct {
	code    any // a number, or a string
	message string
	status  int
}

// The refusals that need no words of the moment.
var (
	noKey          = refusal{code: 100, message: "No key provided"}
	wrongKey       = refusal{code: 100, message: "Invalid API key."}
	noVideo        = refusal{code: 100, message: "Invalid video file provided"}
	invalidVersion = refusal{code: 110, message: "Invalid API version."}
	invalidAction  = refusal{code: 120, message: "Invalid API action"}
	noSource       = refusal{code: 130, message: "Empty upload source"}
	denied         = refusal{code: 401, message: "Request denied"}
	duplicated     = refusal{code: 101, message: "Duplicated upload"}
	stopWord       = refusal{code: 400, message: "Stop words found"}
	phpTooBig      = refusal{code: 601, message: "File too big (UPLOAD_ERR_INI_SIZE)"}
	noPicture      = refusal{code: 610, message: "Can't get target upload source info"}
	tooWide        = refusal{code: 610, message: "Target width is greater than the original image width"}
	badGeometry    = refusal{code: 1, message: "Invalid image geometry"}
	unavailable    = refusal{code: 613, message: "Unavailable image format"}
	emptyFile      = refusal{code: 0, message: "getimagesize(): Error reading from /srv/pics/tmp/chvtemp_domQ2w!"}
	headerOnly     = refusal{code: 425, message: "negative or zero image size `/srv/pics/src/images/hdronly.jpg' @ error/image.c/CloneImage/794"}
	noProbe        = refusal{code: 600, message: "FFprobe error: Unable to probe /srv/pics/tmp/chvtemp_bUNZUp: ffprobe failed to execute command"}
	phpError       = refusal{status: 500}
)

// judge returns why u is refused, or nil. It looks at accounts first, as the
// site does.
func (s *Server) judge(u *upload, c Config, key, address string) *refusal {
	known, admin := c.account(key)
	switch {
	case key == "":
		return &noKey
	case !known:
		return &wrongKey
	case u.array:
		return &phpError
	case !u.file:
		return &noSource
	case c.UploadsOff:
		return &denied
	case u.name == "":
		return &phpError
	case c.FileLimit > 0 && u.size > c.FileLimit && admin:
		return &phpTooBig
	case c.FileLimit > 0 && u.size > c.FileLimit:
		return &phpError
	}
	for _, rule := range []func() *refusal{
		func() *refusal { return s.flood(c, address) },
		func() *refusal { return c.content(u) },
		func() *refusal { return c.metadata(u) },
		func() *refusal { return s.repeat(u, c, admin, address) },
	} {
		if e := rule(); e != nil {
			return e
		}
	}
	return nil
}

// flood counts accepted uploads from address; a refused one does not count.
func (s *Server) flood(c Config, address string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := c.now()
	for _, limit := range []struct {
		most int
		span time.Duration
		word string
	}{{c.PerMinute, time.Minute, "minute"}, {c.PerHour, time.Hour, "hour"}, {c.PerDay, 24 * time.Hour, "day"}} { // the shortest speaks first
		if limit.most == 0 {
			continue
		}
		all := s.times[address] // the latest last
		if n := len(all); n >= limit.most && now.Sub(all[n-limit.most]) < limit.span {
			return &refusal{code: 130, message: c.floodText(limit.most, limit.word)}
		}
	}
	return nil
}

// floodText says the limit in the site's language; the period stays English.
func (c Config) floodText(n int, period string) string {
	switch c.Language {
	case "zh":
		return fmt.Sprintf("检测到洪水攻击。 您只能每 %s 上传 %d 图片", period, n)
	case "de":
		return fmt.Sprintf("Flooding erkannt. Sie können nur %d Bilder pro %s hochladen", n, period)
	}
	return fmt.Sprintf("Flooding detected. You can only upload %d images per %s", n, period)
}

// content judges the file's bytes against what the part says they are.
func (c Config) content(u *upload) *refusal {
	format := sniff(u.head)
	declared := strings.HasPrefix(u.typ, "video/")
	video := slices.Contains([]string{"mp4", "mov", "webm"}, format)
	switch {
	case u.size == 0:
		return &emptyFile
	case c.MaxSize > 0 && u.size > c.MaxSize:
		return &refusal{code: 400, message: fmt.Sprintf("File too big - max %s", megabytes(c.MaxSize))}
	case format == "tiff", format == "ico", format == "mkv" && declared:
		return &unavailable
	case declared && format == "":
		return &noProbe
	case declared && !video:
		return &noVideo
	case !declared && video, format == "", format == "mkv":
		return &noPicture
	case slices.Contains(c.Disabled, format):
		return &refusal{code: 614, message: fmt.Sprintf("Disabled image format (%s)", format)}
	case format == "jpg" && u.size < 32:
		return &headerOnly
	}
	return nil
}

// megabytes writes a limit as the site does.
func megabytes(n int64) string {
	if n < 1000*1000 {
		return strconv.FormatInt(n/1000, 10) + " KB"
	}
	return strconv.FormatInt(n/1000/1000, 10) + " MB"
}

// metadata judges names and fields as the database does.
func (c Config) metadata(u *upload) *refusal {
	for column, value := range map[string]string{"original_filename": u.name, "title": u.fields["title"], "description": u.fields["description"]} {
		if !utf8.ValidString(value) {
			return &refusal{code: "22007", message: fmt.Sprintf("SQLSTATE[22007]: Invalid datetime format: 1366 Incorrect string value for column `chevereto`.`chv_images`.`image_%s` at row 1", column)}
		}
	}
	width, err := strconv.Atoi(u.fields["width"])
	switch {
	case len(u.name) > 255:
		return tooLong("original_filename")
	case len(u.fields["description"]) > 65535:
		return tooLong("description")
	case !regexp.MustCompile(`^\d*$`).MatchString(u.fields["category_id"]):
		return &refusal{code: "22007", message: fmt.Sprintf("SQLSTATE[22007]: Invalid datetime format: 1366 Incorrect integer value: '%s' for column `chevereto`.`chv_images`.`image_category_id` at row 1", u.fields["category_id"])}
	case err == nil && width < 0:
		return &badGeometry
	case err == nil && width > u.width() && !strings.HasPrefix(u.typ, "video/"):
		return &tooWide
	}
	for _, word := range c.StopWords {
		if strings.Contains(u.fields["title"]+u.fields["description"], word) {
			return &stopWord
		}
	}
	return nil
}

func tooLong(column string) *refusal {
	return &refusal{code: "22001", message: "SQLSTATE[22001]: String data, right truncated: 1406 Data too long for column 'image_" + column + "' at row 1"}
}

// width returns the picture's, or 640 where its head does not say.
func (u *upload) width() int {
	if cfg, _, err := image.DecodeConfig(bytes.NewReader(u.head)); err == nil {
		return cfg.Width
	}
	return 640
}

// repeat refuses bytes that came from this address within a day.
func (s *Server) repeat(u *upload, c Config, admin bool, address string) *refusal {
	if c.AllowRepeats || admin {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.bytes[u.md5] {
		if !p.Deleted && p.Address == address && c.now().Sub(p.Created) < 24*time.Hour {
			return &duplicated
		}
	}
	return nil
}

// sniff returns a file's format by its first bytes, or "".
func sniff(head []byte) string {
	for _, f := range []struct{ magic, format string }{
		{"\xff\xd8\xff", "jpg"}, {"\x89PNG\r\n\x1a\n", "png"}, {"GIF87a", "gif"}, {"GIF89a", "gif"}, {"BM", "bmp"},
		{"II*\x00", "tiff"}, {"MM\x00*", "tiff"}, {"\x00\x00\x01\x00", "ico"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.format
		}
	}
	switch {
	case len(head) > 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "webp"
	case len(head) > 12 && string(head[4:8]) == "ftyp":
		return map[string]string{"avif": "avif", "avis": "avif", "qt  ": "mov", "isom": "mp4", "iso2": "mp4", "mp41": "mp4", "mp42": "mp4", "avc1": "mp4"}[string(head[8:12])]
	case bytes.HasPrefix(head, []byte("\x1aE\xdf\xa3")):
		if bytes.Contains(head[:min(len(head), 64)], []byte("webm")) {
			return "webm"
		}
		return "mkv"
	}
	return ""
}
