package watch

import (
	"fmt"
	"testing"
	"time"
)

// TestQueue: a directory is there once, with all that is asked for it; one that waited
// behind the others is the next one if it is asked for again.
func TestQueue(t *testing.T) {
	var q queue
	q.push(task{dir: "a", lost: true})
	q.push(task{dir: "b"})
	q.pushLast(task{dir: "c"}, task{dir: "d"}, task{dir: "b", deep: true})
	q.push(task{dir: "a", force: true})
	q.push(task{dir: "c", force: true})
	want := []task{{dir: "c", force: true}, {dir: "b", deep: true}, {dir: "a", force: true}, {dir: "d"}}
	for _, w := range want {
		if got, ok := q.pop(); !ok || got != w {
			t.Errorf("got %+v, %v, want %+v", got, ok, w)
		}
	}
	if got, ok := q.pop(); ok {
		t.Errorf("there is %+v", got)
	}
}

// TestQueueBounded: what it takes does not depend on how often it is asked.
func TestQueueBounded(t *testing.T) {
	var q queue
	q.pushLast(task{dir: "x"})
	for i := range 100_000 {
		q.pushLast(task{dir: "a"})
		q.push(task{dir: "a"})
		q.push(task{dir: fmt.Sprint(i % 10)})
		if i%3 == 0 {
			q.pop()
		}
		if q.len() > 12 || len(q.order) > 200 {
			t.Fatalf("%d, and %d in order", q.len(), len(q.order))
		}
	}
}

// quietFolder is one that nothing is done with.
func quietFolder(dirs ...string) *Folder {
	f := New(Options{Root: "/nowhere", Clock: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	for _, dir := range dirs {
		n := f.node(dir)
		if up := f.dirs[parent(dir)]; dir != "" && up != nil {
			up.subs = append(up.subs, base(dir))
		}
		n.looked = true
	}
	return f
}

// TestHintsOfEverything: however many there are, everything is looked at once more.
func TestHintsOfEverything(t *testing.T) {
	f := quietFolder("")
	f.walk.next = f.o.Clock().Add(time.Hour)
	f.changed("", true)
	f.heedHints()
	if f.walk.next.After(f.o.Clock()) || f.todo.len() != 0 {
		t.Errorf("the next walk is at %v; %d are queued", f.walk.next, f.todo.len())
	}
	f.walk.on, f.walk.next = true, f.o.Clock().Add(time.Hour)
	for range 1000 {
		f.changed("", true)
		f.changed("sub", true)
		f.heedHints()
	}
	if f.todo.len() > 1 || len(f.todo.order) > 1 {
		t.Errorf("%d are queued", len(f.todo.order))
	}
	f.endWalk()
	if f.walk.on || f.walk.next.After(f.o.Clock().Add(restMost)) {
		t.Errorf("the next walk is at %v", f.walk.next)
	}
	f.walk.on = true
	f.endWalk()
	if f.walk.next.Before(f.o.Clock().Add(restMost + 1)) {
		t.Errorf("walks go on by themselves, at %v", f.walk.next)
	}
}

// TestManyGone: each of many directories that went is looked at once.
func TestManyGone(t *testing.T) {
	dirs := []string{"", "top", "other", "tops"}
	for i := range 200 {
		dirs = append(dirs, fmt.Sprintf("top/%d", i))
		for j := range 200 {
			dirs = append(dirs, fmt.Sprintf("top/%d/%d", i, j))
		}
	}
	f := quietFolder(dirs...)
	f.heedListing(task{}, &listing{subs: []string{"other", "tops"}})
	looked := make(map[string]bool)
	for {
		next, ok := f.todo.pop()
		if !ok {
			break
		}
		if looked[next.dir] || !within(next.dir, "top") {
			t.Fatalf("%q is looked at; %d were", next.dir, len(looked))
		}
		looked[next.dir] = true
		f.heedListing(next, &listing{gone: true})
	}
	if want := len(dirs) - 3; len(looked) != want {
		t.Errorf("%d were looked at, not %d", len(looked), want)
	}
}

// TestRest: a directory that takes long to look at rests between two looks, whoever asks
// for one, but never for long.
func TestRest(t *testing.T) {
	if short, long := restAfter(0), restAfter(time.Hour); short != restMin || long != restMost || restMost > 2*time.Second {
		t.Errorf("it rests %v and %v", short, long)
	}
	f := quietFolder("", "big")
	f.dirs["big"].rest = f.o.Clock().Add(restMost)
	f.lookLater("big", f.o.Clock())
	f.heedTime()
	if f.todo.len() != 0 || !f.later["big"].Equal(f.dirs["big"].rest) {
		t.Errorf("%d are queued, and later %v", f.todo.len(), f.later)
	}
	f.dirs["big"].rest = f.o.Clock()
	f.later["big"] = f.o.Clock()
	f.heedTime()
	if f.todo.len() != 1 || len(f.later) != 0 {
		t.Errorf("%d are queued, and later %v", f.todo.len(), f.later)
	}
}
