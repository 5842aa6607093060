package main

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"slipway/gateway/auth"
)

// How much of the HTTP server one user may take.
const (
	// userRequests is how many requests of a user are worked on at a time, and
	// addressRequests how many of them from one address: guests share an account, and
	// one of them must not take it all. More wait for their turn.
	userRequests    = 512
	addressRequests = 64
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
	// client is where a request came from.
	client func(*http.Request) (netip.Addr, bool)

	mu sync.Mutex
	by map[string]*userLimit // by name; as many as there are accounts
}

type userLimit struct {
	turns turns
	rate  *rate.Limiter
	from  map[netip.Prefix]*addressLimit // with userLimits.mu; where requests are under way
}

type addressLimit struct {
	turns turns
	users int // requests that have a turn or wait for one; with userLimits.mu
}

func newUserLimits(rate func() int64, client func(*http.Request) (netip.Addr, bool)) *userLimits {
	return &userLimits{rate: rate, client: client, by: make(map[string]*userLimit)}
}

// enter waits for a turn of a user at an address, and returns false where none came
// in time. Else leave ends it.
func (l *userLimits) enter(ctx context.Context, u *userLimit, from netip.Prefix) (leave func(), ok bool) {
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	at := l.at(u, from)
	if !at.turns.take(ctx) {
		l.left(u, from, at)
		return nil, false
	}
	away := func() { at.turns.give(); l.left(u, from, at) }
	if !u.turns.take(ctx) {
		away()
		return nil, false
	}
	return func() { u.turns.give(); away() }, true
}

// at returns a user's limits at an address, until left.
func (l *userLimits) at(u *userLimit, from netip.Prefix) *addressLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := u.from[from]
	if at == nil {
		at = &addressLimit{turns: make(turns, addressRequests)}
		u.from[from] = at
	}
	at.users++
	return at
}

func (l *userLimits) left(u *userLimit, from netip.Prefix, at *addressLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(u.from, from)
	}
}

// of returns a user's limits, with the rate that holds now.
func (l *userLimits) of(name string) *userLimit {
	perSecond := l.rate()
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.by[name]
	if u == nil {
		u = &userLimit{turns: make(turns, userRequests), rate: rate.NewLimiter(rate.Inf, paceBurst), from: make(map[netip.Prefix]*addressLimit)}
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
		addr, _ := l.client(r)
		leave, ok := l.enter(r.Context(), u, auth.Network(addr))
		if !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(turnWait/time.Second)))
			http.Error(w, "too many requests of this account are under way; try again later", http.StatusTooManyRequests)
			return
		}
		defer leave()
		if u.rate.Limit() != rate.Inf && r.ContentLength != 0 {
			r.Body = &pacedBody{r.Body, u.rate, r.Context()}
		}
		next.ServeHTTP(w, r)
	})
}

// turns holds one for each request that is worked on.
type turns chan struct{}

// take waits for a turn, and returns false where none came before ctx ended.
func (t turns) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	default:
	}
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t turns) give() { <-t }

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
