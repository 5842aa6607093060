package main

import (
	"context"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/auth"
	"slipway/uploader/local"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// doorRules is what differs between doors in the views they get.
type doorRules struct {
	sameName vfs.SameName
}

// view returns the tree as a door shows it to a user: the home as its root, the
// user's rights, and the receipts beside the pictures.
func (a *app) view(u auth.User, from netip.Addr, d doorRules) afero.Fs {
	v := vfs.View{Root: u.Home, Owner: u.Name, SameName: d.sameName, Quota: u.Quota}
	if u.Rights == auth.Read {
		v.Rights = vfs.Read
	}
	tree := a.fs.Sub(v)
	if u.Rights == auth.Drop {
		return tree.Drop(a.drops.of(u.Name, from))
	}
	s := a.settings.Load().config.Sidecar
	return sidecar.New(tree, receipts{a}, sidecar.Options{File: s.File, Folder: s.Folder, CanRetry: u.Rights == auth.Full})
}

// dropLife is how long a user that only drops files sees what came from the same
// address.
const dropLife = 10 * time.Minute

// dropSessions remembers what users who only drop files put lately.
type dropSessions struct {
	clock func() time.Time
	mu    sync.Mutex
	by    map[dropKey]*dropSession
}

type dropKey struct {
	user string
	from netip.Addr
}

type dropSession struct {
	session *vfs.DropSession
	used    time.Time
}

func newDropSessions(clock func() time.Time) *dropSessions {
	return &dropSessions{clock: clock, by: make(map[dropKey]*dropSession)}
}

// of returns the session of a user at an address, a new one after dropLife
// without use.
func (d *dropSessions) of(user string, from netip.Addr) *vfs.DropSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock()
	for k, s := range d.by {
		if now.Sub(s.used) > dropLife {
			delete(d.by, k)
		}
	}
	k := dropKey{user, from}
	if d.by[k] == nil {
		d.by[k] = &dropSession{session: vfs.NewDropSession()}
	}
	d.by[k].used = now
	return d.by[k].session
}

// hostedPictures is what the local driver hosts, found by its token.
type hostedPictures struct{ *app }

// Lookup returns the picture whose token is given.
func (h hostedPictures) Lookup(ctx context.Context, token string) (local.Served, error) {
	b, found, err := h.ledger.HostedByToken(ctx, token)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return local.Served{}, err
	}
	u, err := url.Parse(b.URL)
	if err != nil {
		return local.Served{}, err
	}
	return local.Served{
		Name: path.Base(u.Path), Type: b.Type, Size: b.Size, Modified: b.Stored, SHA256: b.SHA256,
		Open: func(ctx context.Context) (io.ReadSeekCloser, error) {
			return vfs.OpenBlob(ctx, h.tree, h.disk, b.Blob, b.Inline)
		},
	}, nil
}
