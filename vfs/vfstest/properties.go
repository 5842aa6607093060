package vfstest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// propertied is what FS and DropFS are.
type propertied interface {
	afero.Fs
	Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error)
	SetProperties(name string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error
}

var (
	_ propertied = (*vfs.FS)(nil)
	_ propertied = (*vfs.DropFS)(nil)
)

func prop(name string) xml.Name { return xml.Name{Space: "urn:x", Local: name} }

// label gives what is at name the property "label".
func label(t testing.TB, f propertied, name, value string) {
	t.Helper()
	if err := f.SetProperties(name, map[xml.Name]string{prop("label"): value}, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// properties returns what is kept of name.
func properties(t testing.TB, f propertied, name string) map[xml.Name]string {
	t.Helper()
	info, err := f.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Properties(info)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// wantLabels compares the property "label" of names; "" for one that has none.
func wantLabels(t *testing.T, f propertied, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for name := range want {
		got[name] = properties(t, f, name)[prop("label")]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func testProperties(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	Write(t, f, "/d/x", "1")
	b.Hook.Take()
	a, other := prop("a"), xml.Name{Space: "", Local: "a"}
	set := func(want map[xml.Name]string, set map[xml.Name]string, remove ...xml.Name) {
		t.Helper()
		for _, name := range []string{"/", "/d", "/d/x"} {
			if err := f.SetProperties(name, set, remove, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, properties(t, f, name)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	before := entry(t, f, "/d/x")
	set(nil, nil, a)
	set(map[xml.Name]string{a: "1", other: "<a>é</a>"}, map[xml.Name]string{a: "1", other: "<a>é</a>"})
	set(map[xml.Name]string{a: "2"}, map[xml.Name]string{a: "2"}, other, prop("none"))
	if diff := cmp.Diff(before, entry(t, f, "/d/x")); diff != "" {
		t.Errorf("the entry has changed: %s", diff)
	}
	when := time.Unix(1e9, 7)
	if err := f.SetProperties("/d/x", nil, []xml.Name{a}, when); err != nil {
		t.Fatal(err)
	}
	if got := entry(t, f, "/d/x"); !got.Modified.Equal(when) || properties(t, f, "/d/x") != nil {
		t.Errorf("modified %v, %v", got.Modified, properties(t, f, "/d/x"))
	}
	if got := b.Hook.Take(); got != nil {
		t.Errorf("the hook heard %v", got)
	}
	wantErr(t, f.SetProperties("/none", nil, nil, when), fs.ErrNotExist)
	wantErr(t, f.SetProperties("/d/x", map[xml.Name]string{a: "\xff"}, nil, when), fs.ErrInvalid)
	wantErr(t, f.SetProperties("/d/x", map[xml.Name]string{a: "\x00"}, nil, when), fs.ErrInvalid)
	wantErr(t, f.Sub(vfs.View{Rights: vfs.Read}).SetProperties("/d", nil, []xml.Name{a}, when), fs.ErrPermission)
	err := f.Sub(vfs.View{Root: "/d"}).SetProperties("/none", nil, nil, when)
	if err == nil || strings.Contains(err.Error(), "/d") {
		t.Errorf("the view's error is %v", err)
	}
}

func testPropertyLimits(t *testing.T, _ *Bench, f *vfs.FS) {
	Write(t, f, "/x", "1")
	many := make(map[xml.Name]string)
	for i := range vfs.PropertiesMax {
		many[prop(fmt.Sprint(i))] = "v"
	}
	if err := f.SetProperties("/x", many, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	one := map[xml.Name]string{prop("more"): "v"}
	err := f.SetProperties("/x", one, nil, time.Unix(1, 0))
	wantErr(t, err, vfs.ErrProperties)
	var full interface{ NoSpace() bool }
	if !errors.As(err, &full) || !full.NoSpace() {
		t.Errorf("%v is not told as a full disk", err)
	}
	if entry(t, f, "/x").Modified.Equal(time.Unix(1, 0)) || len(properties(t, f, "/x")) != vfs.PropertiesMax {
		t.Error("half of a change was made")
	}
	if err := f.SetProperties("/x", one, []xml.Name{prop("7")}, time.Time{}); err != nil {
		t.Errorf("one for another: %v", err)
	}
	Write(t, f, "/y", "1")
	room := vfs.PropertyBytesMax - 2*len("urn:x") - 2
	half := strings.Repeat("é", room/4)
	if err := f.SetProperties("/y", map[xml.Name]string{prop("a"): half}, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	wantErr(t, f.SetProperties("/y", map[xml.Name]string{prop("b"): half + "12"}, nil, time.Time{}), vfs.ErrProperties)
	if err := f.SetProperties("/y", map[xml.Name]string{prop("b"): half}, nil, time.Time{}); err != nil {
		t.Errorf("up to the limit: %v", err)
	}
	wantErr(t, f.SetProperties("/z", map[xml.Name]string{prop("b"): half + half + "123456789012345"}, nil, time.Time{}), vfs.ErrProperties)
}

func testPropertiesFollow(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/a/sub", "/t")
	for _, name := range []string{"/a", "/a/sub", "/a/sub/x", "/a/y", "/old", "/p.jpg", "/p.jpg.part"} {
		if strings.ContainsAny(name, "xyop") {
			Write(t, f, name, name)
		}
		label(t, f, name, "of "+name)
	}
	Write(t, f, "/plain", "plain")
	Write(t, f, "/a/y", "other bytes") // keeps them
	steps := func(list ...error) {
		t.Helper()
		if err := errors.Join(list...); err != nil {
			t.Fatal(err)
		}
	}
	cp := func(from, to string, deep bool) error { _, err := f.Copy(from, to, true, deep); return err }
	mv := func(from, to string) error { _, err := f.Move(from, to, true); return err }
	steps(cp("/a", "/t/deep", true), cp("/a", "/t/shallow", false), cp("/a/y", "/t/y", true), cp("/a/y", "/old", true),
		cp("/plain", "/t/plain", true), cp("/t/y", "/t/y2", true), cp("/plain", "/t/y2", true))
	label(t, f, "/a/sub/x", "changed later")
	steps(mv("/p.jpg.part", "/p.jpg"), mv("/a", "/moved"))
	wantLabels(t, f, map[string]string{
		"/moved": "of /a", "/moved/sub": "of /a/sub", "/moved/sub/x": "changed later", "/moved/y": "of /a/y",
		"/t/deep": "of /a", "/t/deep/sub": "of /a/sub", "/t/deep/sub/x": "of /a/sub/x", "/t/deep/y": "of /a/y",
		"/t/shallow": "of /a", "/t/y": "of /a/y", "/old": "of /a/y", "/t/plain": "", "/t/y2": "", "/p.jpg": "of /p.jpg.part",
	})
	Write(t, f, "/q.jpg.part", "q")
	steps(mv("/plain", "/old"), mv("/q.jpg.part", "/p.jpg"))
	wantLabels(t, f, map[string]string{"/old": "", "/p.jpg": ""})

	label(t, f, "/p.jpg", "earlier")
	camera := f.Sub(vfs.View{SameName: vfs.Version})
	Write(t, camera, "/p.jpg", "another picture")
	wantLabels(t, f, map[string]string{"/p (1).jpg": "earlier", "/p.jpg": ""})

	gone, err := f.Stat("/t/deep/y")
	steps(err, f.RemoveAll("/t/deep"))
	if list, err := f.Properties(gone); err != nil || list[0] != nil {
		t.Errorf("of a removed file: %v, %v", list, err)
	}
	mkdir(t, f, "/t/deep")
	wantLabels(t, f, map[string]string{"/t/deep": ""})
}

func testPropertiesBulk(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	const n = 600
	labelled := func(i int) bool { return i%5 == 0 || i%5 == 4 } // the ends of every page too
	for i := range n {
		name := fmt.Sprintf("/d/%04d", i)
		put := vfs.Put{Path: name, Blob: blob.Info{Ref: blob.NewRef(b.Clock.Now()), SHA256: blob.Sum{1, byte(i), byte(i >> 8)}, Inline: []byte{}}}
		if _, _, err := b.Index.Apply(t.Context(), put); err != nil {
			t.Fatal(err)
		}
		if labelled(i) {
			label(t, f, name, fmt.Sprint(i))
		}
	}
	if _, err := f.Copy("/d", "/e", true, true); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/d", "/e"} {
		infos, err := afero.ReadDir(f, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, count := range []int{0, 1, 3, 500, 512, 513, n} {
			list, err := f.Properties(infos[:count]...)
			if err != nil || len(list) != count {
				t.Fatal(len(list), err)
			}
			for i, p := range list {
				want := map[xml.Name]string{prop("label"): fmt.Sprint(i)}
				if !labelled(i) {
					want = nil
				}
				if diff := cmp.Diff(want, p); diff != "" {
					t.Fatalf("%s %d of %d: %s", dir, i, count, diff)
				}
			}
		}
	}
}

func testDropProperties(t *testing.T, _ *Bench, f *vfs.FS) {
	mkdir(t, f, "/box/theirs")
	Write(t, f, "/box/other.jpg", "another's")
	label(t, f, "/box/other.jpg", "secret")
	label(t, f, "/box/theirs", "secret")
	d := f.Sub(vfs.View{Root: "/box"}).Drop(vfs.NewDropSession())
	none := map[xml.Name]string{prop("label"): "mine"}
	wantErr(t, d.SetProperties("/other.jpg", none, nil, time.Time{}), fs.ErrNotExist)
	wantErr(t, d.SetProperties("/nothing", none, nil, time.Time{}), fs.ErrNotExist)
	wantErr(t, d.SetProperties("/theirs", none, nil, time.Time{}), fs.ErrPermission)
	Write(t, d, "/other.jpg", "mine")
	mkdir(t, d, "/made")
	label(t, d, "/other.jpg", "mine")
	label(t, d, "/made", "mine")
	wantLabels(t, d, map[string]string{"/other.jpg": "mine", "/made": "mine", "/theirs": ""})
	wantLabels(t, f, map[string]string{"/box/other.jpg": "secret", "/box/other (1).jpg": "mine", "/box/theirs": "secret"})
}

const (
	sha1A  = "SHA1:86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
	md5A   = "MD5:0cc175b9c0f1b6a831c399e269772661"
	adlerA = "ADLER32:00620062"
	shaA   = "SHA256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
)

func testChecksums(t *testing.T, b *Bench, f *vfs.FS) {
	sums := func(info fs.FileInfo, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return info.(vfs.Info).Checksums()
	}
	want := func(name string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, sums(f.Stat(name))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	put := func(f afero.Fs, name, content string, list ...string) {
		t.Helper()
		h, err := f.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		h.WriteString(content)
		h.(interface{ SetChecksums([]string) }).SetChecksums(list)
		staged := sums(h.Stat())
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(staged, sums(f.Stat(name))); diff != "" {
			t.Errorf("%s (-staged +stored):\n%s", name, diff)
		}
	}
	put(f, "/a", "a", adlerA, strings.ToLower(md5A), "sha1:"+strings.ToUpper(sha1A[5:]), "MD5:00ff", "CRC32:00000000", shaA[:10]+strings.Repeat("0", 61))
	want("/a", sha1A, md5A, adlerA, shaA)
	put(f, "/a", "a")
	want("/a", sha1A, md5A, adlerA, shaA)
	put(f, "/b", "a", md5A)
	put(f, "/b", "a", sha1A)
	want("/b", sha1A, md5A, shaA)
	mkdir(t, f, "/d")
	want("/d")
	mv := func(from, to string) {
		t.Helper()
		if _, err := f.Move(from, to, true); err != nil {
			t.Fatal(err)
		}
	}
	cp := func(from, to string) {
		t.Helper()
		if _, err := f.Copy(from, to, true, true); err != nil {
			t.Fatal(err)
		}
	}
	mv("/a", "/d/a")
	cp("/d", "/e")
	cp("/d/a", "/f")
	Write(t, f, "/g", "others")
	cp("/d/a", "/g")
	Write(t, f, "/h", "others")
	put(f, "/h.part", "a", md5A)
	mv("/h.part", "/h")
	for _, name := range []string{"/d/a", "/e/a", "/f", "/g"} {
		want(name, sha1A, md5A, adlerA, shaA)
	}
	want("/h", md5A, shaA)
	put(f, "/f", "") // other bytes
	want("/f", sums(f.Stat("/f"))[0])
	Write(t, f, "/plain", "plain")
	cp("/plain", "/g")
	want("/g", sums(f.Stat("/plain"))...)
	if got := sums(f.Stat("/plain")); len(got) != 1 {
		t.Error(got)
	}

	h, err := f.Create("/late")
	if err != nil {
		t.Fatal(err)
	}
	h.WriteString("b")
	h.(*vfs.File).SetChecksums([]string{md5A})
	h.WriteString("c")
	h.Close()
	if got := sums(f.Stat("/late")); len(got) != 1 {
		t.Errorf("sums of fewer bytes were kept: %v", got)
	}
	drop := f.Drop(vfs.NewDropSession())
	put(drop, "/dropped", "a", md5A)
	want("/dropped", md5A, shaA)
}
