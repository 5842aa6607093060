package elsewhere

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// download copies the bytes of rel from h. It is an AwayError where they are not there.
func (s *Store) download(ctx context.Context, rel vfs.Released, h Remote) (blob.Ref, error) {
	body, err := h.Open(ctx)
	if err != nil {
		return "", err
	}
	defer body.Close()
	w, err := s.Create(ctx)
	if err != nil {
		return "", unkept(h.Host, err)
	}
	defer w.Abort() //nolint:errcheck // What is left is the sweep's.
	source := &reading{ctx: ctx, r: io.LimitReader(body, rel.Size+1)}
	n, err := io.Copy(w, source)
	if source.err != nil {
		return "", h.broke(source.err)
	}
	var sum blob.Sum
	if err == nil {
		sum, err = w.Sum()
	}
	if err != nil {
		return "", unkept(h.Host, err)
	}
	if n != rel.Size || sum != rel.SHA256 {
		return "", h.other()
	}
	kept, err := w.Commit(ctx)
	return kept.Ref, err
}

// Compare fetches h and returns nil if it is the very bytes of a sum.
func Compare(ctx context.Context, h Remote, sum blob.Sum, size int64) error {
	body, err := h.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, &reading{ctx: ctx, r: io.LimitReader(body, size+1)})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return h.broke(err)
	case n != size || blob.Sum(hash.Sum(nil)) != sum:
		return h.other()
	}
	return nil
}

// other is what is said where the host has other bytes.
func (h Remote) other() error {
	return &vfs.AwayError{Text: fmt.Sprintf("the host %s gives other bytes at %s than it was sent", h.Host, h.URL), Remedy: remedyAgain}
}

// broke is what is said where reading from the host did not come to its end.
func (h Remote) broke(err error) error {
	var away *vfs.AwayError
	if errors.As(err, &away) || errors.Is(err, context.Canceled) {
		return err
	}
	return &vfs.AwayError{Text: fmt.Sprintf("its bytes are at the host %s only, which broke off: %v", h.Host, err), Remedy: "try again later", Passing: true, Err: err}
}
