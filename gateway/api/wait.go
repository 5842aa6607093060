package api

import (
	"context"
	"slices"
	"time"

	"slipway/gateway/operate"
)

// follow returns the uploads of an entry as they stand, or, with wait, as they stand
// when the first of them has a URL, when none is on its way any more, or after that
// time. What is on its way goes on in any case. Where as many wait as may, it does
// not wait.
func (q *request) follow(entry int64, wait time.Duration) ([]operate.Upload, error) {
	uploads := []operate.Upload{}
	if entry == 0 {
		return uploads, nil
	}
	crowded := false
	if wait > 0 {
		q.leave() // whoever waits does not keep others from their turn
		if q.waits.take(q.me.Name, q.From) {
			defer q.waits.give(q.me.Name, q.From)
		} else {
			crowded, wait = true, 0
		}
	}
	timeout := wait
	if wait == 0 {
		timeout = time.Minute // it answers at once
	}
	ctx, cancel := context.WithTimeout(q.ctx, timeout)
	defer cancel()
	for p, err := range q.Desk.Follow(ctx, entry) {
		if err != nil {
			if ctx.Err() != nil && q.ctx.Err() == nil {
				break // it took too long
			}
			return uploads, err
		}
		if p.Uploads != nil {
			uploads = p.Uploads
		}
		if crowded && picked(uploads) == nil && onItsWay(uploads) {
			q.w.Header().Set("Retry-After", "5")
		}
		if wait == 0 || picked(uploads) != nil {
			break
		}
		select {
		case <-q.gone: // the gateway is about to stop
			return uploads, nil
		default:
		}
	}
	return uploads, nil
}

// picked returns the upload whose URL an answer shows: the first that is done with
// one, in the order of the route.
func picked(uploads []operate.Upload) *operate.Upload {
	i := slices.IndexFunc(uploads, func(u operate.Upload) bool { return u.State == "done" && u.URL != "" })
	if i < 0 {
		return nil
	}
	return &uploads[i]
}

// onItsWay reports whether any of uploads may still get a URL by itself.
func onItsWay(uploads []operate.Upload) bool {
	return slices.ContainsFunc(uploads, func(u operate.Upload) bool {
		return slices.Contains([]string{"settling", "sending", "ambiguous"}, u.State)
	})
}
