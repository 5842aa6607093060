package ledger

import (
	"context"
	"fmt"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// withoutURL reports whether u is done, and nobody knows where: the reply with its
// address was lost.
func withoutURL(u uploader.Upload) bool {
	return u.State == uploader.Done && u.Reason == uploader.ReasonNoURL
}

// resend owes an upload that is done without an address once more, from due on, because a
// person says so: he may have deleted the picture at the host, which nobody here can see.
// What was known of these bytes at an unknown address there is forgotten with it, else
// nothing would be sent. The reply of before is still missing, so a host that says that
// it has the bytes has them from here, and the upload ends as it was. Other uploads of
// these bytes stay as they are; one that is retried later finds what has become of this.
// It is an error that wraps uploader.ErrState where the file has other bytes now.
func resend(ctx context.Context, tx vfs.Tx, u uploader.Upload, reason string, due, now time.Time) error {
	var ref blob.Ref
	var inline int64
	found, err := optional(tx.QueryRow(ctx, "SELECT COALESCE(blob, ''), inline FROM entries WHERE id = $1 AND dir = 0 AND sha256 = $2",
		int64(u.Entry), u.SHA256[:]), &ref, &inline)
	if err != nil {
		return err
	}
	if !found || ref == "" {
		return fmt.Errorf("upload %d: %w: its file is gone, or has other bytes now", u.ID, uploader.ErrState)
	}
	if err := forgetNoURL(ctx, tx, u); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE uploads SET state = 'settling', reason = $1, error = '', remedy = '', notes = '', tries = 0, unusual = 0,
		late = 0, finished = 0, due = $2, blob = $3, inline = $4, changed = $5, since = $5, lost = $5, again = 1 WHERE id = $6`,
		reason, nanos(due), string(ref), inline, nanos(now), u.ID)
	return err
}

// forgetNoURL takes away what says that u's host has u's bytes at an address that nobody
// knows. Nothing refers to such a row: an upload that is done without an address has no
// picture to show, and none to delete.
func forgetNoURL(ctx context.Context, tx vfs.Tx, u uploader.Upload) error {
	_, err := tx.Exec(ctx, `DELETE FROM hosted WHERE host = $1 AND sha256 = $2 AND url = '' AND remote = '' AND awaiting = 0
		AND deleted = 0 AND fate = '' AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.hosted = hosted.id)
		AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.hosted = hosted.id)`, u.Host, u.SHA256[:])
	return err
}
