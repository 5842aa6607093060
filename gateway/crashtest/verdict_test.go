package crashtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/gateway/operate"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

// row is what an upload is about.
type row struct{ path, destination, sha256 string }

// checkUploads compares the receipts with what the hosts have.
func (r *run) checkUploads(uploads []operate.Upload) {
	atCMS, atChev := r.stored()
	present := map[row]operate.Upload{}
	owed := map[row]bool{}
	ends := map[string]int{}
	for _, u := range uploads {
		owed[row{destination: u.Destination, sha256: u.SHA256}] = true
		if u.Present {
			present[row{u.Path, u.Destination, u.SHA256}] = u
		}
	}
	for _, c := range r.clients {
		for _, s := range c.made {
			for _, d := range []string{"cms", "chev"} {
				if s.acked && !owed[row{destination: d, sha256: s.SHA256}] {
					r.t.Errorf("%s was acknowledged, and nothing was ever owed to %s for it", s.ID, d)
				}
			}
		}
		for p, picture := range c.now {
			cms, chev := present[row{p, "cms", picture.SHA256}], present[row{p, "chev", picture.SHA256}]
			if cms.State != "done" || cms.URL == "" || atCMS[picture.MD5] != 1 {
				r.t.Errorf("%s at the idempotent host: %s, and stored %d times", p, end(cms), atCMS[picture.MD5])
			}
			ends[r.checkOther(c.made[picture.MD5], p, chev, atChev[picture.SHA256])]++
		}
	}
	r.t.Logf("%d files; at the host that is not idempotent: %v", len(present)/2, ends)
}

// checkOther judges an upload to the host that refuses repeats without saying
// where the first one is.
func (r *run) checkOther(s *sent, path string, u operate.Upload, stored int) string {
	how := end(u)
	well := false
	switch {
	case u.State == "done" && u.URL != "", u.State == "done" && u.Reason == "no-url":
		well = stored == 1
	case u.State == "held" && u.Reason == "duplicate-elsewhere":
		// Only bytes that another entry had as well cannot be explained.
		well = stored == 1 && s.shared
	case u.State == "ambiguous":
		well = stored <= 1
	}
	if !well {
		r.t.Errorf("%s at the host that is not idempotent: %s, and stored %d times", path, how, stored)
	}
	if u.URL != "" {
		return "done with a URL"
	}
	return how
}

// end says how an upload stands.
func end(u operate.Upload) string {
	if u.State == "" {
		return "no receipt"
	}
	return strings.TrimRight(u.State+" "+u.Reason+" "+u.Error, " ")
}

// stored returns how often each host has each picture, by MD5 and by SHA-256, and
// judges what must hold whatever became of the file: nothing torn, nothing twice.
func (r *run) stored() (atCMS, atChev map[string]int) {
	known := map[string]string{}
	for _, c := range r.clients {
		for md5, s := range c.made {
			known[md5], known[s.SHA256] = s.ID, s.ID
		}
	}
	atCMS, atChev = map[string]int{}, map[string]int{}
	for _, f := range r.hosts.cms.Stored() {
		atCMS[f.MD5]++
	}
	for _, p := range r.hosts.chev.Stored() {
		atChev[p.SHA256]++
	}
	for host, sums := range map[string]map[string]int{"the idempotent host": atCMS, "the other host": atChev} {
		for sum, n := range sums {
			if known[sum] == "" {
				r.t.Errorf("%s has bytes that nobody put: a torn file", host)
			}
			if n > 1 {
				r.t.Errorf("%s has the picture of %s %d times", host, known[sum], n)
			}
		}
	}
	return atCMS, atChev
}

// checkData looks at the data directory of a program that has stopped.
func (r *run) checkData() {
	r.checkDatabase()
	staged, err := os.ReadDir(filepath.Join(r.options.DataDir, "staged"))
	if err != nil || len(staged) > 0 {
		r.t.Errorf("staged files are left: %d, %v", len(staged), err)
	}
	db, err := index.Open(context.Background(), r.database(), index.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	store, err := blob.NewDisk(r.options.DataDir, blob.DiskOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	before := r.blobFiles()
	collector := index.Collector{DB: db, Store: store, Clock: time.Now}
	// A day later: ids younger than that belong to transactions that may yet come.
	removed, err := store.Sweep(context.Background(), time.Now().Add(time.Hour), collector.Known)
	if err != nil {
		r.t.Fatal(err)
	}
	want := r.blobRows()
	if got := r.blobFiles(); !slices.Equal(got, want) {
		r.t.Errorf("after the sweep there are %d files of blobs for %d rows", len(got), len(want))
	}
	doubts := 0
	for _, c := range r.clients {
		doubts += c.counts.large
	}
	waste := removed - r.count("SELECT count(*) FROM trash")
	r.t.Logf("%d files of blobs, of which %d belong to nothing (%d large files were in flight at kills)", len(before), waste, doubts)
	if waste > doubts {
		r.t.Errorf("%d files of blobs belong to nothing; at most %d uploads were cut off at that point", waste, doubts)
	}
}

func (r *run) database() string { return filepath.Join(r.options.DataDir, "index.db") }

// checkDatabase asks SQLite whether the file is sound.
func (r *run) checkDatabase() {
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		r.t.Errorf("the database is damaged: %q, %v", verdict, err)
	}
	for what, query := range map[string]string{
		"rows that refer to nothing":        "SELECT count(*) FROM pragma_foreign_key_check",
		"uploads that somebody still sends": "SELECT count(*) FROM uploads WHERE state = 'sending'",
		"trees that were not expanded":      "SELECT count(*) FROM reroutes",
	} {
		if n := r.count(query); n != 0 {
			r.t.Errorf("%s: %d", what, n)
		}
	}
}

func (r *run) count(query string) (n int) {
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// blobRows returns the blobs that the database says are files, after reading each
// and comparing its hash.
func (r *run) blobRows() (refs []string) {
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT ref, sha256 FROM blobs WHERE bytes IS NULL ORDER BY ref")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ref string
		var want []byte
		if err := rows.Scan(&ref, &want); err != nil {
			r.t.Fatal(err)
		}
		refs = append(refs, ref)
		b, err := os.ReadFile(filepath.Join(r.options.DataDir, "blobs", ref[len(ref)-2:], ref))
		if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != hex.EncodeToString(want) {
			r.t.Errorf("the bytes of blob %s are not what the database says: %v", ref, err)
		}
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return refs
}

// blobFiles returns the blobs that are on the disk.
func (r *run) blobFiles() (refs []string) {
	err := filepath.WalkDir(filepath.Join(r.options.DataDir, "blobs"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			refs = append(refs, d.Name())
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(refs)
	return refs
}
