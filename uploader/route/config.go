package route

import (
	"slipway/uploader/route/keys"
	"slipway/uploader/route/settings"
)

// Config is one [[route]] of the configuration. What is not said is the zero value.
type Config struct {
	// Path is the pattern of the files' paths, see package pattern. The first route
	// that matches takes the file.
	Path string `toml:"path"`
	// To names the destinations; each file goes to all of them.
	To []string `toml:"to"`
	keys.Keys
	// At overrides keys for one destination of To.
	At map[string]keys.Keys `toml:"at"`
	// Categories and Albums give the host's ids for names that category_id and
	// album_id come to; without them those are the ids themselves.
	Categories map[string]keys.Text `toml:"categories"`
	Albums     map[string]keys.Text `toml:"albums"`
	// OnUnknown is what to do with a name that Categories or Albums do not have:
	// "hold" (default), "reject", or "none" (send without it).
	OnUnknown string `toml:"on_unknown"`
	// OnSameName is "version" or "replace"; "": as the door does by itself.
	OnSameName string `toml:"on_same_name"`
	// OnDuplicate is "reuse" (default), "new-copy" or "hold".
	OnDuplicate string `toml:"on_duplicate"`
	// OnLostReply is "no-url" (default), "new-copy" or "hold".
	OnLostReply string `toml:"on_lost_reply"`
	// OnDelete is "keep", the only one so far.
	OnDelete string `toml:"on_delete"`
	// Keep is "always", the only one so far.
	Keep string `toml:"keep"`
	// OnType is "store" (default) or "refuse".
	OnType string `toml:"on_type"`
	// Types limits what is forwarded: media types ("image/jpeg", "video/*"),
	// extensions (".jpg") or patterns of names ("IMG_*.jpg"); none: whatever the
	// destinations take.
	Types []string `toml:"types"`
	// Public says that the page may show what is under this path to people who
	// have not signed in.
	Public bool `toml:"public"`

	Places settings.Places `toml:"-"`
}
