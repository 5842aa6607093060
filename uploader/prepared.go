package uploader

import "io"

// close lets go of what was made for one attempt: a Variant that is an io.Closer is
// closed once its attempt is over.
func (p Prepared) close() error {
	if c, ok := p.Variant.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
