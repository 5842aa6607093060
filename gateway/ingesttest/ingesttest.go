// Package ingesttest is the suite that every way into the gateway passes, driven
// by a real client of it: whatever way a picture arrives in, exactly the right
// bytes reach the host, once; what was broken off, is litter or has no final name
// does not; and the receipts are there through the same door.
package ingesttest

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"slipway/uploader/whole/wholetest"
)

// Folder is where the route of the gateway under test begins. It is there from
// the start, and files below it, at any depth, go to the one host.
const Folder = "/in"

// Door is a real client of one way in, for one user with full rights whose root
// is the tree's. Names are absolute, with slashes, as people see them. An error
// of Get for what is not there is fs.ErrNotExist. A Door is used by one goroutine
// at a time.
type Door interface {
	// Put stores a file, new or in the place of another, in the way that this
	// door's clients do, and returns once they would call it stored.
	Put(name string, data []byte) error
	Get(name string) ([]byte, error)
	// List returns the names in a folder, without those of the path.
	List(dir string) ([]string, error)
	// Rename moves a file or a folder; a file at to is replaced.
	Rename(from, to string) error
	Mkdir(dir string) error
	// Remove removes a file.
	Remove(name string) error
}

// Cutter is a Door whose transfers can break off in a way that the gateway can
// see: a declared length that is not reached, a connection that is reset.
type Cutter interface {
	// PutCut begins to store data and breaks off after n bytes. Its error is nil
	// where that went as planned, whatever the gateway said.
	PutCut(name string, data []byte, n int) error
}

// Streamer is a Door that can store what it does not know the length of yet.
type Streamer interface {
	PutFrom(name string, r io.Reader) error
}

// Resumer is a Door by which a file can be stored in pieces, each with a transfer
// of its own.
type Resumer interface {
	// PutAt stores data from offset on, over what is there already.
	PutAt(name string, offset int64, data []byte) error
}

// Copier is a Door that can have the gateway copy.
type Copier interface {
	Copy(from, to string) error
}

// Flusher is a Door by which files arrive only some time after Put: Flush waits
// until the gateway has seen all that was done.
type Flusher interface {
	Flush() error
}

// Upload is what reached the host.
type Upload struct {
	Path   string // of the file in the gateway, when it was sent
	SHA256 [sha256.Size]byte
}

// Gateway is one that runs for one case, empty but for Folder. It stops with the
// case.
type Gateway interface {
	// Door returns a new client of the door under test.
	Door(t *testing.T) Door
	// Settle waits until no upload is on its way any more: each is done, held or
	// given up.
	Settle(t *testing.T)
	// Sent returns the uploads that reached the host, in their order.
	Sent() []Upload
	// Host gets what the host has at an address.
	Host(t *testing.T, url string) []byte
}

// Start starts a gateway with a quiet time. The host takes JPEG, PNG, GIF and
// WebP.
type Start func(t *testing.T, quiet time.Duration) Gateway

// quick is the quiet time of most cases: as short as it gets.
const quick = 50 * time.Millisecond

// calm is the quiet time of those cases that do something within it.
const calm = 2 * time.Second

// Run runs the suite.
func Run(t *testing.T, start Start) {
	for _, c := range []struct {
		name  string
		quiet time.Duration
		run   func(*bench)
	}{
		{"Direct", quick, direct},
		{"Rename", quick, rename},
		{"Overwrite", calm, overwrite},
		{"EmptyThenFull", calm, emptyThenFull},
		{"Slow", quick, slow},
		{"Pieces", calm, pieces},
		{"Cut", quick, cut},
		{"CutOver", quick, cutOver},
		{"Parallel", quick, parallel},
		{"OtherBytes", quick, otherBytes},
		{"SameBytes", quick, sameBytes},
		{"Names", quick, names},
		{"Big", quick, big},
		{"Nested", quick, nested},
		{"Litter", quick, litter},
		{"NotWhole", quick, notWhole},
		{"RemovedAtOnce", calm, removedAtOnce},
		{"RenamedAtOnce", calm, renamedAtOnce},
		{"MovedFolder", quick, movedFolder},
		{"Copied", quick, copied},
		{"Views", quick, views},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, c.quiet)
			c.run(&bench{T: t, Gateway: g, door: g.Door(t), quiet: c.quiet})
		})
	}
}

// bench is one case.
type bench struct {
	*testing.T
	Gateway
	door  Door
	quiet time.Duration
	want  []Upload
	seed  atomic.Uint64
}

// picture returns the bytes of a new picture.
func (b *bench) picture() []byte { return wholetest.JPEG(48, 48, b.seed.Add(1)) }

// must ends the case where err is one.
func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// put stores data, and expects it at the host.
func (b *bench) put(name string, data []byte) {
	b.Helper()
	b.must(b.door.Put(name, data))
	b.expect(name, data)
}

// expect notes that data are to reach the host, once.
func (b *bench) expect(name string, data []byte) {
	b.want = append(b.want, Upload{name, sha256.Sum256(data)})
}

// settle waits until the gateway has seen everything and sent what it wants to.
func (b *bench) settle() {
	b.Helper()
	if f, ok := b.door.(Flusher); ok {
		b.must(f.Flush())
	}
	b.Settle(b.T)
}

// check settles, and compares what reached the host with what was expected:
// everything, and nothing else.
func (b *bench) check() {
	b.Helper()
	b.settle()
	got, want := b.Sent(), slices.Clone(b.want)
	order := func(x, y Upload) int {
		if x.Path != y.Path {
			if x.Path < y.Path {
				return -1
			}
			return 1
		}
		return slices.Compare(x.SHA256[:], y.SHA256[:])
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		b.Errorf("the host got\n%s\nwant\n%s", lines(got), lines(want))
	}
}

// holds looks whether the door shows a file with these bytes.
func (b *bench) holds(name string, data []byte) {
	b.Helper()
	got, err := b.door.Get(name)
	if err != nil || string(got) != string(data) {
		b.Errorf("%s has %d bytes (%v), want %d", name, len(got), err, len(data))
	}
}

// absent looks whether the door shows nothing of that name, nor a receipt.
func (b *bench) absent(name string) {
	b.Helper()
	if data, err := b.door.Get(name); !errors.Is(err, fs.ErrNotExist) {
		b.Errorf("%s is there with %d bytes (%v)", name, len(data), err)
	}
	if _, found := b.receipt(name); found {
		b.Errorf("%s has a receipt", name)
	}
}

// at returns a name in Folder.
func at(name string) string { return path.Join(Folder, name) }
