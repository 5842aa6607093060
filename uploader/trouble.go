package uploader

import (
	"sync"
	"time"
)

// trouble notices that a host is down: several different files in a row got no
// answer at all. Then files go one at a time, at growing intervals, until one
// gets an answer, and none of them loses a try for it. It is about the network
// between us and the host: a host that answers is never in trouble.
type trouble struct {
	mu   sync.Mutex
	last int64 // the upload that failed last
	row  int   // different uploads that failed in a row
	next time.Time
}

// troubled is how many different files must fail in a row.
const troubled = 3

// downLast is the longest interval between files while a host is down.
const downLast = time.Minute

// is reports whether the host is down.
func (t *trouble) is() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.row >= troubled
}

// wait returns how long no file is to be sent.
func (t *trouble) wait() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row < troubled {
		return 0
	}
	return max(0, time.Until(t.next))
}

// heard says that the host answered upload id, or that it did not.
func (t *trouble) heard(id int64, answered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case answered:
		t.row, t.last = 0, 0
	case id != t.last || t.row >= troubled:
		t.last = id
		t.row++
	}
	t.next = time.Now().Add(min(2*time.Second<<min(max(t.row-troubled, 0), 10), downLast))
}
