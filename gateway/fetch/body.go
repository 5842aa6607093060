package fetch

import (
	"context"
	"io"
	"sync"
	"time"
)

// body is what a server sends, as long as it sends something, and no more than is
// taken.
type body struct {
	ctx   context.Context
	from  io.ReadCloser
	host  string
	left  int64 // bytes that are still taken
	most  int64
	stall time.Duration
	since int64 // bytes since the timer was set
	timer *time.Timer
	stop  context.CancelCauseFunc
	end   func()
	once  sync.Once
	err   error // sticky
}

// stallBytes is how much has to come in each time of Limits.Stall: a server that sends
// a byte now and then holds up others.
const stallBytes = 32 << 10

// begin starts the clock.
func (b *body) begin() {
	b.most = b.left
	b.timer = time.AfterFunc(b.stall, func() { b.stop(errStalled) })
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	// One byte more than is taken shows that there is more.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if b.since += int64(n); b.since >= stallBytes {
		b.since = 0
		b.timer.Reset(b.stall)
	}
	switch {
	case b.left < 0:
		b.err = tooLarge(b.most)
		return n - 1, b.err
	case err == io.EOF:
		b.err = err
	case err != nil:
		b.err = failed(b.ctx, b.host, err)
	}
	return n, b.err
}

// Close ends the exchange.
func (b *body) Close() error {
	var err error
	b.once.Do(func() {
		if b.timer != nil {
			b.timer.Stop()
		}
		b.end()
		err = b.from.Close()
	})
	return err
}
