package property

import (
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

// numbered is a folder of n files, which remembers how many are asked for at a time.
type numbered struct {
	info  fs.FileInfo
	n     int
	asked []int
}

func (d *numbered) Readdir(n int) ([]fs.FileInfo, error) {
	d.asked = append(d.asked, n)
	n = min(n, d.n)
	if d.n -= n; n == 0 {
		return nil, io.EOF
	}
	infos := make([]fs.FileInfo, n)
	for i := range infos {
		infos[i] = d.info
	}
	return infos, nil
}

// TestListingPages: files are described in pages that grow, but not where their
// properties are large.
func TestListingPages(t *testing.T) {
	tree := fstest.MapFS{"a": {}}
	info, err := tree.Stat("a")
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]string{
		10:       "[63 128 256 500 500 500 500]",
		60 << 10: "[63 17 17 17 17 17", // some 1 MiB each
		4 << 20:  "[63 2 2 2 2",
	} {
		asked, err := davxml.ParsePropfind(nil)
		if err != nil {
			t.Fatal(err)
		}
		dir, value, most := &numbered{info: info, n: 1500}, strings.Repeat("x", size), 0
		if size > 1<<20 {
			dir.n = 80
		}
		l := &Listing{
			Query: NewQuery(asked, false), Source: source(), Out: multistatus.New(io.Discard), Path: "/", Href: "/",
			Fetch: func(infos []fs.FileInfo) ([]map[xml.Name]string, [][]Upload, error) {
				dead := make([]map[xml.Name]string, len(infos))
				for i := range dead {
					dead[i] = map[xml.Name]string{{Local: "x"}: value}
				}
				most = max(most, len(infos))
				return dead, nil, nil
			},
			Begin: func() {},
		}
		if err := l.Folder(info, dir); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(dir.asked); !strings.HasPrefix(got, want) || most > pageMax || dir.n != 0 {
			t.Errorf("with properties of %d bytes: %s, want %s…; at most %d", size, got, want, most)
		}
	}
}
