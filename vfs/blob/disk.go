package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// DiskOptions are what a [Disk] takes from outside. The zero value is right
// outside tests.
type DiskOptions struct {
	FS  FileSystem       // nil: OS{}
	Now func() time.Time // nil: time.Now
}

// Disk is a [Store] in a directory of a local disk:
//
//	staged/ID       bytes of a writer that is not committed yet, or that were kept
//	                for a partial upload
//	blobs/xx/REF    a blob, in the folder named after the ref's last two characters
//
// Those characters are random, so commits spread over 1,024 folders of which none
// grows hot. Only one Disk may use a directory at a time; its owner holds a lock.
type Disk struct {
	fs     FileSystem
	now    func() time.Time
	dir    string
	staged string
	blobs  *folder
	kept   *folder // staged, where Keep makes names durable

	mu      sync.Mutex
	folders map[string]*folder // below blobs/, by name
	// The staged files of living writers, by name; true: Remove was called, and
	// the file goes when the writer ends.
	writing map[string]bool

	little, inline, chunk, block sync.Pool     // *[littleSize]byte and so on
	blocks                       chan struct{} // one token per block in use
}

var (
	_ Store   = (*Disk)(nil)
	_ Sweeper = (*Disk)(nil)
	_ Keeper  = (*Disk)(nil)
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// NewDisk opens the store in dir and makes what is missing there.
func NewDisk(dir string, opts DiskOptions) (*Disk, error) {
	d := &Disk{
		fs:      opts.FS,
		now:     opts.Now,
		dir:     dir,
		staged:  filepath.Join(dir, "staged"),
		folders: make(map[string]*folder),
		writing: make(map[string]bool),
		blocks:  make(chan struct{}, maxBlocks),
	}
	if d.fs == nil {
		d.fs = OS{}
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.little.New = func() any { return new([littleSize]byte) }
	d.inline.New = func() any { return new([InlineMax]byte) }
	d.chunk.New = func() any { return new([chunkSize]byte) }
	d.block.New = func() any { return new([blockSize]byte) }
	d.blobs = &folder{fs: d.fs, dir: filepath.Join(dir, "blobs")}
	d.kept = &folder{fs: d.fs, dir: d.staged}
	if err := d.prepare(); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return d, nil
}

// prepare makes the folders and makes sure that those which are there already,
// perhaps by a process that was killed before it synced them, are there to stay.
func (d *Disk) prepare() error {
	for _, dir := range []string{d.staged, d.blobs.dir} {
		if err := d.fs.MkdirAll(dir, dirMode); err != nil {
			return err
		}
	}
	// The folder above may not be ours to open; whoever made dir there synced it.
	_ = d.fs.SyncDir(filepath.Dir(d.dir))
	for _, dir := range []string{d.dir, d.blobs.dir} {
		if err := d.fs.SyncDir(dir); err != nil {
			return err
		}
	}
	list, err := d.fs.ReadDir(d.blobs.dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.IsDir() {
			d.folder(e.Name()).made = true
		}
	}
	return nil
}

// folder returns the folder of that name below blobs/.
func (d *Disk) folder(name string) *folder {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.folders[name]
	if f == nil {
		f = &folder{fs: d.fs, dir: filepath.Join(d.blobs.dir, name), above: d.blobs}
		d.folders[name] = f
	}
	return f
}

// path returns where the blob ref is. It refuses a malformed ref, which could
// lead anywhere.
func (d *Disk) path(ref Ref) (string, error) {
	if _, err := ref.Time(); err != nil {
		return "", err
	}
	return filepath.Join(d.blobs.dir, fanOut(ref), string(ref)), nil
}

// fanOut returns the name of the folder that ref belongs into.
func fanOut(ref Ref) string { return string(ref[len(ref)-2:]) }

// Create starts a writer. On a full disk the error is syscall.ENOSPC.
func (d *Disk) Create(ctx context.Context) (Writer, error) {
	if err := d.room(ctx); err != nil {
		return nil, err
	}
	return &writer{disk: d}, nil
}

// room fails on a full disk.
func (d *Disk) room(ctx context.Context) error {
	free, err := d.Free(ctx)
	if err != nil {
		return err
	}
	if free == 0 {
		return fmt.Errorf("blob: %s: %w", d.dir, syscall.ENOSPC)
	}
	return nil
}

// Open opens a committed blob.
func (d *Disk) Open(ctx context.Context, ref Ref) (Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := d.path(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	f, err := d.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return f, nil
}

// Remove deletes a blob's file, or a kept one: that of a living writer goes when
// the writer ends. It is not synced: a file that a power cut brings back is an
// orphan, which the sweep removes.
func (d *Disk) Remove(ctx context.Context, ref Ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := d.path(ref)
	if err != nil {
		return err
	}
	return errors.Join(d.remove(name), d.removeKept(ref))
}

func (d *Disk) remove(name string) error {
	if err := d.fs.Remove(name); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Free returns what the disk can still take.
func (d *Disk) Free(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	n, err := d.fs.Free(d.dir)
	if err != nil {
		return -1, fmt.Errorf("blob: %w", err)
	}
	return n, nil
}
