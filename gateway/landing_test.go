package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/ledger"
	"slipway/uploader/whole/wholetest"
	"slipway/vfs/blob"
)

// landing is one run of what a client sends, in a folder of its own, and what is to
// come of it, at the host and in the tree. It looks through WebDAV.
type landing struct {
	*testing.T
	run    string // its name, which no other has
	g      *ingestGateway
	dir    string            // its folder, in the tree
	vars   map[string]string // what {name} stands for
	bodies map[string]string // bytes with a name
	plain  *davClient        // without the habits of any client

	host  []arrival // what is to reach the host
	shown []arrival // what is there at the end, with a receipt
	holds []arrival // what is there at the end, and was not sent
	gone  []string  // what is not there at the end
}

// arrival is a file, by its path in the tree, and its bytes.
type arrival struct {
	path string
	data []byte
}

// begin makes the run's folder.
func (r *landing) begin(t *testing.T) {
	t.Helper()
	r.T = t
	r.plain = newDAVClient(t, "http://"+r.g.app.address("web")+davPrefix, ingestUser, ingestPassword)
	r.must(r.plain.Mkdir(r.dir))
}

func (r *landing) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// at returns the path of a name in the run's folder.
func (r *landing) at(name string) string { return path.Join(r.dir, unescape(r.fill(name))) }

// verb does what a line says that is no part of the conversation.
func (r *landing) verb(word string, args []string) {
	r.Helper()
	name := r.at(args[0])
	a := arrival{path: name}
	if len(args) == 2 {
		a.data = r.bytes(args[1])
	}
	switch word {
	case "given":
		if _, err := r.plain.List(path.Dir(name)); errors.Is(err, fs.ErrNotExist) {
			r.must(r.plain.Mkdir(path.Dir(name)))
		}
		r.must(r.plain.Put(name, a.data))
		r.host = append(r.host, a)
		r.awaitSent(name)
	case "sent":
		r.awaitSent(name)
	case "unsent":
		r.unsent(name)
	case "upload":
		r.host = append(r.host, a)
		r.shown = append(r.shown, a)
	case "uploaded":
		r.host = append(r.host, a)
	case "stays":
		r.shown = append(r.shown, a)
	case "holds":
		r.holds = append(r.holds, a)
	case "absent":
		r.gone = append(r.gone, name)
	}
}

// awaitSent waits until nothing of a file is on its way any more.
func (r *landing) awaitSent(name string) {
	r.Helper()
	changed, cancel := r.g.app.ledger.Watch()
	defer cancel()
	end := time.After(patience)
	for {
		u := r.uploadOf(name)
		if u.State == uploader.Done {
			return
		}
		select {
		case <-changed:
		case <-end:
			r.Fatalf("the upload of %s is still %q (%s)", name, u.State, u.Reason)
		}
	}
}

// uploadOf returns the upload of a file's present bytes.
func (r *landing) uploadOf(name string) (found uploader.Upload) {
	r.Helper()
	for _, u := range r.uploads() {
		if u.Path == name && u.Present {
			found = u
		}
	}
	return found
}

// uploads returns what the gateway owes and owed for the run's folder.
func (r *landing) uploads() []uploader.Upload {
	r.Helper()
	us, err := r.g.app.ledger.List(r.Context(), ledger.Filter{Prefix: r.dir})
	r.must(err)
	return us
}

// unsent looks that a file is not sent although its quiet time is over: another one
// that came after it is there already.
func (r *landing) unsent(name string) {
	marker := arrival{r.at("marker-" + fmt.Sprint(len(r.host)) + ".jpg"), r.bytes(fmt.Sprintf("marker %d.jpg", len(r.host)))}
	r.must(r.plain.Put(marker.path, marker.data))
	r.host = append(r.host, marker)
	r.awaitSent(marker.path)
	// A worker may be looking at it: what breaks off is claimed before it is read.
	if u := r.uploadOf(name); u.State == uploader.Done {
		r.Errorf("%s is sent, and should wait", name)
	}
}

// bytes returns what a name stands for: one of the bodies, or bytes that are
// made from it, and that no other run has. Names in .jpg are pictures.
func (r *landing) bytes(name string) []byte {
	if text, ok := r.bodies[name]; ok {
		return []byte(r.fill(text))
	}
	if name == "" || name == "nothing" {
		return nil
	}
	h := fnv.New64a()
	io.WriteString(h, r.run+"/"+name) //nolint:errcheck // a hash never fails
	if path.Ext(name) == ".jpg" {
		return wholetest.JPEG(96, 96, h.Sum64())
	}
	return wholetest.Noise(4096, h.Sum64())
}

// fill puts in what {name} stands for.
func (r *landing) fill(s string) string { return fill(s, r.vars) }

func fill(s string, vars map[string]string) string {
	for name, value := range vars {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

// arrived compares what the run led to with what it should.
func (r *landing) arrived(t *testing.T) {
	r.T = t
	r.plain = newDAVClient(t, r.plain.root, r.plain.user, r.plain.password)
	r.hostHas()
	for _, u := range r.uploads() {
		switch u.State {
		case uploader.Done, uploader.Superseded, uploader.Dropped:
		default:
			t.Errorf("%s: an upload is %q (%s: %s)", u.Path, u.State, u.Reason, u.Error)
		}
		if u.SHA256 == blob.Sum(sha256.Sum256(nil)) {
			t.Errorf("%s: an upload of an empty file", u.Path)
		}
	}
	for _, a := range r.shown {
		r.delivered(a)
	}
	for _, a := range r.holds {
		r.contains(a)
		if _, err := r.plain.Get(a.path + ".json"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s has a receipt (%v)", a.path, err)
		}
	}
	for _, name := range r.gone {
		if data, err := r.plain.Get(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there with %d bytes (%v)", name, len(data), err)
		}
	}
}

// hostHas compares what the host has from the run's folder: paths, the names that
// the files had in the requests, and bytes.
func (r *landing) hostHas() {
	r.Helper()
	var got, want []string
	for _, p := range r.g.site.Stored() {
		if strings.HasPrefix(p.Description, r.dir+"/") {
			got = append(got, sentLine(p))
		}
	}
	for _, a := range r.host {
		name := path.Base(a.path)
		if path.Ext(name) == "" {
			name += ".jpg" // hosts are told what it is
		}
		want = append(want, fmt.Sprintf("%s as %q, %x", a.path, name, sha256.Sum256(a.data)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.Errorf("the host has\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func sentLine(p cheveretotest.Picture) string {
	return fmt.Sprintf("%s as %q, %x", p.Description, p.Name, sha256.Sum256(p.Bytes))
}

// contains looks whether the door shows a file with its bytes, and lists it with
// their number.
func (r *landing) contains(a arrival) {
	r.Helper()
	if data, err := r.plain.Get(a.path); err != nil || !bytes.Equal(data, a.data) {
		r.Errorf("%s has %d bytes (%v), want %d", a.path, len(data), err, len(a.data))
	}
	dir := path.Dir(a.path)
	text, err := r.plain.do("PROPFIND", dir+"/", strings.NewReader(`<propfind xmlns="DAV:"><prop><getcontentlength/></prop></propfind>`), "Depth", "1")
	r.must(err)
	m, err := parseMultistatus(text)
	r.must(err)
	if got := m.of(davPrefix+a.path, "getcontentlength"); got != fmt.Sprint(len(a.data)) {
		r.Errorf("%s is listed with length %q, want %d", a.path, got, len(a.data))
	}
}

// delivered looks whether a file is there with its receipt, and the receipt's URL
// leads to its bytes.
func (r *landing) delivered(a arrival) {
	r.Helper()
	r.contains(a)
	text, err := r.plain.Get(a.path + ".json")
	r.must(err)
	var receipt struct {
		Path, SHA256 string
		Uploads      []struct{ State, URL string }
	}
	r.must(json.Unmarshal(text, &receipt))
	if receipt.Path != a.path || receipt.SHA256 != fmt.Sprintf("%x", sha256.Sum256(a.data)) ||
		len(receipt.Uploads) != 1 || receipt.Uploads[0].State != string(uploader.Done) {
		r.Fatalf("the receipt of %s is %s", a.path, text)
	}
	address := receipt.Uploads[0].URL
	if !bytes.Equal(r.g.Host(r.T, address), a.data) {
		r.Errorf("%s does not lead to the bytes of %s", address, a.path)
	}
	if link, err := r.plain.Get(a.path + ".url"); err != nil || !strings.Contains(string(link), "URL="+address+"\r\n") {
		r.Errorf("%s.url is %q (%v), want %s", a.path, link, err, address)
	}
}

// unescape returns the path of a URL or of a URL's path.
func unescape(href string) string {
	u, err := url.Parse(href)
	if err != nil {
		return href
	}
	return strings.TrimSuffix(u.Path, "/")
}
