package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"syscall"

	fetching "slipway/gateway/fetch"
	"slipway/gateway/metrics"
	"slipway/uploader/ledger"
	"slipway/uploader/link"
	"slipway/uploader/route"
	"slipway/uploader/whole"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

const (
	// linkMost is how many bytes are taken from a link, whatever destinations take.
	linkMost = 100_000_000
	// linkHead is how many bytes of it tell what it is.
	linkHead = 3072
)

// linkRefusal is why what a link leads to is not taken.
type linkRefusal struct {
	text, remedy string
	again        bool // it may be otherwise later
}

func (r *linkRefusal) Error() string { return r.text }

// fetch fetches the picture of a link and records what came of it. Its error is about
// the recording.
func (w *linkFetcher) fetch(ctx context.Context, k ledger.Link) error {
	if !w.settings.Load().table.Links(k.Path) {
		return w.ledger.LinkSkip(ctx, k, "links are not followed in this folder any more")
	}
	picture, ours, err := w.ledger.LinkKnown(ctx, k)
	switch {
	case err != nil:
		return err
	case picture != 0:
		w.metrics.Linked(metrics.LinkKnown)
		return w.ledger.LinkHas(ctx, k, picture)
	case ours || w.isOwn(k.URL):
		w.metrics.Linked(metrics.LinkSkipped)
		return w.ledger.LinkSkip(ctx, k, "it is the address of a picture that was sent from here")
	}
	name, err := w.take(ctx, k)
	if err == nil {
		w.metrics.Linked(metrics.LinkFetched)
		w.log.Info("a linked picture was fetched", "path", k.Path, "host", hostOf(k.URL), "picture", name)
		return nil
	}
	if errors.Is(err, ledger.ErrLink) || ctx.Err() != nil {
		return nil // nobody waits for it any more, or the next start begins anew
	}
	return w.failed(ctx, k, err)
}

// failed records that a link was not fetched, and when to try again.
func (w *linkFetcher) failed(ctx context.Context, k ledger.Link, err error) error {
	text, remedy, again, wait := err.Error(), "", true, linkBackoff(k.Tries)
	var refusal *linkRefusal
	var fetched *fetching.Error
	var denied *vfs.Refusal
	switch {
	case errors.As(err, &refusal):
		text, remedy, again = refusal.text, refusal.remedy, refusal.again
	case errors.As(err, &fetched):
		text, remedy, again, wait = fetched.Text, fetched.Remedy, !fetched.Permanent, max(wait, fetched.After)
	case errors.As(err, &denied):
		text, again = denied.Reason(), false
	case errors.Is(err, vfs.ErrQuota):
		text, remedy = "there is no room for it: "+plain(err).Error(), "Remove something, or ask for more room."
	}
	if !again || k.Tries+1 >= linkTries {
		w.metrics.Linked(metrics.LinkFailed)
		w.log.Warn("a linked picture was not fetched", "path", k.Path, "host", hostOf(k.URL), "error", text)
		return w.ledger.LinkFail(ctx, k, text, remedy)
	}
	w.metrics.Linked(metrics.LinkAgain)
	w.log.Info("a linked picture was not fetched, and will be tried again", "path", k.Path, "host", hostOf(k.URL), "error", text, "wait", wait)
	return w.ledger.LinkLater(ctx, k, wait, text, remedy)
}

// take fetches the picture of a link and commits it beside the link's file, in the
// transaction that ends the link. It returns the picture's name.
func (w *linkFetcher) take(ctx context.Context, k ledger.Link) (name string, err error) {
	table := w.settings.Load().table
	most := int64(linkMost)
	if limit := table.LinksMax(k.Path); limit > 0 {
		most = min(most, limit)
	}
	r, err := w.client.Get(ctx, k.URL, most)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	head := make([]byte, linkHead)
	n, err := io.ReadFull(r.Body, head)
	if head = head[:n]; err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	kind, err := judge(head, r)
	if err != nil {
		return "", err
	}
	p := path.Join(path.Dir(k.Path), pictureName(k, r.Name, kind))
	if len(table.Owed(p, kind, max(r.Size, 1))) == 0 {
		return "", &linkRefusal{text: fmt.Sprintf("it is %s, which no destination of this folder takes", kind), remedy: "Put the link into a folder whose destinations take it."}
	}
	return w.put(ctx, k, p, kind, io.MultiReader(bytes.NewReader(head), r.Body))
}

// judge returns the media type of what begins with head, which has to be a picture or a
// film: what the server calls it says nothing.
func judge(head []byte, r *fetching.Response) (string, error) {
	kind := vfs.MediaType(head, "")
	switch {
	case len(head) == 0:
		return "", &linkRefusal{text: r.Host + " sent nothing", again: true}
	case strings.HasPrefix(kind, "image/"), strings.HasPrefix(kind, "video/"):
		return kind, nil
	case kind == "text/html", kind == "application/xhtml+xml", r.Type == "text/html":
		return "", &linkRefusal{text: "it is a page, not a picture", remedy: `Open the page, copy the address of the picture itself ("Copy image address"), and drop that.`}
	}
	return "", &linkRefusal{text: fmt.Sprintf("it is no picture and no film, but %s", kind), remedy: "Drop a link to the picture itself."}
}

// pictureName returns what the picture of a link is called.
func pictureName(k ledger.Link, given, kind string) string {
	file := path.Base(k.Path)
	if link.Max(file) != link.ListMax {
		return forwardable(link.Name(file, kind), "picture"+link.Extension(kind))
	}
	return forwardable(link.ListedName(file, k.Order, given, k.URL, kind), link.NumberedName(file, k.Order, kind))
}

// forwardable returns name, unless files of that name are not forwarded: then other.
func forwardable(name, other string) string {
	if p := "/" + name; vfs.Temporary(p) || vfs.Junk(p) || sidecar.IsName(name) || name == route.FolderFile {
		return other
	}
	return name
}

// put commits what r has to p, or to the next free number beside it.
func (w *linkFetcher) put(ctx context.Context, k ledger.Link, p, kind string, r io.Reader) (name string, err error) {
	f, err := w.stage(ctx, p)
	if err != nil {
		return "", err
	}
	f.Errand(k.ID)
	_, err = io.Copy(f, r)
	if err == nil {
		err = w.inspect(f, p, kind)
	}
	if err == nil {
		if same, lookErr := w.beside(ctx, f, p); same != 0 || lookErr != nil {
			f.TransferError(nil)
			f.Close() //nolint:errcheck // It is aborted.
			if lookErr == nil {
				lookErr = w.ledger.LinkHas(ctx, k, same)
			}
			return path.Base(p), lookErr
		}
	}
	if err != nil {
		f.TransferError(err)
		f.Close() //nolint:errcheck // It is aborted, and err is why.
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return f.Result().Name, nil
}

// stage opens a staged file at p, or at another name where a folder stands there, for
// the account whose room it takes.
func (w *linkFetcher) stage(ctx context.Context, p string) (*vfs.File, error) {
	root, quota := w.settings.Load().config.roomFor(p)
	view := w.fs.Sub(vfs.View{Root: root, Door: doorLinks, SameName: vfs.NextFree, Settled: true, Quota: quota}).WithContext(ctx)
	name := path.Join("/", strings.TrimPrefix(p, root))
	for n := 1; ; n++ {
		f, err := view.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
		if errors.Is(err, vfs.ErrIsDir) || errors.Is(err, syscall.EISDIR) {
			if n < 10 {
				name = path.Join(path.Dir(name), vfs.Numbered(path.Base(p), n))
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		return f.(*vfs.File), nil
	}
}

// inspect judges a picture that has come whole, before it is named.
func (w *linkFetcher) inspect(f *vfs.File, p, kind string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := link.CheckPixels(f, info.Size(), kind); err != nil {
		return &linkRefusal{text: err.Error()}
	}
	var problem *whole.Problem
	if err := whole.Check(f, info.Size(), kind, p); errors.As(err, &problem) {
		return &linkRefusal{text: "what came is not whole: " + problem.Text, again: true, remedy: "If the picture is damaged where it is, look for another one."}
	} else if err != nil {
		return err
	}
	if len(w.settings.Load().table.Owed(p, kind, info.Size())) == 0 {
		return &linkRefusal{text: fmt.Sprintf("it has %d bytes, and no destination of this folder takes as many", info.Size())}
	}
	return nil
}

// beside returns the file at p, if that has the bytes of f.
func (w *linkFetcher) beside(ctx context.Context, f *vfs.File, p string) (vfs.ID, error) {
	e, err := w.tree.Lookup(ctx, p)
	if err != nil || e.Dir {
		return 0, nil //nolint:nilerr // Nothing is there; if there is another error, the commit has it too.
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if staged, ok := info.Sys().(vfs.Entry); !ok || staged.SHA256 != e.SHA256 {
		return 0, nil
	}
	return e.ID, nil
}
