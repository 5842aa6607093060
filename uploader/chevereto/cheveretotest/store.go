package cheveretotest

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"slipway/uploader/uploadertest"
)

// Picture is one that the site has.
type Picture struct {
	ID          string // encoded
	Name        string // as it was uploaded
	File        string // as it is stored
	Title       string
	Description string
	Tags        []string
	Album       string // "" where album_id was none of Config.Albums
	Category    string
	NSFW        bool
	Width       int
	Type        string // of its part
	Size        int64  // of what was uploaded
	SHA256      string // likewise
	SourceMD5   string // likewise
	MD5         string // of what is stored
	Key         string // that it was uploaded with
	Address     string // that it came from
	Created     time.Time
	Expires     time.Time // zero: never
	Awaiting    bool
	Deleted     bool
	DeleteHash  string
	Bytes       []byte // with KeepBytes

	ext string
}

// Stored returns the pictures that were not deleted, in the order of their upload.
func (s *Server) Stored() []Picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Picture
	for _, p := range s.pictures {
		if !p.Deleted {
			all = append(all, *p)
		}
	}
	return all
}

// Count returns how many pictures were not deleted.
func (s *Server) Count() int { return len(s.Stored()) }

// Has reports whether a picture with these very bytes was uploaded.
func (s *Server) Has(sums uploadertest.Sums) bool {
	return slices.ContainsFunc(s.Stored(), func(p Picture) bool { return p.SHA256 == sums.SHA256 })
}

// Forget removes all pictures, and what limits count.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pictures = nil
	clear(s.bytes)
	clear(s.files)
	clear(s.times)
}

// store makes the picture's row, whatever has come meanwhile.
func (s *Server) store(u *upload, c Config, key, address string) *Picture {
	now := c.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	format := sniff(u.head)
	_, admin := c.account(key)
	p := &Picture{
		ID: fmt.Sprintf("P%d", len(s.pictures)+1), Name: u.name, Title: title(u), Description: u.fields["description"],
		Tags: tags(u.fields["tags"]), Category: u.fields["category_id"], NSFW: u.fields["nsfw"] == "1", Type: u.typ,
		Size: u.size, SHA256: u.sha256, SourceMD5: u.md5, MD5: u.md5, Key: key, Address: address,
		Created: now, Awaiting: c.Moderate && !admin, DeleteHash: strings.ToLower(rand.Text()), Bytes: u.bytes, ext: format,
	}
	if slices.Contains(c.Albums, u.fields["album_id"]) {
		p.Album = u.fields["album_id"]
	}
	p.Width, _ = strconv.Atoi(u.fields["width"])
	if !c.NoExpiration {
		p.Expires = expires(now, u.fields["expiration"])
	}
	if format == "bmp" {
		p.ext = "png"
	}
	if c.Reencode || format == "bmp" || p.Width > 0 {
		sum := md5.Sum([]byte("stored " + u.md5))
		p.MD5 = hex.EncodeToString(sum[:])
	}
	p.File = s.file(u, c, p.ext)
	s.pictures = append(s.pictures, p)
	s.bytes[u.md5] = append(s.bytes[u.md5], p)
	s.times[address] = append(s.times[address], now)
	return p
}

// file returns the stored name: ASCII of the uploaded one, made unique.
func (s *Server) file(u *upload, c Config, ext string) string {
	stem := regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(strings.TrimSuffix(u.name, path.Ext(u.name)), "")
	stem = strings.TrimLeft(stem, ".")
	random := strings.ToLower(rand.Text()[:12])
	switch {
	case c.RandomNames, stem == "":
		stem = random
	case s.files[stem+"."+ext]:
		stem += random
	}
	s.files[stem+"."+ext] = true
	return stem + "." + ext
}

// title returns the picture's title: "" and "0" are none, and then the name is.
func title(u *upload) string {
	t := u.fields["title"]
	if t == "" || t == "0" {
		t = strings.NewReplacer("-", " ", "_", " ").Replace(strings.TrimSuffix(u.name, path.Ext(u.name)))
	}
	if r := []rune(t); len(r) > 100 {
		t = string(r[:100])
	}
	return t
}

// tags returns those that the site keeps.
func tags(list string) []string {
	var kept []string
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag != "" && utf8.RuneCountInString(tag) <= 32 && !strings.ContainsAny(tag, "/#") && !slices.Contains(kept, tag) && len(kept) < 10 {
			kept = append(kept, tag)
		}
	}
	return kept
}

// expires returns when a picture goes: between five minutes and a year from now.
// What cannot be read is five minutes.
func expires(now time.Time, s string) time.Time {
	if s == "" || s == "0" {
		return time.Time{}
	}
	d := 5 * time.Minute
	if n, err := strconv.Atoi(s); err == nil {
		d = time.Duration(n) * time.Second
	} else if m := regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`).FindStringSubmatch(s); m != nil {
		d = 0
		for i, unit := range []time.Duration{365 * 24 * time.Hour, 30 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
			n, _ := strconv.Atoi(m[i+1])
			d += time.Duration(n) * unit
		}
	}
	return now.Add(min(max(d, 5*time.Minute), 365*24*time.Hour)).UTC().Truncate(time.Second)
}
