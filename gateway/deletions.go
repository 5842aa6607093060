package main

import (
	"context"
	"path"
	"slices"
	"strings"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// deletionsPage is how many deletions a page has where nobody says.
const deletionsPage = 100

// Deletions lists pictures that are to be deleted at their hosts, or were.
func (o operations) Deletions(ctx context.Context, f operate.DeletionFilter) (operate.DeletionPage, error) {
	q, err := deletionQuery(f)
	if err != nil {
		return operate.DeletionPage{}, err
	}
	page := operate.DeletionPage{Deletions: []operate.Deletion{}, Brakes: []operate.Brake{}}
	rows, err := o.ledger.Deletions(ctx, q)
	if err != nil {
		return page, err
	}
	for _, d := range rows {
		page.Deletions = append(page.Deletions, deletionShown(d))
	}
	if len(rows) == q.Limit {
		page.Next = rows[len(rows)-1].ID
	}
	brakes, err := o.ledger.Brakes(ctx)
	for _, b := range brakes {
		page.Brakes = append(page.Brakes, operate.Brake{Folder: b.Folder, Since: b.Since, Waiting: b.Waiting})
	}
	return page, err
}

// deletionQuery checks what is asked for.
func deletionQuery(f operate.DeletionFilter) (ledger.DeletionQuery, error) {
	q := ledger.DeletionQuery{Destination: f.Destination, Before: f.After, Limit: f.Limit}
	if q.Limit == 0 {
		q.Limit = deletionsPage
	}
	if q.Limit < 0 || q.Limit > pageMost || f.After < 0 {
		return q, operate.Errorf(operate.Usage, "a page has 1 to %d deletions", pageMost)
	}
	for _, name := range f.States {
		state := uploader.DeletionState(name)
		if !slices.Contains(uploader.DeletionStates, state) {
			return q, operate.Errorf(operate.Usage, "there is no state %q; the states are %v", name, uploader.DeletionStates)
		}
		q.States = append(q.States, state)
	}
	for _, s := range []string{f.Destination, f.Path} {
		if !storable(s) {
			return q, operate.Errorf(operate.Usage, "%+q is no text that anything here has", s)
		}
	}
	if f.Path != "" {
		p, err := vfs.Clean(f.Path)
		if err != nil {
			return q, operate.Errorf(operate.Usage, "%v", err)
		}
		q.Prefix = p
	}
	return q, nil
}

// deletionShown returns a deletion as commands show it.
func deletionShown(d uploader.Deletion) operate.Deletion {
	s := operate.Deletion{
		ID: d.ID, Path: d.Path, Destination: d.Picture.Destination, Why: string(d.Why), State: string(d.State), Created: d.Created,
		Changed: d.Changed, Finished: d.Finished, URL: d.Picture.URL, SHA256: d.Picture.SHA256.String(), Tries: d.Tries, Error: d.Error, Remedy: d.Remedy,
	}
	if d.State == uploader.DeletionWaiting || d.State == uploader.Deleting {
		s.Due = d.Due
	}
	return s
}

// AnswerDeletions does a verb to deletions.
func (o operations) AnswerDeletions(ctx context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	q, err := deletionQuery(operate.DeletionFilter{Path: a.Path, Destination: a.Destination})
	if err != nil {
		return operate.Answered{}, err
	}
	q.IDs = a.IDs
	do := map[operate.Verb]func(context.Context, ledger.DeletionQuery) (int, error){
		operate.Release: o.ledger.ReleaseDeletions, operate.Refuse: o.ledger.RefuseDeletions, operate.Retry: o.ledger.RetryDeletions,
	}[a.Verb]
	if do == nil {
		return operate.Answered{}, operate.Errorf(operate.Usage, "deletions are released, refused or retried, and nothing else")
	}
	n, err := do(ctx, q)
	return operate.Answered{Changed: n}, err
}

// Deletions lists those of files below the home. Who only drops files is told nothing
// of what became of them later.
func (d desk) Deletions(ctx context.Context, f operate.DeletionFilter) (operate.DeletionPage, error) {
	if d.user.Rights == auth.Drop {
		return operate.DeletionPage{}, operate.Errorf(operate.Forbidden, "this is not for accounts that only drop files")
	}
	at, err := d.inside(f.Path)
	if err != nil {
		return operate.DeletionPage{}, err
	}
	f.Path = at
	page, err := d.operations.Deletions(ctx, f)
	if err != nil {
		return page, err
	}
	own := []operate.Deletion{}
	for _, one := range page.Deletions {
		if p, ok := d.outside(one.Path); ok {
			one.Path = p
			own = append(own, one)
		}
	}
	page.Deletions = own
	page.Brakes, err = d.brakes(ctx)
	return page, err
}

// brakes returns those at and below the home, and of one above it what is below.
func (d desk) brakes(ctx context.Context) ([]operate.Brake, error) {
	own := []operate.Brake{}
	all, err := d.ledger.Brakes(ctx)
	if err != nil {
		return own, err
	}
	for _, b := range all {
		if folder, ok := d.outside(b.Folder); ok {
			own = append(own, operate.Brake{Folder: folder, Since: b.Since, Waiting: b.Waiting})
			continue
		}
		held, err := d.ledger.Deletions(ctx, ledger.DeletionQuery{
			States: []uploader.DeletionState{uploader.DeletionPaused}, Prefix: d.user.Home, Brake: b.ID, Limit: pageMost,
		})
		if err != nil {
			return own, err
		}
		if len(held) > 0 {
			own = append(own, operate.Brake{Folder: "/", Since: b.Since, Waiting: len(held)})
		}
	}
	return own, nil
}

// AnswerDeletions does a verb to deletions of files below the home.
func (d desk) AnswerDeletions(ctx context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	if d.user.Rights != auth.Full {
		return operate.Answered{}, operate.Errorf(operate.Forbidden, "this is for accounts with full rights alone")
	}
	at, err := d.inside(a.Path)
	if err != nil {
		return operate.Answered{}, err
	}
	a.Path = at
	return d.operations.AnswerDeletions(ctx, a)
}

// deletionsTold is how many deletions an explanation has at the most.
const deletionsTold = 20

// deletionsAt returns the deletions to come of pictures of the files at p, which may be
// gone, and those that failed; without those that come to nothing, as the file that is
// there now has the very picture.
func (o operations) deletionsAt(ctx context.Context, p string, e *operate.Entry) (at []operate.Deletion, err error) {
	if e != nil && e.Dir || path.Clean("/"+p) == "/" {
		return nil, nil
	}
	rows, err := o.ledger.Deletions(ctx, ledger.DeletionQuery{
		States: []uploader.DeletionState{uploader.DeletionWaiting, uploader.DeletionPaused, uploader.Deleting, uploader.DeletionFailed},
		Prefix: p, Limit: deletionsTold,
	})
	for _, d := range rows {
		undone := d.State == uploader.DeletionWaiting || d.State == uploader.DeletionPaused
		if d.Path != p || undone && e != nil && slices.ContainsFunc(e.Uploads, func(u operate.Upload) bool {
			return u.URL != "" && u.URL == d.Picture.URL && u.Destination == d.Picture.Destination
		}) {
			continue // below, of a folder that was there; or put back
		}
		at = append(at, deletionShown(d))
	}
	return at, err
}

// fate says in a sentence what has become of a picture at its host, or "".
func fate(h *uploader.Hosted) string {
	switch {
	case h == nil:
	case h.Fate == uploader.FateReplaced:
		return "Other bytes have taken this picture's place at the host, and have its address."
	case !h.Deleted.IsZero():
		return "The picture was deleted at the host at " + h.Deleted.UTC().Format("2006-01-02 15:04:05") + " UTC."
	case h.Fate == uploader.FateDeleting:
		return "The picture is being deleted at the host."
	case h.Fate == uploader.FateReplacing:
		return "Other bytes are on their way to take this picture's place at the host."
	case h.Fate == uploader.FateDoubtful:
		return "Deleting or replacing the picture at the host failed, and it is not known how far that came."
	}
	return ""
}

// gone reports whether a picture's address does not show it any more.
func gone(h *uploader.Hosted) bool {
	return h != nil && (!h.Deleted.IsZero() || h.Fate == uploader.FateReplaced)
}

// pending says in a sentence what is about to become of a picture, or "".
func pending(d uploader.Deletion) string {
	switch d.State {
	case uploader.DeletionWaiting:
		return "The picture is to be deleted at the host at " + d.Due.UTC().Format("2006-01-02 15:04:05") + " UTC, unless a file needs it again before."
	case uploader.DeletionFailed:
		return "The picture was to be deleted at the host, and that failed: " + strings.TrimRight(d.Error, ".") + "."
	case uploader.DeletionPaused:
		return "The picture is to be deleted at the host, with many others, and waits for somebody to say so (`slipway queue deletions`)."
	}
	return ""
}
