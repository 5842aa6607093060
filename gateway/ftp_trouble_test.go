package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/uploader/whole/wholetest"
	"slipway/vfs/blob"
)

// TestFTPDiskTrouble: where the gateway's own folder is gone, a client hears that
// its path is not to blame, and nothing stands there.
func TestFTPDiskTrouble(t *testing.T) {
	g := startFTP(t, "")
	c := g.dial()
	data := wholetest.JPEG(2048, 2048, 1)
	if len(data) <= blob.InlineMax {
		t.Fatalf("%d bytes need no file", len(data))
	}
	staged := filepath.Join(g.app.settings.Load().config.dataDir(), "staged")
	if err := os.Rename(staged, staged+".away"); err != nil {
		t.Fatal(err)
	}
	err := c.Put(dsc, data)
	if err == nil || !strings.Contains(err.Error(), "trouble with its disk") || strings.Contains(err.Error(), staged) {
		t.Errorf("the client hears %v", err)
	}
	if err := os.Rename(staged+".away", staged); err != nil {
		t.Fatal(err)
	}
	g.put(c, dsc, data)
	g.holds(c, dsc, data)
}
