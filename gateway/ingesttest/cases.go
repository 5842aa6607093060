package ingesttest

import (
	"path"
	"strings"
	"time"

	"slipway/uploader/whole/wholetest"
)

// otherBytes: other bytes under the same name after the first were sent, and back
// again. Each goes once.
func otherBytes(b *bench) {
	one, two := b.picture(), b.picture()
	b.put(at("photo.jpg"), one)
	b.check()
	first := b.delivered(at("photo.jpg"), one)
	b.put(at("photo.jpg"), two)
	b.check()
	if second := b.delivered(at("photo.jpg"), two); second == first {
		b.Errorf("both have the URL %s", first)
	}
	b.must(b.door.Put(at("photo.jpg"), one))
	b.check()
	if third := b.delivered(at("photo.jpg"), one); third != first {
		b.Errorf("the first bytes have the URL %s now, and had %s", third, first)
	}
}

// sameBytes: the same bytes again, under the same name and another.
func sameBytes(b *bench) {
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.check()
	first := b.delivered(at("photo.jpg"), data)
	b.must(b.door.Put(at("photo.jpg"), data))
	b.must(b.door.Put(at("other.jpg"), data))
	b.check()
	b.delivered(at("photo.jpg"), data)
	if second := b.delivered(at("other.jpg"), data); second != first {
		b.Errorf("the same bytes have the URLs %s and %s", first, second)
	}
}

// names: those that people, cameras and systems give.
func names(b *bench) {
	for _, name := range []string{
		"Mu\u0308nchen.jpg",   // decomposed, as macOS sends it
		"M\u00fcnster.jpg",    // composed
		"🏖️ Urlaub 🐚.jpg",     // outside the basic plane, with a joiner
		"照片.jpg",              // not Latin
		`it's "quoted".jpg`,   // quotes of both kinds
		"100% (1) #2?&+=.jpg", // what means something in an address
		"a;b,c!d@e$f^g`h~i.jpg",
		"  spaces  .jpg", // at the ends and doubled
		"-rf.jpg",
		"no extension",
		"DSC_0001.JPG",
		"two.dots.in.it.jpeg",
		"<angle>|pipe*.jpg", // not possible on Windows
		strings.Repeat("n", 251) + ".jpg",
		strings.Repeat("ü", 125) + "n.jpg", // 255 bytes
	} {
		if c, ok := b.door.(interface{ Carries(name string) bool }); ok && !c.Carries(name) {
			continue
		}
		data := b.picture()
		b.put(at(name), data)
		b.holds(at(name), data)
		list, err := b.door.List(Folder)
		b.must(err)
		if !strings.Contains("\n"+strings.Join(list, "\n")+"\n", "\n"+name+"\n") {
			b.Errorf("%q is not listed as it was given: %q", name, list)
		}
	}
	b.check()
	for _, u := range b.want {
		if len(path.Base(u.Path))+len(".json") <= 255 {
			b.state(u.Path, "done")
		} else {
			b.inLinks(u.Path)
		}
	}
	// The other form of the same name is the same file.
	composed, err := b.door.Get(at("M\u00fcnchen.jpg"))
	if c, ok := b.door.(interface{ Normalises() bool }); (!ok || c.Normalises()) && (err != nil || len(composed) == 0) {
		b.Errorf("the composed form of a decomposed name: %d bytes, %v", len(composed), err)
	}
}

// inLinks waits until a file, whose name is too long for a receipt, is in its folder's
// list.
func (b *bench) inLinks(name string) {
	b.Helper()
	for end := time.Now().Add(receiptTime); ; time.Sleep(20 * time.Millisecond) {
		list, err := b.door.Get(at("_links.csv"))
		if err == nil && strings.Contains(string(list), path.Base(name)) {
			return
		}
		if time.Now().After(end) {
			b.Errorf("%s, too long a name for a receipt, is not in _links.csv (%v)", name, err)
			return
		}
	}
}

// litter: what systems leave, and names that are not final.
func litter(b *bench) {
	for _, name := range []string{
		"._photo.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.jpg", "photo.jpg.part", "photo.jpg_original", "~$photo.jpg", "photo.jpg~", "camera_tmp.jpg",
	} {
		data := b.picture()
		b.must(b.door.Put(at(name), data))
		b.holds(at(name), data)
	}
	b.must(b.door.Mkdir(at("@eaDir")))
	b.must(b.door.Put(at("@eaDir/photo.jpg"), b.picture()))
	b.check()
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
}

// notWhole: a picture that ends in its middle is held until the rest comes.
func notWhole(b *bench) {
	for name, data := range map[string][]byte{
		"half.jpg": b.picture(), "half.png": wholetest.PNG(40, 40, b.seed.Add(1)), "half.gif": wholetest.GIF(40, 40, b.seed.Add(1)),
	} {
		b.must(b.door.Put(at(name), data[:len(data)/2]))
		b.settle()
		b.check()
		if r := b.state(at(name), "held"); r.Uploads[0].Reason != "not-whole" {
			b.Errorf("%s is held for %q", name, r.Uploads[0].Reason)
		}
		b.put(at(name), data)
		b.check()
		b.delivered(at(name), data)
	}
}

// removedAtOnce: gone before it was sent.
func removedAtOnce(b *bench) {
	b.must(b.door.Put(at("photo.jpg"), b.picture()))
	b.must(b.door.Remove(at("photo.jpg")))
	b.check()
	b.absent(at("photo.jpg"))
}

// renamedAtOnce: sent once, under the new name.
func renamedAtOnce(b *bench) {
	data := b.picture()
	b.must(b.door.Put(at("photo.jpg"), data))
	b.must(b.door.Rename(at("photo.jpg"), at("better.jpg")))
	b.expect(at("better.jpg"), data)
	b.check()
	b.delivered(at("better.jpg"), data)
	b.absent(at("photo.jpg"))
}

// movedFolder: what was sent is not sent again, and receipts follow.
func movedFolder(b *bench) {
	b.must(b.door.Mkdir(at("old")))
	b.must(b.door.Mkdir(at("old/deep")))
	one, two := b.picture(), b.picture()
	b.put(at("old/one.jpg"), one)
	b.put(at("old/deep/two.jpg"), two)
	b.check()
	url := b.delivered(at("old/deep/two.jpg"), two)
	b.must(b.door.Rename(at("old"), at("new")))
	b.check()
	b.delivered(at("new/one.jpg"), one)
	if got := b.delivered(at("new/deep/two.jpg"), two); got != url {
		b.Errorf("the URL is %s now, and was %s", got, url)
	}
	b.absent(at("old/one.jpg"))
}

// copied: the copy has a receipt of its own and costs no request.
func copied(b *bench) {
	c, ok := b.door.(Copier)
	if !ok {
		b.Log("left out: this door's clients copy by reading and writing")
		return
	}
	b.must(b.door.Mkdir(at("album")))
	data := b.picture()
	b.put(at("album/photo.jpg"), data)
	b.check()
	url := b.delivered(at("album/photo.jpg"), data)
	b.must(c.Copy(at("album"), at("again")))
	b.check()
	if got := b.delivered(at("again/photo.jpg"), data); got != url {
		b.Errorf("the copy's URL is %s, the original's %s", got, url)
	}
}

// views: a sidecar can be removed, which does nothing, and what people write over
// its name is theirs and is not sent.
func views(b *bench) {
	data := b.picture()
	b.put(at("photo.jpg"), data)
	b.check()
	b.delivered(at("photo.jpg"), data)
	if w, ok := b.door.(interface{ WritesSidecars() bool }); ok && w.WritesSidecars() {
		return // they are files, and anybody's
	}
	b.must(b.door.Remove(at("photo.jpg.url")))
	b.delivered(at("photo.jpg"), data)
	note := []byte("mine\n")
	b.must(b.door.Put(at("photo.jpg.json"), note))
	b.holds(at("photo.jpg.json"), note)
	b.check()
	list, err := b.door.List(Folder)
	b.must(err)
	if !strings.Contains(strings.Join(list, "\n"), "photo.jpg.slipway.json") {
		b.Errorf("the receipt does not yield to a file of its name: %q", list)
	}
	b.must(b.door.Remove(path.Join(Folder, "photo.jpg.json")))
	b.delivered(at("photo.jpg"), data)
}
