package custom

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/uploader/custom/sxcu"
	"slipway/uploader/custom/syntax"
)

// Check asks the host for the headers of its first page, which proves that it is
// there, and says what an upload would do. Nothing is sent but that.
func (d *Driver) Check(ctx context.Context) (notes []string, err error) {
	a := d.attempt(uploader.Picture{})
	reply, err := d.client.Probe(ctx, http.MethodHead, d.recipe.base.String()+"/", nil, nil)
	if err != nil {
		return nil, a.redact(err)
	}
	notes = append(d.explain(), fmt.Sprintf("The host answers (%s to a look at its first page). Whether it takes the account is seen at the first upload.", code(reply)))
	for i := range notes {
		notes[i] = a.hide(notes[i])
	}
	return notes, nil
}

// explain says in sentences what an upload does.
func (d *Driver) explain() []string {
	r := d.recipe
	address, query, _ := strings.Cut(r.url.String(), "?")
	notes := []string{fmt.Sprintf("Sends each file by %s to %s.", r.method, address)}
	switch {
	case len(r.parameters) > 0:
		notes = append(notes, "Parameters: "+listed(r.parameters)+".")
	case query != "":
		notes = append(notes, "The address has a query, which is not shown here.")
	}
	if len(r.headers) > 0 {
		notes = append(notes, "Headers: "+listed(r.headers)+".")
	}
	notes = append(notes, "Body: "+d.explainBody()+".")
	where := "the whole reply"
	if !r.result.url.Empty() {
		where = r.result.url.String()
	}
	notes = append(notes, "The picture's address is "+where+".")
	for _, t := range []struct {
		what string
		t    *syntax.Template
	}{{"Thumbnail", r.result.thumbnail}, {"Page", r.result.viewer}, {"Id", r.result.id}, {"What the host says of an error", r.result.failed}} {
		if !t.t.Empty() {
			notes = append(notes, t.what+": "+t.t.String()+".")
		}
	}
	notes = append(notes, d.explainDeleting(), d.explainRepeats())
	if used := d.functions(); used != "" {
		notes = append(notes, "Functions: "+used+".")
	}
	if len(r.ignored) > 0 {
		notes = append(notes, "Not understood in the file, and left out: "+strings.Join(r.ignored, ", ")+".")
	}
	if r.base.Scheme == "http" {
		notes = append(notes, "The host's address is plain http: secrets and pictures can be read on their way.")
	}
	return notes
}

func (d *Driver) explainBody() string {
	r := d.recipe
	switch r.body {
	case sxcu.Binary:
		if d.config.Sign != "" {
			return "the file's own bytes, signed (" + d.config.Sign + ")"
		}
		return "the file's own bytes"
	case sxcu.JSON, sxcu.XML:
		return strings.ToUpper(r.body) + " with the file as base64"
	}
	kind, field := "a form (multipart/form-data)", r.fileField
	if r.body == sxcu.URLForm {
		kind = "a form (urlencoded)"
	}
	var others []named
	for _, n := range r.arguments {
		if n.value.HasFile() {
			field = n.name + " as base64"
		} else {
			others = append(others, n)
		}
	}
	if len(others) > 0 {
		return fmt.Sprintf("%s, the file in %s, and %s", kind, field, listed(others))
	}
	return fmt.Sprintf("%s, the file in %s", kind, field)
}

func (d *Driver) explainDeleting() string {
	switch {
	case d.recipe.result.deletion.Empty():
		return "The host is not asked for a way to delete pictures: on_delete does nothing here."
	case !d.deletes():
		return "The address to delete a picture by is kept for you, and not used."
	}
	return fmt.Sprintf("Pictures are deleted by %s to %s, where on_delete says so.", d.recipe.deleteMethod, d.recipe.result.deletion.String())
}

func (d *Driver) explainRepeats() string {
	switch {
	case d.config.Idempotent:
		return "An upload whose reply is lost is sent again: the same bytes give the same picture (idempotent)."
	case d.config.RefusesRepeats > 0:
		return fmt.Sprintf("An upload whose reply is lost is sent again: the host refuses bytes that it has seen, for %v.", d.config.RefusesRepeats)
	}
	return "An upload whose reply is lost waits for you: whether the host has it cannot be known. If the same bytes give the same picture there, set idempotent = true."
}

// listed names headers, parameters or arguments, and the functions in their values.
// Plain text is not shown: it may be a key that stands in the file itself.
func listed(list []named) string {
	var all []string
	for _, n := range list {
		text := n.name
		var functions []string
		for _, u := range uses(n.value) {
			functions = append(functions, u.Text)
		}
		if len(functions) > 0 {
			text += " (" + strings.Join(functions, " ") + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// functions lists what was understood, each once.
func (d *Driver) functions() string {
	var all []string
	for _, t := range d.recipe.all() {
		for _, u := range uses(t) {
			if !slices.Contains(all, u.Text) {
				all = append(all, u.Text)
			}
		}
	}
	return strings.Join(all, " ")
}
