package ingesttest

import (
	"bytes"
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
	end := time.Now().Add(receiptTime)
	for {
		r, found := b.receipt(name)
		if found && len(r.Uploads) == 1 && r.Uploads[0].State == want {
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
	r := b.state(name, "done")
	if r.Size != int64(len(data)) {
		b.Errorf("the receipt of %s says %d bytes, want %d", name, r.Size, len(data))
	}
	url = r.Uploads[0].URL
	if got := b.Host(b.T, url); !bytes.Equal(got, data) {
		b.Errorf("%s leads to %d bytes, want %d", url, len(got), len(data))
	}
	dir := path.Dir(name)
	list, err := b.door.List(dir)
	b.must(err)
	for _, n := range list {
		if !strings.HasSuffix(n, ".url") {
			continue
		}
		text, err := b.door.Get(path.Join(dir, n))
		b.must(err)
		m := shortcut.FindSubmatch(text)
		if m == nil {
			b.Fatalf("%s is %q", n, text)
		}
		if string(m[1]) == url {
			return url
		}
	}
	b.Errorf("no .url beside %s leads to %s: %q", name, url, list)
	return url
}

// lines shows uploads.
func lines(us []Upload) string {
	var s strings.Builder
	for _, u := range us {
		fmt.Fprintf(&s, "  %s %x\n", u.Path, u.SHA256[:4])
	}
	return s.String()
}
