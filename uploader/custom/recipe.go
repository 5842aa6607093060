package custom

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"slipway/uploader/custom/sxcu"
	"slipway/uploader/custom/syntax"
	"slipway/uploader/form"
)

// recipe is what a destination does, understood.
type recipe struct {
	method     string
	url        *syntax.Template
	base       *url.URL // scheme and host of url
	parameters []named
	headers    []named
	body       string // as in package sxcu
	fileField  string
	arguments  []named
	data       *syntax.Template

	result struct {
		url, viewer, thumbnail, deletion, id, failed, ok, identical *syntax.Template
	}
	deleteMethod  string
	deleteHeaders []named
	says          says
	ignored       []string // keys of a ShareX file
}

// named is one parameter, header or argument.
type named struct {
	name  string
	value *syntax.Template
	// optional: it is left out where it comes to nothing.
	optional bool
}

// builder makes a recipe and gathers what is wrong with it.
type builder struct {
	recipe
	config Config
	file   *sxcu.File // nil: none
	errs   []error
}

// build returns the recipe of c; its error names each key that is wrong.
func build(c Config) (*recipe, error) {
	b := &builder{config: c}
	if c.File != nil {
		f, err := sxcu.Parse(c.File)
		if err != nil {
			return nil, sxcu.Place(c.FileName, err)
		}
		b.file, b.ignored = f, f.Ignored
	}
	b.request()
	b.bodies()
	b.results()
	b.deletions()
	b.sayings()
	b.secrets()
	if len(b.errs) == 0 {
		b.carries()
	}
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	return &b.recipe, nil
}

// from is where a setting comes from: key of the configuration, or name of the file.
type from struct{ key, name string }

// fail reports a mistake at the place that a setting comes from.
func (b *builder) fail(set bool, at from, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if set || b.file == nil {
		b.errs = append(b.errs, fmt.Errorf("%s: %s", at.key, text))
		return
	}
	name, _, _ := strings.Cut(at.name, "/")
	b.errs = append(b.errs, sxcu.Place(b.config.FileName, &sxcu.Error{Line: b.file.Line(at.name), Text: name + ": " + text}))
}

// pick returns the configuration's text, or else the file's; set says which.
func (b *builder) pick(own string, of func(*sxcu.File) string) (text string, set bool) {
	if own != "" || b.file == nil {
		return own, own != ""
	}
	return of(b.file), false
}

// parse reads one template.
func (b *builder) parse(text string, set bool, at from, o syntax.Options) *syntax.Template {
	if !set && b.file != nil {
		o.Form, o.Regexes = b.file.Form, b.file.Regexes
	} else {
		o.Dates = false
	}
	t, err := syntax.Parse(text, o)
	if err != nil {
		b.fail(set, at, "%v", err)
		return nil
	}
	return t
}

// request reads what the request is made of, but for its body.
func (b *builder) request() {
	method, set := b.pick(b.config.Method, func(f *sxcu.File) string { return f.Method })
	if b.method = strings.ToUpper(method); b.method == "" {
		b.method = http.MethodPost
	}
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, b.method) {
		b.fail(set, from{"method", "RequestMethod"}, "%s carries no file: use POST, PUT or PATCH", b.method)
	}
	at := from{"url", "RequestURL"}
	address, set := b.pick(b.config.URL, func(f *sxcu.File) string { return strings.TrimSpace(f.URL) })
	if !set && b.file != nil && address != "" && !strings.Contains(address, "://") {
		address = "http://" + address // as ShareX does
	}
	b.url = b.parse(address, set, at, syntax.Options{})
	if b.url != nil {
		var why string
		if b.base, why = base(b.url.Lead()); why != "" {
			b.fail(set, at, "%s", why)
		}
	}
	b.parameters = b.list(b.config.Parameters, func(f *sxcu.File) []sxcu.Pair { return f.Parameters }, from{"parameters", "Parameters"})
	b.headers = b.list(b.config.Headers, func(f *sxcu.File) []sxcu.Pair { return f.Headers }, from{"headers", "Headers"})
	b.checkHeaders(b.headers, from{"headers", "Headers"}, len(b.config.Headers) > 0)
	for _, t := range append([]*syntax.Template{b.url}, templates(b.parameters, b.headers)...) {
		if t.HasFile() {
			b.fail(b.file == nil, at, "{file:base64} is for data and arguments, not for an address or a header")
		}
	}
}

// base returns the scheme and host that an address begins with, or what is wrong.
func base(lead string) (*url.URL, string) {
	const example = `write it as in "https://example.com/upload"`
	if lead == "" {
		return nil, "it must begin with the address of the host, written out: " + example
	}
	scheme, rest, ok := strings.Cut(lead, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return nil, "it must begin with https:// or http://, and the host, written out: " + example
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 {
		i = len(rest)
	}
	u, err := url.Parse(scheme + "://" + rest[:i])
	switch {
	case err != nil || u.Hostname() == "" || strings.ContainsAny(u.Host, " \"<>\\"):
		return nil, "it is not an address: " + example
	case u.User != nil:
		return nil, `it holds a name and password: set headers = { Authorization = "Basic {base64:{secret:user}:{secret:password}}" } instead`
	case strings.Contains(rest, "#"):
		return nil, "it has a #, which is never sent: take it and what follows away, or write %23"
	}
	u.Host = form.CanonicalHost(u)
	return u, ""
}

// list reads parameters, headers or arguments. Those of the configuration go before
// the file's of the same name.
func (b *builder) list(own map[string]string, of func(*sxcu.File) []sxcu.Pair, at from) (list []named) {
	data := syntax.Options{Dates: true}
	add := func(name, text string, set bool) {
		where := from{at.key + "." + name, at.name + "/" + name}
		t := b.parse(text, set, where, data)
		if name == "" {
			b.fail(set, at, "a name is empty")
		}
		list = append(list, named{name: name, value: t, optional: t.Has("key", "")})
	}
	if b.file != nil && of != nil {
		for _, p := range of(b.file) {
			if _, replaced := own[p.Name]; !replaced {
				add(p.Name, p.Value, false)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		add(name, own[name], true)
	}
	return list
}

// templates returns the values of lists.
func templates(lists ...[]named) (all []*syntax.Template) {
	for _, list := range lists {
		for _, n := range list {
			all = append(all, n.value)
		}
	}
	return all
}

// ours are headers that make a request what it is.
var ours = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Te", "Expect"}

// checkHeaders finds names that cannot be sent, and those that are not to be.
func (b *builder) checkHeaders(headers []named, at from, set bool) {
	for _, h := range headers {
		name := textproto.CanonicalMIMEHeaderKey(h.name)
		where := from{at.key + "." + h.name, at.name + "/" + h.name}
		switch {
		case !httpguts.ValidHeaderFieldName(h.name):
			b.fail(set, where, "%q is no name of a header", h.name)
		case slices.Contains(ours, name):
			b.fail(set, where, "the header %s is Slipway's own: take it away", name)
		}
	}
}

// bodies reads what the body is made of.
func (b *builder) bodies() {
	body, set := b.pick(b.config.Body, func(f *sxcu.File) string { return f.Body })
	if body == "" {
		body = sxcu.Multipart
	}
	if b.body = strings.ToLower(body); !slices.Contains([]string{sxcu.None, sxcu.Multipart, sxcu.Binary, sxcu.JSON, sxcu.XML, sxcu.URLForm}, b.body) {
		b.fail(set, from{"body", "Body"}, "%q is not known; there are multipart, binary, json, xml and form", body)
	}
	b.fileField, _ = b.pick(b.config.FileField, func(f *sxcu.File) string { return f.FileFormName })
	b.arguments = b.list(b.config.Arguments, func(f *sxcu.File) []sxcu.Pair { return f.Arguments }, from{"arguments", "Arguments"})
	data, set := b.pick(b.config.Data, func(f *sxcu.File) string { return f.Data })
	if b.body == sxcu.JSON || b.body == sxcu.XML {
		b.data = b.parse(data, set, from{"data", "Data"}, syntax.Options{Data: true, Dates: true})
	}
	if b.body == sxcu.Multipart {
		for i, h := range b.headers {
			if strings.EqualFold(h.name, "Content-Type") { // It would lack the boundary.
				b.headers = slices.Delete(b.headers, i, i+1)
				break
			}
		}
	}
}

// carries makes sure that the request carries the file, once.
func (b *builder) carries() {
	at, set := from{"body", "Body"}, b.file == nil || b.config.Body != ""
	parts := 0
	for _, a := range b.arguments {
		if a.value.HasFile() {
			parts++
		}
	}
	switch b.body {
	case sxcu.None:
		b.fail(set, at, "without a body nothing carries the file: use MultipartFormData (multipart) or Binary (binary)")
	case sxcu.Multipart:
		if b.fileField == "" && parts == 0 {
			b.fail(set || b.config.Arguments != nil, from{"file_field", "FileFormName"}, "it is missing: it is the name of the form's field that takes the file, often \"file\" or \"image\"")
		}
		if b.fileField != "" {
			parts++
		}
	case sxcu.Binary:
		parts = 1
	case sxcu.JSON, sxcu.XML:
		if parts = 0; b.data.HasFile() {
			parts = 1
		}
		if parts == 0 {
			b.fail(b.file == nil || b.config.Data != "", from{"data", "Data"}, "nothing in it carries the file: put {file:base64} where the host wants the file as base64")
		}
	case sxcu.URLForm:
		if parts == 0 {
			b.fail(set, at, "no argument carries the file: put {file:base64} into the one that takes it, or use MultipartFormData (multipart)")
		}
	}
	if parts > 1 {
		b.fail(set, at, "the file would be sent %d times: leave one of file_field and {file:base64}", parts)
	}
	if b.config.Sign != "" && b.body != sxcu.Binary {
		b.fail(true, from{key: "sign"}, `only body = "binary" can be signed`)
	}
}

// results reads the templates over the reply.
func (b *builder) results() {
	r := &b.result
	c := b.config.Result
	read := func(own string, of func(*sxcu.File) string, key, name string) *syntax.Template {
		text, set := own, true
		if of != nil {
			text, set = b.pick(own, of)
		}
		t := b.parse(text, set, from{"result." + key, name}, syntax.Options{})
		if t.Has("secret", "") {
			b.fail(set, from{"result." + key, name}, "{secret:…} has no place in a result, which everybody sees")
		}
		if t.HasFile() {
			b.fail(set, from{"result." + key, name}, "{file:base64} has no place in a result")
		}
		return t
	}
	r.url = read(c.URL, func(f *sxcu.File) string { return f.ResultURL }, "url", "URL")
	r.thumbnail = read(c.Thumbnail, func(f *sxcu.File) string { return f.Thumbnail }, "thumbnail", "ThumbnailURL")
	r.deletion = read(c.Deletion, func(f *sxcu.File) string { return f.Deletion }, "deletion", "DeletionURL")
	r.failed = read(c.Error, func(f *sxcu.File) string { return f.Error }, "error", "ErrorMessage")
	r.viewer = read(c.Viewer, nil, "viewer", "")
	r.id = read(c.ID, nil, "id", "")
	r.ok = read(c.OK, nil, "ok", "")
	r.identical = read(c.Identical, nil, "identical", "")
	if b.config.KeepsBytes && r.identical.Empty() {
		b.fail(true, from{key: "keeps_bytes"}, "it needs result.identical, by which the host proves what it has")
	}
}

// deletions reads how pictures are deleted.
func (b *builder) deletions() {
	if b.deleteMethod = strings.ToUpper(b.config.DeleteMethod); b.deleteMethod == "" {
		b.deleteMethod = http.MethodGet
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodDelete, http.MethodPost, "NONE"}, b.deleteMethod) {
		b.fail(true, from{key: "delete_method"}, "%q is not known; there are GET, DELETE, POST and none", b.config.DeleteMethod)
	}
	b.deleteHeaders = b.list(b.config.DeleteHeaders, nil, from{key: "delete_headers"})
	b.checkHeaders(b.deleteHeaders, from{key: "delete_headers"}, true)
	for _, h := range b.config.DeleteHosts {
		if h == "" || strings.ContainsAny(h, "/ \"<>@?#") {
			b.fail(true, from{key: "delete_hosts"}, `%q is no host: write it as in "example.com"`, h)
		}
	}
}

// secrets finds those that are not set, functions of the reply in the request, and
// keys that sign wants.
func (b *builder) secrets() {
	request := append([]*syntax.Template{b.url, b.data}, templates(b.parameters, b.headers, b.arguments, b.deleteHeaders)...)
	for _, t := range request {
		if f := t.NeedsReply(); f != "" {
			b.errs = append(b.errs, fmt.Errorf("%s is in the request, where there is no reply yet: it belongs to URL, ThumbnailURL, DeletionURL or ErrorMessage (result)", f))
		}
		for _, u := range uses(t) {
			if _, ok := b.config.Secrets[u.Arg]; u.Name == "secret" && !ok {
				b.errs = append(b.errs, fmt.Errorf(`secrets: %s is used and not set: add %s = "env:NAME"`, u.Text, u.Arg))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.config.Secrets)) {
		if b.config.Secrets[name].Reveal() == "" {
			b.errs = append(b.errs, fmt.Errorf("secrets.%s: it is empty", name))
		}
	}
	switch b.config.Sign {
	case "":
	case signAWS:
		for _, name := range []string{accessKey, secretKey} {
			if b.config.Secrets[name] == "" {
				b.errs = append(b.errs, fmt.Errorf(`secrets.%s: sign = %q needs it`, name, signAWS))
			}
		}
		if b.config.Region == "" {
			b.errs = append(b.errs, fmt.Errorf(`region: sign = %q needs it, as in "eu-central-1"; what has no regions mostly takes "us-east-1"`, signAWS))
		}
	default:
		b.errs = append(b.errs, fmt.Errorf("sign: %q is not known; %q is the only one", b.config.Sign, signAWS))
	}
}

func uses(t *syntax.Template) []syntax.Use {
	if t == nil {
		return nil
	}
	return t.Uses()
}
