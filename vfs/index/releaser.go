package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Kept is a blob whose bytes are in the store.
type Kept struct {
	Ref   blob.Ref
	Sum   blob.Sum
	Size  int64     // bytes
	Used  time.Time // when they were last stored or read, to the hour
	Stays string    // why they could not go when it was last looked at, for people; "": it was not
	// Marked is since when they are about to go; zero: they are not.
	Marked time.Time
	// Paths are those of the entries that have them.
	Paths []string
}

// Candidate is a file of a watched folder whose entry has bytes here too.
type Candidate struct {
	Folder string // its name for Memory
	Watched
	Ref  blob.Ref
	Size int64 // bytes
}

// Copy is a picture at a host that should be made of certain bytes.
type Copy struct {
	ID          int64 // of the hosted picture
	Destination string
	Host        string
	URL         string
}

// Verdict is whether the settings let bytes go.
type Verdict struct {
	May  bool
	Why  string    // not, for people
	Look time.Time // not before; zero: it may be otherwise at the next pass
}

// Releaser lets bytes go that are sent and that a file of a watched folder, or a
// picture at a host, has too. It goes in steps, each of which looks again whether that
// still holds: first a blob is marked; a quarter of an hour later, for readers that
// opened it before, its bytes go. A crash between any two steps is gone on from.
type Releaser struct {
	DB    *Database
	Store blob.Store
	Clock func() time.Time
	// State is that of a Watched row whose file stands in its folder.
	State string
	// Needs returns what the bytes of refs, which all have that sum, are needed for by
	// uploads, for people; "" where every one of every entry that names them is done.
	Needs func(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) (why string, err error)
	// May says whether the settings let k go. It is asked inside transactions.
	May func(k Kept) Verdict
	// Went, if not nil, hears of what was marked.
	Went func(k Kept)
	// Relied reports whether the file of c may come to be the only one with its bytes.
	// It is asked inside transactions.
	Relied func(c Candidate) bool
	// Prove returns the path of the file of c if it has the very bytes: deep, by reading
	// it; else by all that tells so without. An error says why not.
	Prove func(ctx context.Context, c Candidate, deep bool) (place string, err error)
	// Copies returns the pictures at hosts that should be made of the bytes of refs, and
	// may come to be the only ones; nil: there are none. It is asked inside transactions.
	Copies func(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) ([]Copy, error)
	// Compare fetches c and fails unless it is these very bytes.
	Compare func(ctx context.Context, c Copy, sum blob.Sum, size int64) error
	// Before, if not zero, has only bytes marked that were last used before.
	Before time.Time
	// Resting has none marked; those that are go on.
	Resting bool
	// AtOnce is how many blobs are compared at a time; 0: one.
	AtOnce int
}

// Bounds of one Release.
const (
	releasePage  = 500
	releaseLooks = 10_000 // blobs looked at closely
	releaseBatch = 50     // blobs marked in one transaction
)

// Release makes one pass: it marks blobs, those first that were not used for longest,
// and removes the bytes of those marked long enough ago. It returns how many blobs'
// bytes went. It must not run twice at a time.
func (r *Releaser) Release(ctx context.Context) (gone int, err error) {
	var marking error
	if !r.Resting {
		marking = failedRelease(r.mark(ctx))
	}
	gone, err = r.remove(ctx)
	return gone, errors.Join(marking, err)
}

// mark looks at what is kept, in the order of its use.
func (r *Releaser) mark(ctx context.Context) error {
	var at cursor
	for looks := 0; looks < releaseLooks; {
		page, err := r.page(ctx, &at, r.Clock(), r.Before)
		if err != nil || len(page) == 0 {
			return err
		}
		n, err := r.markPage(ctx, page)
		if err != nil {
			return err
		}
		looks += n
	}
	return nil
}

// later is why and until when a blob is not looked at again.
type later struct {
	ref  blob.Ref
	look time.Time
	why  string
}

// found is a blob that may go, and what should have its bytes.
type found struct {
	Kept
	place string
	copy  Copy
}

// markPage marks what may go of a page as far as can be told without comparing bytes,
// and returns how many it looked at closely.
func (r *Releaser) markPage(ctx context.Context, page []Kept) (looks int, err error) {
	for len(page) > 0 {
		n := min(len(page), releaseBatch)
		var going []found
		var stay []later
		for _, k := range page[:n] {
			v := r.May(k)
			if !v.May {
				if !v.Look.IsZero() {
					stay = append(stay, later{k.Ref, v.Look, v.Why})
				}
				continue
			}
			looks++
			f, why, err := r.find(ctx, k)
			if err != nil {
				return looks, err
			}
			if why != "" {
				stay = append(stay, later{k.Ref, r.again(k), why})
				continue
			}
			f.Marked = r.Clock() // from here on it is as good as chosen
			going = append(going, f)
			if r.Went != nil {
				r.Went(k)
			}
		}
		if err := r.write(ctx, going, stay); err != nil {
			return looks, err
		}
		page = page[n:]
	}
	return looks, nil
}

// Bounds of how soon it is looked again at what cannot go: the younger, the sooner.
const lookSoonest, lookLatest = time.Minute, time.Hour

func (r *Releaser) again(k Kept) time.Time {
	now := r.Clock()
	stored, err := k.Ref.Time()
	if err != nil {
		stored = k.Used
	}
	return now.Add(min(max(now.Sub(stored)/4, lookSoonest), lookLatest))
}

// What is said of bytes that have to stay; the ledger and the settings have more.
const (
	staysUnproven = "neither a host nor a watched folder is known to have the very same bytes"
	staysNowhere  = "no file has them, and they are about to be removed"
)

// find returns what should have the bytes of k, or why they stay.
func (r *Releaser) find(ctx context.Context, k Kept) (f found, why string, err error) {
	var candidates []Candidate
	var copies []Copy
	err = r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var refs []blob.Ref
		if refs, why, err = r.may(ctx, tx, k); err != nil || why != "" {
			return err
		}
		if candidates, err = r.candidates(ctx, tx, k.Ref); err != nil {
			return err
		}
		copies, err = r.copies(ctx, tx, k.Sum, refs)
		return err
	})
	if err != nil || why != "" {
		return f, why, err
	}
	f.Kept = k
	for _, c := range candidates {
		if f.place, err = r.Prove(ctx, c, false); err == nil {
			return f, "", nil
		}
		if ctx.Err() != nil {
			return f, "", ctx.Err()
		}
	}
	f.place = ""
	if len(copies) == 0 {
		return f, staysUnproven, nil
	}
	f.copy = copies[0]
	return f, "", nil
}

// write marks blobs, and notes when to look at others again.
func (r *Releaser) write(ctx context.Context, going []found, stay []later) error {
	if len(going)+len(stay) == 0 {
		return nil
	}
	return r.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, l := range stay {
			if err := lookLater(ctx, tx, l); err != nil {
				return err
			}
		}
		for _, f := range going {
			if _, why, err := r.may(ctx, tx, f.Kept); err != nil {
				return err
			} else if why != "" {
				continue
			}
			_, err := tx.Exec(ctx, `INSERT INTO released (ref, sha256, since, stage, place, hosted) VALUES ($1, $2, $3, 'waiting', $4, $5) ON CONFLICT (ref) DO NOTHING`,
				string(f.Ref), f.Sum[:], nanos(r.Clock()), []byte(f.place), f.copy.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func lookLater(ctx context.Context, tx vfs.Tx, l later) error {
	_, err := tx.Exec(ctx, "UPDATE blobs SET look = $1, stays = $2 WHERE ref = $3", nanos(l.look), l.why, string(l.ref))
	return err
}

// may returns why neither uploads nor settings let the bytes of k go; "": they do. The
// refs are those whose entries would have their bytes from elsewhere then.
func (r *Releaser) may(ctx context.Context, tx vfs.Tx, k Kept) (same []blob.Ref, why string, err error) {
	if same, err = refs(ctx, tx, "SELECT ref FROM released WHERE sha256 = $1 AND ref <> $2", k.Sum[:], string(k.Ref)); err != nil {
		return nil, "", err
	}
	same, k.Paths = append(same, k.Ref), nil
	for _, ref := range same {
		at, err := pathsOf(ctx, tx, ref)
		if err != nil {
			return nil, "", err
		}
		k.Paths = append(k.Paths, at...)
	}
	if len(k.Paths) == 0 {
		return nil, staysNowhere, nil
	}
	if v := r.May(k); !v.May {
		return nil, v.Why, nil
	}
	why, err = r.Needs(ctx, tx, k.Sum, same)
	return same, why, err
}

func (r *Releaser) copies(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) ([]Copy, error) {
	if r.Copies == nil {
		return nil, nil
	}
	return r.Copies(ctx, tx, sum, refs)
}

// candidates returns the watched files of entries that have ref, and may be relied on.
func (r *Releaser) candidates(ctx context.Context, tx vfs.Tx, ref blob.Ref) (list []Candidate, err error) {
	rows, err := tx.Query(ctx, `SELECT f.name, w.path, w.device, w.inode, w.size, w.modified, w.changed, w.sha256, w.entry, e.blob, e.size
		FROM entries e CROSS JOIN watched_folders f JOIN watched w ON w.folder = f.id AND w.entry = e.id
		WHERE e.blob = $1 AND w.state = $2 AND w.sha256 = e.sha256`, string(ref), r.State)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCandidate(rows)
		if err != nil {
			return nil, err
		}
		if r.Relied(c) {
			list = append(list, c)
		}
	}
	return list, rows.Err()
}

func scanCandidate(row scanner) (c Candidate, err error) {
	var folder, path, sum []byte
	var device, inode int64
	err = row.Scan(&folder, &path, &device, &inode, &c.Watched.Size, &c.Modified, &c.Changed, &sum, &c.Entry, &c.Ref, &c.Size)
	if err != nil {
		return c, err
	}
	c.Folder, c.Path, c.Device, c.Inode = string(folder), string(path[1:]), uint64(device), uint64(inode)
	copy(c.Sum[:], sum)
	return c, nil
}

// pathsOf returns the paths of the entries that name ref.
func pathsOf(ctx context.Context, tx vfs.Tx, ref blob.Ref) (paths []string, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM entries WHERE blob = $1", string(ref))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []vfs.ID
	for rows.Next() {
		var id vfs.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, id := range ids {
		p, err := PathOf(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, nil
}

func failedRelease(err error) error {
	if err != nil {
		return fmt.Errorf("index: letting bytes go: %w", err)
	}
	return nil
}
