package chevereto

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
)

// uploadPath is where every Chevereto takes pictures; the site may live below a
// folder of its host. With a slash or a query behind it, it is a redirect.
const uploadPath = "/api/1/upload"

// Config is one [destination.NAME] with driver = "chevereto".
type Config struct {
	// URL is the site's address, or the full address of its upload endpoint.
	URL string `toml:"url"`
	// Key is the account's API key, from the site's Settings → API.
	Key uploader.Secret `toml:"key"`
	// AlbumPage is the address of a public album, on the same host, in which the
	// account's uploads can be seen: pictures whose reply was lost are looked for
	// there. It makes file names unique.
	AlbumPage string `toml:"album_page"`
	// Timeout is how long a request may take beside the time that its size needs;
	// 0: form.DefaultBase.
	Timeout time.Duration `toml:"timeout"`
}

// validate returns the addresses; page is nil where none is set.
func (c Config) validate() (endpoint, page *url.URL, err error) {
	key := c.Key.Reveal()
	if key == "" {
		return nil, nil, errors.New("chevereto: key is missing: copy it from the site's Settings → API")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, nil, errors.New("chevereto: key has a space or a strange character: copy it again from the site's Settings → API")
	}
	if c.Timeout < 0 {
		return nil, nil, fmt.Errorf("chevereto: timeout = %q is negative: use a duration such as \"60s\"", c.Timeout)
	}
	if endpoint, err = address("url", c.URL); err != nil {
		return nil, nil, err
	}
	endpoint.Path = strings.TrimRight(endpoint.Path, "/")
	for _, tail := range []string{uploadPath, "/api/1", "/api"} {
		endpoint.Path = strings.TrimSuffix(endpoint.Path, tail)
	}
	endpoint.Path += uploadPath
	if c.AlbumPage == "" {
		return endpoint, nil, nil
	}
	if page, err = address("album_page", c.AlbumPage); err != nil {
		return nil, nil, err
	}
	if page.Host != endpoint.Host {
		return nil, nil, errors.New("chevereto: album_page is on another host than url: give the address of an album of the same site")
	}
	return endpoint, page, nil
}

// address reads a configured address and puts its host into its plain form.
// Errors do not repeat it: people paste addresses with their key inside.
func address(name, raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case raw == "":
		return nil, fmt.Errorf("chevereto: %s is missing: give the site's address, such as \"https://example.com\"", name)
	case err != nil || u.Hostname() == "" || strings.ContainsAny(u.Host, " \"<>"):
		return nil, fmt.Errorf("chevereto: %s is not an address: write it as \"https://example.com\"", name)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("chevereto: %s must begin with https:// or http://", name)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("chevereto: %s must end with its path: the key has a place of its own, key", name)
	}
	return &url.URL{Scheme: u.Scheme, Host: form.CanonicalHost(u), Path: u.Path, RawPath: u.RawPath}, nil
}
