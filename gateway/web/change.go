package web

import (
	"cmp"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
)

// change answers POST /change: a new folder, another name or place, and removal.
func (q *request) change() error {
	if err := q.form(); err != nil {
		return err
	}
	if q.me.Rights == "read" {
		return q.changer()
	}
	form := q.r.PostForm
	p, tree := path.Clean("/"+form.Get("path")), q.desk.FS(q.ctx, q.from)
	switch form.Get("do") {
	case "folder":
		name := form.Get("name")
		if name == "" || strings.Contains(name, "/") || name == "." || name == ".." {
			return wrong("a folder has a name, without a slash in it")
		}
		at := path.Join(p, name)
		if err := tree.Mkdir(at, 0o777); err != nil {
			return err
		}
		return q.done("The folder is there.", cmp.Or(own(form.Get("back")), folderLink(p)))
	case "move":
		return q.move(tree, p, form.Get("to"))
	case "remove":
		return q.remove(tree, p, form.Get("sure") == "yes")
	}
	return wrong("what is to be done is not known")
}

// mover moves a file or a tree in one step.
type mover interface {
	Move(from, to string, overwrite bool) (replaced bool, err error)
}

// move gives p another path. Only a file takes a file's place.
func (q *request) move(tree afero.Fs, p, to string) error {
	if strings.TrimSpace(to) == "" {
		return wrong("write down the new name or path")
	}
	if !strings.HasPrefix(to, "/") {
		to = path.Join(path.Dir(p), to)
	}
	to = path.Clean(to)
	replace := q.r.PostForm.Get("replace") == "yes"
	if err := move(tree, p, to, replace); err != nil {
		if fault.Of(err) == fault.NotExist {
			return notFound("it is gone, or the folder that it should go to is not there")
		}
		return err
	}
	if q.script() {
		return q.done(to, "")
	}
	http.Redirect(q.w, q.r, filesLink(to), http.StatusSeeOther)
	return nil
}

func move(tree afero.Fs, p, to string, replace bool) error {
	if m, ok := tree.(mover); ok {
		_, err := m.Move(p, to, replace)
		return err
	}
	if _, err := tree.Stat(to); err == nil && !replace {
		return os.ErrExist
	}
	return tree.Rename(p, to)
}

// remove removes a file, an empty folder, or, where that is surely wanted, a tree.
func (q *request) remove(tree afero.Fs, p string, sure bool) error {
	if p == "/" {
		return wrong("the whole tree cannot be removed")
	}
	info, err := tree.Stat(p)
	if err != nil {
		return err
	}
	if info.IsDir() && sure {
		err = tree.RemoveAll(p)
	} else {
		err = tree.Remove(p)
	}
	if err != nil {
		return err
	}
	if q.script() {
		return q.done("It is removed.", "")
	}
	http.Redirect(q.w, q.r, folderLink(path.Dir(p)), http.StatusSeeOther)
	return nil
}
