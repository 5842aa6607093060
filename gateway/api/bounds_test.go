package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/vfs"
)

// endless is a body that goes on for as long as somebody reads it.
type endless struct {
	head io.Reader
	sent atomic.Int64
	most int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err == nil {
		return n, nil
	}
	if e.sent.Load() >= e.most {
		return 0, io.EOF
	}
	clear(p)
	e.sent.Add(int64(len(p)))
	return len(p), nil
}

// TestUnknownLength: a file whose length was not said is stopped where it becomes
// too large, not after its last byte.
func TestUnknownLength(t *testing.T) {
	w := newWorld(t)
	const form = "--b\r\nContent-Disposition: form-data; name=\"source\"; filename=\"a.jpg\"\r\n\r\n"
	for _, c := range []struct{ method, target, kind, head string }{
		{"PUT", "/api/v1/files/in/a.jpg", "image/jpeg", ""},
		{"POST", "/upload", "multipart/form-data; boundary=b", form},
		{"POST", "/api/1/upload", "multipart/form-data; boundary=b", form},
	} {
		body := &endless{head: strings.NewReader(c.head), most: 256 << 20}
		r, err := http.NewRequest(c.method, w.server.URL+c.target, struct{ io.Reader }{body})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", rightKey)
		r.Header.Set("Content-Type", c.kind)
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode < 400 || !strings.Contains(string(text), "1 MB") {
				t.Errorf("%s: %d %s", c.target, resp.StatusCode, text)
			}
		}
		if n := body.sent.Load(); n > 64<<20 {
			t.Errorf("%s: %d bytes were taken of a file that may have 1 MB", c.target, n)
		}
	}
}

// TestStrangersForm: a form of somebody who does not sign in is not read for longer
// than a moment, nor further than the key has to be.
func TestStrangersForm(t *testing.T) {
	w := newWorld(t)
	const head = "POST /api/1/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name  string
		chunk int
		pause time.Duration
	}{{"drop by drop", 1, 100 * time.Millisecond}, {"all at once", 2 << 10, 0}} {
		conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		conn.SetDeadline(began.Add(time.Minute)) //nolint:errcheck // the answer says it
		var sent atomic.Int64
		go func() {
			fmt.Fprint(conn, head)
			for {
				if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", c.chunk, strings.Repeat("x", c.chunk-1)+"\n"); err != nil {
					return
				}
				sent.Add(int64(c.chunk))
				time.Sleep(c.pause)
			}
		}()
		if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil && time.Since(began) >= time.Minute {
			t.Errorf("%s: the gateway listens to a stranger still", c.name)
		}
		if n := sent.Load(); n > 32<<20 { // most of it in buffers
			t.Errorf("%s: %d bytes were taken of a stranger", c.name, n)
		}
	}
}

// TestWaitsHaveNoTurn: whoever waits for a URL, or for events, keeps nobody from his
// turn, and only so many wait at a time.
func TestWaitsHaveNoTurn(t *testing.T) {
	w := newWorld(t)
	w.wait, w.desk.delay = time.Minute, time.Hour
	w.ask("PUT", "/api/v1/files/in/a.jpg", picture(1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const most = 64
	for range most {
		go func() {
			for ctx.Err() == nil { // the one below may have had the place
				r, _ := http.NewRequestWithContext(ctx, "GET", w.server.URL+"/api/v1/files/in/a.jpg?wait=1m", nil) //nolint:errcheck // it is none
				r.Header.Set("X-API-Key", rightKey)
				if resp, err := http.DefaultClient.Do(r); err == nil {
					resp.Body.Close()
				}
			}
		}()
	}
	r, _ := http.NewRequestWithContext(ctx, "GET", w.server.URL+"/api/v1/events", nil) //nolint:errcheck // it is none
	r.Header.Set("X-API-Key", rightKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	// One more is answered at once, when all the others wait.
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if r := w.ask("GET", "/api/v1/files/in/a.jpg?wait=100ms", nil); r.StatusCode == 202 && r.Header.Get("Retry-After") != "" {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("waits without end")
		}
	}
	if n := w.turns(); n != 0 {
		t.Errorf("%d who wait have a turn", n)
	}
	var e operate.Entry
	if r := w.ask("PUT", "/api/v1/files/in/b.jpg?wait=1m", picture(2)); r.StatusCode != 202 {
		t.Errorf("a file more: %d", r.StatusCode)
	} else if r.into(t, &e); e.Path != "/in/b.jpg" {
		t.Errorf("%s", r.body)
	}
	cancel()
	http.DefaultClient.CloseIdleConnections()
}

// TestFailuresLogged: what the gateway could not do is an error in its log, by every
// contract; that a client went is none.
func TestFailuresLogged(t *testing.T) {
	w := newWorld(t)
	w.desk.broken = true
	for _, c := range []struct{ method, target string }{{"DELETE", "/api/v1/files/in/a.jpg"}, {"POST", "/upload"}, {"POST", "/api/1/upload"}} {
		for _, gone := range []bool{false, true} {
			body, kind := form(field{"source", "a.jpg", string(picture(1))})
			if c.method == "DELETE" {
				body = nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			if gone {
				cancel()
			}
			r := httptest.NewRequestWithContext(ctx, c.method, c.target, strings.NewReader(string(body)))
			r.Header.Set("X-API-Key", rightKey)
			r.Header.Set("Content-Type", kind)
			before := len(w.log.String())
			answer := httptest.NewRecorder()
			w.api.ServeHTTP(answer, r)
			cancel()
			if log := w.log.String()[before:]; strings.Contains(log, "ERROR") == gone || answer.Code != 500 {
				t.Errorf("%s %s, gone %v: %d, logged %q", c.method, c.target, gone, answer.Code, log)
			}
		}
	}
}

// TestOddNames: whatever name the tree holds can be reached, and nothing is asked of
// the database that it cannot hold.
func TestOddNames(t *testing.T) {
	w := newWorld(t)
	at := "/api/v1/files/in/" + url.PathEscape("a\r\n\x1bx.jpg")
	if r := w.send(either, "PUT", at, picture(1)); r.StatusCode != 201 || r.Header.Get("Location") != at {
		t.Errorf("%d %s, at %q", r.StatusCode, r.body, r.Header.Get("Location"))
	}
	if r := w.send(either, "GET", strings.Replace(at, "files", "content", 1), nil); r.StatusCode != 200 || string(r.body) != string(picture(1)) {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	for _, target := range []string{
		"/api/v1/files/in/x%00.jpg", "/api/v1/files/in/x%ff.jpg", "/api/v1/uploads?text=%00", "/api/v1/uploads?destination=%ff", "/api/v1/uploads?state=%c3&state=%a9",
		"/api/v1/folders/in?after=d%00", "/api/v1/names/in?after=%ff", "/api/v1/uploads?after=%00", "/api/v1/explain/%00",
	} {
		if r := w.send(either, "GET", target, nil); r.StatusCode != 400 || r.says() == "" {
			t.Errorf("%s: %d %s", target, r.StatusCode, r.body)
		}
	}
	if r := w.send(either, "POST", "/api/v1/destinations/%00/pause", nil); r.StatusCode != 404 {
		t.Errorf("a destination: %d %s", r.StatusCode, r.body)
	}
}

// TestNamesPaged: a folder comes in pages.
func TestNamesPaged(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.ask("PUT", fmt.Sprintf("/api/v1/files/in/%d.jpg", i), picture(uint64(i)))
	}
	var got []string
	for after, pages := "", 0; pages < 9; pages++ {
		var page struct {
			Names []struct{ Name string }
			Next  string
		}
		w.ask("GET", "/api/v1/names/in?limit=2&after="+after, nil).into(t, &page)
		if len(page.Names) > 2 {
			t.Errorf("a page has %d names", len(page.Names))
		}
		for _, n := range page.Names {
			got = append(got, n.Name)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if strings.Join(got, " ") != "0.jpg 1.jpg 2.jpg 3.jpg 4.jpg" {
		t.Errorf("%v", got)
	}
}

// TestOtherMethods: the two calls of other programs say what they take.
func TestOtherMethods(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"/upload", "/api/1/upload"} {
		if r := w.askWrong("GET", target, nil); r.StatusCode != 405 || r.Header.Get("Allow") != "POST" || r.says() == "" {
			t.Errorf("%s: %d %v %s", target, r.StatusCode, r.Header, r.body)
		}
	}
}

// TestCheveretoDrop: one who only drops files, and reads none back, is told of what
// he sent.
func TestCheveretoDrop(t *testing.T) {
	w := newWorld(t)
	w.desk.session = vfs.NewDropSession()
	var a struct{ Image struct{ Width, Height int } }
	if r := w.post("/api/1/upload", nil, field{"source", "a.jpg", string(picture(1))}); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	} else if r.into(t, &a); a.Image.Width != 40 || a.Image.Height != 30 {
		t.Errorf("%s", r.body)
	}
}

// TestUnderWay: what has no URL yet is said to be where it is.
func TestUnderWay(t *testing.T) {
	for state, want := range map[string]string{"settling": "waits to be sent", "sending": "is being sent", "ambiguous": "was sent"} {
		w := newWorld(t)
		w.wait, w.desk.first, w.desk.delay = time.Millisecond, state, time.Hour
		var a picgo
		r := w.post("/upload", nil, field{"file", "a.jpg", string(picture(1))})
		if r.into(t, &a); r.StatusCode != 202 || !strings.Contains(a.Message, want) || !strings.Contains(a.Message, "do not send it again") {
			t.Errorf("%s: %d %s", state, r.StatusCode, r.body)
		}
	}
}
