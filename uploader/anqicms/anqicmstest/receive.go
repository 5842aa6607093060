package anqicmstest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"
)

const (
	headSize = 512
	tailSize = 16
)

// form is a request's body once it was read whole.
type form struct {
	values map[string]string
	file   *part // nil: none
	broken bool  // not a whole multipart body
	none   bool  // no multipart body at all
}

// part is the file as it came.
type part struct {
	name       string // base name
	size       int64
	md5        string
	head, tail []byte
	bytes      []byte // with KeepBytes
}

// readForm reads the whole body, as the site does before it looks at the token.
func (s *Server) readForm(r *http.Request) form {
	f := form{values: map[string]string{}}
	mr, err := r.MultipartReader()
	if err != nil {
		_, err = io.Copy(io.Discard, r.Body)
		f.none, f.broken = true, err != nil
		return f
	}
	for {
		p, err := mr.NextPart()
		if err != nil {
			f.broken = err != io.EOF // not errors.Is: a body cut in its last line wraps it
			break
		}
		if err := s.readPart(&f, p); err != nil {
			f.broken = true
			break
		}
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return f
}

// readPart reads one part; the first file counts.
func (s *Server) readPart(f *form, p *multipart.Part) error {
	name := p.FormName()
	if p.FileName() == "" {
		b, err := io.ReadAll(io.LimitReader(p, 1<<20))
		f.values[name] = string(b)
		return err
	}
	if name != "file" && name != "file1" || f.file != nil {
		_, err := io.Copy(io.Discard, p)
		return err
	}
	file := &part{name: p.FileName()}
	sum := md5.New()
	var kept bytes.Buffer
	into := []io.Writer{sum, file}
	if s.cfg.KeepBytes {
		into = append(into, &kept)
	}
	if _, err := io.Copy(io.MultiWriter(into...), p); err != nil {
		return err
	}
	file.md5, file.bytes = hex.EncodeToString(sum.Sum(nil)), kept.Bytes()
	f.file = file
	return nil
}

// Write notes the head, the tail and the size.
func (p *part) Write(b []byte) (int, error) {
	if n := headSize - len(p.head); n > 0 {
		p.head = append(p.head, b[:min(n, len(b))]...)
	}
	p.size += int64(len(b))
	p.tail = append(p.tail, b[max(0, len(b)-tailSize):]...)
	if n := len(p.tail) - tailSize; n > 0 {
		p.tail = append(p.tail[:0], p.tail[n:]...)
	}
	return len(b), nil
}

// category reads category_id as the site does: what is no number, or beyond 64
// bits, is 0; what is negative or over 32 bits is a value that its database
// does not take.
func category(value string) (id uint64, storable bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil {
		return 0, true
	}
	return uint64(n), n >= 0 && n <= 1<<32-1
}

// upload takes one file.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, mode Mode) {
	english := wantsEnglish(r)
	f := s.readForm(r)
	token := r.URL.Query().Get("token")
	if token == "" {
		token = f.values["token"]
	}
	s.mu.Lock()
	known := token == s.token
	s.mu.Unlock()
	switch {
	case !known || f.broken:
		refuse(w, say(english, "Token error", "Token错误"))
		return
	case f.none:
		refuse(w, "request Content-Type isn't multipart/form-data")
		return
	case f.file == nil:
		refuse(w, "http: no such file")
		return
	}
	id, err := strconv.ParseInt(f.values["id"], 10, 64)
	replaces := err == nil && id != 0
	if replaces && !s.cfg.Replaces {
		refuse(w, say(english, "Unable to modify the image", "无法修改图片"))
		return
	}
	if replaces {
		if said := s.irreplaceable(id, f.file.md5, english); said != "" {
			refuse(w, said)
			return
		}
	}
	s.take(w, r, f, id, mode, english)
}

// take stores the file of a whole form, in the place of that with an id unless it is
// 0, and answers.
func (s *Server) take(w http.ResponseWriter, r *http.Request, f form, id int64, mode Mode, english bool) {
	ext, image := kindOf(f.file)
	if !image && (ext == ".php" || ext == ".jsp") {
		refuse(w, say(english, "Not allowed to upload php files", "不允许上传php文件"))
		return
	}
	file := &File{
		Name: f.file.name, Title: strings.TrimSuffix(f.file.name, path.Ext(f.file.name)), MD5: f.file.md5,
		Size: f.file.size, Image: image, Created: s.cfg.Now(),
	}
	var storable bool
	file.Category, storable = category(f.values["category_id"])
	if err := file.encode(f.file, ext); err != nil {
		refuse(w, err.Error())
		return
	}
	file.Path = "uploads/" + file.Created.Format("200601/02/") + storedName(f.file.name, file.MD5, ext, image)
	if failLate(w, english, mode, file) {
		return
	}
	if mode == FalseSuccess || mode == DatabaseDown || !storable || len(f.file.name) > maxName {
		answer{Data: s.describe(r, *file, false)}.write(w) // its id is 0
		return
	}
	if id != 0 {
		s.reply(w, r, mode, answer{Data: s.describe(r, s.replace(id, *file), true)})
		return
	}
	stored, existing, err := s.store(*file)
	if err != nil && image {
		refuse(w, err.Error())
		return
	}
	s.reply(w, r, mode, answer{Data: s.describe(r, stored, existing)})
}

// reply writes a, or loses it as mode says.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, mode Mode, a answer) {
	switch mode {
	case LostReset:
		reset(w)
	case LostHang:
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
		panic(http.ErrAbortHandler)
	case CutReply:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		b := a.encode()
		_, _ = w.Write(b[:len(b)/2])
	case WrongMD5:
		a.Data.MD5 = strings.Repeat("0", 32)
		a.write(w)
	default:
		a.write(w)
	}
}
