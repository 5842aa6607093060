package webdav

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
	xdav "golang.org/x/net/webdav"
)

// discard is a ResponseWriter that counts.
type discard struct {
	header http.Header
	bytes  int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { d.bytes += len(p); return len(p), nil }

// BenchmarkPropfind lists 10,000 files of one folder on disk, by our handler and by
// that of golang.org/x/net/webdav in turn. Aim: 0.2 of its time.
func BenchmarkPropfind(b *testing.B) {
	const files = 10_000
	dir := b.TempDir()
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("IMG_20260101_%04d.jpg", i)), []byte("x"), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	tree := afero.NewReadOnlyFs(afero.NewBasePathFs(afero.NewOsFs(), dir))
	ours := New(Options{Prefix: "/dav", FS: func(*http.Request) (afero.Fs, error) { return tree, nil }})
	theirs := &xdav.Handler{Prefix: "/dav", FileSystem: xdav.Dir(dir), LockSystem: xdav.NewMemLS()}
	for _, body := range []struct{ name, text string }{
		{"allprop", ""},
		{"named", `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/><D:getlastmodified/><D:getetag/><D:resourcetype/><D:quota-used-bytes/></D:prop></D:propfind>`},
	} {
		b.Run(body.name, func(b *testing.B) {
			var took [2]time.Duration
			var sent [2]int
			b.ReportAllocs()
			for b.Loop() {
				for i, h := range []http.Handler{ours, theirs} {
					r, err := http.NewRequestWithContext(b.Context(), "PROPFIND", "/dav/", strings.NewReader(body.text))
					if err != nil {
						b.Fatal(err)
					}
					r.Header.Set("Depth", "1")
					w := &discard{header: http.Header{}}
					start := time.Now()
					h.ServeHTTP(w, r)
					took[i] += time.Since(start)
					sent[i] = w.bytes
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took[0].Seconds()*1000/float64(b.N), "ours-ms")
			b.ReportMetric(took[1].Seconds()*1000/float64(b.N), "x/net-ms")
			b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "ratio")
			b.ReportMetric(float64(sent[0])/files, "ours-B/entry")
			b.ReportMetric(float64(sent[1])/files, "x/net-B/entry")
		})
	}
}
