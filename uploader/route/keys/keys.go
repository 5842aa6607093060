// Package keys is what the configuration says about single uploads: album,
// category, title and so on. A [Layer] is what one place says; of several
// [Layers] the first to say a key has its way.
package keys

import (
	"errors"
	"strconv"

	"slipway/uploader/route/settings"
)

// Keys are the per-upload keys of a route, of one destination of it, or of an
// .album.toml. Texts are templates, see package template. Nil is not said; an empty
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
