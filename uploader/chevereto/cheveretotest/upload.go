package cheveretotest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// headSize is how much of a file is kept to tell its format.
const headSize = 4096

// upload is one upload as it was received.
type upload struct {
	fields map[string]string
	array  bool // a parameter was an array ("title[]"), which is a PHP error here
	file   bool // there was a file part
	name   string
	typ    string
	head   []byte
	bytes  []byte // with KeepBytes
	size   int64
	md5    string
	sha256 string
}

// upload answers the API's one action.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, c Config) {
	defer s.enter()()
	u, err := receive(r, c)
	if err != nil {
		html(w, http.StatusBadRequest)
		return // The body broke off: nothing is stored.
	}
	if !u.file {
		s.mu.Lock()
		s.probes++
		s.mu.Unlock()
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	key := firstOf(r.Header.Get("X-API-Key"), u.fields["key"], r.URL.Query().Get("key"))
	if e := s.judge(u, c, key, address); e != nil {
		c.refuse(w, *e)
		return
	}
	time.Sleep(c.Delay)
	c.accept(w, r, s.store(u, c, key, address))
}

// enter counts uploads under way.
func (s *Server) enter() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active++
	s.most = max(s.most, s.active)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.active--
	}
}

// receive reads the body as it comes. A body over PHP's limit arrives empty.
func receive(r *http.Request, c Config) (*upload, error) {
	u := &upload{fields: map[string]string{}}
	body := io.Reader(r.Body)
	if c.Rate > 0 {
		body = &slow{r.Body, c.Rate}
	}
	if c.PostLimit > 0 && r.ContentLength > c.PostLimit {
		_, err := io.Copy(io.Discard, body)
		return u, err
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		_, err := io.Copy(io.Discard, body) // A form without a file, or nothing.
		return u, err
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, body)
			return u, err
		}
		if err != nil {
			return nil, err
		}
		if err := u.read(part, c); err != nil {
			return nil, err
		}
	}
}

// read reads one part.
func (u *upload) read(part *multipart.Part, c Config) error {
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, isArray := strings.CutSuffix(params["name"], "[]")
	u.array = u.array || isArray
	fileName, isFile := params["filename"]
	if !isFile {
		b, err := io.ReadAll(io.LimitReader(part, 1<<20))
		u.fields[name] = string(b)
		return err
	}
	if name != "source" {
		_, err := io.Copy(io.Discard, part)
		return err
	}
	u.file, u.typ = true, part.Header.Get("Content-Type")
	u.name = fileName[strings.LastIndexAny(fileName, `/\`)+1:] // PHP's basename
	return u.hash(part, c)
}

// hash reads the file's bytes.
func (u *upload) hash(r io.Reader, c Config) error {
	var head limited
	var all bytes.Buffer
	m, h := md5.New(), sha256.New()
	to := []io.Writer{m, h, &head}
	if c.KeepBytes {
		to = append(to, &all)
	}
	n, err := io.Copy(io.MultiWriter(to...), r)
	u.size, u.head, u.bytes = n, head, all.Bytes()
	u.md5, u.sha256 = hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(h.Sum(nil))
	return err
}

// limited keeps the first bytes written to it.
type limited []byte

func (l *limited) Write(p []byte) (int, error) {
	*l = append(*l, p[:min(len(p), headSize-len(*l))]...)
	return len(p), nil
}

// slow reads at a pace.
type slow struct {
	io.Reader
	rate int64
}

func (s *slow) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p[:min(int64(len(p)), max(s.rate/10, 1))])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(s.rate))
	return n, err
}

// account says whose a key is.
func (c Config) account(key string) (known, admin bool) {
	if c.AdminKey != "" && key == c.AdminKey {
		return true, true
	}
	return slices.Contains([]string{c.Key, c.OtherKey}, key), false
}

// firstOf returns the first that is not empty.
func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
