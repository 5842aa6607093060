package chevereto

import (
	"strings"
	"testing"

	"slipway/uploader/chevereto/cheveretotest"
)

// TestCheckLooksAtTheAlbum: an album_page that does not open is told before a reply is
// lost.
func TestCheckLooksAtTheAlbum(t *testing.T) {
	_, address := start(t, cheveretotest.Config{Albums: []string{"holiday"}})
	for page, told := range map[string]bool{"/album/holiday": false, "/nowhere": true} {
		notes, err := driver(t, Config{URL: address, AlbumPage: address + page}).Check(t.Context())
		if all := strings.Join(notes, "\n"); err != nil || strings.Contains(all, "public album") != told || strings.Contains(all, "Without album_page") {
			t.Errorf("%s: %v, %s", page, err, all)
		}
	}
}
