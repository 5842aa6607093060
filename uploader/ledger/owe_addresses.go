package ledger

import (
	"context"
	"database/sql"
	"slices"

	"slipway/uploader"
	"slipway/vfs"
)

// Address is where a file's bytes are at a destination, or how far their upload is.
type Address struct {
	Destination            string
	State                  uploader.State
	Present                bool // they are the file's present bytes
	Gone                   bool // deleted by us, expired, or its address shows other bytes
	URL, Viewer, Thumbnail string
}

// Addresses returns what is known of files at some destinations, by file: of present
// bytes first, then of earlier ones, the latest first.
func (l *Ledger) Addresses(ctx context.Context, files []vfs.ID, destinations ...string) (map[vfs.ID][]Address, error) {
	found := make(map[vfs.ID][]Address)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		for ids := range slices.Chunk(files, 100) {
			list, args := in(ids, nanos(now))
			err := each(ctx, tx, func(s *sql.Rows) error {
				var a Address
				var file vfs.ID
				var present, gone int64
				if err := s.Scan(&file, &a.Destination, &a.State, &present, &gone, &a.URL, &a.Viewer, &a.Thumbnail); err != nil {
					return err
				}
				if a.Present, a.Gone = present != 0, gone != 0; slices.Contains(destinations, a.Destination) {
					found[file] = append(found[file], a)
				}
				return nil
			}, `SELECT e.id, u.destination, u.state, CASE WHEN e.sha256 = u.sha256 THEN 1 ELSE 0 END AS present,
				CASE WHEN h.deleted <> 0 OR h.fate IN ('deleting', 'replaced') OR h.expires <> 0 AND h.expires <= $1 THEN 1 ELSE 0 END,
				COALESCE(h.url, ''), COALESCE(h.viewer_url, ''), COALESCE(h.thumbnail_url, '')
				FROM entries e JOIN uploads u ON u.entry = e.id LEFT JOIN hosted h ON h.id = u.hosted
				WHERE e.id IN `+list+` ORDER BY e.id, present DESC, u.id DESC`, args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, wrap("addresses", err)
}
