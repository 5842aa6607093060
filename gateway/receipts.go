package main

import (
	"context"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/webdav"
	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// receipts shows the ledger's rows as sidecars.
type receipts struct{ *app }

var _ sidecar.Source = receipts{}

// Folder returns the receipts of the files in a directory.
func (r receipts) Folder(ctx context.Context, dir vfs.ID) (map[vfs.ID]sidecar.Receipt, error) {
	all := make(map[vfs.ID]sidecar.Receipt)
	var earlier []vfs.ID // files that may have pictures to be deleted
	err := r.ledger.Receipts(ctx, dir, func(file vfs.ID, us []uploader.Upload) {
		all[file] = r.receipt(us)
		if hasEarlier(us) {
			earlier = append(earlier, file)
		}
	})
	if err != nil || len(earlier) == 0 {
		return all, err
	}
	for ids := range slices.Chunk(earlier, uploadsBatch) {
		waiting, err := r.pending(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			waiting.tell(all[id])
		}
	}
	return all, nil
}

// File returns the receipt of one file.
func (r receipts) File(ctx context.Context, id vfs.ID) (sidecar.Receipt, error) {
	us, err := r.ledger.Receipt(ctx, id)
	receipt := r.receipt(us)
	if err == nil && hasEarlier(us) {
		var waiting pendings
		if waiting, err = r.pending(ctx, []vfs.ID{id}); err == nil {
			waiting.tell(receipt)
		}
	}
	return receipt, err
}

// retryRest is the least time between the removal of an .error.txt and the next
// try: clients remove whole folders file by file.
const retryRest = 5 * time.Second

// Retry tries again what did not work for a file.
func (r receipts) Retry(ctx context.Context, id vfs.ID) error {
	quiet := time.Duration(r.settings.Load().config.Settle.Quiet)
	return r.ledger.RetryNow(ctx, id, time.Now().Add(max(quiet, retryRest)))
}

// receipt makes one of the rows of an entry.
func (r receipts) receipt(us []uploader.Upload) (receipt sidecar.Receipt) {
	for i := range us {
		u := &us[i]
		s := r.upload(u)
		if u.Changed.After(receipt.Changed) {
			receipt.Changed = u.Changed
		}
		if u.Present {
			receipt.Uploads = append(receipt.Uploads, s)
		} else {
			receipt.Previous = append(receipt.Previous, s)
		}
	}
	return receipt
}

func (r receipts) upload(u *uploader.Upload) sidecar.Upload {
	s := sidecar.Upload{
		Destination: u.Destination, State: string(u.State), Reason: u.Reason, Album: u.Album, Category: u.Category,
		Attempts: u.Attempts, SentAt: u.Sent, SHA256: u.SHA256, Notes: u.Notes, Trouble: r.trouble(u),
	}
	s.Error, s.Remedy = happened(u)
	if p := u.Picture; p != nil {
		s.URL, s.ViewerURL, s.ThumbnailURL, s.ID = p.URL, p.ViewerURL, p.ThumbnailURL, p.Result.ID
		s.Picture = p.ID
		if s.Gone = gone(p); s.Gone {
			s.GoneAt = p.Deleted
		}
		if text := fate(p); text != "" {
			s.Notes = append(slices.Clone(s.Notes), text)
		}
	}
	if u.State == uploader.Settling || u.State == uploader.AmbiguousState {
		s.NextTry = u.Due
	}
	return s
}

// happened returns what happened to u, and what to do about it: in the same words in the
// receipt, the .error.txt, on the page, in the API and in commands.
func happened(u *uploader.Upload) (text, remedy string) {
	switch {
	case u.Error != "" || !withoutURL(u):
		return u.Error, u.Remedy
	case !u.Present: // its bytes are not here any more
		return noURL, ""
	}
	return noURL, noURLRemedy
}

// withoutURL reports whether u is done and nobody knows where.
func withoutURL(u *uploader.Upload) bool {
	return u.State == uploader.Done && u.Reason == uploader.ReasonNoURL
}

// noURL and noURLRemedy are of an upload that is done without a URL.
const (
	noURL       = "The host has the picture, but the reply with its URL was lost, and it does not tell again."
	noURLRemedy = "Look for it on the host's site, by its time and name: if it is there, nothing is missing but the URL. If it is not, or you delete it there, retry it " +
		"(Retry on the page, `slipway queue retry` with its id, or remove its .error.txt): only then are the same bytes sent there again."
)

// trouble reports whether a person should hear of u: it was given up, is held for
// something that is wrong, or is to be tried again after an error. A file that is
// not whole may still be on its way, and is reported after a while.
func (r receipts) trouble(u *uploader.Upload) bool {
	switch u.State {
	case uploader.Failed, uploader.AmbiguousState:
		return true
	case uploader.Done:
		return withoutURL(u)
	case uploader.Settling, uploader.Sending: // after an error, also while it is tried again
		return u.Error != ""
	case uploader.Held:
		if u.Reason == uploader.ReasonNotWhole {
			return time.Since(u.Changed) > time.Duration(r.settings.Load().config.Settle.IncompleteAfter)
		}
		return u.Reason != uploader.ReasonByHand
	}
	return false
}

// uploadsBatch is for how many files the ledger is asked at a time.
const uploadsBatch = 500

// uploadsOf tells WebDAV what became of files of the user of r; see
// webdav.Options. Users who only drop files are told nothing: they do not read
// back, and a picture's URL is its bytes.
func (a *app) uploadsOf(r *http.Request, infos []fs.FileInfo) ([][]webdav.Upload, error) {
	if userOf(r).Rights == auth.Drop {
		return nil, nil
	}
	all := make([][]webdav.Upload, 0, len(infos))
	for batch := range slices.Chunk(infos, uploadsBatch) {
		var ids []vfs.ID
		for _, info := range batch {
			if e, ok := info.Sys().(vfs.Entry); ok && !e.Dir {
				ids = append(ids, e.ID)
			}
		}
		rows, err := a.ledger.Present(r.Context(), ids)
		if err != nil {
			return nil, err
		}
		for _, info := range batch {
			e, _ := info.Sys().(vfs.Entry)
			all = append(all, davUploads(e, rows[e.ID]))
		}
	}
	return all, nil
}

// davUploads returns what became of the bytes that e names; the file may have
// others by now.
func davUploads(e vfs.Entry, rows []uploader.Upload) (us []webdav.Upload) {
	for _, u := range rows {
		if u.SHA256 != e.SHA256 {
			continue
		}
		shown := webdav.Upload{Destination: u.Destination, State: string(u.State), Reason: u.Reason}
		if p := u.Picture; p != nil && !gone(p) {
			shown.URL, shown.ViewerURL = sidecar.Address(p.URL), sidecar.Address(p.ViewerURL)
		}
		us = append(us, shown)
	}
	return us
}
