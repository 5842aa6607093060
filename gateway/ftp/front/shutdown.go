package front

import (
	"context"
)

// Shutdown accepts no more connections, says 421 to sessions that transfer nothing,
// waits for the others until ctx ends, and then closes them too, in which case it
// returns ctx's error. What the driver still does with an aborted file is not
// waited for after that. It may be called once the Listener is closed.
func (l *Listener) Shutdown(ctx context.Context) error {
	err := l.Close()
	wake := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.empty.Broadcast()
	})
	defer wake()
	if !l.drain(ctx) {
		for _, s := range l.all() {
			s.close(s.raw)
		}
		err = ctx.Err()
	}
	l.loops.Wait()
	return err
}

// drain asks the sessions to leave, and reports whether they did before ctx ended.
func (l *Listener) drain(ctx context.Context) bool {
	l.mu.Lock()
	l.leaving = true
	l.mu.Unlock()
	for _, s := range l.all() {
		s.mu.Lock()
		s.leave = replyStopping
		s.quiet()
		s.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.sessions) > 0 && ctx.Err() == nil {
		l.empty.Wait()
	}
	return len(l.sessions) == 0
}

// all returns the sessions there are.
func (l *Listener) all() []*Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Session, 0, len(l.sessions))
	for s := range l.sessions {
		all = append(all, s)
	}
	return all
}
