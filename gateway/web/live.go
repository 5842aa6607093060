package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"slipway/gateway/operate"
)

// How a page is kept up to date.
const (
	liveStreams = 16 // of one user at a time
	liveTick    = time.Second
	livePing    = 15 * time.Second
	// liveIdle is how long a browser may take over what it is told.
	liveIdle = 30 * time.Second
)

// slots counts what each user has open.
type slots struct {
	most int
	mu   sync.Mutex
	by   map[string]int
}

// take returns false where a user has as many as there may be.
func (s *slots) take(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[user] >= s.most {
		return false
	}
	s.by[user]++
	return true
}

func (s *slots) give(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[user]--; s.by[user] <= 0 {
		delete(s.by, user)
	}
}

// events answers GET /events with server-sent events (HTML, §9.2): "change" where
// what a page shows may have changed, and, with ?transfers=1, "transfers" with that
// part of a page as a JSON string. It ends with the session.
func (q *request) events() error {
	if !q.live.take(q.me.Name) {
		return &problem{http.StatusTooManyRequests, "as many pages of this account are open as are kept up to date"}
	}
	defer q.live.give(q.me.Name)
	ctx, cancel := context.WithCancel(q.ctx)
	var follower sync.WaitGroup
	defer follower.Wait()
	defer cancel()
	changes := make(chan struct{}, 1)
	follower.Go(func() { follow(ctx, q.desk, changes) })

	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx
	s := &stream{q: q, control: http.NewResponseController(q.w)}
	if err := s.send("hello", "{}"); err != nil {
		return nil // the browser is gone
	}
	s.run(changes)
	return nil
}

// follow tells of changes until ctx ends.
func follow(ctx context.Context, desk operate.Desk, changes chan<- struct{}) {
	defer close(changes)
	for range desk.Changes(ctx) {
		select {
		case changes <- struct{}{}:
		default: // one is told of already
		}
	}
}

// stream is one reply of events.
type stream struct {
	q       *request
	control *http.ResponseController
	last    []byte // transfers, as told
	sent    time.Time
}

// run tells of what happens until the browser goes, the session ends or the gateway
// stops. Changes are told once a tick.
func (s *stream) run(changes <-chan struct{}) {
	tick := time.NewTicker(liveTick)
	defer tick.Stop()
	changed := false
	for {
		select {
		case _, ok := <-changes:
			if !ok {
				return
			}
			changed = true
			continue
		case <-s.q.gone:
			return
		case <-s.q.ctx.Done():
			return
		case <-tick.C:
		}
		if changed {
			// Also where nothing changed, every 30 s: see operate.Desk.Changes.
			if _, err := s.q.Sessions.Open(s.q.r, s.q.secret); err != nil {
				s.send("end", "{}") //nolint:errcheck // it ends in any case
				return
			}
		}
		if err := s.tell(changed); err != nil {
			return
		}
		changed = false
	}
}

// tell sends what is new.
func (s *stream) tell(changed bool) error {
	if s.q.r.URL.Query().Get("transfers") == "1" && s.q.me.Rights != "drop" {
		part, err := s.q.transfersPart()
		if err != nil {
			return err
		}
		if !bytes.Equal(part, s.last) {
			s.last = part
			text, err := json.Marshal(string(part))
			if err != nil {
				return err
			}
			if err := s.send("transfers", string(text)); err != nil {
				return err
			}
		}
	}
	if changed {
		return s.send("change", "{}")
	}
	if time.Since(s.sent) >= livePing {
		return s.send("ping", "{}")
	}
	return nil
}

// send sends one event, whose data have no line ends.
func (s *stream) send(event, data string) error {
	s.sent = time.Now()
	s.control.SetWriteDeadline(s.sent.Add(liveIdle)) //nolint:errcheck // where there are none, there are none
	if _, err := fmt.Fprintf(s.q.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return s.control.Flush()
}
