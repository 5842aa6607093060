package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
)

// davClient is a plain WebDAV client.
type davClient struct {
	root           string // the address of the root, without a slash at its end
	user, password string
	http           *http.Client
}

var (
	_ ingesttest.Door     = (*davClient)(nil)
	_ ingesttest.Cutter   = (*davClient)(nil)
	_ ingesttest.Streamer = (*davClient)(nil)
	_ ingesttest.Copier   = (*davClient)(nil)
)

func newDAVClient(t *testing.T, root, user, password string) *davClient {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &davClient{root, user, password, &http.Client{Transport: transport, Timeout: patience}}
}

func (c *davClient) address(name string) string {
	return c.root + (&url.URL{Path: name}).EscapedPath()
}

// do makes a request, and returns the body of a reply that is a success.
func (c *davClient) do(method, name string, body io.Reader, headers ...string) ([]byte, error) {
	r, err := http.NewRequest(method, c.address(name), body)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(c.user, c.password)
	return exchange(c.http, r, headers)
}

func (c *davClient) Put(name string, data []byte) error {
	_, err := c.do(http.MethodPut, name, bytes.NewReader(data))
	return err
}

// PutFrom sends chunks.
func (c *davClient) PutFrom(name string, r io.Reader) error {
	_, err := c.do(http.MethodPut, name, struct{ io.Reader }{r})
	return err
}

// PutCut breaks off twice: once where the whole length was declared, and once in
// chunks of which the last is missing.
func (c *davClient) PutCut(name string, data []byte, n int) error {
	return errors.Join(
		c.cut(name, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(data), data[:n])),
		c.cut(name, fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", n, data[:n])),
	)
}

// cut sends a PUT whose rest is given, and ends its side of the connection.
func (c *davClient) cut(name, rest string) error {
	r, err := http.NewRequest(http.MethodPut, c.address(name), nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth(c.user, c.password)
	conn, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n%s",
		r.URL.EscapedPath(), r.URL.Host, r.Header.Get("Authorization"), rest)
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

func (c *davClient) Get(name string) ([]byte, error) { return c.do(http.MethodGet, name, nil) }

func (c *davClient) Mkdir(dir string) error {
	_, err := c.do("MKCOL", dir, nil)
	return err
}

func (c *davClient) Remove(name string) error {
	_, err := c.do(http.MethodDelete, name, nil)
	return err
}

func (c *davClient) Rename(from, to string) error {
	_, err := c.do("MOVE", from, nil, "Destination", c.address(to))
	return err
}

func (c *davClient) Copy(from, to string) error {
	_, err := c.do("COPY", from, nil, "Destination", c.address(to))
	return err
}

func (c *davClient) List(dir string) ([]string, error) {
	text, err := c.do("PROPFIND", dir+"/", strings.NewReader(`<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>`), "Depth", "1")
	if err != nil {
		return nil, err
	}
	var status struct {
		Responses []struct {
			Href string `xml:"href"`
		} `xml:"response"`
	}
	if err := xml.Unmarshal(text, &status); err != nil {
		return nil, err
	}
	var names []string
	for _, r := range status.Responses {
		u, err := url.Parse(r.Href)
		if err != nil {
			return nil, err
		}
		if p := strings.TrimSuffix(strings.TrimPrefix(u.Path, davPrefix), "/"); p != dir {
			names = append(names, path.Base(p))
		}
	}
	return names, nil
}

// exchange sends r with header fields, names and values in turn, and returns the
// reply's body, beside an error where that says that it was refused.
func exchange(client *http.Client, r *http.Request, headers []string) ([]byte, error) {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL, fs.ErrNotExist)
	case resp.StatusCode >= 300:
		return text, fmt.Errorf("%s %s: %s: %s", r.Method, r.URL, resp.Status, text)
	}
	return text, nil
}
