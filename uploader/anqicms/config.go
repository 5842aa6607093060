package anqicms

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
)

// uploadPath is where every AnQiCMS takes attachments; the site may live below
// a folder of its host ("/en").
const uploadPath = "/attachment/upload"

// Config is one [destination.NAME] with driver = "anqicms".
type Config struct {
	// URL is the site's address, or the full address of its upload endpoint.
	URL string `toml:"url"`
	// Token is the API token of the site's back office.
	Token uploader.Secret `toml:"token"`
	// Replace sends the id of the earlier picture, so that the site puts the new
	// bytes in its place, where its version lets it.
	Replace bool `toml:"replace"`
	// Timeout is how long a request may take beside the time that its size needs;
	// 0: form.DefaultBase.
	Timeout time.Duration `toml:"timeout"`
}

// validate returns the upload endpoint, without the token.
func (c Config) validate() (*url.URL, error) {
	if c.Timeout < 0 {
		return nil, fmt.Errorf("anqicms: timeout = %q is negative: use a duration such as \"60s\"", c.Timeout)
	}
	if c.Token.Reveal() == "" {
		return nil, errors.New("anqicms: token is missing: copy the API token from the site's back office")
	}
	return endpoint(c.URL)
}

// endpoint normalises what people paste to the address that takes uploads. Its
// errors do not repeat the address, which may have the token in its query.
func endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case raw == "":
		return nil, errors.New("anqicms: url is missing: give the site's address, such as \"https://example.com\"")
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("anqicms: url is not an address: give the site's, such as \"https://example.com\"")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("anqicms: url must begin with https:// or http://")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("anqicms: url must end with its path: the token has a key of its own, token")
	}
	path := strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(path, uploadPath) {
		path += uploadPath
	}
	return &url.URL{Scheme: u.Scheme, Host: canonicalHost(u), Path: path}, nil
}

// canonicalHost returns u's host in lower case, without its scheme's own port.
func canonicalHost(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
