package blob_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"slipway/vfs/blob"
)

// plant puts a file where a blob drawn at that time would be.
func plant(t *testing.T, dir string, drawn time.Time) blob.Ref {
	t.Helper()
	ref := blob.NewRef(drawn)
	folder := filepath.Join(dir, "blobs", string(ref[24:]))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, string(ref)), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestSweepAfterACrash(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	// A process that is killed leaves a staged file; here its writer is forgotten.
	os.WriteFile(filepath.Join(dir, "staged", string(blob.NewRef(time.Now()))), pattern(10), 0o600)
	living := create(t, d)
	living.Write(pattern(100_000))
	limit := time.Now().Add(-time.Hour)
	orphan := plant(t, dir, limit.Add(-time.Second))
	known := plant(t, dir, limit.Add(-time.Second))
	young := plant(t, dir, limit.Add(time.Second))
	odd := filepath.Join(dir, "blobs", "README")
	os.WriteFile(odd, nil, 0o600)
	misplaced := filepath.Join(dir, "blobs", string(known[24:]), "notes.txt")
	os.WriteFile(misplaced, nil, 0o600)

	d, err := blob.NewDisk(dir, blob.DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mine := create(t, d)
	mine.Write(pattern(100_000))
	removed, err := d.Sweep(t.Context(), limit, func(_ context.Context, refs []blob.Ref) (map[blob.Ref]bool, error) {
		if slices.Contains(refs, young) {
			t.Error("asked about a young blob")
		}
		return map[blob.Ref]bool{known: true}, nil
	})
	if err != nil || removed != 3 { // the leftover, the other process's, the orphan
		t.Errorf("removed %d, %v; want 3", removed, err)
	}
	for ref, want := range map[blob.Ref]bool{orphan: false, known: true, young: true} {
		r, err := d.Open(t.Context(), ref)
		if (err == nil) != want {
			t.Errorf("%s: %v", ref, err)
		}
		if err == nil {
			r.Close()
		}
	}
	for _, name := range []string{odd, misplaced} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if info, err := mine.Commit(t.Context()); err != nil {
		t.Errorf("the sweep took a living writer's file: %v", err)
	} else {
		check(t, d, info, pattern(100_000))
	}
}

func TestSweepAsksInBatches(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	old := time.Now().Add(-48 * time.Hour)
	for range 1203 {
		plant(t, dir, old)
	}
	var asked []int
	removed, err := d.Sweep(t.Context(), time.Now(), func(_ context.Context, refs []blob.Ref) (map[blob.Ref]bool, error) {
		asked = append(asked, len(refs))
		return map[blob.Ref]bool{refs[0]: true}, nil
	})
	if err != nil || removed != 1200 || !slices.Equal(asked, []int{500, 500, 203}) {
		t.Errorf("removed %d, asked %v, %v", removed, asked, err)
	}
}

func TestSweepKeepsAllWhereNobodyKnows(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	ref := plant(t, dir, time.Now().Add(-48*time.Hour))
	down := errors.New("database is down")
	removed, err := d.Sweep(t.Context(), time.Now(), func(context.Context, []blob.Ref) (map[blob.Ref]bool, error) {
		return nil, down
	})
	if !errors.Is(err, down) || removed != 0 {
		t.Errorf("removed %d, %v", removed, err)
	}
	if r, err := d.Open(t.Context(), ref); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
}
