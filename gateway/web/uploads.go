package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/gateway/operate"
)

// listShown is how many uploads one page of the list shows.
const listShown = 100

// uploadsPage is a part of all uploads.
type uploadsPage struct {
	operate.UploadPage
	Filter       filter
	Destinations []string
	States       []string
	More, First  string
	Change       bool
}

// filter is what a list is narrowed to, as its form has it.
type filter struct {
	States            []string
	Destination, Path string
	Text              string
	Since, Before     string // a day, as in "2026-11-22"
	NoURL             bool   // of those only that are done without a URL
	Zone              int    // minutes by which the browser's clock is behind UTC
}

// Has reports whether a state is asked for.
func (f filter) Has(state string) bool { return slices.Contains(f.States, state) }

// Any reports whether anything is asked for.
func (f filter) Any() bool {
	return len(f.States) > 0 || f.NoURL || f.Destination+f.Path+f.Text+f.Since+f.Before != ""
}

// Narrow reports whether anything but words is asked for.
func (f filter) Narrow() bool {
	f.Text = ""
	return f.Any()
}

// readFilter reads the form.
func readFilter(v url.Values) filter {
	f := filter{Destination: v.Get("destination"), Path: strings.TrimSpace(v.Get("path")), Text: strings.TrimSpace(v.Get("text"))}
	for _, s := range v["state"] {
		if slices.Contains(operate.States, s) && !f.Has(s) {
			f.States = append(f.States, s)
		}
	}
	f.NoURL = v.Get("no_url") == "true"
	f.Zone, _ = strconv.Atoi(v.Get("zone")) //nolint:errcheck // 0 then
	if _, ok := f.day(v.Get("since")); ok {
		f.Since = v.Get("since")
	}
	if _, ok := f.day(v.Get("before")); ok {
		f.Before = v.Get("before")
	}
	return f
}

// day returns when a day begins where the browser is.
func (f filter) day(text string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, text)
	return t.Add(time.Duration(max(-24*60, min(24*60, f.Zone))) * time.Minute), err == nil
}

// query returns what to ask the desk for. Before is a day that is included.
func (f filter) query(after string) operate.Query {
	q := operate.Query{States: f.States, Destination: f.Destination, Path: f.Path, Text: f.Text, NoURL: f.NoURL, After: after, Limit: listShown}
	if q.Path != "" && !strings.HasPrefix(q.Path, "/") {
		q.Path = "/" + q.Path
	}
	if t, ok := f.day(f.Since); ok {
		q.Since = within(t)
	}
	if t, ok := f.day(f.Before); ok {
		q.Before = within(t.AddDate(0, 0, 1))
	}
	return q
}

// The first and last days that something can have changed on. What is before or after
// all of them selects the same as they do, and they can be counted in nanoseconds.
var firstDay, lastDay = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// within returns the day next to t that something can have changed on.
func within(t time.Time) time.Time {
	switch {
	case t.Before(firstDay):
		return firstDay
	case t.After(lastDay):
		return lastDay
	}
	return t
}

// values writes the filter as an address has it.
func (f filter) values() url.Values {
	v := url.Values{}
	for _, s := range f.States {
		v.Add("state", s)
	}
	for name, value := range map[string]string{"destination": f.Destination, "path": f.Path, "text": f.Text, "since": f.Since, "before": f.Before} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.NoURL {
		v.Set("no_url", "true")
	}
	if f.Zone != 0 {
		v.Set("zone", strconv.Itoa(f.Zone))
	}
	return v
}

// uploads answers GET /uploads.
func (q *request) uploads() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	query := q.r.URL.Query()
	f, after := readFilter(query), query.Get("after")
	list, err := q.desk.Find(q.ctx, f.query(after))
	if err != nil {
		return err
	}
	destinations, err := q.desk.Destinations(q.ctx)
	if err != nil {
		return err
	}
	page := uploadsPage{UploadPage: list, Filter: f, States: operate.States, Change: q.me.Rights == "full"}
	for _, d := range destinations {
		page.Destinations = append(page.Destinations, d.Name)
	}
	if list.Next != "" {
		v := f.values()
		v.Set("after", list.Next)
		page.More = "/uploads?" + v.Encode()
	}
	if after != "" {
		page.First = "/uploads?" + f.values().Encode()
	}
	return q.show(http.StatusOK, "uploads", "Uploads", page)
}

// upload answers GET /uploads/{id}: it leads to the file.
func (q *request) upload() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	id, err := strconv.ParseInt(q.r.PathValue("id"), 10, 64)
	if err != nil {
		return notFound("there is no such upload")
	}
	u, err := q.desk.Upload(q.ctx, id)
	if err != nil {
		return err
	}
	http.Redirect(q.w, q.r, filesLink(u.Path)+"#upload-"+strconv.FormatInt(id, 10), http.StatusSeeOther)
	return nil
}
