package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// remove removes the bytes of blobs that were marked long enough ago, and of those
// whose removal an earlier run began. One that fails does not keep the others.
func (r *Releaser) remove(ctx context.Context) (gone int, err error) {
	var failed []error
	var last blob.Ref
	for {
		var batch []blob.Ref
		err := r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
			batch, err = refs(ctx, tx, `SELECT ref FROM released WHERE (stage = 'going' OR stage = 'waiting' AND since < $1) AND ref > $2
				ORDER BY ref LIMIT $3`, nanos(r.Clock().Add(-grace)), string(last), collectBatch)
			return err
		})
		if err != nil || len(batch) == 0 {
			return gone, errors.Join(append(failed, err)...)
		}
		last = batch[len(batch)-1]
		n, err := r.removeAll(ctx, batch)
		gone += n
		if err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			return gone, errors.Join(append(failed, ctx.Err())...)
		}
	}
}

// removeAll is removeOne for a batch, some at a time.
func (r *Releaser) removeAll(ctx context.Context, batch []blob.Ref) (gone int, err error) {
	went, failed := make([]bool, len(batch)), make([]error, len(batch))
	if r.AtOnce <= 1 {
		for i, ref := range batch {
			went[i], failed[i] = r.removeOne(ctx, ref)
		}
	} else {
		var group errgroup.Group
		group.SetLimit(r.AtOnce)
		for i, ref := range batch {
			group.Go(func() error {
				went[i], failed[i] = r.removeOne(ctx, ref)
				return nil
			})
		}
		group.Wait() //nolint:errcheck // there is none
	}
	for i := range batch {
		if went[i] {
			gone++
		}
		if failed[i] != nil {
			err = errors.Join(err, fmt.Errorf("index: letting bytes go: %w", failed[i]))
		}
	}
	return gone, err
}

// removeOne makes sure that another still has the bytes of ref, by reading them there,
// and removes them here; else they stay, and ref is not marked any more.
func (r *Releaser) removeOne(ctx context.Context, ref blob.Ref) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	stage, k, err := r.marked(ctx, ref)
	if err != nil {
		return false, err
	}
	if stage == stageWaiting {
		p := r.prove(ctx, k)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if decided, err := r.decide(ctx, k, p); err != nil || !decided {
			return false, err
		}
	} else if stage != stageGoing {
		return false, nil
	}
	if err := r.Store.Remove(ctx, ref); err != nil {
		return false, err
	}
	return true, r.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE released SET stage = 'gone' WHERE ref = $1 AND stage = 'going'", string(ref))
		return err
	})
}

// proof is what was found to have the very bytes of a blob: a file, or a copy; or why
// nothing was.
type proof struct {
	candidate Candidate
	place     string // "": it is a copy
	copy      Copy
	why       string
	look      time.Time // not before, where why says something
}

// Times after which it is looked again at what could not be proven: because it could
// not be asked, and because it is otherwise.
const lookUnasked, lookOther = time.Hour, 24 * time.Hour

// prove returns the first that has the very bytes of k: a watched file, or else a
// picture at a host.
func (r *Releaser) prove(ctx context.Context, k Kept) (p proof) {
	var candidates []Candidate
	var copies []Copy
	err := r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		refs, why, err := r.may(ctx, tx, k)
		if p.why = why; err != nil || why != "" {
			return err
		}
		if candidates, err = r.candidates(ctx, tx, k.Ref); err != nil {
			return err
		}
		copies, err = r.copies(ctx, tx, k.Sum, refs)
		return err
	})
	if err == nil && p.why != "" {
		p.look = r.again(k)
		return p
	}
	if err != nil {
		return proof{why: err.Error(), look: r.Clock().Add(lookUnasked)}
	}
	p = proof{why: staysUnproven, look: r.Clock().Add(lookUnasked)}
	for _, c := range candidates {
		place, err := r.Prove(ctx, c, true)
		if err == nil {
			return proof{candidate: c, place: place}
		}
		p.why = staysUnproven + " any more: " + err.Error()
	}
	for _, c := range copies {
		err := r.Compare(ctx, c, k.Sum, k.Size)
		if err == nil {
			return proof{copy: c}
		}
		var away *vfs.AwayError
		if p.why = err.Error(); errors.As(err, &away) && !away.Passing {
			p.look = r.Clock().Add(lookOther)
		}
	}
	return p
}

// decide makes a marked blob one whose bytes go, or takes the mark away.
func (r *Releaser) decide(ctx context.Context, k Kept, p proof) (decided bool, err error) {
	err = r.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		decided = false
		if p.why == "" {
			if decided, err = r.stands(ctx, tx, k, p); err != nil {
				return err
			}
		}
		if !decided {
			return r.unmark(ctx, tx, k, p)
		}
		n, err := tx.Exec(ctx, "UPDATE released SET stage = 'going', place = $2, hosted = $3 WHERE ref = $1 AND stage = 'waiting'",
			string(k.Ref), []byte(p.place), p.copy.ID)
		if err != nil {
			return err
		}
		rows, err := n.RowsAffected()
		if decided = rows == 1; err != nil || !decided {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE blobs SET used = NULL, look = 0, stays = '' WHERE ref = $1", string(k.Ref))
		return err
	})
	return decided && err == nil, err
}

// stands reports whether what was proven outside of the transaction still counts.
func (r *Releaser) stands(ctx context.Context, tx vfs.Tx, k Kept, p proof) (bool, error) {
	refs, why, err := r.may(ctx, tx, k)
	if err != nil || why != "" {
		return false, err
	}
	if p.copy == (Copy{}) {
		return r.Relied(p.candidate), nil
	}
	copies, err := r.copies(ctx, tx, k.Sum, refs)
	for _, c := range copies {
		if c == p.copy {
			return true, err
		}
	}
	return false, err
}

// unmark lets the bytes of k stay.
func (r *Releaser) unmark(ctx context.Context, tx vfs.Tx, k Kept, p proof) error {
	if err := letSuccessorsGo(ctx, tx, "ref = $2 AND stage = 'waiting'", r.Clock(), string(k.Ref)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM released WHERE ref = $1 AND stage = 'waiting'", string(k.Ref)); err != nil {
		return err
	}
	if p.why == "" {
		return nil // something was changed just now
	}
	return lookLater(ctx, tx, later{k.Ref, p.look, p.why})
}

// marked returns the stage of ref, and what is kept of it.
func (r *Releaser) marked(ctx context.Context, ref blob.Ref) (stage string, k Kept, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return tx.QueryRow(ctx, "SELECT COALESCE(max(stage), '') FROM released WHERE ref = $1", string(ref)).Scan(&stage)
	})
	if err != nil || stage != stageWaiting {
		return stage, k, err
	}
	k, err = r.kept(ctx, ref)
	if errors.Is(err, fs.ErrNotExist) {
		return "", k, nil // it is gone altogether
	}
	return stage, k, err
}
