package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// What the bytes of files are needed for by uploads, for people.
const (
	needRouting = "it is being found out which uploads a moved folder owes"
	needOwed    = "an upload of them is not done yet"
	needServed  = "a picture is served from them here"
	needUnsent  = "they were sent nowhere"
	needNoURL   = "not every destination has them and has told their address"
)

// Needs returns, within a transaction, what the bytes of refs, which all have that sum,
// are needed for by uploads. It is "" where each entry that names them has an upload of
// them, all of its uploads of them are done with an address (but for those that another
// took the place of), none of another entry is under way, no picture is served from
// them, and it is not being found out whether more are owed.
func (l *Ledger) Needs(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) (why string, err error) {
	in, args := among(refs, sum[:])
	err = tx.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM reroutes) THEN '`+needRouting+`'
		WHEN EXISTS (SELECT 1 FROM hosted WHERE blob `+in+`) THEN '`+needServed+`'
		WHEN EXISTS (SELECT 1 FROM uploads WHERE blob `+in+`) THEN '`+needOwed+`'
		WHEN EXISTS (SELECT 1 FROM entries e WHERE e.blob `+in+` AND NOT EXISTS (
			SELECT 1 FROM uploads u WHERE u.entry = e.id AND u.sha256 = $1 AND u.state = 'done')) THEN '`+needUnsent+`'
		WHEN EXISTS (SELECT 1 FROM entries e JOIN uploads u ON u.entry = e.id AND u.sha256 = $1 LEFT JOIN hosted h ON h.id = u.hosted
			WHERE e.blob `+in+` AND u.state <> 'superseded' AND (u.state <> 'done' OR COALESCE(h.url, '') = '')) THEN '`+needNoURL+`'
		ELSE '' END`, args...).Scan(&why)
	return why, wrap("what bytes are needed for", err)
}

// among returns a condition on being one of refs, and the arguments before it with
// those refs after them.
func among(refs []blob.Ref, before ...any) (in string, args []any) {
	marks, args := make([]string, len(refs)), before
	for i, ref := range refs {
		args = append(args, string(ref))
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	return "IN (" + strings.Join(marks, ", ") + ")", args
}

// Copies returns, within a transaction, the pictures that uploads of the entries which
// name refs were done with, and that their hosts said to be these very bytes, and to
// stay: none that expires, awaits approval or is served from here, and none of which any
// row at that host says that it was or is to be deleted or replaced.
func (l *Ledger) Copies(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) (list []uploader.Hosted, err error) {
	in, args := among(refs, sum[:])
	err = each(ctx, tx, func(s *sql.Rows) error {
		h := uploader.Hosted{SHA256: sum}
		err := s.Scan(&h.ID, &h.Host, &h.Destination, &h.URL)
		list = append(list, h)
		return err
	}, `SELECT DISTINCT h.id, h.host, h.destination, h.url FROM entries e JOIN uploads u ON u.entry = e.id AND u.sha256 = $1 AND u.state = 'done'
		JOIN hosted h ON h.id = u.hosted WHERE e.blob `+in+` AND h.sha256 = $1 AND h.identical <> 0 AND h.prepared = '' AND h.url <> ''
		AND h.expires = 0 AND h.awaiting = 0 AND h.blob IS NULL AND h.deleted = 0 AND h.fate = ''
		AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.hosted = h.id AND d.state IN ('waiting', 'paused', 'deleting'))
		AND NOT EXISTS (SELECT 1 FROM hosted o LEFT JOIN deletions d ON d.hosted = o.id AND d.state IN ('waiting', 'paused', 'deleting')
			WHERE o.host = h.host AND o.remote = h.remote AND o.remote <> '' AND (o.deleted <> 0 OR o.fate <> '' OR d.id IS NOT NULL))
		ORDER BY h.id DESC`, args...)
	return list, err
}

// Elsewhere returns the pictures of these bytes at hosts from which they may be read,
// the likeliest first: the one with an id, whatever became of it, and others at hosts.
func (l *Ledger) Elsewhere(ctx context.Context, sum blob.Sum, id int64, hosts []string, now time.Time) (list []uploader.Hosted, err error) {
	args := []any{id, sum[:], nanos(now)}
	marks := []string{"''"}
	for _, host := range hosts {
		args = append(args, host)
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return each(ctx, tx, func(s *sql.Rows) error {
			h := uploader.Hosted{SHA256: sum}
			var deleted int64
			err := s.Scan(&h.ID, &h.Host, &h.Destination, &h.URL, &deleted)
			h.Deleted = moment(deleted)
			list = append(list, h)
			return err
		}, `SELECT id, host, destination, url, deleted FROM hosted WHERE blob IS NULL AND url <> '' AND (id = $1 OR host IN (`+strings.Join(marks, ", ")+`)
			AND sha256 = $2 AND identical <> 0 AND prepared = '' AND awaiting = 0 AND deleted = 0 AND (expires = 0 OR expires > $3))
			ORDER BY CASE WHEN id = $1 AND deleted = 0 THEN 0 ELSE 1 END, deleted, id DESC LIMIT 5`, args...)
	})
	return list, err
}
