package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway/gateway/strict"
	"slipway/gateway/webhook"
	"slipway/uploader"
	"slipway/vfs"
)

// WebhookConfig is a site that hears of what becomes of uploads.
type WebhookConfig struct {
	// Name is what it is called in status, log and metrics.
	Name   string        `toml:"name"`
	URL    string        `toml:"url"`
	Secret strict.Secret `toml:"secret"`
	// Events are the states that it hears of; none: done and failed.
	Events []string `toml:"events"`
	// Paths are the folders whose files it hears of, and Destinations those it hears
	// of; none: all.
	Paths        []string `toml:"paths"`
	Destinations []string `toml:"destinations"`
	// GiveUp is how old a message becomes; 0: 3 days.
	GiveUp strict.Duration `toml:"give_up"`

	Places strict.Places `toml:"-"`
}

// webhookEvents are the states that a webhook can hear of.
var webhookEvents = []string{string(uploader.Done), string(uploader.Failed), string(uploader.Held), string(uploader.AmbiguousState), string(uploader.Awaiting)}

// webhookGiveUp is how old messages become where the configuration says nothing.
const webhookGiveUp = 3 * 24 * time.Hour

// webhookName is what names look like: they are labels of metrics.
var webhookName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

// checkWebhooks reports what is wrong with the webhooks.
func (c *Config) checkWebhooks(m *mistakes) {
	seen := make(map[string]bool)
	for i, w := range c.Webhooks {
		table := fmt.Sprintf("webhook %d", i+1)
		switch {
		case !webhookName.MatchString(w.Name):
			m.add(w.Places, table, "name", `%q is no name; write one of up to 40 letters, digits, ".", "-" and "_", as in "site"`, w.Name)
		case seen[w.Name]:
			m.add(w.Places, table, "name", "another webhook is called %q; give each a name of its own", w.Name)
		}
		seen[w.Name] = true
		if err := webhook.CheckURL(w.URL); err != nil {
			m.add(w.Places, table, "url", "%q: %v", w.URL, err)
		}
		for _, e := range w.Events {
			m.oneOf(w.Places, table, "events", e, webhookEvents...)
		}
		for _, d := range w.Destinations {
			if _, ok := c.Destination[d]; !ok {
				m.add(w.Places, table, "destinations", "there is no destination %q", d)
			}
		}
		for _, p := range w.Paths {
			if clean, err := vfs.Clean(p); err != nil || clean != p {
				m.add(w.Places, table, "paths", `%q is no folder; write it as in "/holiday"`, p)
			}
		}
		if w.Secret.IsZero() {
			m.add(w.Places, table, "secret", `it is missing: %s`, webhookSecretHelp())
		}
	}
}

// webhookSecretHelp says what a secret looks like.
func webhookSecretHelp() string {
	_, err := webhook.ParseSecret("")
	return err.Error()
}

// hook is a webhook, ready for use.
type hook struct {
	webhook.Config
	events, destinations, paths []string
}

// hooksOf returns the webhooks of a configuration, with their secrets.
func (a *app) hooksOf(c *Config) (all []hook, err error) {
	for _, w := range c.Webhooks {
		text, err := w.Secret.Resolve(a.getenv)
		if err != nil {
			return nil, fmt.Errorf("webhook %q: %w", w.Name, err)
		}
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			return nil, fmt.Errorf("webhook %q: secret: %w", w.Name, err)
		}
		h := hook{events: w.Events, destinations: w.Destinations, paths: w.Paths}
		h.Config = webhook.Config{Name: w.Name, URL: w.URL, Secret: secret, GiveUp: time.Duration(w.GiveUp)}
		if len(h.events) == 0 {
			h.events = webhookEvents[:2]
		}
		if h.GiveUp == 0 {
			h.GiveUp = webhookGiveUp
		}
		all = append(all, h)
	}
	return all, nil
}

// hears reports whether h wants to hear of state at a destination.
func (h hook) hears(state, destination string) bool {
	return slices.Contains(h.events, state) && (len(h.destinations) == 0 || slices.Contains(h.destinations, destination))
}

// about reports whether h wants to hear of the file at path.
func (h hook) about(path string) bool {
	return len(h.paths) == 0 || slices.ContainsFunc(h.paths, func(dir string) bool {
		return dir == "/" || path == dir || strings.HasPrefix(path, dir+"/")
	})
}
