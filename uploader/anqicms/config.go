package anqicms

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
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
	return &url.URL{Scheme: u.Scheme, Host: form.CanonicalHost(u), Path: path}, nil
}
