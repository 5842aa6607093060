package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/vfs"
)

// desk is what one user sees and does through the page or the API: what commands
// do, within his home and his rights.
type desk struct {
	operations
	user auth.User
	from netip.Addr
	door string // of FS: doorPage or doorAPI
}

var _ operate.Desk = desk{}

// desk returns what the user u, who comes from an address, sees and does through a
// door.
func (a *app) desk(u auth.User, from netip.Addr, door string) operate.Desk {
	u.Home = path.Clean("/" + u.Home)
	return desk{operations: operations{a}, user: u, from: from, door: door}
}

// Me is who asks.
func (d desk) Me() operate.Person {
	return operate.Person{Name: d.user.Name, Rights: d.user.Rights.String(), Operator: d.user.Rights == auth.Full && d.user.Home == "/"}
}

// FS returns the tree as the door has it for this user.
func (d desk) FS(ctx context.Context, from netip.Addr) afero.Fs {
	if d.user.Rights == auth.Drop {
		context.AfterFunc(ctx, d.drops.hold(d.user, from))
	}
	return underContext(ctx, d.view(d.user, from, doorRules{name: d.door, heed: true}))
}

// tree is FS for a look at it.
func (d desk) tree(ctx context.Context) afero.Fs {
	return underContext(ctx, d.view(d.user, d.from, doorRules{name: d.door, heed: true}))
}

// errNothingThere is what all that is outside of the home is.
func errNothingThere(what string) error {
	return operate.Errorf(operate.NotFound, "there is no such %s", what)
}

// inside returns where in the whole tree a path of the user's is.
func (d desk) inside(p string) (string, error) {
	clean, err := vfs.Clean(p)
	if err != nil {
		return "", operate.Errorf(operate.Usage, "%v", err)
	}
	return path.Join(d.user.Home, clean), nil
}

// outside returns how the user calls a path of the whole tree; false where it is
// not at or below his home.
func (d desk) outside(real string) (string, bool) {
	home := vfs.Key(d.user.Home)
	if home == "/" {
		return real, true
	}
	names := strings.Count(home, "/") // the home may be written in another normal form
	elements := strings.SplitN(real, "/", names+2)
	if len(elements) <= names || vfs.Key(strings.Join(elements[:names+1], "/")) != home {
		return "", false
	}
	return "/" + strings.Join(elements[names+1:], "/"), true
}

// dropped returns the files that a user who only drops files put in this session,
// by entry: where he chose to.
func (d desk) dropped() map[vfs.ID]string { return d.drops.of(d.user, d.from).Entries() }

// shown returns a row as the user sees it; false where he may not.
func (d desk) shown(row uploader.Upload) (operate.Upload, bool) {
	u := shown(row)
	if d.user.Rights == auth.Drop {
		chosen, mine := d.dropped()[row.Entry]
		u.Path = chosen
		return u, mine
	}
	p, ok := d.outside(row.Path)
	u.Path = p
	return u, ok
}

// shownAll returns those of rows that the user may see.
func (d desk) shownAll(rows []uploader.Upload) []operate.Upload {
	list := make([]operate.Upload, 0, len(rows))
	for _, row := range rows {
		if u, ok := d.shown(row); ok {
			list = append(list, u)
		}
	}
	return list
}

// row returns the upload with an id, if the user may see it.
func (d desk) row(ctx context.Context, id int64) (uploader.Upload, error) {
	row, err := d.ledger.Get(ctx, id)
	if errors.Is(err, uploader.ErrNoUpload) {
		return row, errNothingThere("upload")
	}
	if err != nil {
		return row, err
	}
	if _, ok := d.shown(row); !ok {
		return uploader.Upload{}, errNothingThere("upload")
	}
	return row, nil
}

// Upload returns one upload.
func (d desk) Upload(ctx context.Context, id int64) (operate.Upload, error) {
	row, err := d.row(ctx, id)
	if err != nil {
		return operate.Upload{}, err
	}
	u, _ := d.shown(row)
	return u, nil
}

// actMost is for how many uploads Act works at once.
const actMost = 1000

// verbs are what Act does.
func (o operations) verbs() map[operate.Verb]func(context.Context, int64) error {
	return map[operate.Verb]func(context.Context, int64) error{
		operate.Retry: o.ledger.Retry, operate.Hold: o.ledger.Hold, operate.Release: o.ledger.Release, operate.Drop: o.ledger.Drop,
	}
}

// retryUndone is Retry, but for uploads that are done without a URL: whoever retries all
// that is in trouble somewhere has not looked for each of these at its host, which may
// take what it has a second time.
func (o operations) retryUndone(ctx context.Context, id int64) error {
	u, err := o.ledger.Get(ctx, id)
	switch {
	case err != nil:
		return err
	case withoutURL(&u):
		return fmt.Errorf("upload %d: %w: it is done without a URL, and only sent again where its id is given, or the state done", id, uploader.ErrState)
	}
	return o.ledger.Retry(ctx, id)
}

// Act does verb to each of the uploads. One that the user may not see is one that
// is not there.
func (d desk) Act(ctx context.Context, verb operate.Verb, ids []int64) ([]operate.Upload, error) {
	do, known := d.verbs()[verb]
	switch {
	case !known:
		return nil, operate.Errorf(operate.Usage, "there is no verb %q", verb)
	case len(ids) > actMost:
		return nil, operate.Errorf(operate.Usage, "at most %d uploads at once", actMost)
	case d.user.Rights == auth.Read:
		return nil, operate.Errorf(operate.Forbidden, "this account may only look")
	}
	list := make([]operate.Upload, 0, len(ids))
	for _, id := range ids {
		u := operate.Upload{ID: id, Refused: "there is no such upload"}
		_, err := d.row(ctx, id)
		if err == nil {
			u, err = d.act(ctx, do, id)
			u.Path, _ = d.outsideOr(u.Path, vfs.ID(u.Entry))
		}
		if err != nil && operate.KindOf(err) != operate.NotFound {
			return list, err
		}
		list = append(list, u)
	}
	return list, nil
}

// outsideOr is outside for the file with an entry's id.
func (d desk) outsideOr(real string, entry vfs.ID) (string, bool) {
	if d.user.Rights == auth.Drop {
		p, mine := d.dropped()[entry]
		return p, mine
	}
	return d.outside(real)
}

// entry returns the entry with an id and how the user calls it, if he may see it.
func (d desk) entry(ctx context.Context, id int64) (vfs.Entry, string, error) {
	e, real, err := d.operations.tree.At(ctx, vfs.ID(id))
	if errors.Is(err, fs.ErrNotExist) {
		return e, "", errNothingThere("file")
	}
	if err != nil {
		return e, "", err
	}
	p, ok := d.outsideOr(real, e.ID)
	if !ok {
		return vfs.Entry{}, "", errNothingThere("file")
	}
	return e, p, nil
}

// Follow yields the uploads of an entry until none is on its way, or it is not the
// user's any more.
func (d desk) Follow(ctx context.Context, entry int64) iter.Seq2[operate.Progress, error] {
	return func(yield func(operate.Progress, error) bool) {
		if _, _, err := d.entry(ctx, entry); err != nil {
			yield(operate.Progress{}, err)
			return
		}
		for p, err := range d.operations.Follow(ctx, entry) {
			if err != nil {
				yield(operate.Progress{}, err)
				return
			}
			for i, u := range p.Uploads {
				own, ok := d.outsideOr(u.Path, vfs.ID(entry))
				if !ok {
					yield(operate.Progress{}, errNothingThere("file"))
					return
				}
				p.Uploads[i].Path = own
				// What others send meanwhile is not to be known.
			}
			for id := range p.Sent {
				if !slices.ContainsFunc(p.Uploads, func(u operate.Upload) bool { return u.ID == id }) {
					delete(p.Sent, id)
				}
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// operator fails for those who may not steer destinations.
func (d desk) operator() error {
	if !d.Me().Operator {
		return operate.Errorf(operate.Forbidden, "this is for accounts with full rights on everything alone")
	}
	return nil
}

// Pause stops a destination by hand.
func (d desk) Pause(ctx context.Context, destination string) error {
	if err := d.operator(); err != nil {
		return err
	}
	return d.operations.Pause(ctx, destination)
}

// Resume starts it again.
func (d desk) Resume(ctx context.Context, destination string) error {
	if err := d.operator(); err != nil {
		return err
	}
	return d.operations.Resume(ctx, destination)
}

// Watches lists the watched folders, which are places of the machine itself.
func (d desk) Watches(ctx context.Context) ([]operate.Watch, error) {
	if err := d.operator(); err != nil {
		return nil, err
	}
	return d.operations.Watches(ctx)
}

// ReleaseWatch lets follow what the brake on mass deletes keeps in a watched folder.
func (d desk) ReleaseWatch(ctx context.Context, folder string) error {
	if err := d.operator(); err != nil {
		return err
	}
	return d.operations.ReleaseWatch(ctx, folder)
}
