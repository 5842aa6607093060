package front

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Shutdown accepts no more connections, says 421 to sessions that transfer nothing,
// waits for the others until ctx ends, and then closes them too, in which case it
// returns ctx's error. What the driver still does with an aborted file is not
// waited for after that. It may be called once the Listener is closed.
func (l *Listener) Shutdown(ctx context.Context) error {
	err := l.Close()
	wake := context.AfterFunc(ctx, func() {
		l.crowd.mu.Lock()
		defer l.crowd.mu.Unlock()
		l.empty.Broadcast()
	})
	defer wake()
	if !l.drain(ctx) {
		l.cutOff()
		err = ctx.Err()
	}
	l.loops.Wait()
	return err
}

// cutOff says 421 to the sessions that there are, where that can be written within
// a second, and closes them.
func (l *Listener) cutOff() {
	var all sync.WaitGroup
	for _, s := range l.all() {
		all.Go(func() {
			s.mu.Lock()
			s.ended = cmp.Or(s.ended, replyStopping)
			s.mu.Unlock()
			s.raw.SetWriteDeadline(time.Now().Add(goodbye)) // ends a write under way
			s.sayEnd()
			s.close(s.raw)
		})
	}
	all.Wait()
}

// drain asks the sessions to leave, and reports whether they did before ctx ended.
func (l *Listener) drain(ctx context.Context) bool {
	l.crowd.mu.Lock()
	l.leaving = true
	l.crowd.mu.Unlock()
	for _, s := range l.all() {
		s.mu.Lock()
		s.leave = replyStopping
		s.quiet()
		s.mu.Unlock()
	}
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	for len(l.sessions) > 0 && ctx.Err() == nil {
		l.empty.Wait()
	}
	return len(l.sessions) == 0
}

// all returns the sessions there are.
func (l *Listener) all() []*Session {
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	all := make([]*Session, 0, len(l.sessions))
	for s := range l.sessions {
		all = append(all, s)
	}
	return all
}
