package index

import (
	"context"
	"fmt"
	"strings"
	"time"

	"slipway/vfs"
)

// SlowCommits makes each commit take at least d, as on a slow disk, and tells of
// each.
func SlowCommits(db *Database, d time.Duration, tell func()) {
	db.commit = func(ctx context.Context, tx vfs.Tx) error {
		time.Sleep(d)
		tell()
		return commit(ctx, tx)
	}
}

// Plans returns how SQLite runs each question that was asked of db, by the question's
// text. Nobody else may be using db.
func Plans(ctx context.Context, db *Database) (map[string]string, error) {
	plans := make(map[string]string)
	for range cap(db.readers) {
		s := <-db.readers
		db.readers <- s
		if s == nil {
			continue
		}
		for query := range s.by {
			var err error
			if plans[query], err = s.plan(ctx, query); err != nil {
				return nil, fmt.Errorf("%s: %w", query, err)
			}
		}
	}
	return plans, nil
}

// plan returns how SQLite runs query, a step a line.
func (s *session) plan(ctx context.Context, query string) (string, error) {
	var args []any
	for strings.Contains(query, fmt.Sprintf("$%d", len(args)+1)) {
		args = append(args, nil)
	}
	rows, err := s.conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return "", err
		}
		plan.WriteString(step + "\n")
	}
	return plan.String(), rows.Err()
}
