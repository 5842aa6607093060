package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/vfs"
)

// forgetful is an office whose route deletes at the host what is removed.
func forgetful(t *testing.T) office {
	t.Helper()
	a, _ := testApp(t, strings.Replace(homes, `to = ["home"]`, "to = [\"home\"]\non_delete = \"delete\"\non_replace = \"delete-old\"", 1), map[string]string{"PASSWORD": "correct-horse"})
	return office{t, a}
}

// remove removes a file or a folder through a desk.
func (o office) remove(d operate.Desk, name string) {
	o.Helper()
	if err := d.FS(o.Context(), annsAddress).RemoveAll(name); err != nil {
		o.Fatal(err)
	}
}

// deletions returns what a user is told, and asserts that he is told it.
func (o office) deletions(user string, f operate.DeletionFilter) operate.DeletionPage {
	o.Helper()
	page, err := o.desk(user).Deletions(o.Context(), f)
	if err != nil {
		o.Fatalf("%s: %v", user, err)
	}
	return page
}

// TestDeskDeletions: each sees those below his home, under the names that he knows,
// and answers for them alone.
func TestDeskDeletions(t *testing.T) {
	o := forgetful(t)
	ann, bob := o.desk("ann"), o.desk("bob")
	o.put(ann, "/a.png", deskPicture(1, 8, 8))
	o.put(bob, "/b.png", deskPicture(2, 8, 8))
	o.remove(ann, "/a.png")
	o.remove(bob, "/b.png")
	for user, want := range map[string]string{
		"ann": "/a.png waiting", "looks": "/a.png waiting", "bob": "/b.png waiting", "root": "/homes/an/b.png waiting, /homes/ann/a.png waiting",
	} {
		page := o.deletions(user, operate.DeletionFilter{})
		var got []string
		for _, d := range page.Deletions {
			got = append(got, d.Path+" "+d.State)
			if d.Due.IsZero() || d.Why != "removed" || d.Destination != "home" || d.URL == "" {
				t.Errorf("%s: %+v", user, d)
			}
		}
		if strings.Join(got, ", ") != want || len(page.Brakes) != 0 {
			t.Errorf("%s sees %q and %+v", user, got, page.Brakes)
		}
	}
	for _, path := range []string{"/a.png", "../ann/a.png", "/../../homes/ann"} {
		if page := o.deletions("bob", operate.DeletionFilter{Path: path}); len(page.Deletions) != 0 {
			t.Errorf("bob sees at %s %+v", path, page)
		}
	}
	if _, err := o.desk("drops").Deletions(t.Context(), operate.DeletionFilter{}); operate.KindOf(err) != operate.Forbidden {
		t.Errorf("who drops: %v", err)
	}
	anns := o.deletions("ann", operate.DeletionFilter{}).Deletions[0].ID
	refuse := func(user string, a operate.DeletionAnswer) (int, error) {
		a.Verb = operate.Refuse
		n, err := o.desk(user).AnswerDeletions(context.Background(), a)
		return n.Changed, err
	}
	for _, user := range []string{"looks", "drops"} {
		if n, err := refuse(user, operate.DeletionAnswer{Path: "/"}); n != 0 || operate.KindOf(err) != operate.Forbidden {
			t.Errorf("%s: %d, %v", user, n, err)
		}
	}
	if n, err := refuse("bob", operate.DeletionAnswer{IDs: []int64{anns}}); n != 0 || err != nil {
		t.Errorf("bob answers for ann: %d, %v", n, err)
	}
	if n, err := refuse("bob", operate.DeletionAnswer{Path: "/../ann"}); n != 0 || err != nil {
		t.Errorf("bob answers above his home: %d, %v", n, err)
	}
	if n, err := refuse("ann", operate.DeletionAnswer{Path: "/"}); n != 1 || err != nil {
		t.Errorf("ann: %d, %v", n, err)
	}
	if d := o.deletions("ann", operate.DeletionFilter{}).Deletions[0]; d.State != "kept" || d.Finished.IsZero() || !d.Due.IsZero() || d.Error == "" {
		t.Errorf("%+v", d)
	}
	if d := o.deletions("bob", operate.DeletionFilter{}).Deletions[0]; d.State != "waiting" {
		t.Errorf("bob's: %+v", d)
	}
	for _, wrong := range []operate.DeletionFilter{{States: []string{"done"}}, {Limit: -1}, {Limit: 2000}, {After: -1}, {Path: "a\x00"}, {Destination: "\xff"}} {
		if _, err := o.desk("root").Deletions(t.Context(), wrong); operate.KindOf(err) != operate.Usage {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// TestPutBackIsNotToldOfDeletion: a file that was put back has its picture, whose
// deletion comes to nothing; explaining it says no word of that.
func TestPutBackIsNotToldOfDeletion(t *testing.T) {
	o := forgetful(t)
	ann := o.desk("ann")
	told := func(want int) {
		t.Helper()
		if x, err := ann.Explain(t.Context(), "/a.png"); err != nil || len(x.Deletions) != want {
			t.Errorf("%+v, error %v; want %d deletions", x.Deletions, err, want)
		}
	}
	o.put(ann, "/a.png", deskPicture(1, 8, 8))
	told(0)
	o.remove(ann, "/a.png")
	told(1)
	o.put(ann, "/a.png", deskPicture(1, 8, 8))
	told(0)
	o.remove(ann, "/a.png")
	o.put(ann, "/a.png", deskPicture(2, 8, 8))
	told(1)
}

// TestBytesForUsers: those who do not run the gateway hear no place of where bytes are,
// and nothing that is wrong.
func TestBytesForUsers(t *testing.T) {
	for told, want := range map[string]string{
		"": "", "its bytes are here, and may go": "", "its bytes are here: files up to 64 KiB always stay": "",
		"its bytes are read from /home/me/Drop/a.jpg": "are read from where they are when",
		"its bytes were only in a watched folder (a.jpg), and were removed there (/me/a.jpg). They may be read from https://x still": "are read from where they are when",
		"its bytes are at no host and in no watched folder any more; store the file here again":                                      "storing the file here again helps",
	} {
		got := bytesForUsers(told)
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "/me") || strings.Contains(got, "https:") {
			t.Errorf("%q: %q", told, got)
		}
	}
}

// TestDeskBrakes: a brake is seen by those whose pictures it holds, and ends for those
// alone who answer.
func TestDeskBrakes(t *testing.T) {
	o := forgetful(t)
	ann := o.desk("ann")
	o.mkdir(ann, "/many")
	for i := range 25 {
		o.put(ann, fmt.Sprintf("/many/%02d.png", i), deskPicture(10+i, 8, 8))
	}
	o.remove(ann, "/many")
	for user, folder := range map[string]string{"ann": "/many", "looks": "/many", "root": "/homes/ann/many"} {
		if page := o.deletions(user, operate.DeletionFilter{States: []string{"paused"}}); len(page.Brakes) != 1 || page.Brakes[0].Folder != folder || page.Brakes[0].Waiting != 25 || len(page.Deletions) != 25 {
			t.Errorf("%s: %+v, %d deletions", user, page.Brakes, len(page.Deletions))
		}
	}
	if page := o.deletions("bob", operate.DeletionFilter{}); len(page.Brakes) != 0 {
		t.Errorf("bob: %+v", page.Brakes)
	}
	first := o.deletions("ann", operate.DeletionFilter{Limit: 10})
	rest := o.deletions("ann", operate.DeletionFilter{After: first.Next, Limit: 100})
	if len(first.Deletions) != 10 || len(rest.Deletions) != 15 || rest.Next != 0 || rest.Deletions[0].ID >= first.Deletions[9].ID {
		t.Errorf("pages of %d and %d, next %d", len(first.Deletions), len(rest.Deletions), rest.Next)
	}
	if n, err := o.desk("bob").AnswerDeletions(t.Context(), operate.DeletionAnswer{Verb: operate.Release, Path: "/"}); n.Changed != 0 || err != nil {
		t.Errorf("bob: %+v, %v", n, err)
	}
	if n, err := ann.AnswerDeletions(t.Context(), operate.DeletionAnswer{Verb: operate.Release, Path: "/many"}); n.Changed != 25 || err != nil {
		t.Errorf("ann: %+v, %v", n, err)
	}
	if page := o.deletions("root", operate.DeletionFilter{}); len(page.Brakes) != 0 {
		t.Errorf("after it was released: %+v", page.Brakes)
	}
}

// TestReceiptsTellOfDeletions: an earlier picture that is to be deleted says when, and
// one that is says so; neither is a link.
func TestReceiptsTellOfDeletions(t *testing.T) {
	o := forgetful(t)
	root := o.desk("root")
	o.mkdir(root, "/homes/x")
	o.put(root, "/homes/x/a.png", deskPicture(1, 8, 8))
	entry, _ := o.put(root, "/homes/x/a.png", deskPicture(2, 8, 8))
	receipt := func() string {
		o.Helper()
		r, err := receipts{o.a}.File(t.Context(), vfs.ID(entry))
		if err != nil || len(r.Uploads) != 1 || len(r.Previous) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		p := r.Previous[0]
		return fmt.Sprint(p.Gone, p.GoesAt.After(time.Now()), !p.GoneAt.IsZero(), strings.Join(p.Notes, " "))
	}
	if got := receipt(); !strings.HasPrefix(got, "false true falseThe picture is to be deleted at the host at 20") {
		t.Errorf("while it waits: %s", got)
	}
	x, err := root.Explain(t.Context(), "/homes/x/a.png")
	if err != nil || len(x.Deletions) != 1 || x.Deletions[0].Why != "replaced" {
		t.Errorf("explained: %+v, %v", x.Deletions, err)
	}
	for h, want := range map[*uploader.Hosted]string{
		nil: "", {}: "", {Deleted: time.Unix(0, 0)}: "deleted at the host at 1970-01-01 00:00:00 UTC", {Fate: uploader.FateReplaced}: "taken this picture's place",
		{Fate: uploader.FateDeleting}: "being deleted", {Fate: uploader.FateReplacing}: "on their way", {Fate: uploader.FateDoubtful}: "not known",
	} {
		if got := fate(h); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%+v: %q", h, got)
		}
	}
}
