package main

import (
	"net/url"
	"path"
	"time"

	"slipway/gateway/strict"
)

// APIConfig is the way in for programs: /api/v1/, /upload and /api/1/upload of the
// HTTP server.
type APIConfig struct {
	// Folder is where pictures go that come without a path, of users whose home it is
	// in; "": the first folder of a route.
	Folder string `toml:"folder"`
	// Wait is how long calls that answer with a URL wait for it.
	Wait strict.Duration `toml:"wait"`
	// Origins are the sites whose pages may read answers.
	Origins []string `toml:"origins"`

	Places strict.Places `toml:"-"`
}

// apiWaitMax is the longest that a call waits: proxies in between give up too.
const apiWaitMax = 10 * time.Minute

// check reports what is wrong.
func (c APIConfig) check(m *mistakes) {
	if c.Folder != "" && (c.Folder[0] != '/' || path.Clean(c.Folder) != c.Folder) {
		m.add(c.Places, "api", "folder", `%q is no folder; write its path, as in "/inbox"`, c.Folder)
	}
	if c.Wait < 0 || time.Duration(c.Wait) > apiWaitMax {
		m.add(c.Places, "api", "wait", `it must be from "0s" to "10m"`)
	}
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || o != u.Scheme+"://"+u.Host) {
			m.add(c.Places, "api", "origins", `%q is no origin; write it as in "https://site.example", or "*" for all`, o)
		}
	}
}
