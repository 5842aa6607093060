package main

import (
	"testing"

	"slipway/uploader"
)

// TestLateOnlyWhileOwed: an upload that a replay owed is not owed by it once it is done.
func TestLateOnlyWhileOwed(t *testing.T) {
	for state, want := range map[uploader.State]bool{uploader.Settling: true, uploader.Failed: true, uploader.Done: false, uploader.Superseded: false} {
		if got := shown(uploader.Upload{State: state, Late: true}).Late; got != want {
			t.Errorf("%s: %v", state, got)
		}
	}
}
