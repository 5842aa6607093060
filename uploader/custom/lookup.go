package custom

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"slipway/uploader"
	"slipway/vfs/blob"
)

// lookUp returns what {file:…}, {key:…} and {secret:…} stand for.
func (a *attempt) lookUp(function, name, form string) string {
	switch function {
	case "file":
		return a.file(name, form)
	case "key":
		return key(a.picture.Keys, name, form)
	case "secret":
		return a.secret(name)
	}
	return ""
}

func (a *attempt) file(name, form string) string {
	switch name {
	case "name":
		return a.name
	case "stem":
		return strings.TrimSuffix(a.name, path.Ext(a.name))
	case "ext":
		return strings.TrimPrefix(path.Ext(a.name), ".")
	case "type":
		return a.mediaType()
	case "size":
		return strconv.FormatInt(a.picture.Size, 10)
	case "upload":
		return a.picture.Upload
	case "sha256":
		if form == "base64" {
			b, _ := hex.DecodeString(a.sha256) // it is our own
			return base64.StdEncoding.EncodeToString(b)
		}
		if n, err := strconv.Atoi(form); err == nil {
			return a.sha256[:min(n, len(a.sha256))]
		}
		return a.sha256
	}
	return ""
}

// mediaType returns the picture's type as it can stand in a header.
func (a *attempt) mediaType() string {
	if t := oneLine(a.picture.Type); t != "" {
		return t
	}
	return "application/octet-stream"
}

// key returns a per-upload key as text; "" where it is not said.
func key(k uploader.Keys, name, form string) string {
	switch name {
	case "album_id":
		return k.AlbumID
	case "category_id":
		return k.CategoryID
	case "title":
		return k.Title
	case "description":
		return k.Description
	case "tags":
		return strings.Join(k.Tags, ",")
	case "expiration":
		if form == "seconds" {
			return seconds(k.Expiration)
		}
		return k.Expiration
	case "width":
		if k.Width > 0 {
			return strconv.Itoa(k.Width)
		}
	case "nsfw":
		return truth(k.NSFW)
	case "use_file_date":
		return truth(k.UseFileDate)
	}
	return ""
}

// truth is "1" or nothing: what is not said is left out.
func truth(yes bool) string {
	if yes {
		return "1"
	}
	return ""
}

// span is an ISO 8601 duration of whole numbers.
var span = regexp.MustCompile(`^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8})S)?)?$`)

// seconds returns an expiration as a number of seconds: a month has 30 days. What is
// no duration stays as it is, for the host to refuse.
func seconds(s string) string {
	m := span.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	total := int64(0)
	for i, unit := range []int64{365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1} {
		n, _ := strconv.ParseInt(m[i+1], 10, 64) // "" is 0
		total += n * unit
	}
	return strconv.FormatInt(total, 10)
}

// sum makes the file's SHA-256 known where it is asked for: of bytes that were
// prepared for sending nobody knows it yet, and they are read once for it.
func (a *attempt) sum(ctx context.Context) error {
	if a.picture.SHA256 != (blob.Sum{}) {
		a.sha256 = a.picture.SHA256.String()
		return nil
	}
	wanted := a.config.Sign != "" && a.recipe.base.Scheme == "http"
	for _, t := range a.recipe.all() {
		wanted = wanted || t.Has("file", "sha256")
	}
	if !wanted {
		return nil
	}
	r, err := a.picture.Open(ctx)
	if err != nil {
		return &uploader.Error{Message: "the gateway could not open the file's bytes", Err: err}
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, blob.Until(ctx, r)); err != nil {
		return &uploader.Error{Message: "the gateway could not read the file's bytes", Err: err}
	}
	a.sha256 = hex.EncodeToString(h.Sum(nil))
	return nil
}
