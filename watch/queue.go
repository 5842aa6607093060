package watch

import "slices"

// queue are the directories to be looked at. Each is in it once, with all that is
// asked for it, however often that is.
type queue struct {
	asked map[string]asked
	order []string // the next one last; some are not asked for any more, or again above
}

type asked struct {
	task
	top bool // it was put on the top
}

// len returns how many directories are queued.
func (q *queue) len() int { return len(q.asked) }

// push makes t the next one; one that was pushed before keeps its place.
func (q *queue) push(t task) {
	before, had := q.asked[t.dir]
	if had {
		t = before.and(t)
	}
	q.put(asked{t, true})
	if had && before.top {
		return
	}
	if len(q.order) > 2*len(q.asked)+64 {
		q.compact()
	}
	q.order = append(q.order, t.dir)
}

// pushLast puts list behind all others, each before the one that precedes it.
func (q *queue) pushLast(list ...task) {
	var order []string
	for _, t := range list {
		if before, had := q.asked[t.dir]; had {
			before.task = before.and(t)
			q.put(before)
			continue
		}
		q.put(asked{task: t})
		order = append(order, t.dir)
	}
	if len(order) > 0 {
		q.order = slices.Concat(order, q.order)
	}
}

func (q *queue) put(a asked) {
	if q.asked == nil {
		q.asked = make(map[string]asked)
	}
	q.asked[a.dir] = a
}

// pop takes the next one.
func (q *queue) pop() (t task, ok bool) {
	for len(q.asked) > 0 {
		dir := q.order[len(q.order)-1]
		q.order = q.order[:len(q.order)-1]
		if a, ok := q.asked[dir]; ok {
			delete(q.asked, dir)
			return a.task, true
		}
	}
	*q = queue{}
	return task{}, false
}

// compact forgets what is in the order for nothing.
func (q *queue) compact() {
	seen := make(map[string]bool, len(q.asked))
	var order []string
	for _, dir := range slices.Backward(q.order) {
		if _, is := q.asked[dir]; is && !seen[dir] {
			seen[dir] = true
			order = append(order, dir)
		}
	}
	slices.Reverse(order)
	q.order = order
}

// and returns what does both.
func (t task) and(other task) task {
	return task{dir: t.dir, deep: t.deep || other.deep, force: t.force || other.force, lost: t.lost && other.lost}
}
