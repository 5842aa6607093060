package programtest

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Client is a WebDAV client: one request for each call, none repeated.
type Client struct {
	base           string
	user, password string
	http           *http.Client
}

// NewClient returns a client with connections of its own for the tree at base.
func NewClient(base, user, password string) *Client {
	return &Client{base: base, user: user, password: password, http: &http.Client{Transport: &http.Transport{DisableCompression: true}}}
}

// Close drops the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// StatusError is an answer that is no success.
type StatusError struct {
	Code int
	Text string
}

// Error returns the status and the text.
func (e *StatusError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.Code, e.Text) }

// Do makes a request. An answer other than 2xx is a *StatusError; any other error
// leaves open what became of the request.
func (c *Client) Do(ctx context.Context, method, name string, body io.Reader, length int64, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.address(name), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	if body != nil {
		req.ContentLength = length
	}
	req.SetBasicAuth(c.user, c.password)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if changes := method != http.MethodGet && method != "PROPFIND"; changes && resp.StatusCode < 300 {
		return nil, nil // promised, whatever may follow
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, &StatusError{resp.StatusCode, strings.TrimSpace(string(b))}
	}
	return b, nil
}

func (c *Client) address(name string) string { return c.base + (&url.URL{Path: name}).EscapedPath() }

// Put stores what r reads; length -1 sends it in chunks.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, length int64) error {
	_, err := c.Do(ctx, http.MethodPut, name, r, length, nil)
	return err
}

// PutBytes stores b.
func (c *Client) PutBytes(ctx context.Context, name string, b []byte) error {
	return c.Put(ctx, name, bytes.NewReader(b), int64(len(b)))
}

// Get returns a file.
func (c *Client) Get(ctx context.Context, name string) ([]byte, error) {
	return c.Do(ctx, http.MethodGet, name, nil, 0, nil)
}

// Delete removes a file or folder.
func (c *Client) Delete(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodDelete, name, nil, 0, nil)
	return err
}

// Mkdir makes a folder.
func (c *Client) Mkdir(ctx context.Context, name string) error {
	_, err := c.Do(ctx, "MKCOL", name, nil, 0, nil)
	return err
}

// Move gives a file another name, whatever is there.
func (c *Client) Move(ctx context.Context, from, to string) error {
	_, err := c.Do(ctx, "MOVE", from, nil, 0, http.Header{"Destination": {c.address(to)}})
	return err
}

// Copy makes another file of the same bytes.
func (c *Client) Copy(ctx context.Context, from, to string) error {
	_, err := c.Do(ctx, "COPY", from, nil, 0, http.Header{"Destination": {c.address(to)}})
	return err
}

// List returns the names in a folder.
func (c *Client) List(ctx context.Context, dir string) (names []string, err error) {
	b, err := c.Do(ctx, "PROPFIND", dir+"/", nil, 0, http.Header{"Depth": {"1"}})
	if err != nil {
		return nil, err
	}
	var m struct {
		Hrefs []string `xml:"response>href"`
	}
	if err := xml.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	self, err := url.Parse(c.address(dir))
	if err != nil {
		return nil, err
	}
	for _, h := range m.Hrefs {
		u, err := url.Parse(h)
		if err != nil {
			return nil, err
		}
		if p := path.Clean(u.Path); p != path.Clean(self.Path) {
			names = append(names, path.Base(p))
		}
	}
	return names, nil
}
