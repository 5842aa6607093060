package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"slipway/gateway/operate"
)

// How events are sent.
const (
	heartbeat = 15 * time.Second // a comment, where nothing else was sent for that long
)

// slots counts what each user has open, over all and at one address: guests share an
// account, and one of them must not take it all.
type slots struct {
	ofUser, ofAddress int // how many there may be
	mu                sync.Mutex
	by                map[string]int // by user, and by user and address
}

// take returns false where a user has as many as there may be.
func (s *slots) take(user string, from netip.Addr) bool {
	at := place(user, from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[user] >= s.ofUser || s.by[at] >= s.ofAddress {
		return false
	}
	s.by[user]++
	s.by[at]++
	return true
}

// place names a user at an address, which with IPv6 is a network of 64 bits.
func place(user string, from netip.Addr) string {
	if from = from.Unmap().WithZone(""); from.Is6() {
		return user + "\x00" + netip.PrefixFrom(from, 64).Masked().String()
	}
	return user + "\x00" + from.String()
}

func (s *slots) give(user string, from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{user, place(user, from)} {
		if s.by[key]--; s.by[key] <= 0 {
			delete(s.by, key)
		}
	}
}

// events answers GET /events with server-sent events (HTML, §9.2), each called
// "change": what changed since the one before. Nothing is kept for those who were
// away: whoever comes back with Last-Event-ID is told first that anything may have
// changed. It ends with the sign-in.
func (q *request) events() error {
	if !q.streams.take(q.me.Name, q.From) {
		return problem{Status: http.StatusTooManyRequests, Detail: "as many streams of this account are open as may be; close one"}
	}
	defer q.streams.give(q.me.Name, q.From)
	q.leave() // whoever listens does not keep others from their turn
	ctx, cancel := context.WithCancel(q.ctx)
	var follower sync.WaitGroup
	defer follower.Wait()
	defer cancel()
	changes := make(chan operate.Change)
	follower.Go(func() {
		defer close(changes)
		for c := range q.Desk.Changes(ctx) {
			select {
			case changes <- c:
			case <-ctx.Done():
				return
			}
		}
	})
	q.w.Header().Set("Content-Type", "text/event-stream")
	q.w.Header().Set("X-Accel-Buffering", "no") // nginx
	return q.tell(changes)
}

// tell writes events until the client goes, the sign-in ends or the gateway stops.
func (q *request) tell(changes <-chan operate.Change) error {
	control := http.NewResponseController(q.w)
	send := func(text string) error {
		control.SetWriteDeadline(time.Now().Add(q.Idle)) //nolint:errcheck // where there are none, there are none
		if _, err := fmt.Fprint(q.w, text); err != nil {
			return errGone
		}
		if err := control.Flush(); err != nil {
			return errGone
		}
		return nil
	}
	err := send(": hello\n\n")
	if q.r.Header.Get("Last-Event-ID") != "" && err == nil {
		err = send(event(operate.Change{All: true}))
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err == nil {
		select {
		case c, ok := <-changes:
			if !ok || q.Still != nil && q.Still() != nil {
				return nil
			}
			if c.All || len(c.Entries) > 0 {
				err = send(event(c))
				beat.Reset(heartbeat)
			}
		case <-beat.C:
			if q.Still != nil && q.Still() != nil {
				return nil
			}
			err = send(": still here\n\n")
		case <-q.gone:
			return nil
		case <-q.ctx.Done():
			return nil
		}
	}
	return err
}

// event returns a change as it is sent.
func event(c operate.Change) string {
	data, _ := json.Marshal(c) //nolint:errcheck // of numbers: it cannot fail
	return "id: " + strconv.FormatInt(time.Now().UnixMicro(), 10) + "\nevent: change\ndata: " + string(data) + "\n\n"
}
