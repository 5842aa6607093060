package cheveretotest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/uploadertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a server with a client that sees redirects.
type site struct {
	*testing.T
	*cheveretotest.Server
	address string
	client  *http.Client
}

func start(t *testing.T, cfg cheveretotest.Config) *site {
	cfg.Key, cfg.OtherKey, cfg.AdminKey = "alice", "bob", "admin"
	s := cheveretotest.New(cfg)
	l := httptest.NewServer(s)
	c := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() { c.CloseIdleConnections(); s.Close(); l.Close() })
	return &site{t, s, l.URL, c}
}

// answer is the reply, code and message.
type answer struct {
	status   int
	location string
	body     string
	Code     any
	Message  string
	image    map[string]any
}

func (s *site) do(r *http.Request) answer {
	s.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		s.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var a struct {
		Error answer
		Image map[string]any
	}
	json.Unmarshal(b, &a)
	a.Error.status, a.Error.location, a.Error.body, a.Error.image = resp.StatusCode, resp.Header.Get("Location"), string(b), a.Image
	return a.Error
}

// send uploads content; fields are pairs; "type" and "name" are the part's.
func (s *site) send(path, key string, content []byte, fields ...string) answer {
	s.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	name, typ := "a.jpg", "image/jpeg"
	for i := 0; i < len(fields); i += 2 {
		switch fields[i] {
		case "type":
			typ = fields[i+1]
		case "name":
			name = fields[i+1]
		default:
			w.WriteField(fields[i], fields[i+1])
		}
	}
	if content != nil {
		part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="source"; filename="` + name + `"`}, "Content-Type": {typ}})
		part.Write(content)
	}
	w.Close()
	r, err := http.NewRequest("POST", s.address+path, &b)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	return s.do(r)
}

const api = "/api/1/upload"

func jpeg(s string) []byte { return []byte("\xff\xd8\xff\xe0" + s + strings.Repeat("j", 60)) }

func (s *site) refused(a answer, code any, message string) {
	s.Helper()
	if a.status != 400 || fmt.Sprint(a.Code) != fmt.Sprint(code) || !strings.Contains(a.Message, message) {
		s.Errorf("got %d %v %q, want %v %q", a.status, a.Code, a.Message, code, message)
	}
}

func TestAddressesAndKeys(t *testing.T) {
	s := start(t, cheveretotest.Config{})
	for path, want := range map[string]string{api + "/": api, api + "?key=alice": api + "/?key=alice"} {
		if a := s.send(path, "", jpeg("1")); a.status != 301 || a.location != want {
			t.Errorf("%s: %d %s", path, a.status, a.location)
		}
	}
	s.refused(s.send("/api/2/upload", "alice", jpeg("1")), 110, "Invalid API version.")
	s.refused(s.send("/api/1/list", "alice", jpeg("1")), 120, "Invalid API action")
	s.refused(s.send(api, "", jpeg("1")), 100, "No key provided")
	s.refused(s.send(api, "wrong", jpeg("1")), 100, "Invalid API key.")
	s.refused(s.send(api, "alice", nil), 130, "Empty upload source")
	for i, a := range []answer{s.send(api, "alice", jpeg("1")), s.send(api, "", jpeg("2"), "key", "bob"), s.send(api+"/?key=alice", "", jpeg("3"))} {
		if a.status != 200 || a.image["url"] == nil {
			t.Errorf("key %d: %d %s", i, a.status, a.body)
		}
	}
	s.Configure(func(c *cheveretotest.Config) { c.PostLimit = 10 })
	s.refused(s.send(api, "", jpeg("4"), "key", "bob"), 100, "No key provided")
	s.refused(s.send(api, "bob", jpeg("4")), 130, "Empty upload source")
	if s.Count() != 3 || s.Probes() == 0 {
		t.Errorf("%d pictures, %d probes", s.Count(), s.Probes())
	}
}

func TestRepeats(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	s := start(t, cheveretotest.Config{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	first := s.send(api, "alice", jpeg("1"))
	s.refused(s.send(api, "alice", jpeg("1"), "name", "other.jpg", "album_id", "x"), 101, "Duplicated upload")
	s.refused(s.send(api, "bob", jpeg("1")), 101, "Duplicated upload")
	if a := s.send(api, "admin", jpeg("1")); a.status != 200 {
		t.Errorf("an administrator may repeat: %s", a.body)
	}
	s.Forget()
	first = s.send(api, "alice", jpeg("1"))
	gone, _ := http.NewRequest("HEAD", first.image["delete_url"].(string), nil)
	if a := s.do(gone); a.status != 301 || !strings.HasSuffix(a.location, "?deleted") || s.Count() != 0 {
		t.Errorf("HEAD of the delete link: %d %s", a.status, a.location)
	}
	if a := s.do(gone); a.status != 404 {
		t.Errorf("again: %d", a.status)
	}
	if a := s.send(api, "alice", jpeg("1")); a.status != 200 {
		t.Errorf("after it was deleted: %s", a.body)
	}
	mu.Lock()
	now = now.Add(24 * time.Hour)
	mu.Unlock()
	if a := s.send(api, "alice", jpeg("1")); a.status != 200 {
		t.Errorf("a day later: %s", a.body)
	}
}

func TestIdenticalAtOnce(t *testing.T) {
	s := start(t, cheveretotest.Config{Delay: 200 * time.Millisecond})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { s.send(api, "alice", jpeg("1")) })
	}
	wg.Wait()
	if n := s.Count(); n < 2 || s.MostAtOnce() < 2 {
		t.Errorf("%d pictures, %d at once", n, s.MostAtOnce())
	}
}

func TestFlood(t *testing.T) {
	now := time.Now()
	s := start(t, cheveretotest.Config{PerMinute: 2, PerHour: 3, Now: func() time.Time { return now }})
	for i := range 2 {
		s.send(api, "alice", jpeg(fmt.Sprint(i)))
	}
	for range 3 {
		s.refused(s.send(api, "admin", jpeg("a")), 130, "Flooding detected. You can only upload 2 images per minute")
	}
	now = now.Add(time.Minute) // Refused tries did not extend it.
	if a := s.send(api, "alice", jpeg("b")); a.status != 200 {
		t.Errorf("a minute later: %s", a.body)
	}
	s.Configure(func(c *cheveretotest.Config) { c.Language = "zh" })
	s.refused(s.send(api, "bob", jpeg("c")), 130, "每 hour 上传 3 图片")
	now = now.Add(time.Hour)
	s.refused(s.send(api, "bob", jpeg("0")), 101, "重复上传")
}

func TestContent(t *testing.T) {
	mp4 := "\x00\x00\x00\x18ftypisom" + strings.Repeat("v", 90)
	s := start(t, cheveretotest.Config{MaxSize: 1_000_000, Disabled: []string{"gif"}, StopWords: []string{"bad"}})
	for _, test := range []struct {
		content, code, message string
		fields                 []string
	}{
		{"", "0", "getimagesize", nil},
		{"\xff\xd8\xff\xe0", "425", "negative or zero", nil},
		{"%PDF-1.4", "610", "source info", nil},
		{mp4, "610", "source info", nil},
		{mp4, "610", "source info", []string{"type", "application/octet-stream"}},
		{string(jpeg("")), "100", "Invalid video file", []string{"type", "video/mp4"}},
		{"plain text", "600", "FFprobe", []string{"type", "video/mp4"}},
		{"II*\x00" + mp4, "613", "Unavailable", nil},
		{"\x1aE\xdf\xa3matroska", "613", "Unavailable", []string{"type", "video/x-matroska"}},
		{"GIF89a" + mp4, "614", "Disabled image format (gif)", nil},
		{string(jpeg(strings.Repeat("x", 1_000_000))), "400", "File too big - max 1 MB", nil},
		{string(jpeg("")), "400", "Stop words", []string{"title", "a bad word"}},
		{string(jpeg("")), "610", "Target width", []string{"width", "5000"}},
		{string(jpeg("")), "1", "Invalid image geometry", []string{"width", "-5"}},
		{string(jpeg("")), "22007", "category_id", []string{"category_id", "abc"}},
		{string(jpeg("")), "22007", "image_title", []string{"title", "bad\xff"}},
		{string(jpeg("")), "22001", "image_description", []string{"description", strings.Repeat("d", 70000)}},
		{string(jpeg("")), "22001", "original_filename", []string{"name", strings.Repeat("n", 256)}},
	} {
		s.refused(s.send(api, "alice", []byte(test.content), test.fields...), test.code, test.message)
	}
	for _, fields := range [][]string{{"name", ""}, {"title[]", "x"}} {
		if a := s.send(api, "alice", jpeg(""), fields...); a.status != 500 || !strings.Contains(a.body, "<html>") {
			t.Errorf("%v: %d", fields, a.status)
		}
	}
	if s.Count() != 0 {
		t.Errorf("%d pictures", s.Count())
	}
	if a := s.send(api, "alice", []byte(mp4), "type", "video/x-msvideo", "width", "5000"); a.status != 200 {
		t.Errorf("a video: %s", a.body)
	}
	s.Configure(func(c *cheveretotest.Config) { c.FileLimit = 10 })
	s.refused(s.send(api, "admin", jpeg("")), 601, "UPLOAD_ERR_INI_SIZE")
	if a := s.send(api, "alice", jpeg("")); a.status != 500 {
		t.Errorf("over PHP's limit: %d", a.status)
	}
}

func TestSettings(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s := start(t, cheveretotest.Config{Albums: []string{"aY"}, Now: clock, KeepBytes: true})
	for i, test := range []struct{ expiration, want string }{
		{"", ""}, {"0", ""}, {"banana", "2026-11-22 12:05:00"}, {"3600", "2026-11-22 13:00:00"}, {"PT1M", "2026-11-22 12:05:00"},
		{"P5Y", "2027-11-22 12:00:00"}, {"P3D", "2026-11-25 12:00:00"},
	} {
		a := s.send(api, "alice", jpeg(fmt.Sprint(i)), "expiration", test.expiration, "album_id", "ZZZZ")
		if got, _ := a.image["expiration_date_gmt"].(string); got != test.want || a.image["album"] != nil {
			t.Errorf("%q: %q", test.expiration, got)
		}
	}
	for _, p := range s.Stored() {
		if p.Album != "" {
			t.Error("an unknown album was kept")
		}
	}
	a := s.send(api, "alice", jpeg("album"), "album_id", "aY", "expiration", "PT10M", "name", "summer-fun_1.jpg", "title", "0")
	url := a.image["url"].(string)
	if p := s.Stored()[7]; p.Album != "aY" || p.Title != "summer fun 1" || !strings.HasSuffix(url, "/summer-fun_1.jpg") {
		t.Errorf("%+v at %s", p, url)
	}
	get, _ := http.NewRequest("GET", url, nil)
	if a := s.do(get); a.status != 200 || a.body != string(jpeg("album")) {
		t.Errorf("at its URL: %d %q", a.status, a.body)
	}
	album, _ := http.NewRequest("GET", s.address+"/album/aY", nil)
	if a := s.do(album); !strings.Contains(a.body, `data-object="{&#34;filename&#34;:&#34;summer-fun_1.jpg&#34;`) {
		t.Errorf("the album: %s", a.body)
	}
	now = now.Add(10 * time.Minute)
	if a := s.do(get); a.status != 404 {
		t.Errorf("after its time: %d", a.status)
	}
}

func TestModerationAndOthers(t *testing.T) {
	s := start(t, cheveretotest.Config{Moderate: true})
	if a := s.send(api, "alice", jpeg("1")); a.status != 200 || a.image["url"] != nil || a.image["is_approved"] != 0.0 || a.image["id_encoded"] == nil {
		t.Errorf("moderated: %s", a.body)
	}
	if a := s.send(api, "admin", jpeg("2")); a.image["url"] == nil {
		t.Errorf("an administrator's: %s", a.body)
	}
	s.Configure(func(c *cheveretotest.Config) { c.UploadsOff = true })
	s.refused(s.send(api, "admin", jpeg("3")), 401, "Request denied")
	s.Configure(func(c *cheveretotest.Config) { c.Maintenance = true })
	if a := s.send(api, "alice", jpeg("4")); a.status != 200 || !strings.Contains(a.body, "<html>") {
		t.Errorf("maintenance: %d %s", a.status, a.body)
	}
	s.Configure(func(c *cheveretotest.Config) { c.ServerLimit = 10 })
	if a := s.send(api, "alice", jpeg("4")); a.status != 413 {
		t.Errorf("over the web server's limit: %d", a.status)
	}
}

func TestFailNextAndSlow(t *testing.T) {
	s := start(t, cheveretotest.Config{Rate: 1000})
	s.FailNext(uploadertest.HTML502, uploadertest.Empty403)
	if a := s.send(api, "alice", jpeg("1")); a.status != 502 {
		t.Errorf("got %d", a.status)
	}
	if a := s.send(api, "alice", jpeg("1")); a.status != 403 || a.body != "" {
		t.Errorf("got %d %q", a.status, a.body)
	}
	begin := time.Now()
	if a := s.send(api, "alice", jpeg("1")); a.status != 200 || time.Since(begin) < 200*time.Millisecond {
		t.Errorf("got %d after %v", a.status, time.Since(begin))
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests seen", n)
	}
}
