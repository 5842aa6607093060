package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/ledger"
	"slipway/uploader/local"
	"slipway/uploader/metadata"
	"slipway/uploader/splice"
	"slipway/uploader/whole/wholetest"
	"slipway/vfs/blob"
)

// located returns a JPEG that says where it was taken, and how it lies.
func located(w, h, lies int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08")
	entry := func(tag, kind uint16, count uint32, value []byte) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		b = append(b, value...)
	}
	b = append(b, 0, 3)
	entry(0x010f, 2, 4, []byte("Sli\x00"))
	entry(0x0112, 3, 1, []byte{0, byte(lies), 0, 0})
	entry(0x8825, 4, 1, []byte{0, 0, 0, 8 + 2 + 36 + 4})
	b = append(b, 0, 0, 0, 0, 0, 4)
	const values = 8 + 2 + 36 + 4 + 2 + 48 + 4
	entry(1, 2, 2, []byte("N\x00\x00\x00"))
	entry(2, 5, 3, []byte{0, 0, 0, values})
	entry(3, 2, 2, []byte("E\x00\x00\x00"))
	entry(4, 5, 3, []byte{0, 0, 0, values + 24})
	b = append(b, 0, 0, 0, 0)
	for _, v := range []uint32{48, 1, 51, 1, 30, 1, 2, 1, 17, 1, 40, 1} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	segment := append([]byte("Exif\x00\x00"), b...)
	data := wholetest.JPEG(w, h, 77)
	return slices.Concat(data[:2], []byte{0xff, 0xe1, 0, byte(2 + len(segment))}, segment, data[2:])
}

// preparing is a gateway with routes that strip and rotate.
type preparing struct {
	*ingestGateway
	t   *testing.T
	cms *anqicmstest.Server
}

func startPreparing(t *testing.T) *preparing {
	cms := anqicmstest.New(anqicmstest.Config{Token: "token", KeepBytes: true})
	server := httptest.NewServer(cms)
	t.Cleanup(func() { cms.Close(); server.CloseClientConnections(); server.Close() })
	more := fmt.Sprintf(`
[destination.home]
driver = "local"
[destination.cms]
driver = "anqicms"
url = %q
token = "token"
[[route]]
path = "/gps/{rest...}"
to = ["host"]
strip = "gps"
[[route]]
path = "/all/{rest...}"
to = ["host"]
strip = "all"
[[route]]
path = "/home/{rest...}"
to = ["home"]
strip = "gps"
[[route]]
path = "/cms/{rest...}"
to = ["cms"]
strip = "gps"
rotate = true
`, server.URL)
	return &preparing{startIngestWith(t, 10*time.Millisecond, more, nil), t, cms}
}

// do makes a request and returns the answer's body.
func (p *preparing) do(method, address string, body []byte) []byte {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.SetBasicAuth(ingestUser, ingestPassword)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s %v", method, address, resp.Status, err)
	}
	return data
}

// put stores a file and returns what came of it.
func (p *preparing) put(name string, data []byte) uploader.Upload {
	p.t.Helper()
	p.do("PUT", p.dav()+name, data)
	changed, cancel := p.app.ledger.Watch()
	defer cancel()
	for end := time.After(patience); ; {
		us, err := p.app.ledger.List(p.t.Context(), ledger.Filter{Prefix: name})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(us) == 1 && us[0].State != uploader.Settling && us[0].State != uploader.Sending {
			if got := p.do("GET", p.dav()+name, nil); !bytes.Equal(got, data) {
				p.t.Errorf("%s: what is kept here was altered", name)
			}
			return us[0]
		}
		select {
		case <-changed:
		case <-end:
			p.t.Fatalf("%s is still on its way: %+v", name, us)
		}
	}
}

// tells returns what a picture says of itself.
func tells(t *testing.T, data []byte) map[string]string {
	t.Helper()
	m, err := metadata.Read(t.Context(), bytes.NewReader(data), "image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestStripBeforeSending(t *testing.T) {
	p := startPreparing(t)
	photo := located(64, 48, 6)
	if tells(t, photo)["gps.lat"] == "" {
		t.Fatal("the sample says nothing of a place")
	}
	plain, gps, all := p.put("/in/a.jpg", photo), p.put("/gps/a.jpg", photo), p.put("/all/a.jpg", photo)
	again := p.put("/gps/b.jpg", photo)
	sent := p.site.Stored()
	if len(sent) != 3 || again.Reason != uploader.ReasonReused || again.Picture.URL != gps.Picture.URL {
		t.Fatalf("%d pictures were sent; the second of /gps is %s (%s)", len(sent), again.State, again.Reason)
	}
	for i, want := range []struct {
		upload         uploader.Upload
		how, lat, made string
	}{{plain, "", "48.858333", "Sli"}, {gps, "strip=gps", "", "Sli"}, {all, "strip=all", "", ""}} {
		got := tells(t, sent[i].Bytes)
		if got["gps.lat"] != want.lat || got["exif.Make"] != want.made || got["exif.Orientation"] != "6" {
			t.Errorf("picture %d tells %v", i, got)
		}
		if want.upload.State != uploader.Done || want.upload.Picture.Prepared != want.how || want.upload.Picture.Identical != (want.how == "") {
			t.Errorf("picture %d: %+v", i, want.upload.Picture)
		}
	}
}

// The pictures that the gateway serves itself have no copy: they are stripped as they
// are read.
func TestStripOfOwnPictures(t *testing.T) {
	p := startPreparing(t)
	u := p.put("/home/a.jpg", located(64, 48, 1))
	if u.State != uploader.Done {
		t.Fatalf("%+v", u)
	}
	data := p.Host(t, u.Picture.URL)
	if got := tells(t, data); got["gps.lat"] != "" || got["exif.Make"] != "Sli" {
		t.Errorf("it tells %v", got)
	}
	if bytes.Contains(data, []byte{0, 0, 0, 48, 0, 0, 0, 1}) {
		t.Error("the degrees are in its bytes")
	}
}

func TestHeldWhatCannotBeStripped(t *testing.T) {
	p := startPreparing(t)
	movie := wholetest.MP4(32, 32, 1)
	i := bytes.Index(movie, []byte("vide"))
	copy(movie[i:], "camm") // what it measures while it films
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
	for name, data := range map[string][]byte{"/gps/a.mp4": movie, "/home/b.svg": svg} {
		u := p.put(name, data)
		if u.State != uploader.Held || u.Reason != uploader.ReasonStrip || u.Error == "" || u.Remedy == "" {
			t.Errorf("%s: %s (%s) %q", name, u.State, u.Reason, u.Error)
		}
		t.Log(u.Error)
	}
	text := p.put("/home/c.txt", []byte("no picture"))
	if text.State != uploader.Done || len(text.Notes) != 1 || !strings.Contains(text.Notes[0], "sent as it is") {
		t.Errorf("a text: %s, %q", text.State, text.Notes)
	}
	if n := p.site.Count(); n != 0 {
		t.Errorf("%d were sent", n)
	}
}

func TestRotateBeforeSending(t *testing.T) {
	p := startPreparing(t)
	u := p.put("/cms/a.jpg", located(64, 48, 6))
	if u.State != uploader.Done || u.Picture.Prepared != "strip=gps rotate=6" {
		t.Fatalf("%s (%s) %q, %+v", u.State, u.Reason, u.Error, u.Picture)
	}
	odd := p.put("/cms/odd.jpg", located(65, 47, 6))
	if odd.State != uploader.Done || odd.Picture.Prepared != "strip=gps" || len(odd.Notes) != 1 || !strings.Contains(odd.Notes[0], "lossless") && !strings.Contains(odd.Notes[0], "without loss") {
		t.Errorf("%s %q %+v", odd.State, odd.Notes, odd.Picture)
	}
	sizes := []image.Point{{48, 64}, {65, 47}}
	for i, f := range p.cms.Stored() {
		c, _, err := image.DecodeConfig(bytes.NewReader(f.Stored))
		if err != nil || c.Width != sizes[i].X || c.Height != sizes[i].Y {
			t.Errorf("%s: %d by %d, %v", f.Name, c.Width, c.Height, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(p.app.settings.Load().config.dataDir(), "prepared", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	var receipt struct{ Uploads []struct{ Notes []string } }
	if err := json.Unmarshal(p.do("GET", p.dav()+"/cms/odd.jpg.json", nil), &receipt); err != nil || len(receipt.Uploads) != 1 || len(receipt.Uploads[0].Notes) != 1 {
		t.Errorf("the receipt says %+v, %v", receipt, err)
	}
}

// What a crash left behind goes at the next start; what is in use stays readable.
func TestSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prepared")
	s := openSpool(dir)
	f, err := s.file(func(w io.Writer) error { _, err := io.WriteString(w, "bytes"); return err })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1.part"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	openSpool(dir)
	for range 2 {
		r, err := f.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); string(b) != "bytes" || err != nil || r.Close() != nil || f.Size() != 5 {
			t.Errorf("%q, %v", b, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := s.file(func(io.Writer) error { return io.ErrShortWrite }); err == nil {
		t.Error("a failed write passes")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A picture that is asked for again is not searched again, whatever was asked for
// meanwhile; what is served under one route's address is not taken for another's.
func TestCuts(t *testing.T) {
	data := located(64, 48, 6)
	opened := 0
	served := local.Served{Type: "image/jpeg", Size: int64(len(data)), SHA256: sha256.Sum256(data), Open: func(context.Context) (io.ReadSeekCloser, error) {
		opened++
		return struct {
			io.ReadSeeker
			io.Closer
		}{bytes.NewReader(data), io.NopCloser(nil)}, nil
	}}
	c := newCuts()
	tags := map[blob.Sum]bool{served.SHA256: true}
	for _, how := range []string{"strip=gps", "strip=all"} {
		var first []byte
		for range 3 {
			s, err := c.asSent(t.Context(), served, how)
			if err != nil {
				t.Fatal(err)
			}
			tags[s.SHA256] = true
			r, err := s.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil || int64(len(b)) != s.Size || first != nil && !bytes.Equal(b, first) || tells(t, b)["gps.latitude"] != "" || bytes.Equal(b, data) {
				t.Errorf("%s: %d bytes of %d, %v", how, len(b), s.Size, err)
			}
			first = b
		}
	}
	if opened != 8 || len(tags) != 3 { // to be searched, and three times to be read
		t.Errorf("opened %d times, %d tags", opened, len(tags))
	}
	for i := range 3 * maxCuts {
		if _, err := c.of(sha256.Sum256([]byte{byte(i), byte(i >> 8)}), func() ([]splice.Edit, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.by) > maxCuts {
		t.Errorf("%d are remembered", len(c.by))
	}
	if _, err := c.asSent(t.Context(), served, "strip=moon"); err == nil {
		t.Error("what nobody knows is served")
	}
}
