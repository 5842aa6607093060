package anqicmstest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a Server that listens.
type site struct {
	*Server
	t      *testing.T
	url    string
	client *http.Client
}

func start(t *testing.T, cfg Config) *site {
	cfg.Token = "t0ken"
	if cfg.BaseURL == "" {
		cfg.BaseURL = "https://cms.example"
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }
	}
	s := New(cfg)
	l := httptest.NewServer(s)
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() { s.Close(); client.CloseIdleConnections(); l.Close() })
	return &site{Server: s, t: t, url: l.URL, client: client}
}

// post sends a request and returns its status and answer.
func (s *site) post(path, contentType string, body io.Reader, header ...string) (int, answer, string) {
	s.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, s.url+path, body)
	req.Header.Set("Accept-Language", "en-US")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, answer{}, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	var a answer
	if e := json.Unmarshal(b, &a); e != nil && err == nil {
		a.Code = -2
	}
	return resp.StatusCode, a, string(b)
}

func multi(field, name, content string, values ...string) (string, []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(values); i += 2 {
		_ = w.WriteField(values[i], values[i+1])
	}
	p, _ := w.CreateFormFile(field, name)
	_, _ = io.WriteString(p, content)
	_ = w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func (s *site) send(name, content string, values ...string) answer {
	s.t.Helper()
	ct, b := multi("file", name, content, values...)
	status, a, text := s.post(UploadPath+"?token=t0ken", ct, bytes.NewReader(b))
	if status != 200 || a.Code == -2 {
		s.t.Fatalf("%s: HTTP %d %s", name, status, text)
	}
	return a
}

func TestMD5IsUniqueSiteWide(t *testing.T) {
	s := start(t, Config{})
	first := s.send("a.txt", "hello", "category_id", "1")
	again := s.send("b.log", "hello", "category_id", "2")
	if first.Data.ID != 1 || again.Data.ID != 1 || again.Data.Logo != first.Data.Logo || again.Data.FileName != "a" {
		t.Errorf("%+v then %+v", first.Data, again.Data)
	}
	if first.Data.CreatedTime == 0 || again.Data.CreatedTime != 0 {
		t.Error("created_time does not tell them apart")
	}
	if f := s.Stored()[0]; f.Category != 2 || f.Sent != 2 {
		t.Errorf("row %+v, want it moved to 2", f)
	}
	if s.send("a.txt", "hello"); s.Stored()[0].Category != 0 {
		t.Error("no category does not move it to 0")
	}
}

func TestCategories(t *testing.T) {
	s := start(t, Config{})
	for value, want := range map[string]struct {
		category uint64
		stored   bool
	}{
		"1": {1, true}, "999": {999, true}, "abc": {0, true}, "-1": {1<<64 - 1, false}, "1.5": {0, true}, "": {0, true},
		" 1": {1, true}, "4294967296": {1 << 32, false}, "99999999999999999999": {0, true},
	} {
		a := s.send("c.txt", "category "+value, "category_id", value)
		if a.Code != 0 || a.Data.CategoryID != want.category || (a.Data.ID > 0) != want.stored {
			t.Errorf("%q: %+v", value, a.Data)
		}
	}
}

func TestNamesOfOthersCollide(t *testing.T) {
	s := start(t, Config{KeepBytes: true})
	a, b := s.send("Report 1.PDF", "%PDF-1.4 first"), s.send("report 1.pdf", "%PDF-1.4 second")
	if a.Data.ID == b.Data.ID || a.Data.Logo != b.Data.Logo || a.Data.Location != "uploads/202611/21/report-1.pdf" {
		t.Errorf("%+v and %+v", a.Data, b.Data)
	}
	if got := s.get("/" + a.Data.Location); got != "%PDF-1.4 second" {
		t.Errorf("served %q, want the last", got)
	}
	s.send("Report 1.PDF", "%PDF-1.4 first")
	if got := s.get("/" + a.Data.Location); got != "%PDF-1.4 first" {
		t.Errorf("served %q, want what was sent last again", got)
	}
}

func (s *site) get(path string) string {
	resp, err := s.client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func TestStoredNames(t *testing.T) {
	s := start(t, Config{})
	for name, want := range map[string]string{
		"my file (1).txt": "my-file-(1).txt", "Фото отпуск.txt": "фото-отпуск.txt", "x?y#z.txt": "x?y#z.txt", "a%20b.txt": "a%20b.txt",
		"dot.in.name.tar.gz": "dot.in.name.tar.gz", "trailingdot.": "trailingdot", "noext": "noext",
	} {
		if a := s.send(name, "name "+name); a.Data.Location != "uploads/202611/21/"+want {
			t.Errorf("%q is stored as %q", name, a.Data.Location)
		}
	}
	for _, name := range []string{"照片.txt", ".hidden"} {
		sum := md5.Sum([]byte("name " + name))
		want := hex.EncodeToString(sum[:])[8:24] + name[strings.LastIndexByte(name, '.'):]
		if a := s.send(name, "name "+name); a.Data.Location != "uploads/202611/21/"+want {
			t.Errorf("%q is stored as %q, want %q", name, a.Data.Location, want)
		}
	}
	if a := s.send(strings.Repeat("a", 201), "long"); a.Data.ID != 0 || a.Code != 0 {
		t.Errorf("a long name: %+v", a)
	}
	if a := s.send("x.txt", "\x00\x00\x00\x18ftypheic"); !strings.HasSuffix(a.Data.Location, "/x.heif") || a.Data.IsImage != 0 {
		t.Errorf("HEIC: %+v", a.Data)
	}
}

// photo returns a JPEG.
func photo(t *testing.T) string {
	var b bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i)
	}
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImagesAreStoredAnew(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s := start(t, Config{KeepBytes: keep})
		content := photo(t)
		sum := md5.Sum([]byte(content))
		a := s.send("my photo.txt", content)
		name := hex.EncodeToString(sum[:])[8:24] + ".jpg"
		if a.Data.Location != "uploads/202611/21/"+name || a.Data.Thumb != "https://cms.example/uploads/202611/21/thumb_"+name || a.Data.IsImage != 1 {
			t.Errorf("%+v", a.Data)
		}
		if a.Data.Size == int64(len(content)) || a.Data.MD5 != hex.EncodeToString(sum[:]) {
			t.Errorf("stored %d bytes of %d, md5 %s", a.Data.Size, len(content), a.Data.MD5)
		}
		if keep && int64(len(s.get("/"+a.Data.Location))) != a.Data.Size {
			t.Error("the served file has another size")
		}
		if g := s.send("a.gif", "GIF89a...;"); g.Data.Size != 10 || g.Data.IsImage != 1 {
			t.Errorf("GIF %+v", g.Data)
		}
		if a := s.send("b.bmp", "BM"+strings.Repeat("\x01", 40)); a.Code != 0 || !strings.HasSuffix(a.Data.Location, ".png") || a.Data.Size == 42 {
			t.Errorf("BMP %+v", a.Data)
		}
		for name, broken := range map[string]string{"empty.jpg": "", "fake.jpg": "this is text", "cut.jpg": content[:len(content)/2]} {
			if a := s.send(name, broken); a.Code != -1 || a.Msg == "" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if a := s.send("empty.txt", ""); a.Data == nil || a.Data.ID == 0 {
			t.Errorf("an empty text: %+v", a)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := start(t, Config{})
	ct, b := multi("file", "a.txt", "hello")
	good := UploadPath + "?token=t0ken"
	check := func(what, path, ct string, body []byte, want string, header ...string) {
		t.Helper()
		if status, a, text := s.post(path, ct, bytes.NewReader(body), header...); status != 200 || a.Code != -1 || a.Msg != want {
			t.Errorf("%s: HTTP %d %s, want %q", what, status, text, want)
		}
	}
	check("wrong token", UploadPath+"?token=x", ct, b, "Token error")
	check("no token", UploadPath, ct, b, "Token error")
	check("in Chinese", UploadPath, ct, b, "Token错误", "Accept-Language", "zh")
	check("broken body", good, ct, b[:len(b)-4], "Token error")
	check("no body", good, "", nil, "request Content-Type isn't multipart/form-data")
	check("no body, wrong token", UploadPath+"?token=x", "", nil, "Token error")
	ct2, b2 := multi("source", "a.txt", "hello")
	check("wrong part", good, ct2, b2, "http: no such file")
	ct2, b2 = multi("file", "a.php", "<?php")
	check("php", good, ct2, b2, "Not allowed to upload php files")
	ct2, b2 = multi("file", "a.txt", "hello", "id", "7")
	check("id", good, ct2, b2, "Unable to modify the image")
	if status, _, _ := s.post(good+"&lang=en-US", ct, bytes.NewReader(b)); status != http.StatusTemporaryRedirect {
		t.Errorf("lang: HTTP %d", status)
	}
	if status, _, text := s.post(UploadPath+"/?token=t0ken", ct, bytes.NewReader(b)); status != 404 || !strings.Contains(text, "<html") {
		t.Errorf("trailing slash: HTTP %d", status)
	}
	if status, _, text := s.post(good, ct, bytes.NewReader(b), "User-Agent", ""); status != 200 || text != "" {
		t.Errorf("no User-Agent: HTTP %d %q", status, text)
	}
	if len(s.Stored()) != 0 {
		t.Errorf("%d files were stored", len(s.Stored()))
	}
	if s.get(good); s.Probes() != 2 {
		t.Errorf("%d probes, want 2", s.Probes())
	}
	ct3, b3 := multi("file1", "a.txt", "hello", "token", "t0ken", "id", "abc")
	if _, a, text := s.post("/en"+UploadPath, ct3, bytes.NewReader(b3)); a.Code != 0 {
		t.Errorf("token as a field: %s", text)
	}
}

func TestIdenticalAtOnce(t *testing.T) {
	for name, content := range map[string]string{"a.txt": "hello", "a.gif": "GIF89a....;"} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Config{Work: time.Second})
			ct, b := multi("file", name, content)
			answers := make([]answer, 4)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					r := httptest.NewRequest(http.MethodPost, UploadPath+"?token=", bytes.NewReader(b))
					r.Header.Set("Content-Type", ct)
					r.Header.Set("User-Agent", "test")
					w := httptest.NewRecorder()
					s.ServeHTTP(w, r)
					_ = json.Unmarshal(w.Body.Bytes(), &answers[i])
				})
			}
			wg.Wait()
			var won, lost int
			for _, a := range answers {
				switch {
				case a.Code == 0 && a.Data.ID == 1:
					won++
				case a.Code == 0 && a.Data.ID == 0 && name == "a.txt", strings.HasPrefix(a.Msg, "Error 1062"):
					lost++
				}
			}
			if won != 1 || lost != 3 || s.MostAtOnce() != 4 || len(s.Stored()) != 1 {
				t.Errorf("%s: %d won, %d lost, %d at once, %d files", name, won, lost, s.MostAtOnce(), len(s.Stored()))
			}
		})
	}
}

func TestLimiter(t *testing.T) {
	now := time.Now()
	s := start(t, Config{Limit: 3, Now: func() time.Time { return now }})
	for i, want := range []int{200, 200, 200, 429, 403, 403} {
		if status, _, _ := s.post(UploadPath, "", nil); status != want {
			t.Errorf("request %d: HTTP %d, want %d", i, status, want)
		}
	}
	now = now.Add(time.Hour)
	if status, _, _ := s.post(UploadPath, "", nil); status != 200 {
		t.Errorf("after the block: HTTP %d", status)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[Mode]struct {
		status int
		text   string
		stored int
	}{
		Limited: {429, "Too many requests", 0}, Blocked: {403, "Your IP is blocked.", 0}, NotFound: {404, "<html", 0},
		Redirect: {307, "", 0}, Unavailable: {503, "<html", 0}, TooLarge: {413, "<html", 0}, ResetEarly: {0, "", 0},
		ResetInBody: {0, "", 0}, EmptyReply: {200, "", 0}, Page200: {200, "<html", 0}, Page500: {500, "<html", 0},
		Page502: {502, "<html", 0}, TokenError: {200, "Token error", 0}, FalseSuccess: {200, `"id":0`, 0},
		DuplicateEntry: {200, "Error 1062", 0}, DatabaseDown: {200, "dial tcp", 0}, StorageFailure: {200, "open /", 0},
		WrongMD5: {200, "00000000000000000000000000000000", 1}, LostReset: {0, "", 1}, CutReply: {200, `{"code":0`, 1},
	} {
		t.Run(string(mode), func(t *testing.T) {
			s := start(t, Config{})
			s.FailNext("", mode)
			s.send("first.txt", "passes")
			ct, b := multi("file", "a.gif", "GIF89a....;")
			status, _, text := s.post(UploadPath+"?token=t0ken", ct, bytes.NewReader(b))
			if status != want.status || !strings.Contains(text, want.text) || want.text == "" && status == 200 && text != "" {
				t.Errorf("HTTP %d %s", status, text)
			}
			if got := len(s.Stored()) - 1; got != want.stored {
				t.Errorf("%d stored, want %d", got, want.stored)
			}
			s.FailAlways(mode)
			s.post(UploadPath+"?token=t0ken", ct, bytes.NewReader(b))
			if s.FailAlways(""); s.send("last.txt", "passes too").Data.ID == 0 {
				t.Error("the mode does not end")
			}
		})
	}
}

func TestHangAndStallEndWithClose(t *testing.T) {
	for _, mode := range []Mode{LostHang, Stall} {
		s := start(t, Config{})
		s.FailNext(mode)
		ct, b := multi("file", "a.txt", "hello")
		done := make(chan int)
		go func() {
			status, _, _ := s.post(UploadPath+"?token=t0ken", ct, bytes.NewReader(b))
			done <- status
		}()
		for s.Uploads() == 0 {
			time.Sleep(time.Millisecond)
		}
		s.Close()
		if status := <-done; status != 0 {
			t.Errorf("%s: HTTP %d", mode, status)
		}
	}
}

func TestSetToken(t *testing.T) {
	s := start(t, Config{})
	s.SetToken("other")
	if a := s.send("a.txt", "hello"); a.Msg != "Token error" {
		t.Errorf("%+v", a)
	}
	s.SetToken("t0ken")
	if a := s.send("a.txt", "hello"); a.Code != 0 {
		t.Errorf("%+v", a)
	}
}
