package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
)

// ErrNotRunning means that no gateway listens in a data directory.
var ErrNotRunning = errors.New("no gateway runs in this data directory; start one with `slipway serve`")

// Client reaches the running gateway of a data directory.
type Client struct {
	// HTTP sends every request to the gateway, whatever host its URL names. A
	// gateway that stopped meanwhile is an [ErrNotRunning] of the request.
	HTTP *http.Client
	// URL is what the URLs of requests begin with, without a "/" at its end.
	URL string
}

// Dial reaches the gateway of dataDir, tried by one connection: [ErrNotRunning]
// where nobody listens.
func Dial(ctx context.Context, dataDir string) (*Client, error) {
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dataDir) }
	c, err := connect(ctx, "", "")
	if err != nil {
		return nil, err
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	return &Client{HTTP: &http.Client{Transport: &http.Transport{DialContext: connect}}, URL: "http://slipway"}, nil
}

func dial(ctx context.Context, dataDir string) (net.Conn, error) {
	path, err := socketPath(dataDir)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the gateway belongs to another user: run this as that user: %w", err)
	}
	return nil, fmt.Errorf("%w (%w)", ErrNotRunning, err)
}

// Close ends the connections that are not in use.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }
