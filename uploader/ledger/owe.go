package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// Again says which uploads Owe begins anew, beside those that there are none of.
type Again string

const (
	// AgainUndone: every one that is not done, but for those on their way.
	AgainUndone Again = ""
	// AgainFailed: only those that failed, were dropped or are held by a check; and none
	// is made where there is none.
	AgainFailed Again = "failed"
	// AgainAll: those that are done too.
	AgainAll Again = "all"
)

// Candidate is a file that may be owed.
type Candidate struct {
	Entry vfs.ID
	Path  string   // where it was found
	Sum   blob.Sum // of the bytes that were looked at
	Order int      // the destination's place in the file's route
	// Settled: an upload that is done stays, whatever Again says, while its picture is
	// there: sending the same bytes once more would make another one.
	Settled bool
}

// Owing is what Owe did about a file, or would do.
type Owing string

const (
	OwingNow     Owing = "owed"     // from now on
	OwingWaiting Owing = "waiting"  // it was, and is on its way
	OwingDone    Owing = "done"     // the destination has it
	OwingByHand  Owing = "by-hand"  // somebody holds it back
	OwingInDoubt Owing = "in-doubt" // a reply is missing, which is being looked into
	OwingOther   Owing = "other"    // it did not fail, and only such are wanted
	OwingChanged Owing = "changed"  // it has other bytes now, or is gone
)

// Owe owes files to a destination whose driver's host is host, whatever their routes
// say, in one transaction; with dry it only tells. What is said of each is in the
// order of files. Each file's bytes are owed once: of what is on its way nothing is
// changed, so doing it again does no harm. What comes in meanwhile goes before it; a
// file that is stored again is among that.
func (l *Ledger) Owe(ctx context.Context, destination, host string, again Again, files []Candidate, dry bool) (told []Owing, err error) {
	o := owing{l: l, destination: destination, host: host, again: again}
	if len(files) == 0 {
		return nil, nil
	}
	if dry {
		err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
			o.now, err = l.now(ctx, tx)
			if err == nil {
				told, _, err = o.judge(ctx, tx, files)
			}
			return err
		})
		return told, wrap("owe", err)
	}
	var owed []vfs.ID
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		owed, o.now = owed[:0], now
		var states []owingState
		if told, states, err = o.judge(ctx, tx, files); err != nil {
			return err
		}
		for i, f := range files {
			switch {
			case told[i] == OwingNow:
				owed = append(owed, f.Entry)
				err = o.owe(ctx, tx, f, states[i], i)
			case states[i].state == uploader.Sending && told[i] == OwingWaiting: // it is to be tried again if it fails
				_, err = tx.Exec(ctx, "UPDATE uploads SET leaving = '' WHERE id = $1 AND leaving <> ''", states[i].upload)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap("owe", err)
	}
	if len(owed) > 0 {
		l.hear.tellEntries(owed...)
		l.hear.due(destination, l.clock())
	}
	return told, nil
}

// owing is one call of Owe.
type owing struct {
	l                 *Ledger
	destination, host string
	again             Again
	now               time.Time
}

// owingState is how a file and its upload stand in the tables.
type owingState struct {
	entry  vfs.Entry
	upload int64 // 0: there is none
	state  uploader.State
	reason string
	copies int64
	there  bool // its picture is at the host, as far as we know
}

const selectOwing = `SELECT e.id, e.parent, COALESCE(e.blob, ''), e.inline, e.size, e.sha256, e.type,
	COALESCE(u.id, 0), COALESCE(u.state, ''), COALESCE(u.reason, ''), COALESCE(u.copy, 0),
	CASE WHEN h.id IS NOT NULL AND h.deleted = 0 AND h.fate = '' AND (h.expires = 0 OR h.expires > $2) THEN 1 ELSE 0 END
	FROM entries e LEFT JOIN uploads u ON u.entry = e.id AND u.sha256 = e.sha256 AND u.destination = $1
	LEFT JOIN hosted h ON h.id = u.hosted
	WHERE e.dir = 0 AND e.id IN `

// judge says of each file what is to be done.
func (o owing) judge(ctx context.Context, tx vfs.Tx, files []Candidate) ([]Owing, []owingState, error) {
	found := make(map[vfs.ID]owingState, len(files))
	for chunk := range slices.Chunk(files, 100) {
		ids := make([]vfs.ID, len(chunk))
		for i, f := range chunk {
			ids[i] = f.Entry
		}
		list, args := in(ids, o.destination, nanos(o.now))
		err := each(ctx, tx, func(s *sql.Rows) error {
			var r owingState
			var sum []byte
			var inline, there int64
			e := &r.entry
			if err := s.Scan(&e.ID, &e.Parent, &e.Blob, &inline, &e.Size, &sum, &e.Type, &r.upload, &r.state, &r.reason, &r.copies, &there); err != nil {
				return err
			}
			copy(e.SHA256[:], sum)
			e.Inline, r.there = inline != 0, there != 0
			found[e.ID] = r
			return nil
		}, selectOwing+list, args...)
		if err != nil {
			return nil, nil, err
		}
	}
	told, states := make([]Owing, len(files)), make([]owingState, len(files))
	for i, f := range files {
		states[i] = found[f.Entry]
		told[i] = o.decide(f, states[i])
	}
	return told, states, nil
}

// decide says what is to be done about one file.
func (o owing) decide(f Candidate, r owingState) Owing {
	if r.entry.ID == 0 || r.entry.SHA256 != f.Sum || r.entry.Blob == "" {
		return OwingChanged
	}
	if r.upload == 0 {
		if o.again == AgainFailed {
			return OwingOther
		}
		return OwingNow
	}
	switch r.state {
	case uploader.Settling, uploader.Sending:
		return OwingWaiting
	case uploader.AmbiguousState:
		return OwingInDoubt
	case uploader.Held:
		if r.reason == uploader.ReasonByHand {
			return OwingByHand
		}
	case uploader.Awaiting:
		return OwingDone
	case uploader.Done:
		kept := r.there && (f.Settled || r.copies > 0)
		if o.again != AgainAll || kept {
			return OwingDone
		}
	case uploader.Superseded:
		if o.again == AgainFailed {
			return OwingOther
		}
	}
	return OwingNow
}

// owe writes the upload of a file, the i-th of its transaction: the order is kept.
func (o owing) owe(ctx context.Context, tx vfs.Tx, f Candidate, r owingState, i int) error {
	e, now := r.entry, nanos(o.now)
	if r.upload == 0 {
		_, err := tx.Exec(ctx, `INSERT INTO uploads
			(key, entry, destination, host, sha256, blob, inline, size, type, path, ord, state, reason, late, due, created, changed, since, dir)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'settling', 'replay', 1, $12, $13, $13, $13, $14)`,
			string(blob.NewRef(o.now)), int64(e.ID), o.destination, o.host, e.SHA256[:], string(e.Blob), number(e.Inline), e.Size, e.Type,
			f.Path, f.Order, now+int64(i), now, int64(e.Parent))
		return err
	}
	// The picture that it had stays noted, as one that a file refers to, until there is
	// another; an altered copy that is gone is not counted on.
	n, err := exec(ctx, tx, `UPDATE uploads SET state = 'settling', reason = 'replay', late = 1, error = '', remedy = '', tries = 0, unusual = 0,
		released = 0, finished = 0, copy = CASE state WHEN 'done' THEN 0 ELSE copy END, due = $1, blob = $2, inline = $3, host = $4, ord = $5,
		path = $6, dir = $7, changed = $8, since = $8 WHERE id = $9`,
		now+int64(i), string(e.Blob), number(e.Inline), o.host, f.Order, f.Path, int64(e.Parent), now, r.upload)
	if err == nil && n != 1 {
		err = fmt.Errorf("upload %d: %w", r.upload, uploader.ErrNoUpload)
	}
	return err
}
