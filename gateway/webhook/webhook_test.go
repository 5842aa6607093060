package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const spoken = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestSign is the example of the reference implementations.
func TestSign(t *testing.T) {
	s, err := ParseSecret(spoken)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
	if text := fmt.Sprintf("%v %#v %s", s, s, Config{Secret: s}.Secret); strings.Contains(text, "MfKQ") || text != "*** *** ***" {
		t.Error(text)
	}
}

func TestParseSecret(t *testing.T) {
	for _, text := range []string{"", "whsec_", "whsec_YWJj", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", "whsec_" + strings.Repeat("YWJj", 22)} {
		if _, err := ParseSecret(text); !errors.Is(err, errSecret) {
			t.Errorf("%q is a secret: %v", text, err)
		}
	}
	if _, err := ParseSecret(spoken + "\n"); err != nil {
		t.Error(err)
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(spoken)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSecret(text)
		if (err == nil) != (len(s.key) >= 24 && len(s.key) <= 64) {
			t.Errorf("%q: %d bytes, %v", text, len(s.key), err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for field, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-1": 0, "x": 0, "99999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := retryAfter(field, now); got != want {
			t.Errorf("%q: %v", field, got)
		}
	}
}

// queue is a Queue in memory.
type queue struct {
	mu      sync.Mutex
	waiting []*waiting
	gone    []int64 // delivered
	given   map[int64]string
	wake    chan struct{}
	broken  error
	full    error // of writing
}

type waiting struct {
	Message
	webhook string
	due     time.Time
	text    string
}

func newQueue() *queue { return &queue{given: make(map[int64]string), wake: make(chan struct{}, 1)} }

func (q *queue) add(webhook string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		id := int64(len(q.waiting) + len(q.gone) + len(q.given) + 1)
		m := Message{ID: id, Key: "msg_" + strconv.FormatInt(id, 10), Body: []byte(`{"id":` + strconv.FormatInt(id, 10) + `}`), Created: time.Now()}
		q.waiting = append(q.waiting, &waiting{m, webhook, time.Now(), ""})
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) Due(_ context.Context, webhook string, limit int) (ms []Message, next time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return nil, next, q.broken
	}
	slices.SortStableFunc(q.waiting, func(a, b *waiting) int { return a.due.Compare(b.due) })
	for _, w := range q.waiting {
		switch {
		case w.webhook != webhook:
		case w.due.After(time.Now()):
			if next.IsZero() {
				next = w.due
			}
		case len(ms) < limit:
			ms = append(ms, w.Message)
		}
	}
	return ms, next, nil
}

func (q *queue) take(id int64) *waiting {
	for i, w := range q.waiting {
		if w.ID == id {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			return w
		}
	}
	return nil
}

func (q *queue) Delivered(_ context.Context, id int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full != nil {
		return q.full
	}
	q.take(id)
	q.gone = append(q.gone, id)
	return nil
}

func (q *queue) Failed(_ context.Context, id int64, wait time.Duration, text string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full != nil {
		return q.full
	}
	w := q.take(id)
	w.due, w.text = time.Now().Add(wait), text
	w.Tries++
	q.waiting = append(q.waiting, w)
	return nil
}

func (q *queue) GivenUp(_ context.Context, id int64, text string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full != nil {
		return q.full
	}
	q.take(id)
	q.given[id] = text
	return nil
}

func (q *queue) Wakes() (<-chan struct{}, func()) { return q.wake, func() {} }

func (q *queue) counts() (waiting, delivered, given int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), len(q.gone), len(q.given)
}

// bubble runs a sender whose site is post.
func bubble(t *testing.T, post func(Message) answer, test func(q *queue, heard *sync.Map)) {
	synctest.Test(t, func(t *testing.T) {
		q, heard := newQueue(), new(sync.Map)
		s := &Sender{
			Webhooks: []Config{{Name: "site", GiveUp: 72 * time.Hour}}, Queue: q, Rand: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
			Heard: func(webhook, result string) {
				n, _ := heard.LoadOrStore(webhook+" "+result, new(atomic.Int64))
				n.(*atomic.Int64).Add(1)
			},
			post: func(ctx context.Context, c Config, m Message) answer { return post(m) },
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		test(q, heard)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestDelivered(t *testing.T) {
	var now, most int
	var mu sync.Mutex
	post := func(Message) answer {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(time.Second)
		mu.Lock()
		now--
		mu.Unlock()
		return answer{ok: true}
	}
	bubble(t, post, func(q *queue, _ *sync.Map) {
		q.add("site", 200)
		q.add("elsewhere", 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if waiting, gone, _ := q.counts(); waiting != 1 || gone != 200 || most != atOnce {
			t.Errorf("%d wait, %d delivered, %d at once", waiting, gone, most)
		}
	})
}

// TestSickSite: while a site is down, few messages are tried, and when it is back,
// all are delivered.
func TestSickSite(t *testing.T) {
	var mu sync.Mutex
	up, posts := false, 0
	post := func(Message) answer {
		mu.Lock()
		defer mu.Unlock()
		posts++
		return answer{ok: up, text: "down"}
	}
	bubble(t, post, func(q *queue, _ *sync.Map) {
		q.add("site", 1000)
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		if posts < 5 || posts > 60 {
			t.Errorf("%d attempts within an hour", posts)
		}
		up = true
		mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		if waiting, gone, given := q.counts(); waiting != 0 || gone != 1000 || given != 0 {
			t.Errorf("%d wait, %d delivered, %d given up", waiting, gone, given)
		}
	})
}

// TestOneBadMessage: one that a site does not take holds no other up, and is given up
// when it is too old.
func TestOneBadMessage(t *testing.T) {
	post := func(m Message) answer { return answer{ok: m.ID != 3, text: "HTTP 500"} }
	bubble(t, post, func(q *queue, heard *sync.Map) {
		q.add("site", 10)
		time.Sleep(time.Minute)
		synctest.Wait()
		if waiting, gone, _ := q.counts(); waiting != 1 || gone != 9 {
			t.Errorf("%d wait, %d delivered", waiting, gone)
		}
		time.Sleep(80 * time.Hour)
		synctest.Wait()
		if waiting, _, given := q.counts(); waiting != 0 || given != 1 || q.given[3] != "HTTP 500" {
			t.Errorf("%d wait, given up: %v", waiting, q.given)
		}
		for key, least := range map[string]int64{"site delivered": 9, "site again": 50, "site given-up": 1} {
			if n, ok := heard.Load(key); !ok || n.(*atomic.Int64).Load() < least {
				t.Errorf("%s: too few", key)
			}
		}
	})
}

// TestGone: 410 ends it at once; Retry-After is obeyed.
func TestGone(t *testing.T) {
	var mu sync.Mutex
	var times []time.Time
	post := func(m Message) answer {
		mu.Lock()
		defer mu.Unlock()
		if m.ID == 1 {
			return refusal(410, 0)
		}
		times = append(times, time.Now())
		return refusal(503, 10*time.Minute)
	}
	bubble(t, post, func(q *queue, _ *sync.Map) {
		q.add("site", 2)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if _, _, given := q.counts(); given != 1 || len(times) != 2 || times[1].Sub(times[0]) < 10*time.Minute {
			t.Errorf("%d given up, attempts at %v", given, times)
		}
	})
}

// TestQueueDown: a queue that does not answer is asked again.
func TestQueueDown(t *testing.T) {
	bubble(t, func(Message) answer { return answer{ok: true} }, func(q *queue, _ *sync.Map) {
		q.mu.Lock()
		q.broken = errors.New("no disk")
		q.mu.Unlock()
		q.add("site", 1)
		time.Sleep(time.Minute)
		q.mu.Lock()
		q.broken = nil
		q.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, gone, _ := q.counts(); gone != 1 {
			t.Error("it is not delivered")
		}
	})
}

// TestQueueFull: where what came of messages cannot be written down, few are posted,
// those that the site took only once, and all the rest when it can be again.
func TestQueueFull(t *testing.T) {
	for _, ok := range []bool{true, false} {
		var mu sync.Mutex
		posts := make(map[int64]int)
		site := ok
		post := func(m Message) answer {
			mu.Lock()
			defer mu.Unlock()
			posts[m.ID]++
			return answer{ok: site, text: "HTTP 500"}
		}
		all := func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			for _, times := range posts {
				n += times
			}
			return n
		}
		bubble(t, post, func(q *queue, _ *sync.Map) {
			q.mu.Lock()
			q.full = errors.New("disk full")
			q.mu.Unlock()
			for range 120 {
				q.add("site", 3*batch/120+1)
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if n := all(); n > 30 || ok && n > atOnce {
				t.Errorf("%d messages posted in two minutes, the site's answer %v", n, ok)
			}
			mu.Lock()
			site = true
			mu.Unlock()
			q.mu.Lock()
			q.full = nil
			q.mu.Unlock()
			time.Sleep(15 * time.Minute)
			synctest.Wait()
			if waiting, gone, given := q.counts(); waiting != 0 || given != 0 || gone != 240 {
				t.Errorf("%d wait, %d delivered", waiting, gone)
			}
			for id, times := range posts {
				if ok && times != 1 {
					t.Errorf("%d was posted %d times", id, times)
				}
			}
		})
	}
}

// TestStopDropsNothing: what is broken off by the end stays due, with no try burnt.
func TestStopDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		s := &Sender{Webhooks: []Config{{Name: "site", GiveUp: time.Hour}}, Queue: q, Rand: func() float64 { return 0 }, Log: slog.New(slog.DiscardHandler),
			post: func(ctx context.Context, _ Config, _ Message) answer {
				<-ctx.Done()
				return answer{text: "cut"}
			}}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		q.add("site", 1)
		synctest.Wait()
		stop()
		if err := <-done; err != nil || len(q.waiting) != 1 || q.waiting[0].Tries != 0 {
			t.Errorf("%v %+v", err, q.waiting)
		}
	})
}

// TestPost speaks HTTP with a site.
func TestPost(t *testing.T) {
	secret, err := ParseSecret(spoken)
	if err != nil {
		t.Fatal(err)
	}
	status, stray := 204, 0
	var got *http.Request
	var body []byte
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			stray++
			return
		}
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(status)
	}))
	defer site.Close()
	c := newClient("1.2")
	defer c.CloseIdleConnections()
	m := Message{Key: "msg_1", Body: []byte(`{"a":1}`)}
	w := Config{URL: site.URL + "/hook?token=secret", Secret: secret}
	if a := c.post(t.Context(), w, m); !a.ok {
		t.Fatalf("%+v", a)
	}
	seconds, err := strconv.ParseInt(got.Header.Get("Webhook-Timestamp"), 10, 64)
	at := time.Unix(seconds, 0)
	if err != nil || time.Since(at) > time.Minute || got.Header.Get("Webhook-Signature") != secret.Sign("msg_1", at, m.Body) ||
		got.Header.Get("Webhook-Id") != "msg_1" || string(body) != `{"a":1}` || got.Header.Get("Content-Type") != "application/json" ||
		got.UserAgent() != "Slipway/1.2" || got.Method != "POST" {
		t.Errorf("%v %q", got.Header, body)
	}
	for code, never := range map[int]bool{301: false, 307: false, 400: false, 410: true, 500: false} {
		status = code
		a := c.post(t.Context(), w, m)
		if a.ok || a.never != never || !strings.Contains(a.text, strconv.Itoa(code)) || !never && a.after != 30*time.Second {
			t.Errorf("%d: %+v", code, a)
		}
	}
	if stray > 0 {
		t.Error("a redirect was followed")
	}
	if err := Reach(t.Context(), site.URL); err != nil {
		t.Error(err)
	}
	site.Close()
	if a := c.post(t.Context(), w, m); a.ok || a.text == "" || strings.Contains(a.text, "token") {
		t.Errorf("%+v", a)
	}
	if err := Reach(t.Context(), site.URL); err == nil {
		t.Error("a site that is gone was reached")
	}
	for _, raw := range []string{"", "x", "ftp://h/", "https://", "https://u:p@h/", "file:///etc/passwd"} {
		if err := cmp.Or(CheckURL(raw), Reach(t.Context(), raw)); err == nil {
			t.Errorf("%q is an address", raw)
		}
	}
}
