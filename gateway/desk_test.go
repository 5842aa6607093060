package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader"
)

const homes = `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "root"
password = "env:PASSWORD"
[[user]]
name = "ann"
password = "env:PASSWORD"
home = "/homes/ann"
[[user]]
name = "looks"
password = "env:PASSWORD"
home = "/homes/ann"
rights = "read"
[[user]]
name = "drops"
password = "env:PASSWORD"
home = "/homes/ann"
rights = "drop"
[[user]]
name = "bob"
password = "env:PASSWORD"
home = "/homes/an"
[destination.home]
driver = "local"
[destination.spare]
driver = "local"
[[route]]
path = "/homes/{who}/{rest...}"
to = ["home"]
[settle]
quiet = "0s"
`

// office is a gateway of homes and the desks of its users.
type office struct {
	*testing.T
	a *app
}

func newOffice(t *testing.T) office {
	t.Helper()
	a, _ := testApp(t, homes, map[string]string{"PASSWORD": "correct-horse"})
	return office{t, a}
}

var annsAddress = netip.MustParseAddr("192.0.2.1")

// desk returns a user's, as the page makes it.
func (o office) desk(name string) operate.Desk { return o.deskFrom(name, annsAddress) }

func (o office) deskFrom(name string, from netip.Addr) operate.Desk {
	o.Helper()
	u, err := o.a.users.Check(o.Context(), name, "correct-horse", netip.Addr{})
	if err != nil {
		o.Fatal(err)
	}
	return o.a.desk(u, from, doorPage)
}

// deskPicture is a PNG of a size, unlike others of another seed.
func deskPicture(seed, w, h int) []byte {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = byte(i * (seed + 1))
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// put stores a file through a desk and waits until it is done. It returns its entry
// and its upload.
func (o office) put(d operate.Desk, name string, content []byte) (entry, upload int64) {
	o.Helper()
	f, err := d.FS(o.Context(), annsAddress).Create(name)
	if err != nil {
		o.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		o.Fatal(err)
	}
	if err := f.Close(); err != nil {
		o.Fatal(err)
	}
	entry, stored := f.(interface{ Stored() (int64, string) }).Stored()
	if entry == 0 || stored == "" {
		o.Fatalf("%s was stored as %d, %q", name, entry, stored)
	}
	for p, err := range d.Follow(o.Context(), entry) {
		if err != nil {
			o.Fatal(err)
		}
		for _, u := range p.Uploads {
			upload = u.ID
		}
	}
	return entry, upload
}

func (o office) mkdir(d operate.Desk, name string) {
	o.Helper()
	if err := d.FS(o.Context(), annsAddress).MkdirAll(name, 0o755); err != nil {
		o.Fatal(err)
	}
}

// TestDeskKeepsToTheHome tries every method with ids and paths of another home, whose
// name begins alike, of the rest of the tree, and of nothing.
func TestDeskKeepsToTheHome(t *testing.T) {
	o := newOffice(t)
	root, ann := o.desk("root"), o.desk("ann")
	o.mkdir(root, "/homes/an/secret")
	entry, upload := o.put(root, "/homes/an/secret/theirs.png", deskPicture(1, 80, 60))
	mine, _ := o.put(ann, "/mine.png", deskPicture(2, 80, 60))
	foreign := []string{"/homes/an/secret/theirs.png", "../an/secret/theirs.png", "/../../homes/an/secret", "/secret/theirs.png", "/homes/ann/mine.png"}
	for _, name := range []string{"ann", "looks", "drops"} {
		d, ctx := o.desk(name), t.Context()
		is := func(what string, err error) {
			t.Helper()
			if operate.KindOf(err) != operate.NotFound {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		tried := map[string]func(){
			"Deletions": func() { // see TestDeskDeletions
				for _, p := range foreign {
					if page, err := d.Deletions(ctx, operate.DeletionFilter{Path: p}); len(page.Deletions) != 0 || err != nil && name != "drops" {
						t.Errorf("%s: deletions of %s: %+v, %v", name, p, page, err)
					}
				}
			},
			"AnswerDeletions": func() {
				for _, p := range foreign {
					n, err := d.AnswerDeletions(ctx, operate.DeletionAnswer{Verb: operate.Refuse, Path: p})
					if n.Changed != 0 || err != nil && name == "ann" || err == nil && name != "ann" {
						t.Errorf("%s: answered for %s: %+v, %v", name, p, n, err)
					}
				}
			},
			"BrokenOff": func() { // see TestDeskBrokenOff
				if list, err := d.BrokenOff(ctx); err != nil || len(list) != 0 {
					t.Errorf("%s: %+v, %v", name, list, err)
				}
			},
			"Links": func() { // see TestLinksListed
				for _, p := range foreign {
					if page, err := d.Links(ctx, operate.LinkFilter{Path: p}); len(page.Links) != 0 || err != nil && name != "drops" {
						t.Errorf("%s: links of %s: %+v, %v", name, p, page, err)
					}
				}
			},
			"RetryLinks": func() {
				for _, p := range foreign {
					n, err := d.RetryLinks(ctx, p)
					if n.Changed != 0 || name == "ann" && operate.KindOf(err) != operate.NotFound || err == nil {
						t.Errorf("%s: retried links of %s: %+v, %v", name, p, n, err)
					}
				}
			},
			"Me": func() {
				if me := d.Me(); me.Name != name || me.Operator || me.Rights == "" {
					t.Errorf("%+v", me)
				}
			},
			"Files": func() {
				for _, p := range foreign {
					_, err := d.Files(ctx, p, "", 10)
					is(p, err)
				}
			},
			"Find": func() {
				for _, q := range append([]operate.Query{{Text: "theirs"}, {Text: "secret"}}, queries(foreign)...) {
					if page, err := d.Find(ctx, q); err != nil || len(page.Uploads) != 0 || page.Next != "" {
						t.Errorf("%s: %+v: %+v, %v", name, q, page, err)
					}
				}
			},
			"Upload": func() {
				for _, id := range []int64{upload, 1 << 40, 0, -1} {
					_, err := d.Upload(ctx, id)
					is(fmt.Sprint(id), err)
				}
			},
			"Act": func() {
				us, err := d.Act(ctx, operate.Drop, []int64{upload, 1 << 40})
				if name == "looks" {
					if operate.KindOf(err) != operate.Forbidden {
						t.Error(err)
					}
				} else if err != nil || len(us) != 2 || us[0] != (operate.Upload{ID: upload, Refused: us[1].Refused}) || us[1].Refused == "" {
					t.Errorf("%+v, %v", us, err)
				}
			},
			"Explain": func() {
				for _, p := range foreign {
					x, err := d.Explain(ctx, p)
					if err != nil || x.Entry != nil || x.Pattern != "" || x.Captures != nil || !strings.HasPrefix(x.Path, "/") {
						t.Errorf("%s: %s: %+v, %v", name, p, x, err)
					}
				}
			},
			"Follow": func() {
				n := 0
				for p, err := range d.Follow(ctx, entry) {
					n++
					if is("follow", err); len(p.Uploads) != 0 {
						t.Errorf("%s: %+v", name, p)
					}
				}
				if n != 1 {
					t.Errorf("%s: followed %d times", name, n)
				}
			},
			"Destinations": func() {
				list, err := d.Destinations(ctx)
				n := 0
				for _, to := range list {
					for _, count := range to.Counts {
						n += count
					}
				}
				own, findErr := d.Find(ctx, operate.Query{})
				if err != nil || findErr != nil || len(list) != 1 || list[0].Name != "home" || n != len(own.Uploads) {
					t.Errorf("%s: %+v, %v of %+v, %v", name, list, err, own, findErr)
				}
			},
			"Pause":  func() { forbidden(t, d.Pause(ctx, "home")) },
			"Resume": func() { forbidden(t, d.Resume(ctx, "home")) },
			"Watches": func() {
				_, err := d.(desk).Watches(ctx)
				forbidden(t, err)
			},
			"ReleaseWatch": func() { forbidden(t, d.(desk).ReleaseWatch(ctx, "/x")) },
			"Transfers": func() {
				f, err := root.FS(ctx, annsAddress).Create("/homes/an/secret/coming.png")
				if err != nil {
					t.Fatal(err)
				}
				list, err := d.Transfers(ctx)
				all, _ := root.Transfers(ctx)
				if err != nil || len(list) != 0 || len(all) != 1 {
					t.Errorf("%s: %+v of %+v, %v", name, list, all, err)
				}
				f.(interface{ TransferError(error) }).TransferError(errors.New("enough"))
				f.Close()
			},
			"Changes": func() {
				change := o.next(d, func() { o.put(root, "/homes/an/secret/later.png", deskPicture(len(name), 9, 9)) }, func() {
					if name == "drops" {
						o.put(d, "/dropped.png", deskPicture(3, 9, 9))
					} else {
						o.put(ann, "/"+name+".png", deskPicture(4, 9, 9))
					}
				})
				if change.All || len(change.Entries) != 1 {
					t.Errorf("%s: %+v", name, change)
				}
			},
			"Connections": func() {
				if ways, err := d.Connections(ctx); err != nil || len(ways) == 0 || !ways[0].Last.IsZero() {
					t.Errorf("%s: %+v, %v", name, ways, err)
				}
			},
			"Thumbnail": func() {
				for _, id := range []int64{entry, 1, 1 << 40, -1} {
					_, err := d.Thumbnail(ctx, id, 64)
					is("thumbnail", err)
				}
			},
			"FS": func() {
				tree := d.FS(ctx, annsAddress)
				for _, p := range foreign {
					if _, err := tree.Stat(p); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %s: %v", name, p, err)
					}
				}
				if f, err := tree.Create("/new.png"); name == "looks" && !errors.Is(err, fs.ErrPermission) {
					t.Error(err)
				} else if err == nil {
					f.(interface{ TransferError(error) }).TransferError(errors.New("enough"))
					f.Close()
				}
			},
		}
		for m := range reflect.TypeFor[operate.Desk]().Methods() {
			if try := tried[m.Name]; try == nil {
				t.Errorf("nobody tries %s", m.Name)
			} else {
				try()
			}
		}
	}
	// And what is his he sees, as his.
	looks := o.desk("looks")
	page, err := looks.Find(t.Context(), operate.Query{Text: "mine"})
	if err != nil || len(page.Uploads) != 1 || page.Uploads[0].Path != "/mine.png" || page.Uploads[0].Entry != mine || page.Uploads[0].URL == "" {
		t.Errorf("%+v, %v", page, err)
	}
	if u, err := looks.Upload(t.Context(), page.Uploads[0].ID); err != nil || u.Path != "/mine.png" {
		t.Errorf("%+v, %v", u, err)
	}
	x, err := looks.Explain(t.Context(), "/mine.png")
	if err != nil || x.Entry == nil || x.Entry.Path != "/mine.png" || len(x.Takes) != 1 || x.Takes[0].Upload.Path != "/mine.png" {
		t.Errorf("%+v, %v", x, err)
	}
}

func queries(paths []string) (list []operate.Query) {
	for _, p := range paths {
		list = append(list, operate.Query{Path: p})
	}
	return list
}

func forbidden(t *testing.T, err error) {
	t.Helper()
	if operate.KindOf(err) != operate.Forbidden {
		t.Error(err)
	}
}

// next returns the first change that d tells of after it was told of nothing for a
// while after before, and then act.
func (o office) next(d operate.Desk, before, act func()) operate.Change {
	o.Helper()
	ctx, cancel := context.WithCancel(o.Context())
	defer cancel()
	told, ended := make(chan operate.Change, 100), make(chan struct{})
	go func() {
		defer close(ended)
		for c := range d.Changes(ctx) {
			told <- c
		}
	}()
	time.Sleep(20 * time.Millisecond) // it listens
	before()
	time.Sleep(2 * changesTogether)
	if len(told) > 0 {
		o.Errorf("told of what is not his: %+v", <-told)
	}
	act()
	select {
	case c := <-told:
		cancel()
		<-ended
		return c
	case <-time.After(patience):
		o.Fatal("nobody told")
		panic("unreachable")
	}
}

// TestDeskOfOneWhoDrops: he sees what he put in this session, under the name that he
// chose, and of other files not even that they are there.
func TestDeskOfOneWhoDrops(t *testing.T) {
	o := newOffice(t)
	ann, d, ctx := o.desk("ann"), o.desk("drops"), t.Context()
	o.mkdir(ann, "/trip")
	o.put(ann, "/a.png", deskPicture(1, 20, 20))
	entry, upload := o.put(d, "/a.png", deskPicture(2, 20, 20))
	page, err := d.Files(ctx, "/", "", 100)
	if err != nil || names(page.Entries) != "/trip /a.png" || page.Entries[1].ID != entry || len(page.Entries[1].Uploads) != 1 || page.Entries[1].Uploads[0].Path != "/a.png" {
		t.Errorf("%+v, %v", page, err)
	}
	found, err := d.Find(ctx, operate.Query{})
	if err != nil || len(found.Uploads) != 1 || found.Uploads[0].ID != upload || found.Uploads[0].Path != "/a.png" || found.Uploads[0].URL == "" {
		t.Errorf("%+v, %v", found, err)
	}
	if all, err := ann.Find(ctx, operate.Query{}); err != nil || len(all.Uploads) != 2 || all.Uploads[0].Path != "/a (1).png" {
		t.Errorf("ann: %+v, %v", all, err)
	}
	for _, q := range []operate.Query{{Text: "trip"}, {States: []string{"failed"}}, {Path: "/trip"}, {Destination: "spare"}, {Since: time.Now().Add(time.Hour)}} {
		if found, err := d.Find(ctx, q); err != nil || len(found.Uploads) != 0 {
			t.Errorf("%+v: %+v, %v", q, found, err)
		}
	}
	x, err := d.Explain(ctx, "/a.png")
	if err != nil || x.Entry == nil || x.Entry.ID != entry || x.Entry.Path != "/a.png" {
		t.Errorf("%+v, %v", x, err)
	}
	if _, err := d.Thumbnail(ctx, entry, 64); operate.KindOf(err) != operate.Forbidden {
		t.Error(err)
	}
	list, err := d.Destinations(ctx)
	if err != nil || len(list) != 1 || list[0].Counts["done"] != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	other := o.deskFrom("drops", netip.MustParseAddr("192.0.2.2"))
	if page, err := other.Files(ctx, "/", "", 100); err != nil || names(page.Entries) != "/trip" {
		t.Errorf("from elsewhere: %+v, %v", page, err)
	}
	if _, err := other.Upload(ctx, upload); operate.KindOf(err) != operate.NotFound {
		t.Error(err)
	}
	for i := range 5 {
		o.put(d, fmt.Sprintf("/trip/%d.png", i), deskPicture(10+i, 20, 20))
	}
	var seen []string
	for q := (operate.Query{Limit: 2}); ; {
		page, err := d.Find(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Uploads {
			seen = append(seen, u.Path)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "/trip/4.png /trip/3.png /trip/2.png /trip/1.png /trip/0.png /a.png" {
		t.Errorf("page by page: %s", got)
	}
}

func names(entries []operate.Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, e.Path)
	}
	return strings.Join(list, " ")
}

// TestDeskFiles: pages of a folder, directories first.
func TestDeskFiles(t *testing.T) {
	o := newOffice(t)
	ann, ctx := o.desk("ann"), t.Context()
	for _, dir := range []string{"/z", "/b", "/Ü"} {
		o.mkdir(ann, dir)
	}
	for i, file := range []string{"/y.png", "/a.png", "/c.png"} {
		o.put(ann, file, deskPicture(i, 10, 10))
	}
	want := "/b /z /Ü /a.png /c.png /y.png"
	for _, limit := range []int{1, 2, 3, 6, 1000} {
		var got []operate.Entry
		for after := ""; ; {
			page, err := ann.Files(ctx, "/", after, limit)
			if err != nil || len(page.Entries) > limit || !page.Writable || page.Path != "/" {
				t.Fatal(page, err)
			}
			got = append(got, page.Entries...)
			if after = page.Next; after == "" {
				break
			}
		}
		if names(got) != want {
			t.Errorf("by %d: %s", limit, names(got))
		}
	}
	for _, wrong := range []struct {
		after string
		limit int
	}{{"x", 1}, {"", 0}, {"", 1001}, {"d\x00", 1}, {"d\xff", 1}} {
		if _, err := ann.Files(ctx, "/", wrong.after, wrong.limit); operate.KindOf(err) != operate.Usage {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if _, err := ann.Files(ctx, "/a.png", "", 1); operate.KindOf(err) != operate.NotFound {
		t.Error(err)
	}
	root, err := o.desk("root").Files(ctx, "/", "", 10)
	if err != nil || names(root.Entries) != "/homes" || root.Writable {
		t.Errorf("%+v, %v", root, err)
	}
	if page, err := o.desk("looks").Files(ctx, "/", "", 10); err != nil || page.Writable || len(page.Entries) != 6 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestDeskActs: what verbs do, and what is refused, is told with the user's paths.
func TestDeskActs(t *testing.T) {
	o := newOffice(t)
	ann, ctx := o.desk("ann"), t.Context()
	_, id := o.put(ann, "/a.png", deskPicture(1, 10, 10))
	us, err := ann.Act(ctx, operate.Retry, []int64{id})
	if err != nil || len(us) != 1 || us[0].Refused == "" || us[0].Path != "/a.png" || us[0].State != "done" {
		t.Errorf("%+v, %v", us, err)
	}
	if _, err := ann.Act(ctx, "burn", []int64{id}); operate.KindOf(err) != operate.Usage {
		t.Error(err)
	}
	if _, err := ann.Act(ctx, operate.Retry, make([]int64, 1001)); operate.KindOf(err) != operate.Usage {
		t.Error(err)
	}
	root := o.desk("root")
	if err := root.Pause(ctx, "home"); err != nil {
		t.Fatal(err)
	}
	list, err := ann.Destinations(ctx)
	if err != nil || !list[0].Paused || list[0].Counts["done"] != 1 || list[0].LastDone.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	if err := root.Resume(ctx, "home"); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Find(ctx, operate.Query{States: []string{"odd"}}); operate.KindOf(err) != operate.Usage {
		t.Error(err)
	}
	if _, err := ann.Find(ctx, operate.Query{After: "odd"}); operate.KindOf(err) != operate.Usage {
		t.Error(err)
	}
}

// TestDeskTransfers: what comes in is seen while it does, with its rate.
func TestDeskTransfers(t *testing.T) {
	o := newOffice(t)
	ann, ctx := o.desk("ann"), t.Context()
	f, err := ann.FS(ctx, annsAddress).Create("/big.png")
	if err != nil {
		t.Fatal(err)
	}
	f.(interface{ Expect(int64) }).Expect(1 << 20)
	if _, err := f.Write(make([]byte, 1<<19)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "looks", "root", "bob", "drops"} {
		list, err := o.desk(name).Transfers(ctx)
		if name == "bob" || name == "drops" {
			if err != nil || len(list) != 0 {
				t.Errorf("%s: %+v, %v", name, list, err)
			}
			continue
		}
		want := map[string]string{"root": "/homes/ann/big.png"}[name]
		if want == "" {
			want = "/big.png"
		}
		if err != nil || len(list) != 1 || list[0].Path != want || list[0].Done != 1<<19 || list[0].Size != 1<<20 || list[0].Door != doorPage ||
			list[0].User != "ann" || list[0].Direction != operate.Incoming || list[0].ID == "" {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRates(t *testing.T) {
	var r rates
	start := time.Now()
	look := func(after time.Duration, done int64) float64 {
		list := []operate.Transfer{{ID: "x", Started: start, Done: done}}
		r.fill(list, start.Add(after))
		return list[0].Rate
	}
	if got := look(100*time.Millisecond, 100); got != 0 {
		t.Errorf("at once: %v", got)
	}
	if got := look(time.Second, 1000); got != 1000 {
		t.Errorf("at first: %v", got)
	}
	for s := 2; s < 30; s++ {
		look(time.Duration(s)*time.Second, 1000+int64(s-1)*5000)
	}
	if got := look(30*time.Second, 1000+29*5000); got < 4900 || got > 5000 {
		t.Errorf("in the end: %v", got)
	}
	r.fill(nil, start.Add(time.Minute))
	if len(r.by) != 0 {
		t.Errorf("what ended is kept: %v", r.by)
	}
}

// TestDeskThumbnail: a small picture, only for who may look.
func TestDeskThumbnail(t *testing.T) {
	o := newOffice(t)
	ann, ctx := o.desk("ann"), t.Context()
	entry, _ := o.put(ann, "/a.png", deskPicture(1, 640, 480))
	for _, name := range []string{"ann", "looks", "root"} {
		small, err := o.desk(name).Thumbnail(ctx, entry, 128)
		if err != nil {
			t.Fatal(name, err)
		}
		c, _, err := image.DecodeConfig(small.Content)
		if err != nil || c.Width != 128 || c.Height != 96 || small.ETag == "" || small.Modified.IsZero() || small.Type != "image/jpeg" {
			t.Errorf("%s: %+v, %+v, %v", name, c, small, err)
		}
		small.Content.Close()
	}
	if _, err := o.desk("bob").Thumbnail(ctx, entry, 128); operate.KindOf(err) != operate.NotFound {
		t.Error(err)
	}
	if _, err := ann.Thumbnail(ctx, entry, 100); operate.KindOf(err) != operate.NotFound {
		t.Error(err)
	}
}

// TestDeskConnections: who signed in, who was turned away and why, by which program.
func TestDeskConnections(t *testing.T) {
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	s := davSite{t, "http://" + a.address("web")}
	way := func() operate.Way {
		t.Helper()
		u, err := a.users.Check(t.Context(), "full", "correct-horse", netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		ways, err := a.desk(u, annsAddress, doorPage).Connections(t.Context())
		if err != nil || len(ways) == 0 || ways[0].Door != operate.WebDAVDoor {
			t.Fatal(ways, err)
		}
		return ways[0]
	}
	if w := way(); !w.Last.IsZero() {
		t.Errorf("at first: %+v", w)
	}
	s.want(207, "full", "PROPFIND", "/dav/", "", "User-Agent: Explorer/7", "Depth: 0")
	if w := way(); !w.Worked || w.Client != "Explorer/7" || w.Error != "" || time.Since(w.Last) > time.Minute {
		t.Errorf("signed in: %+v", w)
	}
	s.want(401, "", "PROPFIND", "/dav/", "", "Authorization: Basic ZnVsbDp3cm9uZw==") // full:wrong
	if w := way(); w.Worked || w.Error != auth.ErrWrong.Error() {
		t.Errorf("turned away: %+v", w)
	}
	s.want(401, "", "PROPFIND", "/dav/", "", "Authorization: Basic bm9ib2R5OndybnVn") // a name that is nobody's
	if len(a.signIns.by) != 1 {
		t.Errorf("kept of strangers: %v", a.signIns.by)
	}
	for raw, want := range map[string]string{
		"Explorer\x1b[1m/7 \u202e\n": "Explorer[1m/7", "\xff\xfe": "", strings.Repeat("é", 300): strings.Repeat("é", 100),
	} {
		if got := printableLine(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// TestRetellTaker: nobody hears from an explanation who else is there, nor what lies
// above his home.
func TestRetellTaker(t *testing.T) {
	theirs := operate.Taker{
		Keys: map[string]string{"title": "/homes/ann"}, Waiting: "Somebody has locked it (WebDAV): root, on / until noon.",
		Upload: &operate.Upload{Path: "/homes/ann/a.png", State: string(uploader.Settling), Reason: uploader.ReasonLocked},
	}
	for home, want := range map[string]string{"/homes/ann": "Somebody has locked it (WebDAV). It goes on when the lock ends.", "/": theirs.Waiting} {
		got := theirs
		desk{user: auth.User{Home: home}}.retellTaker(&got, "/a.png")
		if got.Waiting != want || got.Upload.Path != "/a.png" || theirs.Upload.Path != "/homes/ann/a.png" || (len(got.Keys) > 0) != (home == "/") {
			t.Errorf("%s: %+v", home, got)
		}
	}
}

// TestFindText: what no name and no database can hold is refused in words.
func TestFindText(t *testing.T) {
	for _, bad := range []string{"a\x00b", "\xff"} {
		for _, q := range []operate.Query{{Destination: bad}, {Text: bad}, {After: bad}, {States: []string{bad}}, {Path: "/" + bad}} {
			if _, err := (desk{}).query(q); operate.KindOf(err) != operate.Usage {
				t.Errorf("%+v: %v", q, err)
			}
		}
	}
}
