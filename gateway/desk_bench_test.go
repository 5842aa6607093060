package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/vfs"
)

// BenchmarkDesk answers what the page asks first, with 1,000,000 uploads, or as many
// as SLIPWAY_BENCH_FILES says, in the database; on PostgreSQL where
// SLIPWAY_BENCH_POSTGRES is the address of one.
func BenchmarkDesk(b *testing.B) {
	n := 1_000_000
	if few, err := strconv.Atoi(os.Getenv("SLIPWAY_BENCH_FILES")); err == nil {
		n = few
	}
	text := "[web]\nlisten = \"\"\n[ftp]\nlisten = \"\"\n[[user]]\nname = \"root\"\npassword = \"env:PASSWORD\"\n" +
		"[destination.one]\ndriver = \"local\"\n[[route]]\npath = \"/{rest...}\"\nto = [\"one\"]\n"
	env := map[string]string{"PASSWORD": "correct-horse", "DSN": os.Getenv("SLIPWAY_BENCH_POSTGRES")}
	if env["DSN"] != "" {
		text += "[storage]\nindex = \"env:DSN\"\n"
	}
	c, err := loadConfig(writeConfig(b, text))
	if err != nil {
		b.Fatal(err)
	}
	p := program{version: "test", stderr: io.Discard, getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	a, err := openApp(b.Context(), p.options(c))
	if err != nil {
		b.Fatal(err)
	}
	defer a.close()
	a.fill(b, n)
	root := a.desk(auth.User{Name: "root", Home: "/", Rights: auth.Full}, annsAddress, doorPage)
	home := a.desk(auth.User{Name: "ann", Home: "/home3", Rights: auth.Full}, annsAddress, doorPage)
	for _, ask := range []struct {
		name string
		do   func() error
	}{
		{"list", func() error { return found(root.Find(b.Context(), operate.Query{})) }},
		{"list of a home", func() error { return found(home.Find(b.Context(), operate.Query{})) }},
		{"search", func() error { return found(root.Find(b.Context(), operate.Query{Text: "zugspitze"})) }},
		{"search in a home", func() error { return found(home.Find(b.Context(), operate.Query{Text: "img"})) }},
		{"filter", func() error { return found(root.Find(b.Context(), operate.Query{States: []string{"failed"}})) }},
		{"destinations", func() error { return all(root.Destinations(b.Context())) }},
		{"destinations of a home", func() error { return all(home.Destinations(b.Context())) }},
		{"folder", func() error {
			page, err := root.Files(b.Context(), "/home3/trip3", "", 100)
			if err == nil && len(page.Entries) != 100 {
				err = fmt.Errorf("%d files", len(page.Entries))
			}
			return err
		}},
	} {
		b.Run(ask.name, func(b *testing.B) {
			var slowest time.Duration
			for b.Loop() {
				began := time.Now()
				if err := ask.do(); err != nil {
					b.Fatal(err)
				}
				slowest = max(slowest, time.Since(began))
			}
			b.ReportMetric(ms(slowest), "slowest-ms")
		})
	}
}

func found(p operate.UploadPage, err error) error {
	if err == nil && len(p.Uploads) == 0 {
		err = fmt.Errorf("nothing is found")
	}
	return err
}

func all(list []operate.Destination, err error) error {
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("there are none")
	}
	return err
}

// fill makes n files, 1,000 in each folder of ten homes, each with an upload.
func (a *app) fill(b *testing.B, n int) {
	number := func(last int) string {
		return fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", last)
	}
	sum := "CAST(printf('%032d', i) AS BLOB)"
	if a.db.Postgres() {
		sum = "CAST(lpad(CAST(i AS TEXT), 32, '0') AS BYTEA)"
	}
	const entry = "INSERT INTO entries (id, parent, name, key, dir, inline, size, type, sha256, modified, created) SELECT "
	name := "'IMG_' || i || CASE WHEN i = 123 THEN '_Zugspitze' ELSE '' END || '.jpg'"
	for _, query := range []string{
		number(9) + entry + "10 + i, 1, 'home' || i, 'home' || i, 1, 0, 0, '', NULL, 0, 0 FROM n",
		number(n/1000-1) + entry + "1000 + i, 10 + i % 10, 'trip' || i, 'trip' || i, 1, 0, 0, '', NULL, 0, 0 FROM n",
		number(n-1) + entry + "10000000 + i, 1000 + i / 1000, " + name + ", " + name + ", 0, 1, 1, 'image/jpeg', " + sum + ", 0, 0 FROM n",
		number(n-1) + `INSERT INTO uploads (id, key, entry, destination, host, sha256, inline, size, type, path, ord, state, due, created, changed, since, dir)
			SELECT 1 + i, '', 10000000 + i, 'one', 'local', ` + sum + `, 1, 1, 'image/jpeg', '/home' || (i / 1000 % 10) || '/trip' || (i / 1000) || '/' || ` + name +
			`, 0, CASE WHEN i < 50 THEN 'failed' ELSE 'done' END, 0, 1, 1700000000000000000 + CAST(i AS BIGINT) * 1000000, 1, 1000 + i / 1000 FROM n`,
	} {
		err := a.db.Write(b.Context(), func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if a.db.Postgres() { // as it does by itself after a while
		err := a.db.Write(b.Context(), func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "ANALYZE entries, uploads")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.ledger.Run(ctx) }()
	for indexed := 0; indexed < n; time.Sleep(100 * time.Millisecond) {
		err := a.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
			return tx.QueryRow(ctx, "SELECT upload FROM indexed").Scan(&indexed)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
