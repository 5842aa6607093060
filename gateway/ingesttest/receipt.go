package ingesttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

// receipt is what the case reads of a file's .json.
type receipt struct {
	Path    string
	Size    int64
	SHA256  string
	Uploads []struct{ State, Reason, URL string }
}

// receiptTime is how long sidecars are waited for: some doors write them.
const receiptTime = 10 * time.Second

// receipt returns the receipt of a file, wherever it stands in its folder: long
// names have theirs under another.
func (b *bench) receipt(name string) (r receipt, found bool) {
	b.Helper()
	dir := path.Dir(name)
	list, err := b.door.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatalf("listing %s: %v", dir, err)
	}
	for _, n := range list {
		if !strings.HasSuffix(n, ".json") {
			continue
		}
		data, err := b.door.Get(path.Join(dir, n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		b.must(err)
		var one receipt
		if err := json.Unmarshal(data, &one); err != nil {
			b.Fatalf("%s: %v: %s", n, err, data)
		}
		if one.Path == name {
			return one, true
		}
	}
	return r, false
}

// state waits until a file's one upload is in a state, and returns it.
func (b *bench) state(name, want string) receipt {
	b.Helper()
	return b.stateOf(name, want, "")
}

// stateOf is state of the bytes with a sum; "": of any.
func (b *bench) stateOf(name, want, sum string) receipt {
	b.Helper()
	end := time.Now().Add(receiptTime)
	for {
		r, found := b.receipt(name)
		if found && len(r.Uploads) == 1 && r.Uploads[0].State == want && (sum == "" || r.SHA256 == sum) {
			return r
		}
		if time.Now().After(end) {
			b.Fatalf("the receipt of %s is %+v (%v), want %s", name, r, found, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// shortcut is the form of a .url, which Windows and macOS open.
var shortcut = regexp.MustCompile(`\A\[InternetShortcut\]\r\nURL=([!-~]+)\r\n\z`)

// delivered looks whether everything is as it should be for a file that reached
// the host: the file, its receipt, its .url, and what the URL leads to.
func (b *bench) delivered(name string, data []byte) (url string) {
	b.Helper()
	b.holds(name, data)
	r := b.stateOf(name, "done", fmt.Sprintf("%x", sha256.Sum256(data)))
	if r.Size != int64(len(data)) {
		b.Errorf("the receipt of %s says %d bytes, want %d", name, r.Size, len(data))
	}
	url = r.Uploads[0].URL
	if got := b.Host(b.T, url); !bytes.Equal(got, data) {
		b.Errorf("%s leads to %d bytes, want %d", url, len(got), len(data))
	}
	for end := time.Now().Add(receiptTime); !b.linked(name, url); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			list, err := b.door.List(path.Dir(name))
			b.Errorf("no .url beside %s leads to %s: %q, %v", name, url, list, err)
			break
		}
	}
	return url
}

// linked reports whether a .url beside a file leads to url.
func (b *bench) linked(name, url string) bool {
	b.Helper()
	dir := path.Dir(name)
	list, err := b.door.List(dir)
	b.must(err)
	for _, n := range list {
		if !strings.HasSuffix(n, ".url") {
			continue
		}
		text, err := b.door.Get(path.Join(dir, n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		b.must(err)
		m := shortcut.FindSubmatch(text)
		if m == nil {
			b.Fatalf("%s is %q", n, text)
		}
		if string(m[1]) == url {
			return true
		}
	}
	return false
}

// lines shows uploads.
func lines(us []Upload) string {
	var s strings.Builder
	for _, u := range us {
		fmt.Fprintf(&s, "  %s %x\n", u.Path, u.SHA256[:4])
	}
	return s.String()
}
