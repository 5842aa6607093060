package blob_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"slipway/vfs/blob"
)

func TestRefKeepsTimeAndSortsByIt(t *testing.T) {
	times := []time.Time{
		time.UnixMilli(0),
		time.UnixMilli(1),
		time.Date(2024, 2, 29, 23, 59, 59, 999e6, time.UTC),
		time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		time.Date(2026, 7, 1, 12, 0, 0, 1e6, time.UTC),
		time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	var refs []blob.Ref
	for _, want := range times {
		ref := blob.NewRef(want)
		got, err := ref.Time()
		if err != nil || !got.Equal(want) {
			t.Errorf("%s.Time() = %v, %v; want %v", ref, got, err, want)
		}
		refs = append(refs, ref)
	}
	if !slices.IsSorted(refs) {
		t.Errorf("not in the order of their times: %q", refs)
	}
	shuffled := slices.Clone(refs)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	slices.Sort(shuffled)
	if !slices.Equal(shuffled, refs) {
		t.Errorf("sorted to %q", shuffled)
	}
}

func TestRefsAreUnique(t *testing.T) {
	now := time.Now()
	seen := make(map[blob.Ref]bool)
	for range 10_000 {
		ref := blob.NewRef(now)
		if seen[ref] {
			t.Fatalf("%s twice", ref)
		}
		seen[ref] = true
	}
}

func TestMalformedRefs(t *testing.T) {
	good := string(blob.NewRef(time.Now()))
	for _, s := range []string{
		"", "x", good + "0", good[1:], "../../../../../etc/passwd0", "u" + good[1:],
		good[:25] + "/", good[:25] + ".", good[:25] + "U", good[:24] + "é",
	} {
		if _, err := blob.Ref(s).Time(); !errors.Is(err, blob.ErrBadRef) {
			t.Errorf("Ref(%q).Time: %v", s, err)
		}
	}
}
