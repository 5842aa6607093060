package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
)

// listen opens a stream of events.
func (s *site) listen(address string) (next func() (event, data string), resp *http.Response) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	s.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+address, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "slipway", Value: "secret"})
	if resp, err = s.client.Do(r); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func() (event, data string) {
		for lines.Scan() {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "event: "):
				event = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				data = line[len("data: "):]
			case line == "":
				return event, data
			}
		}
		return "", ""
	}, resp
}

// TestEvents: a page hears of transfers and changes, until the session ends.
func TestEvents(t *testing.T) {
	s := newSite(t)
	next, resp := s.listen("/events?transfers=1")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("the type is %q", got)
	}
	if event, _ := next(); event != "hello" {
		t.Errorf("first comes %q", event)
	}
	if event, data := next(); event != "transfers" || !strings.Contains(data, "coming.jpg") || strings.Contains(data, "<img src=x") {
		t.Errorf("then %q: %s", event, data)
	}
	s.desk.changes <- operate.Change{All: true}
	if event, _ := next(); event != "change" {
		t.Errorf("a change is %q", event)
	}
	s.desk.mu.Lock()
	s.desk.moving = nil
	s.desk.mu.Unlock()
	if event, data := next(); event != "transfers" || !strings.Contains(data, "Nothing is on its way") {
		t.Errorf("their end is %q: %s", event, data)
	}
	s.sessions.SignOut(t.Context(), "secret") //nolint:errcheck // a fake
	s.desk.changes <- operate.Change{All: true}
	if event, _ := next(); event != "end" {
		t.Errorf("after the session comes %q", event)
	}
	if event, _ := next(); event != "" {
		t.Errorf("and after the end %q", event)
	}
}

// TestEventsEnd: streams end with the gateway, and a user has a bounded number.
func TestEventsEnd(t *testing.T) {
	s := newSite(t)
	var last func() (string, string)
	for range liveStreams {
		last, _ = s.listen("/events")
		last()
	}
	if _, resp := s.listen("/events"); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more: %s", resp.Status)
	}
	s.handler.Close()
	if event, _ := last(); event != "" {
		t.Errorf("at the end comes %q", event)
	}
}
