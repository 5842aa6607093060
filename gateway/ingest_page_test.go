package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"slipway/gateway/ingesttest"
)

// TestIngestPage runs the suite of every door through the page, as its scripts send
// files.
func TestIngestPage(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return newPageClient(t, "http://"+a.address("web"), ingestUser, ingestPassword)
		})
	})
}

// TestIngestPageForm runs it again with forms, as browsers without scripts send them.
func TestIngestPageForm(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return formClient{newPageClient(t, "http://"+a.address("web"), ingestUser, ingestPassword)}
		})
	})
}

// pageClient is somebody who is signed in on the page.
type pageClient struct {
	t    *testing.T
	root string
	http *http.Client
	csrf string
}

var (
	_ ingesttest.Door   = (*pageClient)(nil)
	_ ingesttest.Cutter = (*pageClient)(nil)
	_ ingesttest.Cutter = formClient{}
)

// newPageClient signs in.
func newPageClient(t *testing.T, root, user, password string) *pageClient {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := &pageClient{t: t, root: root, http: &http.Client{Jar: jar, Transport: transport, Timeout: patience}}
	resp, err := c.http.PostForm(root+"/sign-in", url.Values{"name": {user}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path == "/sign-in" {
		t.Fatalf("signing in: %s at %s", resp.Status, resp.Request.URL)
	}
	page, err := html.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range page.Descendants() {
		if n.Data == "meta" && attribute(n, "name") == "csrf" {
			c.csrf = attribute(n, "content")
		}
	}
	return c
}

// attribute returns an attribute's value, or "".
func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (c *pageClient) address(prefix, name string) string {
	return c.root + (&url.URL{Path: prefix + name}).EscapedPath()
}

// do makes a request as a script does, and returns the body of a success.
func (c *pageClient) do(method, address string, body io.Reader, headers ...string) ([]byte, error) {
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-CSRF-Token", c.csrf)
	return exchange(c.http, r, headers)
}

func (c *pageClient) Put(name string, data []byte) error {
	_, err := c.do(http.MethodPost, c.address("/put", name), bytes.NewReader(data), "X-Same-Name", "replace")
	return err
}

// PutCut breaks off a file whose length was said.
func (c *pageClient) PutCut(name string, data []byte, n int) error {
	return c.cut(c.address("/put", name), "X-Same-Name: replace\r\n", data, n)
}

// cut sends a POST of which only n bytes come, and ends its side of the connection.
func (c *pageClient) cut(address, headers string, data []byte, n int) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nX-CSRF-Token: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		u.EscapedPath(), u.Host, c.http.Jar.Cookies(u)[0], c.csrf, headers, len(data), data[:n])
	err = errors.Join(err, conn.(*net.TCPConn).CloseWrite(), conn.SetReadDeadline(time.Now().Add(patience)))
	if err != nil {
		return err
	}
	reply, _ := io.ReadAll(conn) // also when it is reset
	if bytes.HasPrefix(reply, []byte("HTTP/1.1 2")) {
		return fmt.Errorf("what was cut is answered %q", reply)
	}
	return nil
}

func (c *pageClient) Get(name string) ([]byte, error) {
	return c.do(http.MethodGet, c.address("/raw", name), nil)
}

// List reads the pages that show a folder as a network drive does.
func (c *pageClient) List(dir string) (names []string, err error) {
	for next := c.address("/files", dir) + "/?all=1"; next != ""; {
		text, err := c.do(http.MethodGet, next, nil)
		if err != nil {
			return nil, err
		}
		root, err := html.Parse(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		next = ""
		for n := range root.Descendants() {
			if name := attribute(n, "data-name"); name != "" {
				names = append(names, name)
			}
			if attribute(n, "rel") == "next" {
				next = c.root + attribute(n, "href")
			}
		}
	}
	return names, nil
}

// change makes one of the page's changes.
func (c *pageClient) change(form url.Values) error {
	_, err := c.do(http.MethodPost, c.root+"/change", strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	return err
}

func (c *pageClient) Rename(from, to string) error {
	return c.change(url.Values{"do": {"move"}, "path": {from}, "to": {to}, "replace": {"yes"}})
}

func (c *pageClient) Mkdir(dir string) error {
	return c.change(url.Values{"do": {"folder"}, "path": {path.Dir(dir)}, "name": {path.Base(dir)}})
}

func (c *pageClient) Remove(name string) error {
	return c.change(url.Values{"do": {"remove"}, "path": {name}})
}

// formClient sends files with forms.
type formClient struct{ *pageClient }

// form returns a form with one file, up to its end, and its type.
func (c formClient) form(name string, data []byte) (body []byte, media string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("csrf", c.csrf)    //nolint:errcheck // into memory
	w.WriteField("same", "replace") //nolint:errcheck // into memory
	part, _ := w.CreatePart(map[string][]string{
		"Content-Disposition": {`form-data; name="file"; filename=` + browserQuoted(path.Base(name))},
	})
	part.Write(data) //nolint:errcheck // into memory
	w.Close()        //nolint:errcheck // into memory
	return b.Bytes(), w.FormDataContentType()
}

// browserQuoted writes a name as browsers do (HTML, multipart form data).
func browserQuoted(name string) string {
	return `"` + strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22").Replace(name) + `"`
}

func (c formClient) Put(name string, data []byte) error {
	body, media := c.form(name, data)
	_, err := c.do(http.MethodPost, c.address("/drop", path.Dir(name))+"/", bytes.NewReader(body), "Content-Type", media)
	return err
}

// PutCut breaks off within the file, and once more in chunks.
func (c formClient) PutCut(name string, data []byte, n int) error {
	body, media := c.form(name, data)
	begin := bytes.Index(body, data[:min(len(data), 64)])
	if begin < 0 {
		return errors.New("the form has not got the file in it: " + strconv.Itoa(len(body)))
	}
	return c.cut(c.address("/drop", path.Dir(name))+"/", "Content-Type: "+media+"\r\n", body, begin+n)
}

// Carries: browsers write some characters of a name so that nobody can tell them from
// others.
func (c formClient) Carries(name string) bool { return !strings.ContainsAny(name, `"`) }
