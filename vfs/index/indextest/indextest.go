// Package indextest opens databases for tests.
package indextest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"slipway/vfs/index"
)

// EnvPostgres names the environment variable with the address of a PostgreSQL
// server for tests; without it they try the local one.
const EnvPostgres = "SLIPWAY_TEST_POSTGRES"

const localPostgres = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"

// Each runs f on SQLite and on PostgreSQL, each empty.
func Each(t *testing.T, f func(t *testing.T, source string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns the path of a database that does not exist yet.
func SQLite(t testing.TB) string { return filepath.Join(t.TempDir(), "index.db") }

// Postgres returns the address of an empty schema, which goes with the test. The
// test is skipped where no server answers.
func Postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(EnvPostgres)
	if dsn == "" {
		dsn = localPostgres
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", dsn)
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		t.Skipf("no PostgreSQL server to test with (set %s): %v", EnvPostgres, err)
	}
	schema := "t" + rand.Text()
	if _, err := db.ExecContext(ctx, `CREATE SCHEMA "`+schema+`"`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec(`DROP SCHEMA "` + schema + `" CASCADE`); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", `"`+schema+`"`)
	u.RawQuery = q.Encode()
	return u.String()
}

// Open opens source, and closes it with the test.
func Open(t testing.TB, source string) *index.Database {
	t.Helper()
	db, err := index.Open(context.Background(), source, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
