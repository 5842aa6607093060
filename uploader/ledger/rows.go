package ledger

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

const selectUploads = `SELECT u.id, u.key, u.entry, u.path, u.destination, u.host, COALESCE(u.blob, ''), u.inline, u.sha256, u.size, u.type,
	u.state, u.reason, u.error, u.remedy, u.notes, u.attempts, u.tries, u.ord, u.unusual, u.copy, u.released, u.late, u.attempt, u.body,
	CASE WHEN e.sha256 = u.sha256 THEN 1 ELSE 0 END, u.due, u.created, u.changed, u.sent, u.finished, u.lost, u.album, u.category,
	COALESCE(h.id, 0), COALESCE(h.host, ''), COALESCE(h.destination, ''), COALESCE(h.album, ''), COALESCE(h.category, ''),
	COALESCE(h.created, 0), COALESCE(h.expires, 0), COALESCE(h.deleted, 0), COALESCE(h.remote, ''), COALESCE(h.url, ''),
	COALESCE(h.viewer_url, ''), COALESCE(h.thumbnail_url, ''), COALESCE(h.identical, 0), COALESCE(h.fate, ''), COALESCE(h.prepared, '')
	FROM uploads u LEFT JOIN entries e ON e.id = u.entry LEFT JOIN hosted h ON h.id = u.hosted `

// scanned is an upload and what a row tells beyond it.
type scanned struct {
	uploader.Upload
	attempt int
	body    int64 // since when the present attempt's may be complete; 0: not
}

func scanUpload(s *sql.Rows) (scanned, error) {
	var r scanned
	u, h := &r.Upload, uploader.Hosted{}
	var sum []byte
	var notes string
	var inline, released, late, present, due, created, changed, sent, finished, lost, made, expires, deleted, identical int64
	err := s.Scan(&u.ID, &u.Key, &u.Entry, &u.Path, &u.Destination, &u.Host, &u.Blob, &inline, &sum, &u.Size, &u.Type,
		&u.State, &u.Reason, &u.Error, &u.Remedy, &notes, &u.Attempts, &u.Tries, &u.Order, &u.Unusual, &u.Copy, &released, &late, &r.attempt, &r.body,
		&present, &due, &created, &changed, &sent, &finished, &lost, &u.Album, &u.Category,
		&h.ID, &h.Host, &h.Destination, &h.Album, &h.Category,
		&made, &expires, &deleted, &h.Result.ID, &h.URL, &h.ViewerURL, &h.ThumbnailURL, &identical, &h.Fate, &h.Prepared)
	if err != nil {
		return r, err
	}
	copy(u.SHA256[:], sum)
	u.Inline, u.Released, u.Late, u.Present = inline != 0, released != 0, late != 0, present != 0
	u.Due, u.Created, u.Changed, u.Sent, u.Finished, u.Lost = moment(due), moment(created), moment(changed), moment(sent), moment(finished), moment(lost)
	if notes != "" {
		u.Notes = strings.Split(notes, "\n")
	}
	if h.ID != 0 {
		h.SHA256, h.Created, h.Expires, h.Deleted = u.SHA256, moment(made), moment(expires), moment(deleted)
		h.Result.Expires, h.Identical, h.Awaiting = h.Expires, identical != 0, u.State == uploader.Awaiting
		u.Picture = &h
	}
	return r, nil
}

// uploadsAnd returns the uploads that where selects, as they are in the tables,
// and the number of the last one's last claim.
func uploadsAnd(ctx context.Context, tx vfs.Tx, where string, args ...any) (us []uploader.Upload, attempt int, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		r, err := scanUpload(s)
		us, attempt = append(us, r.Upload), r.attempt
		return err
	}, selectUploads+where, args...)
	return us, attempt, err
}

// shown returns the uploads that where selects, each with the reason that people
// see: rows do not change when a destination is paused or taken away.
func (l *Ledger) shown(ctx context.Context, tx vfs.Tx, where string, args ...any) (us []uploader.Upload, err error) {
	err = l.show(ctx, tx, func(u *uploader.Upload) { us = append(us, *u) }, where, args...)
	return us, err
}

// shownByFile is shown by file, each one's in the order of its route. It sorts what
// little each has: for the database to sort all would cost more than to find them.
func (l *Ledger) shownByFile(ctx context.Context, tx vfs.Tx, where string, args ...any) (map[vfs.ID][]uploader.Upload, error) {
	files := make(map[vfs.ID][]uploader.Upload)
	err := l.show(ctx, tx, func(u *uploader.Upload) { files[u.Entry] = append(files[u.Entry], *u) }, where, args...)
	for _, us := range files {
		slices.SortFunc(us, byOrder)
	}
	return files, err
}

// show gives take each of the uploads that shown returns, for the time of the call.
func (l *Ledger) show(ctx context.Context, tx vfs.Tx, take func(*uploader.Upload), where string, args ...any) error {
	p, err := l.pauses(ctx, tx)
	if err != nil {
		return err
	}
	return each(ctx, tx, func(s *sql.Rows) error {
		r, err := scanUpload(s)
		if err != nil {
			return err
		}
		p.explain(&r.Upload)
		take(&r.Upload)
		return nil
	}, selectUploads+where, args...)
}

// known returns the pictures of these bytes at host that can be referred to,
// newest first, and the addresses of those whose place another one took, or may have.
func known(ctx context.Context, tx vfs.Tx, host string, sum []byte, now time.Time) (hs []uploader.Hosted, taken []string, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var h uploader.Hosted
		var created, expires, identical, awaiting int64
		var fate uploader.Fate
		err := s.Scan(&h.ID, &h.Host, &h.Destination, &h.Album, &h.Category, &created, &expires, &h.Result.ID, &h.URL, &h.ViewerURL,
			&h.ThumbnailURL, &identical, &awaiting, &h.Prepared, &fate)
		if fate != "" {
			taken = append(taken, h.URL)
			return err
		}
		copy(h.SHA256[:], sum)
		h.Created, h.Expires, h.Identical, h.Awaiting = moment(created), moment(expires), identical != 0, awaiting != 0
		h.Result.Expires = h.Expires
		hs = append(hs, h)
		return err
	}, `SELECT id, host, destination, album, category, created, expires, remote, url, viewer_url, thumbnail_url, identical, awaiting, prepared, fate FROM hosted
		WHERE host = $1 AND sha256 = $2 AND deleted = 0 AND fate IN ('', 'replaced', 'doubtful') AND (expires = 0 OR expires > $3)
		ORDER BY id DESC LIMIT 8`, host, sum, nanos(now))
	return hs, taken, err
}

// Bytes names what an upload's bytes are kept as: see HostedByToken.
type Bytes struct {
	Blob   blob.Ref
	Inline bool
	Size   int64
	SHA256 blob.Sum
	Type   string
	URL    string // as it was given out
	// Prepared is how what is served differs from these bytes, as Hosted.Prepared.
	Prepared string
	Stored   time.Time // when the host, we, took it
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
