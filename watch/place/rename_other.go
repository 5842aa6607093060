//go:build !linux

package place

import "os"

// renameNew is Rename.
func renameNew(root *os.Root, from, to string) error { return linkNew(root, from, to) }
