// Package strict decodes config.toml: it gives the whole program one strict
// decoder (package settings of the routes, which also reads .album.toml) and the
// kinds of value that a configuration has beside text and numbers.
package strict

import "slipway/uploader/route/settings"

// Error is one mistake with its place; Errors are all of a file.
type (
	Error  = settings.Error
	Errors = settings.Errors
	Place  = settings.Place
	Places = settings.Places
)

// Decode decodes text, which is the content of the file called file, into v, a
// pointer to a struct with `toml` tags. It reports every mistake at once, as
// Errors, each with line, column, the nearest known key and the right form; see
// [settings.Decode]. The folder of file is what the paths of secrets are relative to.
func Decode(text []byte, file string, v any) error { return settings.Decode(text, file, v) }

// Nearest returns the one of known that somebody who wrote word most likely
// meant, or ""; see [settings.Nearest].
func Nearest(word string, known []string) string { return settings.Nearest(word, known) }

// Suggest returns a clause that names the nearest of known, or else all of them.
func Suggest(word string, known []string) string { return settings.Suggest(word, known) }
