package sidecar

import (
	"bytes"
	"path"

	"slipway/vfs"
)

// JSON returns NAME.json of the file e at a path, whose receipt is r: what a message
// to another program says of it.
func JSON(file string, e vfs.Entry, r Receipt) []byte {
	var b bytes.Buffer
	p := newPicture(file, &e, path.Base(file), r)
	renderJSON(&b, []*picture{&p}, render{})
	return b.Bytes()
}
