package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"slipway/gateway/api"
	"slipway/gateway/auth"
	"slipway/gateway/ingesttest"
)

// TestIngestAPI runs the suite of every door over /api/v1.
func TestIngestAPI(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return newAPIClient(t, a, ingestUser)
		})
	})
}

// apiClient is a program that uses the API with a token.
type apiClient struct {
	root, token string
	http        *http.Client
}

var (
	_ ingesttest.Door     = (*apiClient)(nil)
	_ ingesttest.Cutter   = (*apiClient)(nil)
	_ ingesttest.Streamer = (*apiClient)(nil)
)

func newAPIClient(t *testing.T, a *app, user string) *apiClient {
	t.Helper()
	token, _, err := a.tokens.Issue(t.Context(), user, auth.Grant{Kind: auth.ProgramToken, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &apiClient{"http://" + a.address("web"), token, &http.Client{Transport: transport, Timeout: patience}}
}

// address returns a call's address for a path.
func (c *apiClient) address(call, name string) string {
	return c.root + api.Prefix + call + (&url.URL{Path: name}).EscapedPath()
}

// do makes a request, and returns the body of a reply that is a success.
func (c *apiClient) do(method, address string, body io.Reader, headers ...string) ([]byte, error) {
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	return exchange(c.http, r, headers)
}

func (c *apiClient) Put(name string, data []byte) error {
	_, err := c.do(http.MethodPut, c.address("files", name), bytes.NewReader(data))
	return err
}

// PutFrom sends chunks.
func (c *apiClient) PutFrom(name string, r io.Reader) error {
	_, err := c.do(http.MethodPut, c.address("files", name), struct{ io.Reader }{r})
	return err
}

// PutCut breaks off twice: once where the whole length was declared, and once in
// chunks of which the last is missing.
func (c *apiClient) PutCut(name string, data []byte, n int) error {
	return errors.Join(
		c.cut(name, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(data), data[:n])),
		c.cut(name, fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", n, data[:n])),
	)
}

// cut sends a PUT whose rest is given, and ends its side of the connection.
func (c *apiClient) cut(name, rest string) error {
	u, err := url.Parse(c.address("files", name))
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s", u.EscapedPath(), u.Host, c.token, rest)
	// The reply says when the gateway is through with it.
	err = errors.Join(err, conn.(*net.TCPConn).CloseWrite(), conn.SetReadDeadline(time.Now().Add(patience)))
	if err != nil {
		return err
	}
	reply, _ := io.ReadAll(conn) // also when it is reset
	if bytes.HasPrefix(reply, []byte("HTTP/1.1 2")) {
		return fmt.Errorf("a PUT that was cut is answered %q", reply)
	}
	return nil
}

func (c *apiClient) Get(name string) ([]byte, error) {
	return c.do(http.MethodGet, c.address("content", name), nil)
}

func (c *apiClient) Mkdir(dir string) error {
	_, err := c.do(http.MethodPut, c.address("folders", dir), nil)
	return err
}

func (c *apiClient) Remove(name string) error {
	_, err := c.do(http.MethodDelete, c.address("files", name), nil)
	return err
}

func (c *apiClient) Rename(from, to string) error {
	body, err := json.Marshal(map[string]any{"from": from, "to": to, "overwrite": true})
	if err == nil {
		_, err = c.do(http.MethodPost, c.root+api.Prefix+"move", bytes.NewReader(body), "Content-Type", "application/json")
	}
	return err
}

func (c *apiClient) List(dir string) ([]string, error) {
	text, err := c.do(http.MethodGet, c.address("names", dir)+"?limit=1000", nil)
	if err != nil {
		return nil, err
	}
	var answer struct{ Names []struct{ Name string } }
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	var names []string
	for _, n := range answer.Names {
		names = append(names, n.Name)
	}
	return names, nil
}

// TestIngestUploads: what other programs send by the calls that they know arrives
// whole and once, and is answered by the host's URL.
func TestIngestUploads(t *testing.T) {
	g := startIngest(t, 50*time.Millisecond, nil)
	c := newAPIClient(t, g.app, ingestUser)
	data := testPicture(1)
	// As ShareX sends it: the arguments first, then the file, with a key in a header.
	body, kind := sharexForm("source", "2026-11-22_shot.jpg", data, "format", "json")
	text, err := c.do(http.MethodPost, c.root+api.Chevereto, bytes.NewReader(body), "Content-Type", kind, "User-Agent", "ShareX/16.1.0")
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Image struct{ URL string }
	}
	if err := json.Unmarshal(text, &a); err != nil || !bytes.Equal(g.Host(t, a.Image.URL), data) {
		t.Fatalf("%v %s", err, text)
	}
	// As PicGo's plug-ins send it.
	body, kind = sharexForm("files", "note.jpg", testPicture(2))
	var p struct {
		Success bool
		Result  []string
	}
	text, err = c.do(http.MethodPost, c.root+api.PicGo+"?key="+c.token, bytes.NewReader(body), "Content-Type", kind, "Authorization", "")
	if err != nil || json.Unmarshal(text, &p) != nil || !p.Success || !bytes.Equal(g.Host(t, p.Result[0]), testPicture(2)) {
		t.Fatalf("%v %s", err, text)
	}
	// The same again is neither stored nor sent again, and has the same answer.
	again, err := c.do(http.MethodPost, c.root+api.PicGo+"?key="+c.token, bytes.NewReader(body), "Content-Type", kind, "Authorization", "")
	if err != nil || !bytes.Equal(again, text) || len(g.Sent()) != 2 {
		t.Errorf("%v %s, sent %d", err, again, len(g.Sent()))
	}
	names, err := c.List("/in")
	if err != nil || strings.Contains(strings.Join(names, " "), "(1)") {
		t.Errorf("%v %q", err, names)
	}
}

// TestAPIBounds: a user's home bounds what the API shows and takes, and tokens do no
// more than they may.
func TestAPIBounds(t *testing.T) {
	g := startIngestWith(t, 50*time.Millisecond, `
[[user]]
name = "anna"
password = "env:PASSWORD"
home = "/in/anna"
[[user]]
name = "guest"
password = "env:PASSWORD"
home = "/elsewhere"
`, nil)
	demo, anna, guest := newAPIClient(t, g.app, ingestUser), newAPIClient(t, g.app, "anna"), newAPIClient(t, g.app, "guest")
	if err := errors.Join(demo.Put("/in/secret.jpg", testPicture(1)), anna.Put("/own.jpg", testPicture(2))); err != nil {
		t.Fatal(err)
	}
	g.Settle(t)
	all, err := anna.do(http.MethodGet, anna.root+api.Prefix+"uploads", nil)
	if err != nil || strings.Contains(string(all), "secret") || !strings.Contains(string(all), `"path":"/own.jpg"`) || strings.Contains(string(all), "/in/anna") {
		t.Errorf("%v %s", err, all)
	}
	for _, p := range []string{"/in/secret.jpg", "/secret.jpg", "/../secret.jpg", "/%2e%2e/secret.jpg"} {
		if text, err := anna.do(http.MethodGet, anna.root+api.Prefix+"content"+p, nil); err == nil {
			t.Errorf("%s: %d bytes", p, len(text))
		}
	}
	var page struct{ Uploads []struct{ ID int64 } }
	text, err := demo.do(http.MethodGet, demo.root+api.Prefix+"uploads?text=secret", nil)
	if err != nil || json.Unmarshal(text, &page) != nil || len(page.Uploads) != 1 {
		t.Fatalf("%v %s", err, text)
	}
	one := fmt.Sprintf("%suploads/%d", api.Prefix, page.Uploads[0].ID)
	if text, err := anna.do(http.MethodGet, anna.root+one, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another's upload: %v %s", err, text)
	}
	if text, err := anna.do(http.MethodPost, anna.root+one+"/drop", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dropping it: %v %s", err, text)
	}
	if text, err := anna.do(http.MethodPost, anna.root+api.Prefix+"destinations/host/pause", nil); err == nil {
		t.Errorf("anna pauses the host: %s", text)
	}
	// Where pictures go that come without a path.
	body, kind := sharexForm("file", "shot.jpg", testPicture(3))
	if _, err := anna.do(http.MethodPost, anna.root+api.PicGo, bytes.NewReader(body), "Content-Type", kind); err != nil {
		t.Error(err)
	}
	if _, err := anna.Get("/shot.jpg"); err != nil {
		t.Errorf("in the home that lies in a route: %v", err)
	}
	if text, err := guest.do(http.MethodPost, guest.root+api.PicGo, bytes.NewReader(body), "Content-Type", kind); err == nil || !strings.Contains(string(text), "no folder") {
		t.Errorf("a home without a route: %v %s", err, text)
	}
	// A token that may only read.
	token, made, err := g.app.tokens.Issue(t.Context(), ingestUser, auth.Grant{Kind: auth.ProgramToken, Rights: auth.Read})
	if err != nil {
		t.Fatal(err)
	}
	reader := &apiClient{demo.root, token, demo.http}
	if _, err := reader.Get("/in/secret.jpg"); err != nil {
		t.Error(err)
	}
	if err := reader.Put("/in/x.jpg", testPicture(4)); err == nil {
		t.Error("a token to read writes")
	}
	if err := g.app.tokens.Revoke(t.Context(), "", made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Get("/in/secret.jpg"); err == nil {
		t.Error("a token that was revoked reads")
	}
}

// TestAPIChain: a gateway that sends to another one as to a Chevereto site.
func TestAPIChain(t *testing.T) {
	last := startIngest(t, 50*time.Millisecond, nil)
	token := newAPIClient(t, last.app, ingestUser).token
	first := startIngestWith(t, 50*time.Millisecond, fmt.Sprintf(`
[destination.other]
driver = "chevereto"
url = "http://%s"
key = %q
[[route]]
path = "/on/{rest...}"
to = ["other"]
title = "Beach"
`, last.app.address("web"), token), nil)
	c := newAPIClient(t, first.app, ingestUser)
	for i := range uint64(3) {
		data := testPicture(10 + i)
		text, err := c.do(http.MethodPut, c.address("files", fmt.Sprintf("/on/%d.jpg", i))+"?wait=30s", bytes.NewReader(data))
		var e struct {
			Uploads []struct{ State, URL, Error string }
		}
		if err != nil || json.Unmarshal(text, &e) != nil || len(e.Uploads) != 1 || e.Uploads[0].URL == "" || !bytes.Equal(last.Host(t, e.Uploads[0].URL), data) {
			t.Fatalf("%v %s", err, text)
		}
	}
	if n := len(last.Sent()); n != 3 {
		t.Errorf("the last host got %d", n)
	}
}
