package ingesttest

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"slipway/uploader/whole/wholetest"
)

// direct: to the final name at once.
func direct(b *bench) {
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.holds(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
}

// rename: under a temporary name, then renamed.
func rename(b *bench) {
	for _, temp := range []string{"%s.part", "%s.filepart", ".in.%s", "%s.tacitpart", "%s.tmp", ".%s.swp"} {
		data := b.picture()
		name := fmt.Sprintf("as-%s.jpg", strings.Trim(strings.ReplaceAll(temp, "%s", ""), "."))
		under := at(fmt.Sprintf(temp, name))
		b.must(b.door.Put(under, data))
		b.settle()
		b.holds(under, data)
		b.check()
		b.must(b.door.Rename(under, at(name)))
		b.expect(at(name), data)
		b.check()
		b.delivered(at(name), data)
		b.absent(under)
	}
}

// overwrite: the same name again before the first was sent. Only the last goes.
func overwrite(b *bench) {
	b.must(b.door.Put(at("photo.jpg"), b.picture()))
	b.must(b.door.Put(at("photo.jpg"), b.picture()))
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
}

// emptyThenFull: a placeholder first, as Finder and Explorer do.
func emptyThenFull(b *bench) {
	b.must(b.door.Put(at("photo.jpg"), nil))
	b.holds(at("photo.jpg"), nil)
	b.must(b.door.Put(at("only.jpg"), nil))
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
	b.holds(at("only.jpg"), nil)
}

// slow: with pauses that are longer than the quiet time, of unknown length.
func slow(b *bench) {
	s, ok := b.door.(Streamer)
	if !ok {
		b.Log("left out: this door's clients know the length")
		return
	}
	data := b.picture()
	r := &paused{data: data, step: len(data)/4 + 1, pause: 3 * b.quiet}
	b.must(s.PutFrom(at("slow.jpg"), r))
	b.expect(at("slow.jpg"), data)
	b.check()
	b.delivered(at("slow.jpg"), data)
}

// paused gives data in steps, each after a pause.
type paused struct {
	data  []byte
	step  int
	pause time.Duration
}

func (p *paused) Read(into []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	time.Sleep(p.pause)
	n := copy(into, p.data[:min(p.step, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

// pieces: one transfer for each part.
func pieces(b *bench) {
	r, ok := b.door.(Resumer)
	if !ok {
		b.Log("left out: this door's clients send files whole")
		return
	}
	data := b.picture()
	third := len(data) / 3
	b.must(r.PutAt(at("pieces.jpg"), 0, data[:third]))
	b.must(r.PutAt(at("pieces.jpg"), int64(third), data[third:2*third]))
	b.must(r.PutAt(at("pieces.jpg"), int64(2*third), data[2*third:]))
	b.expect(at("pieces.jpg"), data)
	b.check()
	b.delivered(at("pieces.jpg"), data)
}

// cut: broken off at several places, and then again, whole.
func cut(b *bench) {
	c, ok := b.door.(Cutter)
	if !ok {
		b.Log("left out: this door's transfers do not break off visibly")
		return
	}
	data := wholetest.PNG(200, 200, b.seed.Add(1)) // more than fits into a transaction
	for _, n := range []int{1, len(data) / 2, len(data) - 1} {
		b.must(c.PutCut(at("cut.png"), data, n))
		b.settle()
		b.absent(at("cut.png"))
		b.check()
	}
	b.put(at("cut.png"), data)
	b.check()
	b.delivered(at("cut.png"), data)
}

// cutOver: broken off over a file that is there, which stands.
func cutOver(b *bench) {
	c, ok := b.door.(Cutter)
	if !ok {
		b.Log("left out: this door's transfers do not break off visibly")
		return
	}
	old, data := b.picture(), b.picture()
	b.put(at("photo.jpg"), old)
	b.check()
	url := b.delivered(at("photo.jpg"), old)
	for _, n := range []int{1, len(data) / 2, len(data) - 1} {
		b.must(c.PutCut(at("photo.jpg"), data, n))
		b.check()
		if got := b.delivered(at("photo.jpg"), old); got != url {
			b.Errorf("the URL is %s now, and was %s", got, url)
		}
	}
	b.put(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
}

// parallel: many files over several connections.
func parallel(b *bench) {
	const doors, each = 4, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range doors {
		door := b.Door(b.T)
		wg.Go(func() {
			for j := range each {
				name, data := at(fmt.Sprintf("%d-%d.jpg", i, j)), b.picture()
				if err := door.Put(name, data); err != nil {
					b.Errorf("%s: %v", name, err)
					return
				}
				mu.Lock()
				b.expect(name, data)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	b.check()
	for _, suffix := range []string{".jpg", ".jpg.url", ".jpg.json"} {
		b.named(suffix, doors*each)
	}
}

// named waits until n names in Folder end in suffix.
func (b *bench) named(suffix string, n int) {
	b.Helper()
	for end := time.Now().Add(receiptTime); ; time.Sleep(20 * time.Millisecond) {
		list, err := b.door.List(Folder)
		b.must(err)
		got := 0
		for _, name := range list {
			if strings.HasSuffix(name, suffix) {
				got++
			}
		}
		if got == n {
			return
		}
		if time.Now().After(end) {
			b.Errorf("%d names end in %s, want %d", got, suffix, n)
			return
		}
	}
}

// big: more than what goes into the database.
func big(b *bench) {
	for name, size := range map[string]int{"64k.webp": 148, "300k.webp": 320, "3m.webp": 1000} {
		data := wholetest.WebP(size, size, b.seed.Add(1))
		b.put(at(name), data)
		b.check()
		b.delivered(at(name), data)
	}
}

// nested: into new folders, several deep.
func nested(b *bench) {
	dir := Folder
	for _, name := range []string{"2026", "11 November", "a trip"} {
		dir = path.Join(dir, name)
		b.must(b.door.Mkdir(dir))
		data := b.picture()
		b.put(path.Join(dir, "photo.jpg"), data)
	}
	b.check()
	data := b.picture()
	b.put(path.Join(dir, "last.jpg"), data)
	b.check()
	b.delivered(path.Join(dir, "last.jpg"), data)
	list, err := b.door.List(path.Dir(dir))
	b.must(err)
	if !bytes.Contains([]byte(strings.Join(list, "\n")), []byte("a trip")) {
		b.Errorf("the folder is not listed: %q", list)
	}
}
