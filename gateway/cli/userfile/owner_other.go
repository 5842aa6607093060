//go:build !unix

package userfile

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: a file inherits who may read it from its folder.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
