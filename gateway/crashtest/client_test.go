package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
)

// world is what is in a client's folder: a picture by path.
type world map[string]programtest.Picture

// change is one request that changes a world.
type change struct {
	verb     string // put, delete, move, copy
	path, to string
	picture  programtest.Picture
}

func (c change) apply(w world) world {
	w = maps.Clone(w)
	switch c.verb {
	case "put":
		w[c.path] = c.picture
	case "delete":
		delete(w, c.path)
	case "move":
		w[c.to] = w[c.path]
		delete(w, c.path)
	case "copy":
		w[c.to] = w[c.path]
	}
	return w
}

func (c change) String() string {
	return strings.TrimRight(fmt.Sprintf("%s %s %s %s", c.verb, c.path, c.to, c.picture.ID), " ")
}

// client is somebody who works in a folder of his own, one request after the
// other, and knows what must be there.
type client struct {
	t      *testing.T
	dir    string
	rand   *rand.Rand
	bases  [][]byte
	hazard *Hazard

	now    world   // what is there
	doubt  *change // a request that got no answer: done or not
	made   map[string]*sent
	names  int
	counts counts
}

// sent is a picture that was put.
type sent struct {
	programtest.Picture
	acked  bool
	shared bool // more than one entry had it
}

// counts are for the summary.
type counts struct {
	acked, inDoubt, done, undone, large, checked int
}

func (c *counts) add(d counts) {
	c.acked += d.acked
	c.inDoubt += d.inDoubt
	c.done += d.done
	c.undone += d.undone
	c.large += d.large
	c.checked += d.checked
}

// work makes requests until ctx ends or one of them gets no answer.
func (c *client) work(ctx context.Context, dav *programtest.Client) {
	if !c.settle(dav) {
		return
	}
	for ctx.Err() == nil {
		next := c.next()
		err := c.do(dav, next)
		var refused *programtest.StatusError
		switch {
		case errors.As(err, &refused):
			c.t.Errorf("%s was answered %v", next, err)
			return
		case err != nil:
			c.unanswered(next)
			return
		}
		c.acked(next)
		time.Sleep(time.Duration(c.rand.IntN(8)) * time.Millisecond)
	}
}

// inlineMax is up to which size bytes travel inside the transaction.
const inlineMax = 64 << 10

// unanswered notes a request that got no answer.
func (c *client) unanswered(d change) {
	c.doubt = &d
	c.counts.inDoubt++
	if d.verb == "put" && d.picture.Size > inlineMax {
		c.counts.large++
	}
}

// acked takes over what was answered 2xx.
func (c *client) acked(done change) {
	c.now = done.apply(c.now)
	c.counts.acked++
	switch done.verb {
	case "put":
		c.made[done.picture.MD5].acked = true
		c.hazard.At(Acked)
	case "copy":
		c.made[c.now[done.to].MD5].shared = true
	}
}

// settle finds out what became of the request that got no answer: all of it or
// nothing. It returns false where the program is gone again.
func (c *client) settle(dav *programtest.Client) bool {
	if c.doubt == nil {
		return true
	}
	d := *c.doubt
	before, after := c.now, d.apply(c.now)
	isBefore, isAfter := true, true
	for _, p := range []string{d.path, d.to} {
		if p == "" {
			continue
		}
		got, err := read(dav, p)
		if err != nil {
			return false
		}
		isBefore, isAfter = isBefore && before.is(p, got), isAfter && after.is(p, got)
		if !before.is(p, got) && !after.is(p, got) {
			c.t.Errorf("after %s, which was not acknowledged, %s has %d bytes that are neither the old file nor the new one", d, p, len(got))
		}
	}
	if !isBefore && !isAfter {
		c.t.Errorf("%s was done in part", d)
	}
	c.doubt = nil
	if d.verb == "copy" {
		c.made[before[d.path].MD5].shared = true
	}
	if isAfter {
		c.now = after
		c.counts.done++
	} else {
		c.counts.undone++
	}
	if d.verb == "put" && c.rand.IntN(2) == 0 { // as people do
		return c.again(dav, d)
	}
	return true
}

// again puts the very file that was in doubt.
func (c *client) again(dav *programtest.Client, d change) bool {
	if err := c.do(dav, d); err != nil {
		c.unanswered(d)
		return false
	}
	c.acked(d)
	return true
}

// is reports whether got is what the world has at path; nil bytes are nothing.
func (w world) is(path string, got []byte) bool {
	p, there := w[path]
	if !there {
		return got == nil
	}
	return got != nil && bytes.Equal(got, p.Bytes())
}

// read returns the bytes at path, nil where nothing is there.
func read(dav *programtest.Client, path string) ([]byte, error) {
	got, err := dav.Get(context.Background(), path)
	var refused *programtest.StatusError
	if errors.As(err, &refused) && refused.Code == 404 {
		return nil, nil
	}
	if err == nil && got == nil {
		got = []byte{}
	}
	return got, err
}

// next draws what to do.
func (c *client) next() change {
	there := slices.Sorted(maps.Keys(c.now))
	old := func() string { return there[c.rand.IntN(len(there))] }
	dice := c.rand.IntN(100)
	switch {
	case len(there) < 4 || dice < 52:
		return change{verb: "put", path: c.name(), picture: c.picture()}
	case dice < 68:
		return change{verb: "put", path: old(), picture: c.picture()}
	case dice < 80:
		return change{verb: "delete", path: old()}
	case dice < 90:
		return change{verb: "move", path: old(), to: c.name()}
	case dice < 94:
		if a, b := old(), old(); a != b {
			return change{verb: "move", path: a, to: b}
		}
	}
	return change{verb: "copy", path: old(), to: c.name()}
}

func (c *client) name() string {
	c.names++
	return fmt.Sprintf("%s/p%05d.jpg", c.dir, c.names)
}

// picture makes a new one: two thirds are small enough to travel inside the
// transaction.
func (c *client) picture() programtest.Picture {
	fill := c.rand.IntN(inlineMax - 4<<10)
	if c.rand.IntN(3) == 0 {
		fill = inlineMax + c.rand.IntN(1<<20-inlineMax)
	}
	base := c.bases[c.rand.IntN(len(c.bases))]
	p := programtest.NewPicture(base, fmt.Sprintf("%s %d", c.dir, len(c.made)), fill, c.rand.Uint64())
	c.made[p.MD5] = &sent{Picture: p}
	return p
}

func (c *client) do(dav *programtest.Client, d change) error {
	ctx := context.Background() // the kill ends it
	switch d.verb {
	case "put":
		length := d.picture.Size
		if c.rand.IntN(4) == 0 {
			length = -1 // in chunks
		}
		body := &feed{data: d.picture.Bytes(), at: c.hazard.At}
		body.whole = len(body.data)
		if c.rand.IntN(3) == 0 {
			body.pause = time.Duration(1+c.rand.IntN(4)) * time.Millisecond
		}
		return dav.Put(ctx, d.path, body, length)
	case "delete":
		return dav.Delete(ctx, d.path)
	case "move":
		return dav.Move(ctx, d.path, d.to)
	}
	return dav.Copy(ctx, d.path, d.to)
}

// feed is a file as a client reads it from its disk, slowly where pause is set.
type feed struct {
	data  []byte
	whole int
	pause time.Duration
	at    func(Event)
}

func (f *feed) Read(p []byte) (int, error) {
	if len(f.data) == 0 {
		return 0, io.EOF
	}
	time.Sleep(f.pause)
	n := copy(p[:min(len(p), 32<<10)], f.data)
	before := len(f.data)
	f.data = f.data[n:]
	switch after := len(f.data); {
	case after == 0:
		f.at(PutSent)
	case before == f.whole:
		f.at(PutBegun)
	case before > f.whole/2 && after <= f.whole/2:
		f.at(PutHalf)
	}
	return n, nil
}

// verify compares the folder with what must be there.
func (c *client) verify(dav *programtest.Client) {
	names, err := dav.List(context.Background(), c.dir)
	if err != nil {
		c.t.Fatalf("%s cannot be listed: %v", c.dir, err)
	}
	for _, n := range names {
		if _, ok := c.now[c.dir+"/"+n]; !ok && strings.HasSuffix(n, ".jpg") {
			c.t.Errorf("%s/%s is there, and was never acknowledged or was deleted", c.dir, n)
		}
	}
	for p, picture := range c.now {
		got, err := read(dav, p)
		switch {
		case err != nil:
			c.t.Errorf("%s: %v", p, err)
		case got == nil:
			c.t.Errorf("%s was acknowledged and is lost", p)
		case !bytes.Equal(got, picture.Bytes()):
			c.t.Errorf("%s was acknowledged with %d bytes; other bytes (%d) are there", p, picture.Size, len(got))
		}
		c.counts.checked++
	}
}
