package blob

import (
	"context"
	"io"
)

// Until returns a reader of r that fails with the error of ctx once ctx has ended. A Read
// of r that waits is not woken.
func Until(ctx context.Context, r io.Reader) io.Reader { return untilReader{ctx, r} }

type untilReader struct {
	ctx context.Context
	r   io.Reader
}

func (u untilReader) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
