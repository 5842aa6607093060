package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"time"

	"slipway/vfs"
)

const (
	// wordingBatch is of how many uploads one transaction writes the words and tallies.
	wordingBatch = 500
	// wordingRest is how long the search's words let a change rest, and wordingPause
	// how long they leave the database to others after a batch.
	wordingRest  = time.Second
	wordingPause = 20 * time.Millisecond
	// countedMost is how many words are counted at a time.
	countedMost = 20_000
	// recount is after how many new names a word is counted in the table.
	recount = 500
)

// wording writes the words of names. One goroutine uses it.
type wording struct {
	l      *Ledger
	common map[string]bool // words that too many names have
	counts map[string]int  // new names since the last count
	dirs   map[int64]bool  // directories whose words are known to be there
}

// word keeps the table of words until ctx ends. Of several that run, one works.
func (l *Ledger) word(ctx context.Context) {
	select {
	case l.wording <- struct{}{}:
		defer func() { <-l.wording }()
	case <-ctx.Done():
		return
	}
	changed, cancel := l.Watch()
	defer cancel()
	w := &wording{l: l, counts: make(map[string]int), dirs: make(map[int64]bool)}
	for pause := time.Duration(0); ; {
		if !rest(ctx, pause) {
			return
		}
		more, err := w.batch(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.log.Error("the words for the search could not be written, which will be tried again", "error", err)
			pause = 10 * wordingRest
		case more && len(changed) == 0:
			pause = wordingPause
		case more: // others are at work
			pause = 10 * wordingPause
			<-changed
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			pause = wordingRest
		}
	}
}

// rest waits, and reports whether ctx has not ended.
func rest(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// batch writes the words of the next uploads and of what was renamed. It reports
// whether there is more.
func (w *wording) batch(ctx context.Context) (more bool, err error) {
	if w.common == nil {
		if err := w.load(ctx); err != nil {
			return false, err
		}
	}
	if idle, err := w.idle(ctx); idle || err != nil { // looking is free
		return false, err
	}
	err = w.l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		p, err := w.pending(ctx, tx)
		if err != nil {
			return err
		}
		more = p.full
		if err := w.post(ctx, tx, p.posts); err != nil {
			return err
		}
		if err := tally(ctx, tx, p.after, p.cursor); err != nil {
			return err
		}
		for _, id := range p.renamed {
			if _, err := tx.Exec(ctx, "DELETE FROM renamed WHERE id = $1", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.common = nil // what is remembered may not be there
		clear(w.dirs)
	}
	return more, err
}

func (w *wording) load(ctx context.Context) error {
	common := make(map[string]bool)
	err := w.l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return each(ctx, tx, func(s *sql.Rows) error {
			var word string
			err := s.Scan(&word)
			common[word] = true
			return err
		}, "SELECT word FROM common_words")
	})
	if err == nil {
		w.common = common
	}
	return err
}

func (w *wording) idle(ctx context.Context) (idle bool, err error) {
	err = w.l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var n int
		found, err := optional(tx.QueryRow(ctx, `SELECT 1 FROM (SELECT id FROM uploads WHERE id > (SELECT upload FROM indexed)
			UNION ALL SELECT id FROM renamed) AS pending LIMIT 1`), &n)
		idle = !found
		return err
	})
	return idle, err
}

// tally counts the uploads after one up to another, which from then on are followed.
func tally(ctx context.Context, tx vfs.Tx, after, to int64) error {
	if to == after {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO tallies SELECT dir, destination, state, count(*) FROM uploads WHERE id > $1 AND id <= $2
		GROUP BY dir, destination, state ON CONFLICT (dir, destination, state) DO UPDATE SET n = tallies.n + excluded.n`, after, to)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE indexed SET upload = $1", to)
	}
	return err
}

// posting is that a name has a word.
type posting struct {
	word string
	id   int64
}

// pending is what a batch is about.
type pending struct {
	posts   []posting
	after   int64 // the upload before the first
	cursor  int64 // the last upload
	renamed []int64
	full    bool // there may be more
}

func (p *pending) name(name string, id int64) {
	for _, word := range nameWords(name) {
		p.posts = append(p.posts, posting{word, id})
	}
}

// pending collects the words of a batch.
func (w *wording) pending(ctx context.Context, tx vfs.Tx) (p pending, err error) {
	if err := tx.QueryRow(ctx, "SELECT upload FROM indexed").Scan(&p.after); err != nil {
		return p, err
	}
	p.cursor = p.after
	dirs := make(map[int64]bool)
	n := 0
	err = each(ctx, tx, func(s *sql.Rows) error {
		var entry, dir int64
		var file string
		err := s.Scan(&p.cursor, &entry, &dir, &file)
		p.name(path.Base(file), entry)
		if n++; !w.dirs[dir] {
			dirs[dir] = true
		}
		return err
	}, "SELECT id, entry, dir, path FROM uploads WHERE id > $1 ORDER BY id LIMIT $2", p.cursor, wordingBatch)
	if err != nil {
		return p, err
	}
	for dir := range dirs {
		if err := w.above(ctx, tx, dir, &p); err != nil {
			return p, err
		}
	}
	err = each(ctx, tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		p.renamed = append(p.renamed, id)
		return err
	}, "SELECT id FROM renamed LIMIT $1", wordingBatch)
	for _, id := range p.renamed {
		var name string
		found, nameErr := optional(tx.QueryRow(ctx, "SELECT name FROM entries WHERE id = $1", max(id, -id)), &name)
		err = errors.Join(err, nameErr)
		if found {
			p.name(name, id)
		}
	}
	p.full = n == wordingBatch || len(p.renamed) == wordingBatch
	return p, err
}

// above collects the words of a directory and of those above it.
func (w *wording) above(ctx context.Context, tx vfs.Tx, dir int64, p *pending) error {
	for dir > int64(vfs.Root) && !w.dirs[dir] {
		if len(w.dirs) >= countedMost {
			clear(w.dirs)
		}
		w.dirs[dir] = true
		var name string
		var parent int64
		found, err := optional(tx.QueryRow(ctx, "SELECT name, COALESCE(parent, 0) FROM entries WHERE id = $1", dir), &name, &parent)
		if err != nil || !found {
			return err
		}
		p.name(name, -dir)
		dir = parent
	}
	return nil
}

// post writes words, but for those that are common.
func (w *wording) post(ctx context.Context, tx vfs.Tx, posts []posting) error {
	posts = slices.DeleteFunc(posts, func(p posting) bool { return w.common[p.word] && p.id > 0 })
	if len(posts) == 0 {
		return nil
	}
	slices.SortFunc(posts, func(a, b posting) int { return cmp.Or(cmp.Compare(a.word, b.word), cmp.Compare(a.id, b.id)) })
	list := make([][2]any, len(posts))
	for i, p := range posts {
		list[i] = [2]any{p.word, p.id}
	}
	all, err := json.Marshal(list)
	if err != nil {
		return err
	}
	query := "INSERT INTO words SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1) WHERE true ON CONFLICT DO NOTHING"
	if w.l.db.Postgres() {
		query = "INSERT INTO words SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM json_array_elements(CAST($1 AS JSON)) ON CONFLICT DO NOTHING"
	}
	if _, err := tx.Exec(ctx, query, string(all)); err != nil {
		return err
	}
	return w.count(ctx, tx, posts)
}

// count finds out which words have become common.
func (w *wording) count(ctx context.Context, tx vfs.Tx, posts []posting) error {
	for _, p := range posts {
		if len(w.counts) > countedMost {
			clear(w.counts)
		}
		if w.counts[p.word]++; w.counts[p.word]%recount != 0 {
			continue
		}
		var n int
		err := tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM words WHERE word = $1 LIMIT $2) AS names", p.word, postsMost+1).Scan(&n)
		if err != nil {
			return err
		}
		if n <= postsMost {
			continue
		}
		if _, err := tx.Exec(ctx, "INSERT INTO common_words VALUES ($1) ON CONFLICT DO NOTHING", p.word); err != nil {
			return err
		}
		w.common[p.word] = true
	}
	return nil
}
