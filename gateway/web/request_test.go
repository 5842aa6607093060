package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/gateway/operate"
)

// TestNoText: what no database keeps is refused in words, before anybody is asked.
func TestNoText(t *testing.T) {
	s := newSite(t)
	for _, address := range []string{
		"/files/inbox/a%00b.jpg", "/files/inbox/%ff/", "/files/inbox/?after=d%00", "/files/inbox/?after=%ff", "/uploads?after=%00", "/uploads?text=a%00", "/uploads?path=%ff", "/uploads?destination=%c3",
		"/uploads?state=%00", "/drop/%00/", "/raw/%fe", "/files/?all=1&after=%00",
	} {
		s.desk.query = operate.Query{}
		resp, text := s.do(http.MethodGet, address, nil)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "hold text alone") {
			t.Errorf("%s: %s", address, resp.Status)
		}
		if s.desk.query.Limit != 0 {
			t.Errorf("%s: the desk was asked", address)
		}
	}
	if resp, _ := s.put("/inbox/a\x00.jpg", "x"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a file: %s", resp.Status)
	}
	for address, form := range map[string]url.Values{
		"/change": {"do": {"folder"}, "path": {"/"}, "name": {"a\x00"}}, "/tokens": {"name": {"x"}, "rights": {"full"}, "folder": {"/a\x00b"}}, "/status": {"path": {"/\xff"}},
	} {
		if resp, _ := s.post(address, form); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %v: %s", address, form, resp.Status)
		}
	}
	if resp, text := s.do(http.MethodPost, "/ask", strings.NewReader(`[{"path":"/inbox/a\u0000.jpg","size":1}]`), "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusOK || !strings.Contains(text, "no name") {
		t.Errorf("asked: %s %s", resp.Status, text)
	}
}

// TestDaysFarOff: a day before or after all that there is means that.
func TestDaysFarOff(t *testing.T) {
	for day, want := range map[string]time.Time{"9999-12-31": lastDay, "1500-01-01": firstDay, "0001-01-01": firstDay, "2026-11-22": time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)} {
		q := readFilter(url.Values{"since": {day}, "before": {day}}).query("")
		if !q.Since.Equal(want) || q.Before.IsZero() || time.Unix(0, q.Before.UnixNano()).Sub(want).Abs() > 24*time.Hour {
			t.Errorf("%s: from %v to %v", day, q.Since, q.Before)
		}
	}
}

// lateDesk finds nothing before it is given up.
type lateDesk struct {
	*fakeDesk
	asked chan struct{}
}

func (d lateDesk) Find(ctx context.Context, _ operate.Query) (operate.UploadPage, error) {
	close(d.asked)
	<-ctx.Done()
	return operate.UploadPage{}, ctx.Err()
}

type lateSessions struct {
	*fakeSessions
	desk lateDesk
}

func (s lateSessions) Open(*http.Request, string) (Session, error) { return Session{Desk: s.desk}, nil }

// TestClientLeaves: somebody who goes away in between is no error of the gateway's.
func TestClientLeaves(t *testing.T) {
	s := newSite(t)
	var log lines
	s.handler.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	desk := lateDesk{s.desk, make(chan struct{})}
	s.handler.Sessions = lateSessions{s.sessions, desk}
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/uploads", nil)
	r.AddCookie(&http.Cookie{Name: "slipway", Value: "secret"})
	go func() { <-desk.asked; leave() }()
	if resp, err := s.client.Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("answered: %s", resp.Status)
	}
	for range 200 {
		if strings.Contains(log.String(), "request failed") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := log.String(); strings.Contains(got, "level=ERROR") || !strings.Contains(got, "left=true") {
		t.Errorf("logged: %s", got)
	}
}

// lines is what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
