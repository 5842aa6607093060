package ledger

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// Notices says which webhooks hear of what, and in which words. Its methods are
// called inside transactions: they are quick, and ask nobody.
type Notices interface {
	// Hears reports whether any webhook may want to hear that an upload to
	// destination came to state.
	Hears(state uploader.State, destination string) bool
	// Wants returns the names of the webhooks that hear of the upload's having come
	// to its state.
	Wants(u uploader.Upload) []string
	// Message returns the body of the message about it.
	Message(n Notice) []byte
}

// Notice is what a message is about.
type Notice struct {
	Upload uploader.Upload
	// File is the upload's file as it is now, and Uploads are all of its uploads. A
	// file that is gone has neither name nor time.
	File    vfs.Entry
	Uploads []uploader.Upload
	At      time.Time
}

// SetNotices has messages written from now on as n says; nil: none are. Where there
// are none, nothing is read or written for them.
func (l *Ledger) SetNotices(n Notices) {
	if n == nil {
		l.notices.Store(nil)
		return
	}
	l.notices.Store(&n)
}

// notify writes the messages about a row that has come to state, in the transaction
// that brought it there. It returns whether there are any.
func (l *Ledger) notify(ctx context.Context, tx vfs.Tx, c uploader.Claimed, state uploader.State, now time.Time) (bool, error) {
	p := l.notices.Load()
	if p == nil || !(*p).Hears(state, c.Destination) {
		return false, nil
	}
	n := Notice{At: now}
	var err error
	if n.Uploads, err = l.shown(ctx, tx, "WHERE u.entry = $1 ORDER BY u.ord, u.id", int64(c.Entry)); err != nil {
		return false, err
	}
	if err = locate(ctx, tx, n.Uploads); err != nil {
		return false, err
	}
	for _, u := range n.Uploads {
		if u.ID == c.ID {
			n.Upload = u
		}
	}
	// Its file may have been removed meanwhile, which has another end.
	if n.Upload.State != state {
		return false, nil
	}
	webhooks := (*p).Wants(n.Upload)
	if len(webhooks) == 0 {
		return false, nil
	}
	if n.File, err = noticed(ctx, tx, n.Upload); err != nil {
		return false, err
	}
	body := (*p).Message(n)
	for _, w := range webhooks {
		_, err := tx.Exec(ctx, `INSERT INTO webhooks (webhook, key, event, path, body, created, due) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
			w, "msg_"+rand.Text(), string(state), n.Upload.Path, string(body), nanos(now))
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// noticed returns the file that u is about as it is now, or where it is gone what
// u knows of it.
func noticed(ctx context.Context, tx vfs.Tx, u uploader.Upload) (vfs.Entry, error) {
	e := vfs.Entry{ID: u.Entry, Size: u.Size, SHA256: u.SHA256, Type: u.Type}
	var sum []byte
	var size, modified int64
	var media string
	found, err := optional(tx.QueryRow(ctx, "SELECT name, size, sha256, type, modified FROM entries WHERE id = $1", int64(u.Entry)),
		&e.Name, &size, &sum, &media, &modified)
	if !found || err != nil {
		return e, err
	}
	e.Size, e.Type, e.Modified = size, media, moment(modified)
	e.SHA256 = blob.Sum{}
	copy(e.SHA256[:], sum)
	return e, nil
}

// bells are those who wait for messages to be written.
type bells struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

// NoticeWakes returns a channel that gets a value after messages were written, and a
// function that ends it.
func (l *Ledger) NoticeWakes() (<-chan struct{}, func()) {
	b, c := &l.bells, make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = make(map[chan struct{}]bool)
	}
	b.all[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.all, c)
	}
}

func (b *bells) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.all {
		poke(c)
	}
}
