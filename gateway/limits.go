package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How much of the HTTP server one user may take.
const (
	// userRequests is how many requests of a user are worked on at a time; more
	// wait for their turn.
	userRequests = 64
	// turnWait is how long a request waits for its turn before 429.
	turnWait = time.Minute
	// Where a rate is set, paceBurst bytes may come at once, and bodies are read by
	// pacePiece bytes, which take 16 s at the slowest rate, minUploadRate.
	paceBurst     = 64 << 10
	pacePiece     = 16 << 10
	minUploadRate = 1 << 10
	// strangerIdle is how long a client that did not sign in may take over the body
	// of its request, which nobody reads, and over each 32 KiB of a picture hosted here.
	strangerIdle = time.Minute
)

// userLimits bounds what each user asks of the HTTP server at a time.
type userLimits struct {
	// rate is how many bytes a second a user may send, over all connections; 0: any.
	rate func() int64

	mu sync.Mutex
	by map[string]*userLimit // by name; as many as there are accounts
}

type userLimit struct {
	turns chan struct{} // holds one for each request that is worked on
	rate  *rate.Limiter
}

func newUserLimits(rate func() int64) *userLimits {
	return &userLimits{rate: rate, by: make(map[string]*userLimit)}
}

// of returns a user's limits, with the rate that holds now.
func (l *userLimits) of(name string) *userLimit {
	perSecond := l.rate()
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.by[name]
	if u == nil {
		u = &userLimit{turns: make(chan struct{}, userRequests), rate: rate.NewLimiter(rate.Inf, paceBurst)}
		l.by[name] = u
	}
	want := rate.Inf
	if perSecond > 0 {
		want = rate.Limit(perSecond)
	}
	if u.rate.Limit() != want {
		u.rate.SetLimit(want)
	}
	return u
}

// handler passes requests to next: as many of a user at a time as may be, and
// bodies no faster than they may come. Neither refuses what can wait.
func (l *userLimits) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := l.of(userOf(r).Name)
		if !u.enter(r.Context()) {
			w.Header().Set("Retry-After", strconv.Itoa(int(turnWait/time.Second)))
			http.Error(w, "too many requests of this account are under way; try again later", http.StatusTooManyRequests)
			return
		}
		defer func() { <-u.turns }()
		if u.rate.Limit() != rate.Inf && r.ContentLength != 0 {
			r.Body = &pacedBody{r.Body, u.rate, r.Context()}
		}
		next.ServeHTTP(w, r)
	})
}

// enter waits for a turn, and returns false where none came in time.
func (u *userLimit) enter(ctx context.Context) bool {
	select {
	case u.turns <- struct{}{}:
		return true
	default:
	}
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	select {
	case u.turns <- struct{}{}:
		return true
	case <-wait.C:
	case <-ctx.Done():
	}
	return false
}

// pacedBody is a body that comes no faster than its user may send. It waits after
// each piece, so that the time for the next one begins when it is asked for.
type pacedBody struct {
	io.ReadCloser
	rate *rate.Limiter
	ctx  context.Context
}

// Read reads a piece, and waits for as long as it should have taken.
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), pacePiece)])
	if n > 0 && err == nil {
		err = b.rate.WaitN(b.ctx, n)
	}
	return n, err
}

// boundBody gives a body until strangerIdle from now; whoever reads it, once its
// sender has signed in, gives it more time. Without that, what net/http does with
// the body of a request that was refused could be drawn out for ever.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(strangerIdle)) //nolint:errcheck // where there are none, there are none
	}
}

// movingReply ends a reply that its client takes nothing of any more.
type movingReply struct{ http.ResponseWriter }

// Write gives each piece its time.
func (m movingReply) Write(p []byte) (int, error) {
	http.NewResponseController(m.ResponseWriter).SetWriteDeadline(time.Now().Add(strangerIdle)) //nolint:errcheck // as in boundBody
	return m.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (m movingReply) Unwrap() http.ResponseWriter { return m.ResponseWriter }
