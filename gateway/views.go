package main

import (
	"context"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/auth"
	"slipway/uploader/local"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// The doors, as metrics, the page and the API name them.
const (
	doorWebDAV = "webdav"
	doorFTP    = "ftp"
	doorWatch  = "watch"
	doorPage   = "page"
	doorAPI    = "api"
	doorPut    = "put"   // slipway put
	doorLinks  = "links" // pictures that files link to
)

// doorRules is what differs between doors in the views they get.
type doorRules struct {
	name     string // of the door
	sameName vfs.SameName
	// heed keeps what is locked by WebDAV from the door's users, as the door itself
	// does not.
	heed bool
	// apart keeps what was cut for the address alone that it came from.
	apart bool
}

// view returns the tree as a door shows it to a user: the home as its root, the
// user's rights, and the receipts beside the pictures.
func (a *app) view(u auth.User, from netip.Addr, d doorRules) afero.Fs {
	v := vfs.View{Root: u.Home, Door: d.name, Owner: u.Name, SameName: d.sameName, Quota: u.Quota}
	if u.Rights == auth.Read {
		v.Rights = vfs.Read
	}
	if d.heed || u.Rights == auth.Drop { // whose tokens are for a place of his own
		v.Locked = a.dav.Blocked
	}
	if network := auth.Network(from); (d.apart || u.Rights == auth.Drop) && network.IsValid() {
		// Cameras of one account all begin with DSC_0001.
		v.Client = network.String()
	}
	tree := a.fs.Sub(v)
	if u.Rights == auth.Drop {
		return tree.Drop(a.drops.of(u, from))
	}
	s := a.settings.Load().config.Sidecar
	return sidecar.New(tree, linkReceipts{receipts{a}}, sidecar.Options{File: s.File, Folder: s.Folder, CanRetry: u.Rights == auth.Full})
}

// dropLife is how long a user that only drops files sees what came from the same
// address, after the last request or session that was there and the last lock.
const dropLife = 10 * time.Minute

// dropSessions remembers what users who only drop files put lately.
type dropSessions struct {
	clock func() time.Time
	// held reports whether a client has locked something at or below a path.
	held func(path string) bool
	mu   sync.Mutex
	by   map[dropKey]*dropSession
}

type dropKey struct {
	user string
	from netip.Addr
}

type dropSession struct {
	session *vfs.DropSession
	home    string // of the user
	used    time.Time
	users   int // requests and control connections under way
}

func newDropSessions(clock func() time.Time, held func(path string) bool) *dropSessions {
	return &dropSessions{clock: clock, held: held, by: make(map[dropKey]*dropSession)}
}

// of returns the session of a user at an address, a new one after dropLife
// without use.
func (d *dropSessions) of(u auth.User, from netip.Addr) *vfs.DropSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at(u, from).session
}

// hold keeps the session of a user at an address until the returned function is
// called, and for dropLife after that.
func (d *dropSessions) hold(u auth.User, from netip.Addr) (letGo func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.at(u, from)
	s.users++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		s.users--
		s.used = d.clock()
	}
}

// at is of, while mu is held.
func (d *dropSessions) at(u auth.User, from netip.Addr) *dropSession {
	now := d.clock()
	for k, s := range d.by {
		if s.users > 0 || now.Sub(s.used) <= dropLife {
			continue
		}
		if d.held(s.session.Root()) {
			s.used = now
			continue
		}
		delete(d.by, k)
	}
	k := dropKey{u.Name, from}
	s := d.by[k]
	if s == nil {
		s = &dropSession{session: vfs.NewDropSession()}
		d.by[k] = s
	}
	s.used, s.home = now, u.Home
	return s
}

// locked reports whether the client that put the entry with an id has locked it,
// which locked tells by where the client's locks are kept.
func (d *dropSessions) locked(id vfs.ID, locked func(path string) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.by {
		if name, ok := s.session.Chosen(id); ok && locked(s.session.Root()+name) {
			return true
		}
	}
	return false
}

// real returns where in the tree that is which a client's lock is kept by as root;
// false where there is no such client any more.
func (d *dropSessions) real(root string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.by {
		if name, ok := strings.CutPrefix(root, s.session.Root()); ok {
			return vfs.Key(path.Join("/", s.home, s.session.Path(path.Join("/", name)))), true
		}
	}
	return "", false
}

// hostedPictures is what the local driver hosts, found by its token.
type hostedPictures struct {
	*app
	cuts *cuts
}

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
	served := local.Served{
		Name: path.Base(u.Path), Type: b.Type, Size: b.Size, Modified: b.Stored, SHA256: b.SHA256,
		Open: func(ctx context.Context) (io.ReadSeekCloser, error) {
			return vfs.OpenBlob(ctx, h.tree, h.store, b.Blob, b.Inline)
		},
	}
	if b.Prepared != "" {
		return h.cuts.asSent(ctx, served, b.Prepared)
	}
	return served, nil
}
