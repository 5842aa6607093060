package operate

import (
	"errors"
	"fmt"
	"io"
)

// ErrChanged means that a file was not as long as it said while it was read.
var ErrChanged = errors.New("the file changed while it was read; send it again")

// Exactly returns a reader of r's size bytes, which fails with [ErrChanged] where
// r ends earlier or goes on after them: the last bytes are not handed out before
// the end was seen, so that nobody stores half of a file that grows. With size
// below 0 it returns r itself.
func Exactly(r io.Reader, size int64) io.Reader {
	if size < 0 {
		return r
	}
	return &exact{r: r, left: size}
}

type exact struct {
	r    io.Reader
	left int64
	err  error // that ends it
}

// Read reads from the reader below.
func (e *exact) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := 0, error(nil)
	if e.left > 0 {
		n, err = e.r.Read(p[:min(int64(len(p)), e.left)])
		e.left -= int64(n)
	}
	switch {
	case e.left > 0 && err == io.EOF:
		e.err = fmt.Errorf("%w (%d bytes are missing)", ErrChanged, e.left)
	case e.left == 0 && (err == nil || err == io.EOF):
		e.err = e.end()
		if e.err != io.EOF {
			n = 0
		}
	default:
		e.err = err
	}
	return n, e.err
}

// end returns io.EOF where r ends here.
func (e *exact) end() error {
	switch n, err := io.ReadFull(e.r, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("%w (it became longer)", ErrChanged)
	case err != nil:
		return err
	}
	return nil
}
