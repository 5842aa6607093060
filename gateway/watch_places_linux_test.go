package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWatchConfigMounts: a second mount does not hide that a watched folder is the data
// directory, lies in it or has it in it.
func TestWatchConfigMounts(t *testing.T) {
	dir := t.TempDir()
	real, second := filepath.Join(dir, "real"), filepath.Join(dir, "second")
	for _, d := range []string{filepath.Join(real, "data", "blobs"), filepath.Join(real, "pictures"), second} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount(real, second, "", unix.MS_BIND, ""); err != nil {
		t.Log("left out: nothing can be mounted here: ", err)
		return
	}
	t.Cleanup(func() {
		if err := unix.Unmount(second, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		data, folder string
		overlap      bool
	}{
		{"real/data", "second/data", true},
		{"real/data", "second/data/blobs", true},
		{"real/data", "second/data/not/yet", true},
		{"real/data", "second", true},
		{"real/data/not/yet", "second/data", true},
		{"real/not/yet", "second/not", true},
		{"second/data", "real/data", true},
		{"second/data", "real", true},
		{"real/data", "second/pictures", false},
		{"real/data", "second/not/yet", false},
		{"real/not/yet", "second/not/here", false},
	} {
		text := fmt.Sprintf("data_dir = %q\n[[watch]]\nfolder = %q\ninto = '/in'\n", filepath.Join(dir, tt.data), filepath.Join(dir, tt.folder))
		_, err := loadConfig(writeConfig(t, text))
		if wrong := err != nil && strings.Contains(err.Error(), "must not lie in each other"); wrong != tt.overlap {
			t.Errorf("data_dir = %s, folder = %s: %v", tt.data, tt.folder, err)
		}
	}
}
