package route

import (
	"errors"
	"strconv"

	"slipway/uploader/route/settings"
)

// Config is one [[route]] of the configuration. What is not said is the zero value.
type Config struct {
	// Path is the pattern of the files' paths, see [Pattern]. The first route
	// that matches takes the file.
	Path string `toml:"path"`
	// To names the destinations; each file goes to all of them.
	To []string `toml:"to"`
	Keys
	// At overrides keys for one destination of To.
	At map[string]Keys `toml:"at"`
	// Categories and Albums give the host's ids for names that category_id and
	// album_id come to; without them those are the ids themselves.
	Categories map[string]Text `toml:"categories"`
	Albums     map[string]Text `toml:"albums"`
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

// Keys are the per-upload keys of a route, of one destination of it, or of an
// .album.toml. Texts are templates, see [Template]. Nil is not said; an empty
// text is said and sends nothing.
type Keys struct {
	AlbumID     *Text `toml:"album_id"`
	CategoryID  *Text `toml:"category_id"`
	Title       *Text `toml:"title"`
	Description *Text `toml:"description"`
	// Tags are joined; each may come to several, separated by commas.
	Tags Tags  `toml:"tags"`
	NSFW *bool `toml:"nsfw"`
	// Expiration is an ISO 8601 duration ("P3D") or a number of seconds.
	Expiration *Text `toml:"expiration"`
	// Width is what the host scales a picture to, in pixels.
	Width       *int  `toml:"width"`
	UseFileDate *bool `toml:"use_file_date"`

	Places settings.Places `toml:"-"`
}

// Text is a text that may also be written as a whole number.
type Text string

// UnmarshalSetting reads text or a whole number.
func (t *Text) UnmarshalSetting(value any, _ settings.Place) error {
	switch x := value.(type) {
	case string:
		*t = Text(x)
	case int64:
		*t = Text(strconv.FormatInt(x, 10))
	default:
		return errors.New(`text or a whole number is expected, as in "{album}" or 7`)
	}
	return nil
}

// SettingExample shows the form in messages.
func (Text) SettingExample() string { return `"…"` }

// Tags is one template or several; nil is not said, an empty list is none.
type Tags []string

// UnmarshalSetting reads text or a list of texts.
func (t *Tags) UnmarshalSetting(value any, _ settings.Place) error {
	bad := errors.New(`text or a list of texts is expected, as in "{keywords}" or ["holiday", "{keywords}"]`)
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	out := make(Tags, len(items))
	for i, item := range items {
		if out[i], ok = item.(string); !ok {
			return bad
		}
	}
	*t = out
	return nil
}
