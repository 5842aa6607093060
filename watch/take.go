package watch

import (
	"context"
	"errors"
	"io"
	"time"
)

// end of a take, beside errors.
type end int

const (
	ended   end = iota // for another reason, which an error says
	wasSame            // the bytes are the remembered ones
	wasMoved
	wasTaken
)

// takeAll takes candidates until ctx ends.
func (f *Folder) takeAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-f.ready:
			if !f.start(x) {
				continue
			}
			t := take{Folder: f, x: x}
			how, err := t.run(ctx)
			f.leave(x.path)
			f.finish(ctx, x, how, t.from, err)
		}
	}
}

// start claims x; who cannot have it tries again later.
func (f *Folder) start(x *candidate) bool {
	if !f.enter(x.path) {
		f.mu.Lock()
		defer f.mu.Unlock()
		x.phase, x.due = settling, f.o.Clock().Add(restMin)
		poke(f.wake)
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x.phase = taking
	return true
}

// finish notes how the take of x ended.
func (f *Folder) finish(ctx context.Context, x *candidate, how end, from string, err error) {
	if ctx.Err() != nil && err != nil {
		return
	}
	s := Step{Path: x.path, Bytes: x.stat.Size}
	f.mu.Lock()
	now := f.o.Clock()
	switch {
	case errors.Is(err, errSurprise):
		f.surprise(x, err, now)
	case err != nil:
		s.Kind, s.Why = StepFail, plain(err)
		if refused(err) {
			s.Kind = StepRefuse
		}
		f.trouble(x.path, x.stat, err, 0)
		delete(f.coming, x.path)
		if tr := f.troubles[x.path]; tr != nil && !tr.next.IsZero() {
			f.lookLater(parent(x.path), tr.next)
		}
	default:
		delete(f.coming, x.path)
		delete(f.troubles, x.path)
		f.remindPatience(x, now)
		f.home.took(x.path, x.stay)
		s.Kind, s.From = f.tally(how, x.stat.Size), from
	}
	if err != nil || len(f.coming) == 0 || f.full && len(f.coming) <= maxComing/2 {
		poke(f.wake)
	}
	f.mu.Unlock()
	if s.Kind != "" {
		f.tell(s)
	}
}

// tally counts how a take ended, and returns its kind of Step.
func (f *Folder) tally(how end, size int64) string {
	switch how {
	case wasTaken:
		f.counts.Taken.add(size)
		return StepTake
	case wasMoved:
		f.counts.Moved.add(size)
		return StepMove
	default:
		f.counts.Same.add(size)
		return StepSame
	}
}

// tell tells whoever follows a Scan of a step.
func (f *Folder) tell(s Step) {
	if f.step == nil {
		return
	}
	f.steps.Lock()
	defer f.steps.Unlock()
	f.step(s)
}

// take is one file on its way into the virtual filesystem. Its path is claimed.
//
// What is remembered first of new bytes is that they are about to be put (Taking), and
// then that they are. In between a crash leaves either nothing in the virtual
// filesystem, and the file is put at the next start, or the bytes, and putting the
// same bytes there again changes nothing.
type take struct {
	*Folder
	x    *candidate
	had  bool
	old  Known // what is remembered of the path, if had
	sum  [32]byte
	from string // of a move
}

// run reads the file and does what its bytes demand.
func (t *take) run(ctx context.Context) (end, error) {
	var err error
	if t.old, t.had, err = t.known(ctx, t.x.path); err != nil {
		return ended, err
	}
	if t.had && t.old.State == Taken && t.old.Stat == t.x.stat {
		return wasSame, nil
	}
	src, err := t.read(t.x.path, t.x.stat)
	if err != nil {
		return ended, err
	}
	defer src.Close()
	likely, err := t.likely(ctx)
	if err != nil {
		return ended, err
	}
	if likely {
		// It was touched or moved, so its bytes are needed for their sum alone.
		if t.sum, err = src.sum(ctx, io.Discard); err != nil {
			return ended, err
		}
		if how, err := t.without(ctx); how != ended || err != nil {
			return how, err
		}
	}
	if err := t.admit(ctx, t.x.path, t.x.stat.Size); err != nil {
		return ended, err
	}
	return t.put(ctx, src)
}

// likely reports whether the bytes may well be remembered already.
func (t *take) likely(ctx context.Context) (bool, error) {
	if t.had && t.old.Stat.Size == t.x.stat.Size && (t.old.State == Taken || t.old.State == Missing) {
		return true, nil
	}
	if t.x.stat.Inode == 0 {
		return false, nil
	}
	twins, err := t.twins(ctx, t.x.stat, [32]byte{})
	for _, k := range twins {
		if k.Path != t.x.path && k.Stat.Size == t.x.stat.Size {
			return true, err
		}
	}
	return false, err
}

// without does what can be done without putting bytes: the remembered ones are at the
// path still, or come from another.
func (t *take) without(ctx context.Context) (end, error) {
	if t.had && t.old.Sum == t.sum && t.old.sure() && (t.old.State == Taken || t.old.State == Missing) {
		k := t.old
		if k.State != Taken {
			k.State, k.Since = Taken, t.takenNow(t.x.path, t.x.stat.Device)
		}
		k.Stat = t.x.stat
		k.Done = !t.attended() // it may have been found another one when it was to be finished with
		if err := t.o.Memory.Store(ctx, t.o.Name, []Known{k}, nil); err != nil {
			return ended, err
		}
		t.notice(k.Entry)
		return wasSame, nil
	}
	if t.had && (t.old.State == Taken || t.old.State == Missing) {
		return ended, nil // other bytes at a path with an entry are a version of that
	}
	return t.fromTwin(ctx)
}

// sure reports whether the remembered bytes were put. Where a crash came just before
// or after that, it is not known.
func (k Known) sure() bool { return k.State != Taking && k.Entry != 0 }

// put stages the file's bytes and commits them.
func (t *take) put(ctx context.Context, src *source) (how end, err error) {
	s, err := t.create(ctx, t.x.path)
	if err != nil {
		return ended, err
	}
	before := t.sum
	if t.sum, err = src.sum(ctx, s); err != nil {
		abort(s, err)
		return ended, err
	}
	if t.sum != before { // else it was asked already
		if how, err = t.without(ctx); how != ended || err != nil {
			abort(s, errors.New("the bytes are there already"))
			return how, err
		}
	}
	// Once it is begun it is brought to an end.
	ctx = context.WithoutCancel(ctx)
	if err := t.intend(ctx); err != nil {
		abort(s, err)
		return ended, err
	}
	s.SetModTime(time.Unix(0, t.x.stat.Modified))
	if err := s.Close(); err != nil {
		return ended, errors.Join(err, t.revert(ctx, err))
	}
	return wasTaken, t.took(ctx, s)
}

// intend remembers that the bytes are about to be put.
func (t *take) intend(ctx context.Context) error {
	k := t.taken()
	k.State = Taking
	return t.o.Memory.Store(ctx, t.o.Name, []Known{k}, nil)
}

// revert remembers what was before, after a refusal. Of another error it is not known
// whether the bytes are there; the next try will put them in any case.
func (t *take) revert(ctx context.Context, err error) error {
	switch {
	case !refused(err):
		return nil
	case t.had:
		return t.o.Memory.Store(ctx, t.o.Name, []Known{t.old}, nil)
	}
	return t.o.Memory.Store(ctx, t.o.Name, nil, []string{t.x.path})
}

// taken returns what is to be remembered of the path.
func (t *take) taken() Known {
	return Known{
		Path: t.x.path, Stat: t.x.stat, Sum: t.sum, Entry: t.old.Entry, State: Taken, Since: t.takenNow(t.x.path, t.x.stat.Device),
		Done: !t.attended(), Beside: t.old.Beside,
	}
}

// took remembers that the bytes were put.
func (t *take) took(ctx context.Context, s staged) error {
	k := t.taken()
	if st, ok := s.(storer); ok {
		k.Entry, _ = st.Stored()
	}
	if err := t.o.Memory.Store(ctx, t.o.Name, []Known{k}, nil); err != nil {
		return err
	}
	t.o.Log.Debug("a watched file was taken", "folder", t.o.Root, "file", t.x.path, "bytes", t.x.stat.Size, "entry", k.Entry)
	t.notice(k.Entry)
	return nil
}

// known returns what is remembered of one path.
func (f *Folder) known(ctx context.Context, path string) (Known, bool, error) {
	// No path lies between this one and path but such as no person makes.
	after := path[:len(path)-1] + string([]byte{path[len(path)-1] - 1, 0xff})
	const page = 4
	for {
		list, err := f.o.Memory.Below(ctx, f.o.Name, parent(path), after, page)
		if err != nil {
			return Known{}, false, err
		}
		for _, k := range list {
			switch {
			case k.Path == path:
				return k, true, nil
			case k.Path > path:
				return Known{}, false, nil
			}
			after = k.Path
		}
		if len(list) < page {
			return Known{}, false, nil
		}
	}
}
