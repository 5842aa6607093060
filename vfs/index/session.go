package index

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"

	"github.com/jackc/pgx/v5/stdlib"
)

//go:embed migrations
var migrationFiles embed.FS

// session is a vfs.Tx on one connection, which keeps what was prepared by its
// text: preparing costs SQLite more than most of our statements do. pgx keeps its
// own. It is used by one goroutine at a time.
type session struct {
	conn *sql.Conn
	by   map[string]*sql.Stmt // nil where the driver keeps its own
}

func newSession(ctx context.Context, db *sql.DB, keep bool) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	if keep {
		s.by = make(map[string]*sql.Stmt)
	}
	return s, nil
}

// prepared returns query prepared, or nil where it is to be run as text, which
// also gives its error in the right place.
func (s *session) prepared(ctx context.Context, query string) *sql.Stmt {
	if s.by == nil {
		return nil
	}
	if stmt := s.by[query]; stmt != nil {
		return stmt
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	s.by[query] = stmt
	return stmt
}

func (s *session) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := s.prepared(ctx, query); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return s.conn.ExecContext(ctx, query, args...)
}

func (s *session) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := s.prepared(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return s.conn.QueryContext(ctx, query, args...)
}

func (s *session) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := s.prepared(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return s.conn.QueryRowContext(ctx, query, args...)
}

// lost reports whether the connection to a PostgreSQL server is gone.
func (s *session) lost() bool {
	open := false
	err := s.conn.Raw(func(c any) error {
		pg, ok := c.(*stdlib.Conn)
		open = ok && !pg.Conn().IsClosed()
		return nil
	})
	return err != nil || !open
}

// drop closes the connection for good: it may hold a broken transaction.
func (s *session) drop() {
	for _, stmt := range s.by {
		stmt.Close()
	}
	s.conn.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // its purpose
	s.conn.Close()
}
