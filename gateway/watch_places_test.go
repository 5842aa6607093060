package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWatchConfigSpelling: where the disk does not tell case, another spelling does not
// hide that a watched folder is the data directory or lies in it.
func TestWatchConfigSpelling(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "Data"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(filepath.Join(dir, "dATA"))
	for _, folder := range []string{"dATA", "dATA/in", "dATA/in/deep"} {
		text := fmt.Sprintf("data_dir = %q\n[[watch]]\nfolder = %q\ninto = '/in'\n", filepath.Join(dir, "Data"), filepath.Join(dir, filepath.FromSlash(folder)))
		_, wrong := loadConfig(writeConfig(t, text))
		if found := wrong != nil && strings.Contains(wrong.Error(), "must not lie in each other"); found != (err == nil) {
			t.Errorf("folder = %s, the disk tells case: %v: %v", folder, err != nil, wrong)
		}
	}
}
