package main

import (
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/vfs"
)

// withoutURL stores a file through a desk whose upload ends without a URL. Its
// destination stays paused.
func (o office) withoutURL(d operate.Desk, name string, content []byte) (upload int64) {
	o.Helper()
	ctx := o.Context()
	if err := o.desk("root").Pause(ctx, "home"); err != nil {
		o.Fatal(err)
	}
	f, err := d.FS(ctx, annsAddress).Create(name)
	if err != nil {
		o.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		o.Fatal(err)
	}
	if err := f.Close(); err != nil {
		o.Fatal(err)
	}
	ask := uploader.ClaimRequest{Destination: "home", Host: "local", N: 1, Free: 1, Lease: time.Hour, Probe: true}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		claimed, _, err := o.a.ledger.Claim(ctx, ask)
		if err != nil || time.Now().After(end) {
			o.Fatal("nothing is to be sent: ", err)
		}
		if len(claimed) == 0 {
			continue
		}
		err = o.a.ledger.Finish(ctx, claimed[0], uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonNoURL, Kind: "no-url",
			Requested: true, Picture: &uploader.Hosted{}})
		if err != nil {
			o.Fatal(err)
		}
		return claimed[0].ID
	}
}

// TestRetryWithoutURL: an upload that is done without a URL is sent again where its id or
// its state is given, not with all else that is retried; and whoever sees it reads what to
// do in the same words.
func TestRetryWithoutURL(t *testing.T) {
	o := newOffice(t)
	ann, ctx, all := o.desk("ann"), t.Context(), operations{o.a}
	id, other := o.withoutURL(ann, "/a.png", deskPicture(1, 10, 10)), o.withoutURL(ann, "/b.png", deskPicture(2, 10, 10))
	u, err := ann.Upload(ctx, id)
	if err != nil || u.Error != noURL || u.Remedy != noURLRemedy {
		t.Fatalf("%+v, %v", u, err)
	}
	x, err := ann.Explain(ctx, "/a.png")
	if err != nil || len(x.Takes) != 1 || x.Takes[0].Upload.Remedy != noURLRemedy || x.Takes[0].Waiting != "" {
		t.Errorf("%+v, %v", x, err)
	}
	receipt, err := receipts{o.a}.File(ctx, vfs.ID(u.Entry))
	if err != nil || receipt.Uploads[0].Error != noURL || receipt.Uploads[0].Remedy != noURLRemedy || !receipt.Uploads[0].Trouble {
		t.Errorf("%+v, %v", receipt, err)
	}
	for user, want := range map[string]int{"ann": 2, "root": 2, "bob": 0} {
		if page, err := o.desk(user).Find(ctx, operate.Query{NoURL: true, Present: true}); err != nil || len(page.Uploads) != want {
			t.Errorf("%s finds %+v, %v", user, page, err)
		}
	}
	if selects(operate.Query{NoURL: true}, operate.Upload{State: "done"}) || !selects(operate.Query{NoURL: true}, u) {
		t.Error("who only drops files finds others")
	}
	retry := func(f operate.Filter) (refused, state string) {
		t.Helper()
		for u, err := range all.Act(ctx, operate.Retry, nil, f) {
			if err != nil {
				t.Fatal(err)
			}
			if u.ID == id {
				refused, state = u.Refused, u.State
			}
		}
		return refused, state
	}
	for _, f := range []operate.Filter{{}, {Path: "/homes/ann"}, {Destination: "home"}} {
		if refused, state := retry(f); state != "done" || !strings.Contains(refused, "without a URL") {
			t.Errorf("%+v: %s, %q", f, state, refused)
		}
	}
	if refused, state := retry(operate.Filter{States: []string{"done"}}); state != "settling" || refused != "" {
		t.Errorf("the state: %s, %q", state, refused)
	}
	us, err := ann.Act(ctx, operate.Retry, []int64{other})
	if err != nil || us[0].State != "settling" || us[0].Refused != "" {
		t.Errorf("the id: %+v, %v", us, err)
	}
	if err := o.desk("root").Resume(ctx, "home"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		a, errA := ann.Upload(ctx, id)
		b, errB := ann.Upload(ctx, other)
		if errA != nil || errB != nil || time.Now().After(end) {
			t.Fatalf("%+v, %v, %+v, %v", a, errA, b, errB)
		}
		if a.URL != "" && b.URL != "" && a.Error == "" && a.Remedy == "" {
			return
		}
	}
}
