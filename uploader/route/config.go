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
	// OnDelete is "keep" (default) or "delete": what becomes of what the hosts have when
	// the file is removed here.
	OnDelete string `toml:"on_delete"`
	// OnReplace is "keep" (default) or "delete-old": what becomes of what the hosts have
	// of the bytes that a file had before.
	OnReplace string `toml:"on_replace"`
	// Strip is "none" (default), "gps" or "all": what is taken out of pictures before
	// they are sent.
	Strip string `toml:"strip"`
	// Rotate turns pictures upright for hosts that drop their orientation.
	Rotate bool `toml:"rotate"`
	// Links fetches the pictures that .url, .webloc, .desktop and .txt files name, and
	// forwards those.
	Links bool `toml:"links"`
	// Keep says when bytes may go here, in place of storage.keep; "": as that says.
	Keep string `toml:"keep"`
	// Companions is how long a picture waits for files beside it that say something
	// about it (package metadata: XMP, JSON, text), as in "30s", up to "1h". They
	// are not forwarded themselves then, and say title, description and tags where
	// nobody else does. "": such files are like any other.
	Companions string `toml:"companions"`
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
