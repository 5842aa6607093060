package ledger

import (
	"context"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// earlier returns the picture whose place those bytes may take, and marks it: until
// the claim has come to its end nobody else refers to it, and its own bytes wait. It
// is that of the last bytes the file had at this destination, unless anything else
// needs it as it is.
func (c *claim) earlier(ctx context.Context, got uploader.Claimed) (*uploader.Hosted, error) {
	var h uploader.Hosted
	var row, replacer, expires, deleted int64
	var sum []byte
	found, err := optional(c.tx.QueryRow(ctx, `SELECT u.id, h.id, h.host, h.destination, h.sha256, h.remote, h.url, h.album, h.category, h.expires,
		h.deleted, h.fate, h.replacer FROM uploads u JOIN hosted h ON h.id = u.hosted
		WHERE u.entry = $1 AND u.destination = $2 AND u.sha256 <> $3 AND u.state = 'done' AND h.fate <> 'replaced' ORDER BY u.finished DESC, u.id DESC LIMIT 1`,
		int64(got.Entry), got.Destination, got.SHA256[:]),
		&row, &h.ID, &h.Host, &h.Destination, &sum, &h.Result.ID, &h.URL, &h.Album, &h.Category, &expires, &deleted, &h.Fate, &replacer)
	if err != nil || !found {
		return nil, err
	}
	copy(h.SHA256[:], sum)
	h.Expires = moment(expires)
	switch {
	case h.Result.ID == "", h.Host != c.Host, h.Destination != got.Destination, deleted != 0, expires != 0 && expires <= nanos(c.now),
		h.Fate == uploader.FateDeleting, h.Fate == uploader.FateReplacing && replacer != got.ID:
		return nil, nil
	}
	needed, err := neededToReplace(ctx, c.tx, h, row)
	if err != nil || needed {
		return nil, err
	}
	_, err = c.tx.Exec(ctx, "UPDATE hosted SET fate = 'replacing', replacer = $1 WHERE id = $2", got.ID, h.ID)
	return &h, err
}

// neededToReplace reports whether anything but the upload row refers to h, or soon may,
// or the host had it before it was sent from here: then it is somebody else's.
func neededToReplace(ctx context.Context, tx vfs.Tx, h uploader.Hosted, row int64) (needed bool, err error) {
	var n int64
	err = tx.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM hosted s JOIN uploads u ON u.hosted = s.id JOIN entries e ON e.id = u.entry
			WHERE s.host = $1 AND s.remote = $2 AND s.deleted = 0 AND s.fate <> 'replaced' AND u.id <> $3)
		OR EXISTS (SELECT 1 FROM hosted s WHERE s.host = $1 AND s.remote = $2 AND s.existing = 1)
		OR EXISTS (SELECT 1 FROM uploads u WHERE u.host = $1 AND u.sha256 = $4 AND u.state = 'settling')
		OR EXISTS (SELECT 1 FROM uploads u WHERE u.host = $1 AND u.sha256 = $4 AND u.state IN ('sending', 'ambiguous'))
		OR EXISTS (`+readBack+`$4) THEN 1 ELSE 0 END`, h.Host, h.Result.ID, row, h.SHA256[:]).Scan(&n)
	return n != 0, err
}

// readBack finds blobs with a sum whose bytes were let go here, and that files or
// uploads need.
const readBack = `SELECT 1 FROM released r WHERE (EXISTS (SELECT 1 FROM entries e WHERE e.blob = r.ref)
	OR EXISTS (SELECT 1 FROM uploads u WHERE u.blob = r.ref)) AND r.sha256 = `

// replaced settles what has become of the picture whose place c's bytes were to take.
// hosted is what they are now, where they are at the host.
func (l *Ledger) replaced(ctx context.Context, tx vfs.Tx, c uploader.Claimed, o uploader.Outcome, hosted any, now time.Time) error {
	var h uploader.Hosted
	var sum []byte
	found, err := optional(tx.QueryRow(ctx, "SELECT id, host, sha256, remote FROM hosted WHERE fate = 'replacing' AND replacer = $1 LIMIT 1", c.ID),
		&h.ID, &h.Host, &sum, &h.Result.ID)
	if err != nil || !found {
		return err
	}
	copy(h.SHA256[:], sum)
	before := uploader.FateReplacing // a process that is gone made the claim
	if c.Earlier != nil {
		before = c.Earlier.Fate
	}
	doubt := before != "" || o.Requested && mayHaveReplaced(o)
	fate := uploader.Fate("")
	switch {
	case hosted != nil && o.Picture.Replaced:
		// Whatever stood for that picture shows the new bytes.
		_, err := tx.Exec(ctx, `UPDATE hosted SET fate = 'replaced', replacer = 0 WHERE host = $1 AND remote = $2 AND deleted = 0 AND id <> $3`,
			h.Host, h.Result.ID, hosted)
		if err != nil {
			return err
		}
		fate = uploader.FateReplaced
	case waits(o.State) && before != uploader.FateDoubtful && doubt:
		return nil // the next attempt goes on with it
	case doubt:
		fate = uploader.FateDoubtful
	}
	if _, err := tx.Exec(ctx, "UPDATE hosted SET fate = $1, replacer = 0 WHERE id = $2", string(fate), h.ID); err != nil {
		return err
	}
	return unpark(ctx, tx, uploader.Claimed{Upload: uploader.Upload{Host: h.Host, SHA256: h.SHA256}}, now)
}

// mayHaveReplaced reports whether the host may have replaced a picture by a request
// that does not say so.
func mayHaveReplaced(o uploader.Outcome) bool {
	switch o.Kind {
	case "done", "awaiting", "permanent", "refused", "retry-after", "duplicate", "held", "rejected":
		return false
	case "temporary":
		return !o.Sent.IsZero()
	}
	return true
}

// goneMeanwhile reports whether what c's picture refers to cannot be referred to any more:
// it was decided on before the picture was to be deleted or replaced at the host. An
// answer with a picture that is being deleted there is no answer either.
func goneMeanwhile(ctx context.Context, tx vfs.Tx, c uploader.Claimed, p *uploader.Hosted) (bool, error) {
	var n int64
	if p.ID != 0 {
		return optional(tx.QueryRow(ctx, "SELECT id FROM hosted WHERE id = $1 AND (deleted <> 0 OR fate <> '')", p.ID), &n)
	}
	if p.Result.ID == "" { // then its address says which it is
		return optional(tx.QueryRow(ctx, `SELECT id FROM hosted WHERE url <> '' AND url = $3 AND host || '' = $1 AND remote || '' = $2 AND (fate = 'deleting'
			OR deleted >= (SELECT started FROM attempts WHERE upload = $4 AND number = $5)) LIMIT 1`, c.Host, "", p.URL, c.ID, c.Attempt), &n)
	}
	return optional(tx.QueryRow(ctx, `SELECT id FROM hosted WHERE host = $1 AND remote = $2 AND url = $3 AND (fate = 'deleting'
		OR deleted >= (SELECT started FROM attempts WHERE upload = $4 AND number = $5)) LIMIT 1`,
		c.Host, p.Result.ID, p.URL, c.ID, c.Attempt), &n)
}
