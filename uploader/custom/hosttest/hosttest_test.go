package hosttest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"slipway/uploader/custom/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "k3yOfTheHosts"

// host is a server with a client that sees redirects.
type host struct {
	*testing.T
	*hosttest.Server
	address string
	client  *http.Client
}

func start(t *testing.T, s *hosttest.Server) *host {
	l := httptest.NewServer(s)
	c := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() { c.CloseIdleConnections(); s.Close(); l.Close() })
	return &host{t, s, l.URL, c}
}

// answer is a reply: its JSON in any, where it is JSON.
type answer struct {
	status int
	header http.Header
	body   string
	any    map[string]any
}

func (h *host) do(r *http.Request) answer {
	h.Helper()
	resp, err := h.client.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	json.Unmarshal(b, &a.any)
	return a
}

// request makes one with headers, which are pairs.
func (h *host) request(method, address string, body []byte, headers ...string) *http.Request {
	h.Helper()
	if strings.HasPrefix(address, "/") {
		address = h.address + address
	}
	r, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// upload posts a form whose part field is a file; said are pairs: fields, or, where
// the name ends in a colon, headers.
func (h *host) upload(path, field, name string, content []byte, said ...string) answer {
	h.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	headers := []string{"Content-Type", w.FormDataContentType()}
	for i := 0; i < len(said); i += 2 {
		if header, ok := strings.CutSuffix(said[i], ":"); ok {
			headers = append(headers, header, said[i+1])
			continue
		}
		w.WriteField(said[i], said[i+1])
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", field, name)}, "Content-Type": {"image/jpeg"},
	})
	if err != nil {
		h.Fatal(err)
	}
	part.Write(content)
	w.Close()
	return h.do(h.request("POST", path, b.Bytes(), headers...))
}

// at returns what stands at a path of names and numbers in the reply.
func (a answer) at(path string) string {
	var v any = a.any
	for name := range strings.SplitSeq(path, ".") {
		switch t := v.(type) {
		case map[string]any:
			v = t[name]
		case []any:
			v = t[int(name[0]-'0')]
		}
	}
	return fmt.Sprint(v)
}

// said asserts the status and what stands at a path.
func (h *host) said(a answer, status int, path, want string) {
	h.Helper()
	if a.status != status || !strings.Contains(a.at(path), want) {
		h.Errorf("got %d %s, want %d and %q at %s", a.status, a.body, status, want, path)
	}
}

// serves asserts that an address gives content to everybody.
func (h *host) serves(address string, content []byte) {
	h.Helper()
	if a := h.do(h.request("GET", address, nil)); a.status != 200 || a.body != string(content) {
		h.Errorf("%s: %d, %d bytes", address, a.status, len(a.body))
	}
}

// gone asserts that it does not.
func (h *host) gone(address string) {
	h.Helper()
	if a := h.do(h.request("GET", address, nil)); a.status != 404 {
		h.Errorf("%s: %d", address, a.status)
	}
}

func jpeg(s string) []byte { return []byte("\xff\xd8\xff\xe0" + s + strings.Repeat("j", 60)) }

func TestImgBB(t *testing.T) {
	const api = "/1/upload?key=" + key
	h := start(t, hosttest.ImgBB(hosttest.Config{Key: key, MaxSize: 1000}))
	h.said(h.upload("/1/upload", "image", "a.jpg", jpeg("1")), 400, "error.message", "Invalid API v1 key.")
	h.said(h.upload("/1/upload?key=wrong", "image", "a.jpg", jpeg("1")), 400, "error.code", "100")
	h.said(h.upload(api, "source", "a.jpg", jpeg("1")), 400, "error.message", "Empty upload source.")
	h.said(h.upload(api, "image", "a.txt", []byte("text")), 400, "error.code", "310")
	h.said(h.upload(api, "image", "a.jpg", jpeg(strings.Repeat("x", 1000))), 400, "error.message", "too big")
	for _, wrong := range []string{"59", "15552001", "P3D"} {
		h.said(h.upload(api, "image", "a.jpg", jpeg("1"), "expiration", wrong), 400, "error.message", "expiration")
	}
	a := h.upload(api, "image", "a b.jpg", jpeg("1"), "name", "Bay", "expiration", "60")
	h.said(a, 200, "success", "true")
	h.said(a, 200, "data.title", "Bay")
	h.said(a, 200, "data.expiration", "60")
	h.serves(a.at("data.url"), jpeg("1"))
	if a := h.do(h.request("GET", a.at("data.delete_url"), nil)); a.status != 200 || h.Count() != 1 {
		t.Errorf("opening delete_url: %d, %d pictures", a.status, h.Count())
	}
	if p := h.Stored()[0]; p.Name != "a b.jpg" || p.Type != "image/jpeg" || p.Told["key"] != "" || p.Told["name"] != "Bay" {
		t.Errorf("%+v", p)
	}
	h.said(h.upload("/1/upload", "image", "a.jpg", jpeg("1"), "key", key), 200, "data.expiration", "0")
	h.Configure(func(c *hosttest.Config) { c.PerHour = 2 })
	h.said(h.upload(api, "image", "a.jpg", jpeg("3")), 400, "error.message", "Rate limit reached.")
	h.Configure(func(c *hosttest.Config) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } })
	h.said(h.upload(api, "image", "a.jpg", jpeg("3")), 200, "success", "true")
}

func TestLsky(t *testing.T) {
	const api, sign = "/api/v1/upload", "Bearer " + key
	h := start(t, hosttest.Lsky(hosttest.Config{Key: key, MaxSize: 1000}))
	h.said(h.upload(api, "file", "a.jpg", jpeg("1"), "Accept:", "application/json", "Authorization:", "Bearer no"), 401, "message", "Unauthenticated")
	if a := h.upload(api, "file", "a.jpg", jpeg("1")); a.status != 302 || a.header.Get("Location") != "/login" {
		t.Errorf("without Accept: %d", a.status)
	}
	send := func(name string, content []byte, said ...string) answer {
		return h.upload(api, "file", name, content, append(said, "Authorization:", sign, "Accept:", "application/json")...)
	}
	h.said(send("a", jpeg("1")), 200, "message", "不支持的文件类型")
	h.said(send("a.jpg", jpeg(strings.Repeat("x", 1000))), 200, "status", "false")
	h.said(send("a.jpg", jpeg("1"), "strategy_id", "7"), 200, "message", "策略")
	h.said(h.upload(api, "image", "a.jpg", jpeg("1"), "Authorization:", sign), 200, "status", "false")
	first, second := send("a.JPG", jpeg("1"), "strategy_id", "2"), send("b.jpg", jpeg("1"))
	h.said(first, 200, "status", "true")
	if first.at("data.links.url") != second.at("data.links.url") || first.at("data.key") == second.at("data.key") || h.Count() != 2 {
		t.Errorf("the same bytes: %s, %s", first.body, second.body)
	}
	h.serves(first.at("data.links.url"), jpeg("1"))
	h.serves(first.at("data.links.thumbnail_url"), jpeg("1"))
	remove := func(key, sign string) answer {
		return h.do(h.request("DELETE", "/api/v1/images/"+key, nil, "Authorization", sign, "Accept", "application/json"))
	}
	h.said(remove(first.at("data.key"), "Bearer no"), 401, "status", "false")
	h.said(remove(first.at("data.key"), sign), 200, "status", "true")
	h.serves(first.at("data.links.url"), jpeg("1"))
	h.said(remove(second.at("data.key"), sign), 200, "status", "true")
	h.said(remove(second.at("data.key"), sign), 200, "status", "true")
	h.gone(first.at("data.links.url"))
	h.Configure(func(c *hosttest.Config) { c.PerHour = 2 })
	h.said(send("a.jpg", jpeg("9")), 200, "message", "最多可以上传 2 张图片")
}

func TestImgur(t *testing.T) {
	const api, sign = "/3/image", "Client-ID " + key
	h := start(t, hosttest.Imgur(hosttest.Config{Key: key, MaxSize: 1000}))
	h.said(h.upload(api, "image", "a.jpg", jpeg("1")), 401, "data.error", "Authentication required")
	h.said(h.upload(api, "image", "a.jpg", jpeg("1"), "Authorization:", "Client-ID no"), 403, "data.error", "Invalid client_id")
	h.said(h.upload(api, "file", "a.jpg", jpeg("1"), "Authorization:", sign), 400, "data.error", "No image data")
	h.said(h.upload(api, "image", "a.jpg", []byte("text"), "Authorization:", sign), 400, "data.error.code", "1003")
	h.said(h.upload(api, "image", "a.jpg", jpeg(strings.Repeat("x", 1000)), "Authorization:", sign), 400, "data.error", "size limit")
	a := h.upload(api, "image", "a.jpg", jpeg("1"), "Authorization:", sign, "title", "Bay", "album", "x")
	h.said(a, 200, "data.title", "Bay")
	h.said(a, 200, "data.description", "<nil>")
	h.serves(a.at("data.link"), jpeg("1"))
	h.serves(h.address+"/"+a.at("data.id")+"m.jpeg", jpeg("1"))
	remove := func(hash, sign string) answer {
		return h.do(h.request("DELETE", api+"/"+hash, nil, "Authorization", sign))
	}
	h.said(remove(a.at("data.id"), sign), 404, "success", "false")
	h.said(remove(a.at("data.deletehash"), "Client-ID no"), 403, "success", "false")
	h.said(remove(a.at("data.deletehash"), sign), 200, "data", "true")
	h.gone(a.at("data.link"))
	h.said(remove(a.at("data.deletehash"), sign), 404, "success", "false")
	h.Configure(func(c *hosttest.Config) { c.PerHour = 1 })
	h.said(h.upload(api, "image", "a.jpg", jpeg("2"), "Authorization:", sign), 429, "data.error.message", "too fast")
}

func TestZipline(t *testing.T) {
	const api = "/api/upload"
	h := start(t, hosttest.Zipline(hosttest.Config{Key: key, MaxSize: 1000, Folders: []string{"f1"}}))
	h.said(h.upload(api, "file", "a.jpg", jpeg("1")), 401, "code", "2000")
	h.said(h.upload(api, "file", "a.jpg", jpeg("1"), "Authorization:", "Bearer "+key), 401, "error", "E2001: Invalid token")
	send := func(name string, content []byte, said ...string) answer {
		return h.upload(api, "file", name, content, append(said, "Authorization:", key)...)
	}
	h.said(h.upload(api, "image", "a.jpg", jpeg("1"), "Authorization:", key), 400, "code", "1062")
	h.said(send("a.php", jpeg("1")), 400, "code", "1006")
	h.said(send("a.jpg", jpeg(strings.Repeat("x", 1000))), 413, "code", "5001")
	h.said(send("a.jpg", jpeg("1"), "X-Zipline-Folder:", "f2"), 404, "code", "4001")
	for _, wrong := range []string{"P3D", "soon", "date=2001-01-01T00:00:00Z"} {
		h.said(send("a.jpg", jpeg("1"), "X-Zipline-Deletes-At:", wrong), 400, "code", "1001")
	}
	a := send("a.jpg", []byte("any type"), "X-Zipline-Folder:", "f1", "X-Zipline-Deletes-At:", "86400s", "X-Zipline-Original-Name:", "true")
	h.said(a, 200, "files.0.type", "image/jpeg")
	h.serves(a.at("files.0.url"), []byte("any type"))
	if told := h.Stored()[0].Told; told["x-zipline-folder"] != "f1" || told["x-zipline-original-name"] != "true" {
		t.Errorf("%v", told)
	}
	remove := func(id, token string) answer {
		return h.do(h.request("DELETE", "/api/user/files/"+id, nil, "Authorization", token))
	}
	h.said(remove(a.at("files.0.id"), "no"), 401, "code", "2001")
	h.said(remove(a.at("files.0.id"), key), 200, "id", a.at("files.0.id"))
	h.gone(a.at("files.0.url"))
	h.said(remove(a.at("files.0.id"), key), 404, "code", "4000")
	h.Configure(func(c *hosttest.Config) { c.PerHour = 1 })
	if a := send("a.jpg", jpeg("1")); a.status != 429 || a.header.Get("Retry-After") != "60" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestZiplineV3(t *testing.T) {
	const api = "/api/upload"
	h := start(t, hosttest.ZiplineV3(hosttest.Config{Key: key, MaxSize: 1000}))
	send := func(name string, content []byte, said ...string) answer {
		return h.upload(api, "file", name, content, append(said, "Authorization:", key)...)
	}
	h.said(h.upload(api, "file", "a.jpg", jpeg("1"), "Authorization:", "no"), 403, "error", "authorization incorrect")
	h.said(send("", jpeg("1")), 400, "error", "no filename")
	h.said(send("a.exe", jpeg("1")), 400, "error", "disabled extension")
	h.said(send("a.jpg", jpeg(strings.Repeat("x", 1000))), 400, "error", "size too big")
	h.said(send("a.jpg", jpeg("1"), "Expires-At:", "soon"), 400, "error", "invalid date")
	a := send("a.jpg", jpeg("1"), "Expires-At:", "1d")
	h.serves(a.at("files.0"), jpeg("1"))
	h.Configure(func(c *hosttest.Config) { c.PerHour = 1 })
	h.said(send("a.jpg", jpeg("1")), 429, "error", "try again in 60 seconds")
}

func TestWebDAV(t *testing.T) {
	h := start(t, hosttest.WebDAV(hosttest.Config{User: "amy", Key: key, MaxSize: 1000, Folders: []string{"/pictures/2026"}}))
	do := func(method, path, password string, body []byte) answer {
		r := h.request(method, path, body, "Content-Type", "image/jpeg")
		r.SetBasicAuth("amy", password)
		return h.do(r)
	}
	if a := do("PUT", "/dav/pictures/a.jpg", "no", jpeg("1")); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d", a.status)
	}
	for path, want := range map[string]int{"/dav/nowhere/a.jpg": 409, "/dav/pictures/a%20%C3%A4.jpg": 201, "/dav/pictures/2026/b.jpg": 201} {
		if a := do("PUT", path, key, jpeg(path)); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	h.serves("/public/pictures/a%20%C3%A4.jpg", jpeg("/dav/pictures/a%20%C3%A4.jpg"))
	if a := do("PUT", "/dav/pictures/2026/b.jpg", key, jpeg(strings.Repeat("x", 1000))); a.status != 507 {
		t.Errorf("no room: %d", a.status)
	}
	if a := do("PUT", "/dav/pictures/2026/b.jpg", key, jpeg("new")); a.status != 201 || h.Count() != 2 {
		t.Errorf("again: %d, %d files", a.status, h.Count())
	}
	h.serves("/public/pictures/2026/b.jpg", jpeg("new"))
	if a := do("DELETE", "/dav/pictures/2026/b.jpg", "no", nil); a.status != 401 {
		t.Errorf("%d", a.status)
	}
	for _, want := range []int{204, 404} {
		if a := do("DELETE", "/dav/pictures/2026/b.jpg", key, nil); a.status != want {
			t.Errorf("delete: %d", a.status)
		}
	}
	h.gone("/public/pictures/2026/b.jpg")
	h.Configure(func(c *hosttest.Config) { c.PerHour = 3 })
	if a := do("PUT", "/dav/pictures/c.jpg", key, jpeg("3")); a.status != 429 {
		t.Errorf("%d", a.status)
	}
}

// signed makes a request that AWS's own library signed.
func (h *host) signed(method, address string, body []byte, secret string, headers ...string) *http.Request {
	h.Helper()
	r := h.request(method, address, body, headers...)
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", payload)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(h.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}, r, payload, "s3", "eu-central-1", time.Now()); err != nil {
		h.Fatal(err)
	}
	return r
}

func TestS3(t *testing.T) {
	h := start(t, hosttest.S3(hosttest.Config{
		User: "AKIDEXAMPLE", Key: key, Region: "eu-central-1", Folders: []string{"pictures"}, Domain: "s3.test", MaxSize: 1000,
	}))
	refused := func(r *http.Request, status int, code string) {
		t.Helper()
		if a := h.do(r); a.status != status || !strings.Contains(a.body, "<Code>"+code+"</Code>") {
			t.Errorf("got %d %s, want %d %s", a.status, a.body, status, code)
		}
	}
	const path = "/pictures/2026/a%20b%27%28%29%C3%A4.jpg"
	put := func(body []byte, secret string, headers ...string) *http.Request {
		return h.signed("PUT", path, body, secret, append(headers, "Content-Type", "image/jpeg")...)
	}
	refused(h.request("PUT", path, jpeg("1")), 403, "AccessDenied")
	refused(h.request("PUT", path, jpeg("1"), "Authorization", "Basic x"), 400, "AuthorizationHeaderMalformed")
	refused(put(jpeg("1"), "wrong"), 403, "SignatureDoesNotMatch")
	refused(put(jpeg(strings.Repeat("x", 1000)), key), 400, "EntityTooLarge")
	refused(h.signed("PUT", "/nobucket/a.jpg", jpeg("1"), key), 404, "NoSuchBucket")
	for name, spoil := range map[string]struct {
		how    func(r *http.Request)
		status int
		code   string
	}{
		"another path":    {func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/pictures/b.jpg", "" }, 403, "SignatureDoesNotMatch"},
		"another method":  {func(r *http.Request) { r.Method = "DELETE" }, 403, "SignatureDoesNotMatch"},
		"a query":         {func(r *http.Request) { r.URL.RawQuery = "acl=" }, 403, "SignatureDoesNotMatch"},
		"another host":    {func(r *http.Request) { r.Host = "pictures.s3.test" }, 403, "SignatureDoesNotMatch"},
		"another type":    {func(r *http.Request) { r.Header.Set("Content-Type", "image/png") }, 403, "SignatureDoesNotMatch"},
		"unsigned header": {func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, 403, "AccessDenied"},
		"other bytes":     {func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(jpeg("2"))) }, 400, "XAmzContentSHA256Mismatch"},
		"another user": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKIDEXAMPLE", "AKIDOTHER", 1))
		}, 403, "InvalidAccessKeyId"},
		"another region": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-central-1", "us-east-1", 1))
		}, 400, "AuthorizationHeaderMalformed"},
		"another day": {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") }, 403, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			r := put(jpeg("1"), key)
			spoil.how(r)
			refused(r, spoil.status, spoil.code)
		})
	}
	if h.Count() != 0 {
		t.Fatalf("%d objects", h.Count())
	}
	if a := h.do(put(jpeg("1"), key, "X-Amz-Acl", "public-read")); a.status != 200 || a.header.Get("ETag") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if p := h.Stored()[0]; p.Path != "/pictures/2026/a b'()ä.jpg" || p.Type != "image/jpeg" || p.Told["x-amz-acl"] != "public-read" {
		t.Errorf("%+v", p)
	}
	h.serves(path, jpeg("1"))
	virtual := h.request("GET", strings.TrimPrefix(path, "/pictures"), nil)
	virtual.Host = "pictures.s3.test:9000"
	if a := h.do(virtual); a.status != 200 || a.body != string(jpeg("1")) {
		t.Errorf("virtual-host style: %d", a.status)
	}
	refused(h.signed("DELETE", path, nil, "wrong"), 403, "SignatureDoesNotMatch")
	for range 2 {
		if a := h.do(h.signed("DELETE", path, nil, key)); a.status != 204 {
			t.Errorf("delete: %d %s", a.status, a.body)
		}
	}
	h.gone(path)
	h.Configure(func(c *hosttest.Config) { c.Now = func() time.Time { return time.Now().Add(16 * time.Minute) } })
	refused(put(jpeg("1"), key), 403, "RequestTimeTooSkewed")
	h.Configure(func(c *hosttest.Config) { c.Now, c.PerHour = nil, 1 })
	refused(put(jpeg("1"), key), 503, "SlowDown")
}
