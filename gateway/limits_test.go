package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"slipway/gateway/auth"
)

// from returns a request of a user with a body of size bytes.
func from(ctx context.Context, name string, size int) *http.Request {
	r := httptest.NewRequestWithContext(ctx, "PUT", "/", bytes.NewReader(make([]byte, size)))
	return r.WithContext(auth.NewContext(r.Context(), auth.User{Name: name}))
}

// addressOf is the address that a test gave a request.
func addressOf(r *http.Request) (netip.Addr, bool) {
	a, _ := netip.ParseAddr(r.RemoteAddr)
	return a, false
}

// TestUploadRate: all connections of a user share the rate, others have their own,
// and nothing is refused.
func TestUploadRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		perSecond := int64(100 << 10)
		l := newUserLimits(func() int64 { return perSecond }, addressOf)
		h := l.handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if n, err := io.Copy(io.Discard, r.Body); n != 1<<20 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		}))
		send := func(names ...string) time.Duration {
			began := time.Now()
			var all sync.WaitGroup
			for _, name := range names {
				all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), from(t.Context(), name, 1<<20)) })
			}
			all.Wait()
			return time.Since(began)
		}
		// 2 MiB at 100 KiB a second, but for the burst of 64 KiB.
		if took := send("ann", "ann", "bob"); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("two of one user and one of another took %v", took)
		}
		if took := send("cho"); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("one alone took %v", took)
		}
		if perSecond = 0; send("ann", "ann") != 0 {
			t.Error("a limit that was lifted still slows down")
		}
	})
}

// TestUploadRateEndsWithItsClient: nobody waits for a request that has ended.
func TestUploadRateEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newUserLimits(func() int64 { return minUploadRate }, addressOf)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		l.handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if n, err := io.Copy(io.Discard, r.Body); err == nil || n > 256<<10 {
				t.Errorf("%d bytes, %v", n, err)
			}
		})).ServeHTTP(httptest.NewRecorder(), from(ctx, "ann", 1<<20))
		if took := time.Since(began); took > time.Minute {
			t.Errorf("ended after %v", took)
		}
	})
}

// TestUserRequests: so many requests of a user are worked on at a time; more wait,
// others do not, and only who waits too long is told to come back.
func TestUserRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newUserLimits(func() int64 { return 0 }, addressOf)
		release, working := make(chan struct{}), make(chan string, 1000)
		h := l.handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			working <- userOf(r).Name
			<-release
		}))
		codes := make(chan *httptest.ResponseRecorder, 1000)
		ask := func(ctx context.Context, name string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, from(ctx, name, 0))
			codes <- w
		}
		for range addressRequests + 2 {
			go ask(t.Context(), "ann")
		}
		ctx, leave := context.WithCancel(t.Context())
		go ask(ctx, "ann")
		synctest.Wait()
		if len(working) != addressRequests || len(codes) != 0 {
			t.Fatalf("%d are worked on, %d answered", len(working), len(codes))
		}
		go ask(t.Context(), "bob")
		synctest.Wait()
		if len(working) != addressRequests+1 {
			t.Fatal("another user has to wait")
		}
		leave()
		synctest.Wait()
		if w := <-codes; w.Code != 429 {
			t.Errorf("who left is answered %d", w.Code)
		}
		release <- struct{}{} // one of them
		synctest.Wait()
		if len(working) != addressRequests+2 && len(working) != addressRequests+1 {
			t.Errorf("%d were worked on", len(working))
		}
		time.Sleep(turnWait)
		synctest.Wait()
		refused := 0
		for len(codes) > 0 {
			if w := <-codes; w.Code == 429 {
				refused++
				if w.Header().Get("Retry-After") != "60" {
					t.Errorf("%v", w.Header())
				}
			}
		}
		if refused < 1 || refused > 2 {
			t.Errorf("%d were refused in the end", refused)
		}
		close(release)
		synctest.Wait()
		go ask(t.Context(), "ann")
		synctest.Wait()
		for len(codes) > 0 {
			if w := <-codes; w.Code != 200 {
				t.Errorf("answered %d", w.Code)
			}
		}
	})
}

// TestAddressRequests: who takes all that one address may does not keep other
// addresses of the account out, a /64 network counts as one, and all of them
// together are bounded.
func TestAddressRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newUserLimits(func() int64 { return 0 }, addressOf)
		release, working := make(chan struct{}), make(chan string, 1000)
		h := l.handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			working <- r.RemoteAddr
			<-release
		}))
		ask := func(format string, n int) {
			for i := range n {
				r := from(t.Context(), "guests", 0)
				r.RemoteAddr = fmt.Sprintf(format, i)
				go h.ServeHTTP(httptest.NewRecorder(), r)
			}
			synctest.Wait()
		}
		for i, c := range []struct {
			format  string
			n, want int
		}{
			{"2001:db8:1:1::%x", addressRequests + 1, addressRequests},
			{"2001:db8:1:2::%x", 1, addressRequests + 1},
			{"192.0.2.%d", 200, addressRequests + 201},
			{"198.51.100.%d", 250, userRequests},
		} {
			if ask(c.format, c.n); len(working) != c.want {
				t.Errorf("%d: %d are worked on, want %d", i, len(working), c.want)
			}
		}
		close(release)
		synctest.Wait()
		if n := len(l.by["guests"].from); n != 0 {
			t.Errorf("%d addresses are kept that ask for nothing", n)
		}
	})
}

// deadlined is a ResponseWriter that has a deadline for reading.
type deadlined struct {
	http.ResponseWriter
	at time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error { d.at = t; return nil }

// TestStrangersBodiesEnd: a body that nobody will read has its time.
func TestStrangersBodiesEnd(t *testing.T) {
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	h := a.webHandler()
	for size, bound := range map[int]bool{0: false, 100: true} {
		w := &deadlined{ResponseWriter: httptest.NewRecorder()}
		r := httptest.NewRequest("PUT", "/dav/x", bytes.NewReader(make([]byte, size)))
		r.RemoteAddr = "127.0.0.1:1" // others are not asked for a password over plain HTTP
		h.ServeHTTP(w, r)
		if w.at.IsZero() == bound || w.ResponseWriter.(*httptest.ResponseRecorder).Code != 401 {
			t.Errorf("%d bytes: deadline %v", size, w.at)
		}
	}
}

// slowTaker is a client that takes each piece of a reply after a pause.
type slowTaker struct {
	*httptest.ResponseRecorder
	pause    time.Duration
	deadline time.Time
}

func (s *slowTaker) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }

func (s *slowTaker) Write(p []byte) (int, error) {
	if until := time.Until(s.deadline); s.pause > until {
		time.Sleep(until)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(s.pause)
	return s.ResponseRecorder.Write(p)
}

// TestMovingReply: who takes a picture slowly gets all of it, and who takes nothing
// of it any more is left.
func TestMovingReply(t *testing.T) {
	for pause, whole := range map[time.Duration]bool{20 * time.Second: true, 2 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			began, to := time.Now(), &slowTaker{ResponseRecorder: httptest.NewRecorder(), pause: pause}
			http.ServeContent(movingReply{to}, httptest.NewRequest("GET", "/", nil), "x", time.Time{}, bytes.NewReader(make([]byte, 1<<20)))
			if took := time.Since(began); (to.Body.Len() == 1<<20) != whole || (took > 5*time.Minute) != whole {
				t.Errorf("%d bytes in %v", to.Body.Len(), took)
			}
		})
	}
}
