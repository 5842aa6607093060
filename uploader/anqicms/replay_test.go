package anqicms

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/form"
)

// exchange is one request and its answer as a running AnQiCMS 3.5.8 gave it.
type exchange struct {
	Name    string
	Note    string
	Request struct {
		Head, Body string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

func exchanges(t testing.TB) []exchange {
	b, err := os.ReadFile("testdata/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func exchangeNamed(t testing.TB, name string) exchange {
	for _, x := range exchanges(t) {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no exchange %s", name)
	return exchange{}
}

// status is what a client sees: "100" was recorded where the body was asked for.
func (x exchange) status() int {
	if x.Response.Status == http.StatusContinue {
		return http.StatusOK
	}
	return x.Response.Status
}

// body is the answer's, out of the chunks that it was recorded in.
func (x exchange) body() []byte {
	b := []byte(x.Response.Body)
	if x.Response.Headers["Transfer-Encoding"] == "chunked" {
		if plain, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b))); len(plain) > 0 || err == nil {
			return plain
		}
	}
	return b
}

func (x exchange) header() http.Header {
	h := http.Header{}
	for k, v := range x.Response.Headers {
		if k != "Content-Length" && k != "Transfer-Encoding" {
			h.Set(k, v)
		}
	}
	return h
}

// target is the path and query of the request.
func (x exchange) target() *url.URL {
	u, _ := url.Parse(strings.Fields(x.Request.Head)[1])
	return u
}

func (x exchange) goodToken() bool {
	return x.target().Query().Get("token") == "<token>" || strings.Contains(x.Request.Body, "name=\"token\"")
}

var (
	partName   = regexp.MustCompile(`name="file1?"; filename="([^"]*)"`)
	partBinary = regexp.MustCompile(`<binary (\d+) bytes md5=([0-9a-f]{32})>`)
	partText   = regexp.MustCompile(`(?s)filename="[^"]*"\n(?:Content-Type: [^\n]*\n)?\n(.*?)\n--`)
	partField  = regexp.MustCompile(`name="category_id"\n\n([^\n]*)\n`)
	replyMD5   = regexp.MustCompile(`"file_md5":"([0-9a-f]{32})"`)
	replyImage = regexp.MustCompile(`"is_image":(\d)`)
)

// picture rebuilds what was sent: the bytes themselves where they were recorded,
// else as many others, and then exact is false.
func (x exchange) picture() (p uploader.Picture, content []byte, exact bool) {
	name := "a.jpg"
	if m := partName.FindStringSubmatch(x.Request.Body); m != nil && m[1] != "" {
		name = m[1]
	}
	if m := partBinary.FindStringSubmatch(x.Request.Body); m != nil {
		n, _ := strconv.Atoi(m[1])
		content = bytes.Repeat([]byte{0xff}, n)
	} else if m := partText.FindStringSubmatch(x.Request.Body); m != nil && m[1] != "" {
		content, exact = []byte(m[1]), true
	} else {
		content = []byte("x")
	}
	p = picture(name, content)
	if m := replyImage.FindSubmatch(x.body()); m != nil && string(m[1]) == "0" {
		p.Type = "application/octet-stream"
	}
	if m := partField.FindStringSubmatch(x.Request.Body); m != nil {
		if _, err := strconv.ParseUint(strings.TrimSpace(m[1]), 10, 32); err == nil {
			p.Keys.CategoryID = m[1]
		}
	}
	return p, content, exact
}

// picture returns a picture of content, its type by its name.
func picture(name string, content []byte) uploader.Picture {
	types := map[string]string{"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
		"bmp": "image/bmp", "ico": "image/vnd.microsoft.icon", "svg": "image/svg+xml", "heic": "image/heic",
		"avif": "image/avif", "tif": "image/tiff", "mp4": "video/mp4", "pdf": "application/pdf", "txt": "text/plain"}
	_, ext, _ := strings.Cut(strings.ToLower(name), ".")
	p := uploader.Picture{Upload: "01jtestupload0000000000000", Name: name, Type: types[ext], Size: int64(len(content))}
	p.Open = func(context.Context) (io.ReadSeekCloser, error) {
		return struct {
			io.ReadSeeker
			io.Closer
		}{bytes.NewReader(content), io.NopCloser(nil)}, nil
	}
	return p
}

// outcomes are the kinds in which the exchanges that are no success end.
var outcomes = map[string]uploader.Kind{
	"01_22_php": uploader.Permanent, "01_24_jsp": uploader.Permanent, "01_25_empty_jpg": uploader.Permanent,
	"01_27_trunc_jpg": uploader.Permanent, "01_28_corrupt_jpg": uploader.Permanent, "01_29_text_named_jpg": uploader.Permanent,
	"02_00_wrong_token": uploader.Refused, "02_01_empty_token": uploader.Refused, "02_02_missing_token": uploader.Refused,
	"02_04_token_as_header": uploader.Refused, "02_05_token_bearer": uploader.Refused,
	"02_06_wrong_token_accept_en": uploader.Refused, "02_07_wrong_token_lang_query": uploader.Refused,
	"03_00_missing_file": uploader.Unusual, "03_01_no_body": uploader.Unusual, "03_02_raw_body": uploader.Unusual,
	"03_03_urlencoded": uploader.Unusual, "03_04_json": uploader.Unusual, "03_05_field_source": uploader.Unusual,
	"03_07_file_as_text_field": uploader.Unusual, "03_08_bad_boundary": uploader.Temporary,
	"04_00_GET": uploader.Refused, "04_01_GET_wrong_token": uploader.Refused, "04_02_HEAD": uploader.Refused,
	"04_03_OPTIONS": uploader.Temporary, "04_04_PUT": uploader.Refused, "04_05_trailing_slash": uploader.Refused,
	"04_07_api_attachment_upload": uploader.Refused,
	"06_03_category_3":            uploader.Temporary, "06_07_category_7": uploader.Temporary,
	"07_00_replace_id1": uploader.Permanent, "07_01_replace_missing": uploader.Permanent,
	"07_02_replace_other_type": uploader.Permanent, "07_05_id_negative": uploader.Permanent,
	"07_07_replace_accept_en": uploader.Permanent,
	"08_18_filename":          uploader.Temporary, "08_42_filename_empty": uploader.Unusual,
	"08_43_no_filename_param": uploader.Unusual, "08_52_php_upper": uploader.Permanent,
	"08_60_odd_cut_multibyte": uploader.Temporary,
	"11_same_jpg_4":           uploader.Temporary, "11_same_txt_0": uploader.Temporary, "11_same_txt_1": uploader.Temporary,
	"11_same_txt_2": uploader.Temporary, "11_same_txt_4": uploader.Temporary, "11_same_txt_5": uploader.Temporary,
	"11_same_txt_6":                   uploader.Temporary,
	"12_00_multipart_truncated_cl_ok": uploader.Temporary, "12_01_multipart_missing_final_dashes": uploader.Temporary,
	"12_05_expect_100_bad_token": uploader.Refused,
	"13_00_chunk0":               uploader.Temporary, "13_01_chunk1": uploader.Temporary, "13_10_ooo_chunk2": uploader.Temporary,
	"13_11_ooo_chunk0": uploader.Temporary, "13_22_chunk_resend_after_done": uploader.Temporary,
	"13_23_index_out_of_range": uploader.Temporary, "13_30_jpg_chunk0": uploader.Temporary,
	"21_00_import_categories": uploader.Temporary, "21_01_import_categories_post_badtoken": uploader.Refused,
	"21_02_import_categories_module99": uploader.Temporary,
	"31_05_limited":                    uploader.RetryAfter, "31_06_limited": uploader.RetryAfter, "31_07_limited": uploader.RetryAfter,
	"31_20_ban_empty_ua":         uploader.Temporary,
	"32_01_site_closed_get_file": uploader.Unusual,
	"40_00_db_down_txt":          uploader.Temporary, "40_01_db_down_jpg": uploader.Temporary,
	"40_02_db_down_dup": uploader.Temporary, "40_03_db_down_bad_token": uploader.Refused,
}

// TestReplay sends, for each recorded exchange, the picture of then to a server
// that answers as then.
func TestReplay(t *testing.T) {
	goodProbe, badProbe := exchangeNamed(t, "03_01_no_body"), exchangeNamed(t, "02_00_wrong_token")
	all := exchanges(t)
	if len(all) != 203 {
		t.Fatalf("%d exchanges, want 203", len(all))
	}
	for _, x := range all {
		t.Run(x.Name, func(t *testing.T) {
			p, content, exact := x.picture()
			probes := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, _ := io.ReadAll(r.Body)
				answer := x
				if len(got) == 0 {
					probes++
					if answer = badProbe; x.goodToken() {
						answer = goodProbe
					}
				}
				for k, v := range answer.header() {
					w.Header()[k] = v
				}
				w.WriteHeader(answer.status())
				w.Write(x.withSum(answer.body(), content, exact))
			}))
			defer server.Close()
			d := newDriver(t, Config{URL: server.URL})
			result, err := d.Send(t.Context(), p)
			if strings.Contains(string(x.Response.Body), "Token") != (probes == 1) {
				t.Errorf("%d probes", probes)
			}
			if want, bad := outcomes[x.Name]; bad {
				checkError(t, err, want)
				return
			}
			if err != nil {
				t.Fatalf("Send: %v", err)
			}
			x.check(t, p, result)
		})
	}
}

// withSum puts the sum of content into the answer where the recorded bytes are
// not known.
func (x exchange) withSum(answer, content []byte, exact bool) []byte {
	if exact && !strings.HasPrefix(x.Name, "13_") && !strings.HasPrefix(x.Name, "14_") {
		return answer // as it was: the bytes themselves are sent
	}
	sum := md5.Sum(content)
	return replyMD5.ReplaceAll(answer, []byte(`"file_md5":"`+hex.EncodeToString(sum[:])+`"`))
}

func (x exchange) check(t *testing.T, p uploader.Picture, got uploader.Result) {
	var reply struct {
		Data struct {
			ID          int64
			CreatedTime int64  `json:"created_time"`
			Location    string `json:"file_location"`
			Size        int64  `json:"file_size"`
			IsImage     int    `json:"is_image"`
			Logo, Thumb string
		}
	}
	if err := json.Unmarshal(x.body(), &reply); err != nil {
		t.Fatal(err)
	}
	want := reply.Data
	if got.ID != strconv.FormatInt(want.ID, 10) {
		t.Errorf("ID %q, want %d", got.ID, want.ID)
	}
	u, err := url.Parse(got.URL)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "/"+want.Location || !strings.HasSuffix(want.Logo, u.Path) {
		t.Errorf("URL %q (%v), want the escaped %q", got.URL, err, want.Logo)
	}
	if (got.ThumbnailURL == "") != (want.Thumb == "") {
		t.Errorf("thumbnail %q, want that of %q", got.ThumbnailURL, want.Thumb)
	}
	if got.Existing != (want.CreatedTime == 0) {
		t.Errorf("Existing %v, created_time %d", got.Existing, want.CreatedTime)
	}
	same := want.Size == p.Size && want.IsImage == 0
	if got.Identical != same {
		t.Errorf("Identical %v, want %v (%d bytes stored of %d)", got.Identical, same, want.Size, p.Size)
	}
	if got.Awaiting || got.DeleteURL != "" || !got.Expires.IsZero() {
		t.Errorf("result %+v", got)
	}
}

// TestExchangesCoverEveryError makes sure that each row of the error table was
// in front of the driver, in the language that it was recorded in.
func TestExchangesCoverEveryError(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range exchanges(t) {
		if _, ok := outcomes[x.Name]; ok {
			var e envelope
			_ = json.Unmarshal(x.body(), &e)
			seen[e.text()] = true
		}
	}
	for _, said := range []string{
		"Token error", "Token错误", "Unable to modify the image", "无法修改图片", "不允许上传php文件", "http: no such file",
		"request Content-Type isn't multipart/form-data", "image: unknown format", "invalid JPEG format: short Huffman data",
		"unexpected EOF", "dial tcp 192.0.2.10:13306: connect: connection refused",
		"Error 1062 (23000): Duplicate entry 'e618648e7f3cb9f097a9cd650e7d8009' for key 'uni_attachments_file_md5'",
	} {
		if !seen[said] {
			t.Errorf("no exchange says %q", said)
		}
	}
}

const testToken = "s3cret-t0ken/+="

// newDriver returns a driver with testToken for cfg.URL.
func newDriver(t testing.TB, cfg Config) *Driver {
	t.Helper()
	if cfg.Token == "" {
		cfg.Token = testToken
	}
	client := form.NewClient("test")
	t.Cleanup(client.HTTP.CloseIdleConnections)
	d, err := New(cfg, client)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkError fails unless err is of kind want, readable and without the token.
func checkError(t testing.TB, err error, want uploader.Kind) *uploader.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", want)
	}
	e, ok := err.(*uploader.Error)
	if !ok {
		t.Fatalf("%T %v is no *uploader.Error", err, err)
	}
	if e.Kind != want {
		t.Errorf("%v: %v, want %v", e.Kind, e, want)
	}
	if text := e.Error() + e.Remedy; strings.Contains(text, testToken) || strings.Contains(text, url.QueryEscape(testToken)) || e.Message == "" {
		t.Errorf("error %q", text)
	}
	return e
}

// received is what a test server got.
type received struct {
	query        url.Values
	header       http.Header
	length       int64
	fields       map[string]string
	order        []string
	name, partCT string
	content      []byte
	method, path string
}

// receive reads a request as the site would.
func receive(t testing.TB, r *http.Request) received {
	t.Helper()
	got := received{query: r.URL.Query(), header: r.Header, length: r.ContentLength, fields: map[string]string{}, method: r.Method, path: r.URL.Path}
	mr, err := r.MultipartReader()
	if err != nil {
		return got
	}
	for {
		var part *multipart.Part
		if part, err = mr.NextPart(); err != nil {
			break
		}
		b, _ := io.ReadAll(part)
		got.order = append(got.order, part.FormName())
		if part.FormName() == "file" {
			got.name, got.partCT, got.content = part.FileName(), part.Header.Get("Content-Type"), b
		} else {
			got.fields[part.FormName()] = string(b)
		}
	}
	if err != io.EOF {
		t.Errorf("the form: %v", err)
	}
	return got
}
