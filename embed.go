// Package slipway holds what the program carries of this folder.
package slipway

import _ "embed"

// ConfigTemplate is config.toml, which is also the manual of the configuration.
//
//go:embed config.toml
var ConfigTemplate []byte
