package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"slipway/gateway/operate"
)

// filesShown is how many entries of a folder a page shows.
const filesShown = 200

// filesPage is a folder.
type filesPage struct {
	operate.FilePage
	Crumbs []crumb
	Name   string
	Grid   bool
	More   string // the address of the next page; ""
	First  string // the address of the first page, on others; ""
	Change bool   // the user may change things
	Views  []string
	Unsent map[string]string // why a file is sent nowhere, by its path
}

// explained is of how many files in a folder it is said why they are sent nowhere.
const explained = 40

// crumb is a folder on the way to a page's own.
type crumb struct{ Name, Path string }

// crumbs returns the folders above p, the root first.
func crumbs(p string) (list []crumb) {
	if p == "/" {
		return nil
	}
	list = []crumb{{"Home", "/"}}
	for i, c := range p {
		if c == '/' && i > 0 {
			list = append(list, crumb{path.Base(p[:i]), p[:i]})
		}
	}
	return list
}

// title is what a folder or file is called.
func title(p string) string {
	if p == "/" {
		return "Home"
	}
	return path.Base(p)
}

// files answers GET /files/…: a folder, or one file.
func (q *request) files() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	p := q.path()
	if p != "/" && !strings.HasSuffix(q.r.URL.Path, "/") {
		return q.file(p)
	}
	query := q.r.URL.Query()
	if query.Get("all") == "1" {
		return q.everything(p)
	}
	list, err := q.desk.Files(q.ctx, p, query.Get("after"), filesShown)
	if err != nil {
		return err
	}
	page := filesPage{
		FilePage: list, Crumbs: crumbs(p), Name: title(p), Grid: q.grid(), Change: q.me.Rights == "full",
		Views: []string{"_links.html", "_links.md", "_links.csv"},
	}
	page.Unsent = q.unsentOf(list.Entries)
	if list.Next != "" {
		page.More = folderLink(p) + "?" + url.Values{"after": {list.Next}}.Encode()
	}
	if query.Get("after") != "" {
		page.First = folderLink(p)
	}
	return q.show(http.StatusOK, "files", title(p), page)
}

// unsentOf says why files are sent nowhere, of the first of them.
func (q *request) unsentOf(entries []operate.Entry) map[string]string {
	all := make(map[string]string)
	for _, e := range entries {
		if !e.Dir && len(e.Uploads) == 0 && len(all) < explained {
			all[e.Path] = q.unsent(e.Path)
		}
	}
	return all
}

// gridCookie keeps how somebody likes to see folders.
const gridCookie = "slipway-view"

// grid reports whether folders are shown as pictures, which ?view= says from now on.
func (q *request) grid() bool {
	view := q.r.URL.Query().Get("view")
	if view == "grid" || view == "list" {
		http.SetCookie(q.w, &http.Cookie{Name: gridCookie, Value: view, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, Secure: q.tls, HttpOnly: true})
		return view == "grid"
	}
	c, err := q.r.Cookie(gridCookie)
	return err == nil && c.Value == "grid"
}

// filePage is one file, with what became of it.
type filePage struct {
	operate.Explanation
	Crumbs []crumb
	Name   string
	// Uploads are all of the file, those of its present bytes first; of these, Owed are
	// those that Takes tell of.
	Uploads []operate.Upload
	Change  bool
	Receipt bool // its receipt can be read
	Back    string
}

// uploadsShown is how many uploads of one file its page shows.
const uploadsShown = 100

// file answers GET /files/… of a file.
func (q *request) file(p string) error {
	x, err := q.desk.Explain(q.ctx, p)
	if err != nil {
		return err
	}
	if x.Entry == nil {
		return notFound("nothing is here, or not any more")
	}
	if x.Entry.Dir {
		to := folderLink(p)
		if q.r.URL.RawQuery != "" {
			to += "?" + q.r.URL.RawQuery
		}
		http.Redirect(q.w, q.r, to, http.StatusSeeOther)
		return nil
	}
	all, err := q.desk.Find(q.ctx, operate.Query{Path: p, Limit: uploadsShown})
	if err != nil {
		return err
	}
	page := filePage{Explanation: x, Crumbs: crumbs(p), Name: path.Base(p), Change: q.me.Rights == "full"}
	for _, u := range all.Uploads {
		if u.Path == p && (u.Entry == 0 || u.Entry == x.Entry.ID) {
			page.Uploads = append(page.Uploads, u)
		}
	}
	if len(p) < 240 {
		_, err := q.desk.FS(q.ctx, q.from).Stat(p + ".json")
		page.Receipt = err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			q.Log.Debug("page: a receipt could not be looked at", "error", err)
		}
	}
	return q.show(http.StatusOK, "file", path.Base(p), page)
}

// Earlier returns the uploads of bytes that the file had before.
func (p filePage) Earlier() (list []operate.Upload) {
	for _, u := range p.Uploads {
		if !u.Present {
			list = append(list, u)
		}
	}
	return list
}

// Present returns the uploads of the file's bytes that no taker tells of.
func (p filePage) Present() (list []operate.Upload) {
	for _, u := range p.Uploads {
		if u.Present && !p.taken(u.ID) {
			list = append(list, u)
		}
	}
	return list
}

func (p filePage) taken(id int64) bool {
	for _, t := range p.Takes {
		if t.Upload != nil && t.Upload.ID == id {
			return true
		}
	}
	return false
}

// linkWhy says what became of a link of a file with links.
func linkWhy(l operate.Link) string {
	text := "Not fetched."
	switch {
	case l.Picture != "":
		text = "Fetched as " + l.Picture + "."
	case l.State == "done":
		text = "Fetched; the picture is not beside it any more."
	case l.State == "settling" && l.URL == "":
		text = "It will be looked at."
	case l.Fetching:
		return "It is being fetched now."
	case l.State == "settling" && l.URL != "" && l.Error != "":
		text = "Not fetched yet."
	case l.State == "settling":
		text = "It will be fetched."
	case l.State == "plain":
		text = "There are no links in it."
	case l.State == "skipped":
		text = "Not fetched, and need not be."
	}
	if l.Error == "" {
		return text
	}
	return text + " " + sentence(l.Error)
}
