package watch_test

import (
	"github.com/spf13/afero"

	"slipway/watch/watchtest"
)

// growing is a tree that does something with the folder while a file is read.
type growing struct {
	*watchtest.Tree
	meanwhile func()
}

func (g growing) Create(name string) (afero.File, error) {
	f, err := g.Tree.Create(name)
	g.meanwhile()
	return f, err
}
