package webdav

import (
	"net/http"

	"slipway/gateway/webdav/fault"
)

// roomStep is after how many bytes of a file of unknown length it is asked again
// whether that many may come; it doubles until roomStepMax.
const (
	roomStep    = 1 << 20
	roomStepMax = 64 << 20
)

// room bounds a body whose length was not said at first, or only by
// X-Expected-Entity-Length, so that what must be refused in the end does not come
// whole before that.
type room struct {
	q     *request
	limit int64 // bytes; what was announced, or else what the user may still have; -1: unknown
	said  bool  // limit was announced
	next  int64 // when it is asked again
}

// room returns nil where Content-Length bounds the body.
func (q *request) room() *room {
	if q.r.ContentLength >= 0 {
		return nil
	}
	r := &room{q: q, limit: expectedLength(q.r.Header), next: roomStep}
	r.said = r.limit >= 0
	return r
}

// take returns why count bytes are too many; nil where they are not.
func (r *room) take(count int64) error {
	switch {
	case r == nil:
		return nil
	case r.said && count > r.limit:
		return fail(http.StatusBadRequest, "more bytes came than were announced; nothing was stored")
	case r.said || count < r.next:
		return nil
	}
	if r.next == roomStep {
		r.limit = r.left(count)
	}
	r.next = count + min(count, roomStepMax)
	if r.limit >= 0 && count > r.limit {
		return &answer{code: http.StatusInsufficientStorage, text: "there is no room left", condition: "quota-not-exceeded"}
	}
	// Of its answers only this one counts: room on the disk is less by what came.
	if a, ok := r.q.fs.(admitter); ok {
		if err := a.Admit(r.q.path, count); fault.Of(err) == fault.TooLarge {
			return err
		}
	}
	return nil
}

// left is how large the file may become by the room that its user has, in bytes,
// when count of them have come; -1: not known. What the file takes up already,
// which it gives back, is counted as room.
func (r *room) left(count int64) int64 {
	u, ok := r.q.fs.(usager)
	if !ok {
		return -1
	}
	used, limit, err := u.Usage()
	if err != nil || limit < 0 {
		return -1
	}
	left := limit - max(used, 0) + count
	if current, err := r.q.lookup(r.q.path); err == nil && current != nil {
		left += current.Size()
	}
	return max(left, 0)
}
