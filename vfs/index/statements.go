package index

import (
	"context"
	"database/sql"
	"embed"
	"sync"
)

//go:embed migrations
var migrationFiles embed.FS

var migrations = mustSub(migrationFiles, "migrations")

// statements keeps what was prepared, by its text: preparing costs SQLite more
// than most of our statements do. pgx keeps its own.
type statements struct {
	db   *sql.DB
	keep bool
	mu   sync.RWMutex
	by   map[string]*sql.Stmt
}

func newStatements(db *sql.DB, keep bool) *statements {
	return &statements{db: db, keep: keep, by: make(map[string]*sql.Stmt)}
}

// get returns query prepared, or nil where it is to be run as text.
func (s *statements) get(ctx context.Context, query string) *sql.Stmt {
	if !s.keep {
		return nil
	}
	s.mu.RLock()
	stmt := s.by[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt
	}
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it as text gives the error in its place
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.by[query]; other != nil {
		stmt.Close()
		return other
	}
	s.by[query] = stmt
	return stmt
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.by {
		stmt.Close()
	}
	clear(s.by)
}

// readTx is a vfs.Tx on a snapshot.
type readTx struct {
	tx         *sql.Tx
	statements *statements
}

func (t readTx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, query, args...)
}

func (t readTx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.statements.get(ctx, query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, query, args...)
}

func (t readTx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.statements.get(ctx, query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	}
	return t.tx.QueryRowContext(ctx, query, args...)
}

// writeTx is a vfs.Tx on the writing connection, inside BEGIN … COMMIT.
type writeTx struct {
	conn *sql.Conn
	by   map[string]*sql.Stmt // nil where the driver keeps its own
}

func (t writeTx) prepared(ctx context.Context, query string) *sql.Stmt {
	if t.by == nil {
		return nil
	}
	if stmt := t.by[query]; stmt != nil {
		return stmt
	}
	stmt, err := t.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	t.by[query] = stmt
	return stmt
}

func (t writeTx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.prepared(ctx, query); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return t.conn.ExecContext(ctx, query, args...)
}

func (t writeTx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.prepared(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return t.conn.QueryContext(ctx, query, args...)
}

func (t writeTx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.prepared(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return t.conn.QueryRowContext(ctx, query, args...)
}
