package web

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"slipway/gateway/operate"
)

// nowPage is what is under way.
type nowPage struct {
	Transfers []transfer
	// Broken are uploads that broke off; MoreBroken, how many there are beside them.
	Broken       []operate.BrokenOff
	MoreBroken   int
	Destinations []destination
	// Trouble are the uploads that want somebody; More, that there are others.
	Trouble []operate.Upload
	More    bool
	// NoURL is how many pictures are done without a URL; MoreNoURL, that there are more.
	NoURL     int
	MoreNoURL bool
	Watches   []operate.Watch // for those who steer the gateway
	Brakes    []operate.Brake // on deletions at hosts, which want an answer
	Change    bool            // who looks may give it
	// Links are those whose pictures failed or are to come; MoreLinks, that there are
	// others.
	Links     []operate.ListedLink
	MoreLinks bool
}

// watcher is a desk that knows of watched folders. They are places of the machine
// itself, and shown to operators alone.
type watcher interface {
	Watches(ctx context.Context) ([]operate.Watch, error)
	// ReleaseWatch lets follow what the brake on mass deletes keeps.
	ReleaseWatch(ctx context.Context, folder string) error
}

// transfer is an operate.Transfer with how long it will take still.
type transfer struct {
	operate.Transfer
	Left time.Duration // 0: not known
}

// destination is an operate.Destination with its counts in words.
type destination struct {
	operate.Destination
	Waiting, Stuck, Failed, Done int
}

// Used are the limits of which something is used, and Unused the others.
func (d destination) Used() []operate.Window   { return d.windows(true) }
func (d destination) Unused() []operate.Window { return d.windows(false) }

func (d destination) windows(used bool) (list []operate.Window) {
	for _, w := range d.Windows {
		if w.Limit > 0 && used == (w.Used > 0) {
			list = append(list, w)
		}
	}
	return list
}

// troubleShown is how many uploads that want somebody the page shows.
const troubleShown = 8

// noURLCounted is how many pictures without a URL are counted.
const noURLCounted = 100

// brokenShown is how many uploads that broke off the page shows.
const brokenShown = 5

// now answers GET /.
func (q *request) now() error {
	if q.me.Rights == "drop" {
		http.Redirect(q.w, q.r, "/drop/", http.StatusSeeOther)
		return nil
	}
	var p nowPage
	var err error
	if p.Transfers, err = q.transfers(); err != nil {
		return err
	}
	if p.Broken, err = q.desk.BrokenOff(q.ctx); err != nil {
		return err
	}
	p.MoreBroken = max(0, len(p.Broken)-brokenShown)
	p.Broken = p.Broken[:min(len(p.Broken), brokenShown)]
	all, err := q.desk.Destinations(q.ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		c := d.Counts
		p.Destinations = append(p.Destinations, destination{
			Destination: d, Waiting: c["settling"] + c["sending"] + c["awaiting"], Stuck: c["held"] + c["ambiguous"], Failed: c["failed"], Done: c["done"],
		})
	}
	trouble, err := q.desk.Find(q.ctx, operate.Query{States: []string{"failed", "held", "ambiguous"}, Present: true, Limit: troubleShown})
	if err != nil {
		return err
	}
	p.Trouble, p.More = trouble.Uploads, trouble.Next != ""
	lost, err := q.desk.Find(q.ctx, operate.Query{NoURL: true, Present: true, Limit: noURLCounted})
	if err != nil {
		return err
	}
	p.NoURL, p.MoreNoURL = len(lost.Uploads), lost.Next != ""
	deletions, err := q.desk.Deletions(q.ctx, operate.DeletionFilter{Limit: 1})
	if err != nil {
		return err
	}
	p.Brakes, p.Change = deletions.Brakes, q.me.Rights == "full"
	if p.Links, p.MoreLinks, err = q.linksNow(); err != nil {
		return err
	}
	if w, ok := q.desk.(watcher); ok && q.me.Operator {
		if p.Watches, err = w.Watches(q.ctx); err != nil {
			return err
		}
	}
	return q.show(http.StatusOK, "now", "Now", p)
}

// transfers returns what is on its way, what comes in first.
func (q *request) transfers() (list []transfer, err error) {
	all, err := q.desk.Transfers(q.ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		one := transfer{Transfer: t}
		if left := t.Size - t.Done; t.Rate >= 1 && left > 0 {
			one.Left = time.Duration(min(float64(left)/t.Rate, 1e6) * float64(time.Second))
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b transfer) int { return cmp.Compare(a.Direction, b.Direction) })
	return list, nil
}

// transfersPart is the part of the page that tells of transfers.
func (q *request) transfersPart() ([]byte, error) {
	list, err := q.transfers()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = q.render(&b, "now", "transfers", "", nowPage{Transfers: list})
	return b.Bytes(), err
}

// steer answers POST /destinations: pause and resume, and release of a watched folder.
func (q *request) steer() error {
	if err := q.form(); err != nil {
		return err
	}
	if !q.me.Operator {
		return forbidden("destinations are paused and resumed by those who have full rights on everything")
	}
	act := q.desk.Pause
	name := q.r.PostForm.Get("destination")
	w, watches := q.desk.(watcher)
	switch do := q.r.PostForm.Get("do"); {
	case do == "pause":
	case do == "resume":
		act = q.desk.Resume
	case do == "release" && watches:
		act, name = w.ReleaseWatch, q.r.PostForm.Get("folder")
	default:
		return wrong("a destination can be paused or resumed")
	}
	if err := act(q.ctx, name); err != nil {
		return err
	}
	return q.done("", "/")
}

// done answers what was done: a script with words, others by leading back.
func (q *request) done(words, back string) error {
	if q.script() {
		q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		q.w.Write([]byte(words)) //nolint:errcheck // the client is gone then
		return nil
	}
	http.Redirect(q.w, q.r, cmp.Or(q.back(), back), http.StatusSeeOther)
	return nil
}
