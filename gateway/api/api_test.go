package api_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader/whole/wholetest"
)

// picture returns the bytes of a picture.
func picture(seed uint64) []byte { return wholetest.JPEG(40, 30, seed) }

func TestPut(t *testing.T) {
	w := newWorld(t)
	data := picture(1)
	var e operate.Entry
	r := w.ask("PUT", "/api/v1/files/in/a%20folder/%C3%BC%23.jpg?wait=5s&modified=2026-01-02T03:04:05Z", data, "Content-Type", "image/jpeg")
	r.into(t, &e)
	sum := sha256.Sum256(data)
	if r.StatusCode != 201 || e.Path != "/in/a folder/ü#.jpg" || e.SHA256 != hex.EncodeToString(sum[:]) || e.Type != "image/jpeg" ||
		!e.Modified.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || len(e.Uploads) != 1 || e.Uploads[0].URL == "" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	at, tag := r.Header.Get("Location"), r.Header.Get("ETag")
	if at != "/api/v1/files/in/a%20folder/%C3%BC%23.jpg" || tag == "" {
		t.Errorf("Location %q, ETag %q", at, tag)
	}
	var again operate.Entry
	r = w.ask("GET", at, nil)
	r.into(t, &again)
	if again.ID != e.ID || len(again.Uploads) != 1 || r.Header.Get("ETag") != tag {
		t.Errorf("%s, ETag %q", r.body, r.Header.Get("ETag"))
	}
	content := strings.Replace(at, "files", "content", 1)
	if r = w.ask("GET", content, nil); !bytes.Equal(r.body, data) || r.Header.Get("Content-Type") != "image/jpeg" ||
		!strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d bytes, %v", len(r.body), r.Header)
	}
	if r = w.ask("GET", content, nil, "Range", "bytes=2-5"); r.StatusCode != 206 || !bytes.Equal(r.body, data[2:6]) {
		t.Errorf("a range: %d %q", r.StatusCode, r.body)
	}
	if r = w.ask("GET", content, nil, "If-None-Match", tag); r.StatusCode != 304 {
		t.Errorf("the same bytes: %d", r.StatusCode)
	}
}

func TestPutConditions(t *testing.T) {
	w := newWorld(t)
	const at = "/api/v1/files/in/a.jpg"
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"replace nothing", []string{"If-Match", "*"}, 412},
		{"new", []string{"If-None-Match", "*"}, 201},
		{"new again", []string{"If-None-Match", "*"}, 412},
		{"another's", []string{"If-Match", `"x"`}, 412},
		{"a part", []string{"Content-Range", "bytes 0-1/2"}, 400},
		{"packed", []string{"Content-Encoding", "gzip"}, 415},
		{"plainly", nil, 200},
	} {
		if r := w.ask("PUT", at, picture(2), c.header...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, r.body)
		}
	}
	tag := w.ask("GET", at, nil).Header.Get("ETag")
	if r := w.ask("PUT", at, picture(3), "If-Match", tag); r.StatusCode != 200 {
		t.Errorf("what it was: %d %s", r.StatusCode, r.body)
	}
	if r := w.ask("DELETE", at, nil, "If-Match", tag); r.StatusCode != 412 {
		t.Errorf("removing what it is not any more: %d", r.StatusCode)
	}
	for target, want := range map[string]int{
		"/api/v1/files/": 400, "/api/v1/files/in": 409, "/api/v1/files/nothing.jpg": 403, "/api/v1/files/in/a.jpg/b.jpg": 409, "/api/v1/files/in/x%00.jpg": 400,
	} {
		if r := w.ask("PUT", target, picture(4)); r.StatusCode != want || r.Header.Get("Content-Type") != "application/problem+json" || r.says() == "" {
			t.Errorf("%s: %d %s", target, r.StatusCode, r.body)
		}
	}
	if r := w.ask("PUT", "/api/v1/files/in/big.jpg", make([]byte, 2<<20)); r.StatusCode != 413 || r.says() != "the host takes 1 MB" {
		t.Errorf("too large: %d %s", r.StatusCode, r.body)
	}
}

// TestPutCut: a body that ends early changes nothing.
func TestPutCut(t *testing.T) {
	w := newWorld(t)
	data := picture(5)
	w.ask("PUT", "/api/v1/files/in/a.jpg", data)
	for _, rest := range []string{
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(data)*2, data),
		fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(data), data),
		fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n", len(data), data),
	} {
		for _, name := range []string{"a.jpg", "new.jpg"} {
			if reply := w.raw("PUT /api/v1/files/in/" + name + " HTTP/1.1\r\nHost: x\r\nX-API-Key: " + rightKey + "\r\n" + rest); strings.HasPrefix(reply, "HTTP/1.1 2") {
				t.Errorf("a body that was cut is answered %q", reply)
			}
		}
	}
	if r := w.ask("GET", "/api/v1/content/in/a.jpg", nil); !bytes.Equal(r.body, data) {
		t.Error("what stood there is gone")
	}
	if r := w.ask("GET", "/api/v1/files/in/new.jpg", nil); r.StatusCode != 404 {
		t.Errorf("what was cut is there: %s", r.body)
	}
}

// TestPutOvertaken: what came meanwhile is not replaced by a body whose condition
// held when it began.
func TestPutOvertaken(t *testing.T) {
	w := newWorld(t)
	one, two := picture(1), picture(2)
	for name, condition := range map[string]string{"/in/new.jpg": "If-None-Match: *", "/in/old.jpg": ""} {
		if condition == "" {
			w.ask("PUT", "/api/v1/files"+name, one)
			condition = "If-Match: " + w.ask("GET", "/api/v1/files"+name, nil).Header.Get("ETag")
		}
		conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // the answer says it
		fmt.Fprintf(conn, "PUT /api/v1/files%s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n%s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", name, rightKey, condition, len(one))
		lines := bufio.NewReader(conn)
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "100") { // it has looked at the condition
			t.Fatalf("%s: %q %v", name, line, err)
		}
		if r := w.ask("PUT", "/api/v1/files"+name, two); r.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", name, r.StatusCode, r.body)
		}
		conn.Write(one) //nolint:errcheck // the answer says it
		lines.ReadString('\n')
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "412") {
			t.Errorf("%s: %q %v", name, line, err)
		}
		if r := w.ask("GET", "/api/v1/content"+name, nil); !bytes.Equal(r.body, two) {
			t.Errorf("%s was replaced", name)
		}
	}
}

// raw sends text, ends its side of the connection, and returns the answer.
func (w *world) raw(text string) string {
	w.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, text)
	conn.(*net.TCPConn).CloseWrite()                   //nolint:errcheck // the answer says it
	conn.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // as above
	reply, _ := io.ReadAll(conn)
	return string(reply)
}

// TestPutStalls: a client that stands still is let go.
func TestPutStalls(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /api/v1/files/in/a.jpg HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 100\r\n\r\nabc", rightKey)
	conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // the answer says it
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "408") {
		t.Errorf("%q %v", line, err)
	}
}

func TestWait(t *testing.T) {
	w := newWorld(t)
	w.desk.delay = 50 * time.Millisecond
	var e operate.Entry
	r := w.ask("PUT", "/api/v1/files/in/a.jpg?wait=1ms", picture(6))
	if r.into(t, &e); r.StatusCode != 202 || e.Uploads[0].State != "settling" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	var u operate.Upload
	r = w.ask("GET", fmt.Sprintf("/api/v1/uploads/%d?wait=10s", e.Uploads[0].ID), nil)
	if r.into(t, &u); r.StatusCode != 200 || u.URL == "" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	w.desk.delay = time.Hour
	if r = w.ask("GET", "/api/v1/files/in/a.jpg?wait=1ms", nil); r.StatusCode != 202 {
		t.Errorf("a file: %d", r.StatusCode)
	}
	if r = w.ask("GET", fmt.Sprintf("/api/v1/uploads/%d?wait=1ms", u.ID), nil); r.StatusCode != 202 {
		t.Errorf("an upload: %d", r.StatusCode)
	}
	for _, wait := range []string{"soon", "-1s", "11m"} {
		if r := w.send(either, "GET", "/api/v1/files/in/a.jpg?wait="+wait, nil); r.StatusCode != 400 {
			t.Errorf("%s: %d", wait, r.StatusCode)
		}
	}
}

func TestFolders(t *testing.T) {
	w := newWorld(t)
	if a, b := w.ask("PUT", "/api/v1/folders/in/x/y", nil), w.ask("PUT", "/api/v1/folders/in/x", nil); a.StatusCode != 201 || b.StatusCode != 204 {
		t.Errorf("%d %d", a.StatusCode, b.StatusCode)
	}
	for i := range 3 {
		w.ask("PUT", fmt.Sprintf("/api/v1/files/in/x/%d.jpg", i), picture(uint64(i)))
	}
	var names []string
	for after := ""; ; {
		var page operate.FilePage
		r := w.ask("GET", "/api/v1/folders/in/x?limit=2&after="+after, nil)
		r.into(t, &page)
		for _, e := range page.Entries {
			names = append(names, e.Path)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "/in/x/0.jpg /in/x/1.jpg /in/x/2.jpg /in/x/y" {
		t.Errorf("%s", got)
	}
	var all struct{ Names []struct{ Name string } }
	r := w.ask("GET", "/api/v1/names/in/x", nil)
	if r.into(t, &all); len(all.Names) != 4 {
		t.Errorf("%s", r.body)
	}
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/api/v1/folders/none", "", 404},
		{"GET", "/api/v1/names/none", "", 404},
		{"GET", "/api/v1/files/in/x", "", 409},
		{"GET", "/api/v1/content/in/x", "", 409},
		{"DELETE", "/api/v1/files/in/x", "", 409},
		{"DELETE", "/api/v1/folders/in/x/0.jpg", "", 409},
		{"DELETE", "/api/v1/folders/in/x", "", 409},
		{"DELETE", "/api/v1/folders/", "", 403},
		{"DELETE", "/api/v1/files/in/none", "", 404},
		{"POST", "/api/v1/move", `{"from":"/in/x/0.jpg","to":"/in/x/1.jpg"}`, 409},
		{"POST", "/api/v1/move", `{"from":"/in/x/0.jpg","to":"/in/x/1.jpg","overwrite":true}`, 204},
		{"POST", "/api/v1/move", `{"from":"/in/none","to":"/in/x/1.jpg"}`, 404},
		{"POST", "/api/v1/move", `{"from":"/in/x","to":"/in/../../y"}`, 400},
		{"POST", "/api/v1/move", `{"from":"/","to":"/in/y"}`, 400},
		{"POST", "/api/v1/move", `{"from":"/in/x","to":"/in/z"}`, 204},
		{"DELETE", "/api/v1/files/in/z/1.jpg", "", 204},
		{"DELETE", "/api/v1/folders/in/z?recursive=true", "", 204},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		if r := w.ask(c.method, c.target, body); r.StatusCode != c.status {
			t.Errorf("%s %s %s: %d %s", c.method, c.target, c.body, r.StatusCode, r.body)
		}
	}
}

func TestUploads(t *testing.T) {
	w := newWorld(t)
	var e operate.Entry
	w.ask("PUT", "/api/v1/files/in/one.jpg?wait=5s", picture(1)).into(t, &e)
	w.ask("PUT", "/api/v1/files/in/two.jpg?wait=5s", picture(2))
	var page operate.UploadPage
	for query, want := range map[string]int{
		"": 2, "?text=one": 1, "?state=done&state=held": 2, "?state=held": 0, "?path=/in/two.jpg": 1,
		"?since=2026-01-01T00:00:00Z&before=2099-01-01T00:00:00%2B02:00&present=true&limit=10&destination=host": 2,
	} {
		page = operate.UploadPage{}
		r := w.ask("GET", "/api/v1/uploads"+query, nil)
		if r.into(t, &page); len(page.Uploads) != want || page.Uploads == nil {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	for _, query := range []string{"?state=lost", "?limit=0", "?limit=1001", "?limit=x", "?since=yesterday", "?present=maybe"} {
		if r := w.askWrong("GET", "/api/v1/uploads"+query, nil); r.StatusCode != 400 || r.says() == "" {
			t.Errorf("%s: %d %s", query, r.StatusCode, r.body)
		}
	}
	for _, query := range []string{"?stat=done", "?limit=1&limit=2"} {
		if r := w.ask("GET", "/api/v1/uploads"+query, nil); r.StatusCode != 400 || r.says() == "" {
			t.Errorf("%s: %d %s", query, r.StatusCode, r.body)
		}
	}
	id := e.Uploads[0].ID
	for target, want := range map[string]int{
		fmt.Sprintf("/api/v1/uploads/%d/retry", id): 200, fmt.Sprintf("/api/v1/uploads/%d/release", id): 409, "/api/v1/uploads/999/hold": 404,
	} {
		if r := w.ask("POST", target, nil); r.StatusCode != want {
			t.Errorf("%s: %d %s", target, r.StatusCode, r.body)
		}
	}
	if r := w.askWrong("POST", fmt.Sprintf("/api/v1/uploads/%d/burn", id), nil); r.StatusCode != 404 {
		t.Errorf("a verb that there is not: %d", r.StatusCode)
	}
	r := w.ask("POST", "/api/v1/act", fmt.Sprintf(`{"verb":"release","ids":[%d]}`, id))
	if r.into(t, &page); r.StatusCode != 200 || page.Uploads[0].Refused == "" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := w.send(either, "POST", "/api/v1/act", ""); r.StatusCode != 400 {
		t.Errorf("no body: %d %s", r.StatusCode, r.body)
	}
	for _, body := range []string{"{", `{"verb":"burn","ids":[1]}`, `{"verb":"hold","ids":[]}`, `{"verb":"hold"}`, `{"verb":"hold","ids":[1],"all":true}`, `{"verb":"hold","ids":["1"]}`,
		`{"verb":"hold","ids":[` + strings.Repeat("1,", 1000) + `1]}`} {
		if r := w.askWrong("POST", "/api/v1/act", body); r.StatusCode != 400 {
			t.Errorf("%.40q: %d %s", body, r.StatusCode, r.body)
		}
	}
	if r := w.askWrong("POST", "/api/v1/act", `{"verb":"`+strings.Repeat("h", 70000)+`"}`); r.StatusCode != 413 {
		t.Errorf("a long body: %d", r.StatusCode)
	}
	if r := w.send(either, "POST", "/api/v1/act", `{"verb":"hold","ids":[1]}`, "Content-Type", "text/plain"); r.StatusCode != 415 {
		t.Errorf("a simple request of another site: %d", r.StatusCode)
	}
}

func TestDesk(t *testing.T) {
	w := newWorld(t)
	for target, want := range map[string]string{
		"/api/v1/status": `"me":{"name":"anna"`, "/api/v1/destinations": `"chevereto"`, "/api/v1/transfers": `"direction":"in"`,
		"/api/v1/explain/in/new.jpg": `"pattern":"/in/{rest...}"`, "/api/v1/explain/": `"path":"/"`, "/api/v1/thumbnails/7?edge=128": "a small picture",
	} {
		if r := w.ask("GET", target, nil); r.StatusCode != 200 || !strings.Contains(string(r.body), want) {
			t.Errorf("%s: %d %s", target, r.StatusCode, r.body)
		}
	}
	if a, b := w.ask("POST", "/api/v1/destinations/host/pause", nil), w.ask("POST", "/api/v1/destinations/none/pause", nil); a.StatusCode != 204 || b.StatusCode != 404 || !w.desk.paused["host"] {
		t.Errorf("%d %d", a.StatusCode, b.StatusCode)
	}
	if r := w.ask("POST", "/api/v1/destinations/host/resume", nil); r.StatusCode != 204 || w.desk.paused["host"] {
		t.Errorf("%d", r.StatusCode)
	}
	if a, b := w.ask("GET", "/api/v1/thumbnails/999", nil), w.askWrong("GET", "/api/v1/thumbnails/7?edge=100", nil); a.StatusCode != 404 || b.StatusCode != 400 {
		t.Errorf("%d %d", a.StatusCode, b.StatusCode)
	}
}

// TestStrangers: nobody gets in without signing in, by any call.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "document" || op.OperationID == "chevereto" {
				continue
			}
			target := strings.NewReplacer("{path}", "in/a.jpg", "{id}", "1", "{verb}", "retry", "{name}", "host", "{entry}", "1").Replace(path)
			r := w.send(either, method, target, []byte("x"), "X-API-Key", "slip_wrong")
			if r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: %d", method, target, r.StatusCode)
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	w := newWorld(t)
	if r := w.askWrong("GET", "/api/v1/nothing", nil); r.StatusCode != 404 || r.says() == "" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := w.askWrong("DELETE", "/api/v1/uploads/1", nil); r.StatusCode != 405 || r.Header.Get("Allow") != "GET" || r.says() == "" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestOrigins(t *testing.T) {
	w := newWorld(t)
	for origin, want := range map[string]string{"https://pages.example": "https://pages.example", "https://elsewhere.example": "", "null": ""} {
		for _, method := range []string{"OPTIONS", "GET"} {
			r := w.send(either, method, "/api/v1/status", nil, "Origin", origin)
			if got := r.Header.Get("Access-Control-Allow-Origin"); got != want || r.Header.Get("Access-Control-Allow-Credentials") != "" || r.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: %v", method, origin, r.Header)
			}
			if method == "OPTIONS" && (r.StatusCode != 204 || (r.Header.Get("Access-Control-Allow-Headers") != "") != (want != "")) {
				t.Errorf("%s from %s: %d %v", method, origin, r.StatusCode, r.Header)
			}
		}
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", rightKey)
	r.Header.Set("Last-Event-ID", "7")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				return rest
			}
		}
		t.Fatalf("the stream ended before %q: %v", prefix, lines.Err())
		return ""
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, kind)
	}
	first := next("id: ")
	if got := next("data: "); got != `{"all":true}` {
		t.Errorf("whoever was away is told %s", got)
	}
	w.desk.changes <- operate.Change{} // nothing
	w.desk.changes <- operate.Change{Entries: []int64{3, 4}}
	second := next("id: ")
	if got := next("data: "); got != `{"entries":[3,4]}` || second <= first {
		t.Errorf("%s, ids %s and %s", got, first, second)
	}
	w.mu.Lock()
	w.ended = errors.New("revoked")
	w.mu.Unlock()
	w.desk.changes <- operate.Change{All: true}
	if rest, err := io.ReadAll(resp.Body); err != nil || bytes.Contains(rest, []byte("data")) {
		t.Errorf("after the sign-in ended: %q %v", rest, err)
	}
}
