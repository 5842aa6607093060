package webdav

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/afero"
)

// page is what a browser sees of a directory.
var page = template.Must(template.New("listing").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Path}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:left}
tr:hover{background:#8882}.n{text-align:right;white-space:nowrap}</style>
<h1>{{.Path}}</h1>
<table><tr><th>Name<th class="n">Size<th class="n">Changed (UTC)
{{- if .Up}}
<tr><td><a href="{{.Up}}">..</a><td><td>{{end}}
{{- range .Rows}}
<tr><td><a href="{{.Href}}">{{.Name}}</a><td class="n">{{.Size}}<td class="n">{{.Changed}}{{end}}
</table>
{{- if not .Rows}}<p>This folder is empty.{{end}}
`))

type row struct{ Href, Name, Size, Changed string }

// list answers GET of a directory with a page.
func (q *request) list(dir afero.File) error {
	infos, err := dir.Readdir(-1)
	if err != nil {
		return err
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int {
		if a.IsDir() != b.IsDir() {
			return cmp.Compare(btoi(b.IsDir()), btoi(a.IsDir()))
		}
		return strings.Compare(a.Name(), b.Name())
	})
	data := struct {
		Path, Up string
		Rows     []row
	}{Path: q.path}
	if q.path != "/" {
		data.Up = q.href(path.Dir(q.path), true)
	}
	for _, info := range infos {
		data.Rows = append(data.Rows, q.row(info))
	}
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return err
	}
	listingHeader(q.w.Header())
	q.progressWriter().Write(b.Bytes()) //nolint:errcheck // the client left
	return nil
}

func (q *request) row(info fs.FileInfo) row {
	r := row{
		Href:    q.href(path.Join(q.path, info.Name()), info.IsDir()),
		Name:    info.Name(),
		Changed: info.ModTime().UTC().Format(time.DateTime),
	}
	if info.IsDir() {
		r.Name += "/"
		return r
	}
	r.Size = humanSize(info.Size())
	return r
}

// humanSize writes a number of bytes with a unit of 1,024.
func humanSize(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/(1<<10), "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if v < 1<<10 {
			break
		}
		v, unit = v/(1<<10), next
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

func listingHeader(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
