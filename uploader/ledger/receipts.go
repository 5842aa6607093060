package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/vfs"
)

// Receipts calls take with the uploads of each file in a directory that has some,
// of its present bytes and earlier ones, in the order of its route's `to`. They are
// take's until it returns, and have what a receipt shows: what they are about, where
// they stand and why, and the picture's addresses.
func (l *Ledger) Receipts(ctx context.Context, dir vfs.ID, take func(file vfs.ID, us []uploader.Upload)) error {
	return l.receipts(ctx, "e.parent = $1 ORDER BY e.key", int64(dir), take)
}

// Receipt is Receipts for one file: none where it has no uploads.
func (l *Ledger) Receipt(ctx context.Context, file vfs.ID) (us []uploader.Upload, err error) {
	err = l.receipts(ctx, "e.id = $1", int64(file), func(_ vfs.ID, list []uploader.Upload) { us = slices.Clone(list) })
	return us, err
}

// selectReceipts has a column NULL where it says nothing: with SQLite a row's cost
// is that of reading its columns, and NULL is the cheapest.
const selectReceipts = `SELECT u.entry, u.id, u.destination, u.sha256, u.state, u.changed, NULLIF(u.ord, 0), NULLIF(u.reason, ''),
	NULLIF(u.error, ''), NULLIF(u.remedy, ''), NULLIF(u.notes, ''), NULLIF(u.album, ''), NULLIF(u.category, ''),
	NULLIF(u.attempts, 0), NULLIF(u.sent, 0), CASE WHEN u.state IN ('settling', 'ambiguous') THEN u.due END,
	CASE WHEN e.sha256 = u.sha256 THEN 1 END,
	CASE WHEN u.state = 'settling' AND u.host IN (SELECT name FROM hosts WHERE until > $2) THEN u.host END,
	NULLIF(h.url, ''), NULLIF(h.viewer_url, ''), NULLIF(h.thumbnail_url, ''), NULLIF(h.remote, ''), h.id,
	NULLIF(h.deleted, 0), NULLIF(h.fate, '')
	FROM entries e JOIN uploads u ON u.entry = e.id LEFT JOIN hosted h ON h.id = u.hosted WHERE `

// receiptRow is where selectReceipts goes, row after row. Its words are those of the
// row before where they are the same, as most are.
type receiptRow struct {
	entry, id, changed                          int64
	order, attempts, sent, due, present, hosted whole
	deleted                                     whole
	destination, state, reason, host            word
	errors, remedy, notes, album, category      word
	url, viewer, thumbnail, remote, fate        word
	sum                                         sql.RawBytes
	into                                        []any
}

func newReceiptRow() *receiptRow {
	r := new(receiptRow)
	r.into = []any{
		&r.entry, &r.id, &r.destination, &r.sum, &r.state, &r.changed, &r.order, &r.reason,
		&r.errors, &r.remedy, &r.notes, &r.album, &r.category,
		&r.attempts, &r.sent, &r.due, &r.present, &r.host,
		&r.url, &r.viewer, &r.thumbnail, &r.remote, &r.hosted,
		&r.deleted, &r.fate,
	}
	return r
}

func (r *receiptRow) upload() uploader.Upload {
	u := uploader.Upload{
		ID: r.id, Entry: vfs.ID(r.entry), Destination: string(r.destination), State: uploader.State(r.state), Reason: string(r.reason),
		Order: int(r.order), Error: string(r.errors), Remedy: string(r.remedy), Album: string(r.album), Category: string(r.category),
		Attempts: int(r.attempts), Sent: moment(int64(r.sent)), Due: moment(int64(r.due)), Changed: moment(r.changed),
		Present: r.present != 0, Host: string(r.host),
	}
	copy(u.SHA256[:], r.sum)
	if r.notes != "" {
		u.Notes = strings.Split(string(r.notes), "\n")
	}
	if r.hosted != 0 {
		u.Picture = &uploader.Hosted{ID: int64(r.hosted), SHA256: u.SHA256}
		u.Picture.URL, u.Picture.ViewerURL, u.Picture.ThumbnailURL = string(r.url), string(r.viewer), string(r.thumbnail)
		u.Picture.Result.ID = string(r.remote)
		u.Picture.Deleted, u.Picture.Fate = moment(int64(r.deleted)), uploader.Fate(r.fate)
	}
	return u
}

// receipts calls take for each of the files that where selects by arg, whose rows
// come together.
func (l *Ledger) receipts(ctx context.Context, where string, arg int64, take func(vfs.ID, []uploader.Upload)) error {
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		p, err := l.pauses(ctx, tx)
		if err != nil {
			return err
		}
		var us []uploader.Upload
		give := func() {
			if len(us) == 0 {
				return
			}
			if len(us) > 1 {
				slices.SortFunc(us, byOrder)
			}
			take(us[0].Entry, us)
			us = us[:0]
		}
		row := newReceiptRow()
		err = each(ctx, tx, func(s *sql.Rows) error {
			if err := s.Scan(row.into...); err != nil {
				return err
			}
			if len(us) > 0 && int64(us[0].Entry) != row.entry {
				give()
			}
			us = append(us, row.upload())
			p.explain(&us[len(us)-1])
			return nil
		}, selectReceipts+where, arg, p.now)
		if err == nil {
			give()
		}
		return err
	})
	return wrap("receipts", err)
}

func byOrder(a, b uploader.Upload) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
}

// errColumn is that of a column that has another type than the statement says.
var errColumn = errors.New("a column of the ledger has another type than it should")

// word is a column of text, "" where it is NULL. It keeps the string that it has
// where the next is the same.
type word string

// Scan implements sql.Scanner.
func (w *word) Scan(v any) error {
	s, ok := v.(string)
	if !ok && v != nil {
		return errColumn
	}
	if string(*w) != s {
		*w = word(s)
	}
	return nil
}

// whole is a column of a number, 0 where it is NULL.
type whole int64

// Scan implements sql.Scanner.
func (n *whole) Scan(v any) error {
	i, ok := v.(int64)
	if *n = whole(i); !ok && v != nil {
		return errColumn
	}
	return nil
}
