package webhook

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// atOnce is how many messages of one webhook are on their way at a time, and batch
	// how many are read at a time.
	atOnce = 4
	batch  = 64
	// first and last bound the time between two attempts of one message, and
	// sickLast that between two attempts of any while a site answers none.
	first    = 5 * time.Second
	last     = time.Hour
	sickLast = 5 * time.Minute
	// triesMost is how many attempts one message gets; it is the age that ends most.
	triesMost = 200
	// idle is the longest time between two looks into the queue, and queueRest how
	// long a webhook rests after an error of the queue.
	idle      = time.Minute
	queueRest = 5 * time.Second
)

// loop is the work of one webhook.
type loop struct {
	*Sender
	Config
	sick    int  // attempts in a row to which the site did not say yes
	resting bool // the queue could not be read or written

	// taken are messages that the site took and that could not be taken out of the
	// queue: they are not posted again.
	mu    sync.Mutex
	taken map[int64]bool
}

// run delivers until ctx ends.
func (l *loop) run(ctx context.Context) {
	wakes, end := l.Queue.Wakes()
	defer end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-wakes:
			if l.sick > 0 || l.resting {
				continue // the timer decides
			}
		}
		timer.Reset(l.round(ctx))
	}
}

// round delivers what is due, and returns how long to sleep then.
func (l *loop) round(ctx context.Context) time.Duration {
	wait, err := l.tryRound(ctx)
	l.resting = err != nil
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("the queue of a webhook could not be read or written; nothing is sent until it can be",
				"webhook", l.Name, "error", err, "wait", queueRest)
		}
		return queueRest
	}
	return wait
}

// tryRound is round; an error is the queue's.
func (l *loop) tryRound(ctx context.Context) (time.Duration, error) {
	if err := l.settle(ctx); err != nil {
		return 0, err
	}
	limit := batch
	if l.sick > 0 {
		limit = 1 // the others need not fail too
	}
	due, next, err := l.Queue.Due(ctx, l.Name, limit)
	if err == nil {
		err = l.deliver(ctx, due)
	}
	switch {
	case err != nil:
		return 0, err
	case l.sick > 0 && len(due) > 0:
		return l.wait(l.sick, sickLast), nil
	case len(due) == limit:
		return 0, nil
	case next.IsZero():
		return idle, nil
	}
	return min(max(0, time.Until(next)), idle), nil
}

// settle takes out of the queue what the site took and is still in it.
func (l *loop) settle(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.taken {
		if err := l.Queue.Delivered(ctx, id); err != nil {
			return err
		}
		delete(l.taken, id)
	}
	return nil
}

// deliver posts messages, some at a time, and keeps count of whether the site takes
// any. An error is the queue's, after which no more are posted.
func (l *loop) deliver(ctx context.Context, due []Message) error {
	var work sync.WaitGroup
	var taken, refused atomic.Int64
	var broken atomic.Pointer[error]
	slots := make(chan struct{}, atOnce)
	for _, m := range due {
		if refused.Load() >= atOnce && taken.Load() == 0 {
			break // it takes none: the rest is for another time
		}
		slots <- struct{}{}
		if broken.Load() != nil {
			break
		}
		work.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			ok, err := l.one(ctx, m)
			if err != nil {
				broken.Store(&err)
			}
			if ok {
				taken.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	work.Wait()
	switch {
	case taken.Load() > 0:
		l.sick = 0
	case refused.Load() > 0:
		l.sick++
	}
	if err := broken.Load(); err != nil {
		return *err
	}
	return nil
}

// one makes one attempt, and writes down what came of it. It returns whether the
// site said yes; an error is the queue's.
func (l *loop) one(ctx context.Context, m Message) (ok bool, err error) {
	a := l.post(ctx, l.Config, m)
	if ctx.Err() != nil && !a.ok {
		return false, nil // we broke it off: it is due as before
	}
	// What was delivered is written down also where the end came meanwhile.
	keep, result := context.WithoutCancel(ctx), delivered
	switch {
	case a.ok:
		if err = l.Queue.Delivered(keep, m.ID); err != nil {
			l.keep(m.ID)
		}
	case a.never, m.Tries+1 >= triesMost, time.Since(m.Created) >= l.GiveUp:
		result = givenUp
		l.Log.Error("a webhook's message was given up", "webhook", l.Name, "message", m.Key, "tries", m.Tries+1, "error", a.text)
		err = l.Queue.GivenUp(keep, m.ID, a.text)
	default:
		result = again
		wait := max(a.after, l.wait(m.Tries+1, last))
		l.Log.Warn("a webhook's message was not taken", "webhook", l.Name, "message", m.Key, "tries", m.Tries+1, "error", a.text, "wait", wait)
		err = l.Queue.Failed(keep, m.ID, wait, a.text)
	}
	if l.Heard != nil {
		l.Heard(l.Name, result)
	}
	return a.ok, err
}

// keep remembers a message that the site took and that is still in the queue.
func (l *loop) keep(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken == nil {
		l.taken = make(map[int64]bool)
	}
	l.taken[id] = true
}

// wait returns a random time between first and a bound that doubles with each
// failure, up to most.
func (l *loop) wait(failures int, most time.Duration) time.Duration {
	bound := min(first<<min(failures, 12), most)
	return first + time.Duration(l.Rand()*float64(bound-first))
}

// answer is what a site said to a message.
type answer struct {
	ok    bool
	never bool          // it does not want it, and never will
	after time.Duration // it wants to be left alone for so long
	text  string        // in plain words, where it was not ok
}

func refusal(status int, after time.Duration) answer {
	text := fmt.Sprintf("the site answered HTTP %d", status)
	switch {
	case status == 410:
		return answer{never: true, text: text + ": it wants no more messages; take the webhook out of the configuration"}
	case status >= 300 && status < 400:
		text += ", which leads elsewhere, and is not followed; write the address that it leads to"
	}
	return answer{after: min(after, last), text: text}
}
