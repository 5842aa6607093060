//go:build !linux

package blob

import "errors"

// clone has no such call here: what is there makes a new name, not bytes of a file
// that is open.
func clone(uintptr, uintptr) error { return errors.ErrUnsupported }
