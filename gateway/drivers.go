package main

import (
	"slices"
	"time"

	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/anqicms"
	"slipway/uploader/chevereto"
	"slipway/uploader/form"
	"slipway/uploader/local"
)

// driverKind is one upload API.
type driverKind struct {
	name string
	// keys are the keys of DestinationConfig that it has beside driver, concurrency
	// and max_size; needs those that it cannot do without.
	keys, needs []string
	open        func(name string, c DestinationConfig, d driverDeps) (uploader.Driver, error)
}

// driverDeps is what drivers get from the gateway.
type driverDeps struct {
	client    *form.Client
	publicURL func() string
	secret    func(strict.Secret) (uploader.Secret, error)
}

// remote are the keys of every driver that speaks to another host.
var remote = []string{"url", "timeout", "bandwidth", "per_minute", "per_hour", "per_day"}

// drivers lists every upload API. A new one is a folder below uploader and a line
// here.
var drivers = []driverKind{
	{name: "local", open: func(name string, c DestinationConfig, d driverDeps) (uploader.Driver, error) {
		return local.New(local.Config{}, local.Options{PublicURL: d.publicURL, Name: name}), nil
	}},
	{name: "chevereto", keys: append([]string{"key", "album_page"}, remote...), needs: []string{"url", "key"},
		open: func(_ string, c DestinationConfig, d driverDeps) (uploader.Driver, error) {
			key, err := d.secret(c.Key)
			if err != nil {
				return nil, err
			}
			return chevereto.New(chevereto.Config{URL: c.URL, Key: key, AlbumPage: c.AlbumPage, Timeout: time.Duration(c.Timeout)}, d.client)
		}},
	{name: "anqicms", keys: append([]string{"token", "replace"}, remote...), needs: []string{"url", "token"},
		open: func(_ string, c DestinationConfig, d driverDeps) (uploader.Driver, error) {
			token, err := d.secret(c.Token)
			if err != nil {
				return nil, err
			}
			return anqicms.New(anqicms.Config{URL: c.URL, Token: token, Replace: c.Replace, Timeout: time.Duration(c.Timeout)}, d.client)
		}},
	{name: "custom", keys: append(slices.Clone(customKeys), remote...), open: openCustom},
}

// driverNamed returns the driver called name.
func driverNamed(name string) (driverKind, bool) {
	for _, k := range drivers {
		if k.name == name {
			return k, true
		}
	}
	return driverKind{}, false
}

func driverNames() []string {
	names := make([]string, len(drivers))
	for i, k := range drivers {
		names[i] = k.name
	}
	return names
}
