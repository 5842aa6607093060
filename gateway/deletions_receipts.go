package main

import (
	"context"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// pendings are the deletions that are still to come, by the picture's number.
type pendings map[int64]uploader.Deletion

// hasEarlier reports whether any of a file's rows has a picture that the file may have
// let go: its present ones are not deleted while it is there.
func hasEarlier(us []uploader.Upload) bool {
	for i := range us {
		if u := &us[i]; !u.Present && u.Picture != nil && !gone(u.Picture) {
			return true
		}
	}
	return false
}

// pending returns the deletions to come of files' pictures.
func (r receipts) pending(ctx context.Context, files []vfs.ID) (pendings, error) {
	all := make(pendings)
	for before := int64(0); ; {
		page, err := r.ledger.Deletions(ctx, ledger.DeletionQuery{
			States:  []uploader.DeletionState{uploader.DeletionWaiting, uploader.DeletionPaused, uploader.Deleting, uploader.DeletionFailed},
			Entries: files, Before: before, Limit: pageMost,
		})
		for _, d := range page {
			if _, later := all[d.Picture.ID]; !later {
				all[d.Picture.ID] = d
			}
			before = d.ID
		}
		if err != nil || len(page) < pageMost {
			return all, err
		}
	}
}

// tell says in a receipt what is to be deleted.
func (p pendings) tell(receipt sidecar.Receipt) {
	for _, list := range [][]sidecar.Upload{receipt.Uploads, receipt.Previous} {
		for i := range list {
			u := &list[i]
			d, ok := p[u.Picture]
			if !ok || u.Gone {
				continue
			}
			if d.State == uploader.DeletionWaiting || d.State == uploader.Deleting {
				u.GoesAt = d.Due
			}
			if text := pending(d); text != "" {
				u.Notes = append(u.Notes[:len(u.Notes):len(u.Notes)], text)
			}
		}
	}
}
