// Package custom uploads to any host: as a ShareX custom uploader file (.sxcu) says, or
// as the same says in the configuration.
//
// What the host is like is what its owner writes; where that is silent the driver
// assumes a host that stores each upload anew, so that lost replies are ambiguous.
package custom

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/custom/syntax"
	"slipway/uploader/form"
)

// Driver uploads as one recipe says.
type Driver struct {
	recipe *recipe
	config Config              // without its secrets and file
	secret func(string) string // a function: fmt shows an unexported Secret as it is
	shown  func() []string     // every secret
	looks  func() []string     // of these, what is one by its name alone
	client *form.Client
	now    func() time.Time
	pick   func(int) int // nil: by chance
}

var (
	_ uploader.Driver  = (*Driver)(nil)
	_ uploader.Checker = (*Driver)(nil)
	_ uploader.Deleter = (*Driver)(nil)
)

// New returns the driver of one destination, or an error that names every key of cfg,
// or line of its file, to correct. It shares client's connections.
func New(cfg Config, client *form.Client) (*Driver, error) {
	r, err := build(cfg)
	if err != nil {
		return nil, err
	}
	secrets := maps.Clone(cfg.Secrets)
	all := make([]string, 0, len(secrets))
	for _, s := range secrets {
		all = append(all, s.Reveal())
	}
	implied := r.implied()
	all = append(all, implied...)
	cfg.Secrets, cfg.File = nil, nil
	return &Driver{
		recipe: r, config: cfg, client: client.Within(cfg.Timeout), now: time.Now,
		secret: func(name string) string { return secrets[name].Reveal() },
		shown:  func() []string { return all },
		looks:  func() []string { return implied },
	}, nil
}

// String returns the host's address, without secrets.
func (d *Driver) String() string { return "custom at " + d.recipe.base.String() }

// GoString is String: %#v shows no secret either.
func (d *Driver) GoString() string { return d.String() }

// Properties says what the configuration says of the host.
func (d *Driver) Properties() uploader.Properties {
	c := d.config
	p := uploader.Properties{
		Driver: "custom", Host: d.recipe.base.Host, Idempotent: c.Idempotent, KeepsBytes: c.KeepsBytes,
		RefusesRepeats: c.RefusesRepeats, Deletes: d.deletes(), Limits: uploader.Limits{Concurrency: 2},
	}
	for _, t := range c.Types {
		p.Types = append(p.Types, strings.ToLower(t))
	}
	for _, key := range syntax.Keys {
		if slices.ContainsFunc(d.recipe.all(), func(t *syntax.Template) bool { return t.Has("key", key) }) {
			p.Keys = append(p.Keys, key)
		}
	}
	return p
}

// all returns every template.
func (r *recipe) all() []*syntax.Template {
	out := append([]*syntax.Template{r.url, r.data}, templates(r.parameters, r.headers, r.arguments)...)
	s := &r.result
	return append(out, s.url, s.viewer, s.thumbnail, s.deletion, s.id, s.failed, s.ok, s.identical)
}

// telling finds names of headers and fields whose values are secrets.
var telling = regexp.MustCompile(`(?i)auth|key|token|secret|pass|cookie|client.?id|session`)

// minImplied is how long a text must be to be taken for a secret by its name alone.
const minImplied = 6

// implied returns what is probably a secret though it stands in plain text: ShareX has
// no other place for it.
func (r *recipe) implied() []string {
	var all []string
	for _, n := range slices.Concat(r.parameters, r.headers, r.arguments, r.deleteHeaders) {
		if !telling.MatchString(n.name) || ofFile(n.value) {
			continue
		}
		for _, word := range n.value.Words() {
			if len(word) >= minImplied && !strings.EqualFold(word, "Client-ID") && !strings.EqualFold(word, "Bearer") {
				all = append(all, word)
			}
		}
	}
	return all
}

// ofFile reports whether a value is made of the file's name and the like, as where a
// host calls a file's place its key: then it is none of an account.
func ofFile(t *syntax.Template) bool {
	return t.Has("filename", "") || t.Has("file", "") || t.Has("key", "")
}

// Send uploads p with one request.
func (d *Driver) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	if p.Size <= 0 {
		return uploader.Result{}, &uploader.Error{Kind: uploader.Permanent, Message: "the file is empty", Remedy: "put the whole file here again"}
	}
	a := d.attempt(p)
	if err := a.sum(ctx); err != nil {
		return uploader.Result{}, err
	}
	req, err := a.request(ctx)
	if err != nil {
		return uploader.Result{}, a.redact(err)
	}
	reply, err := d.client.Send(ctx, d.recipe.method, req.address, req.header, req.form, req.picture, req.tee...)
	if err != nil {
		return uploader.Result{}, a.redact(err)
	}
	r, err := a.read(req, reply)
	if err != nil {
		return uploader.Result{}, a.redact(err)
	}
	return r, nil
}

// attempt is one Send.
type attempt struct {
	*Driver
	picture uploader.Picture
	name    string
	sha256  string   // in hexadecimal digits; "" until sum
	secrets []string // texts made of secrets on the way
}

func (d *Driver) attempt(p uploader.Picture) *attempt {
	return &attempt{Driver: d, picture: p, name: fileName(p)}
}

// env returns what templates are filled in from.
func (a *attempt) env() *syntax.Env {
	return &syntax.Env{LookUp: a.lookUp, Now: a.now, Pick: a.pick, Secret: func(text string) { a.secrets = append(a.secrets, text) }}
}

// redact takes secrets out of an error, should the host have repeated one. A cause
// whose text has one is left out.
func (a *attempt) redact(err error) error {
	e := uploader.AsError(err)
	for _, s := range []*string{&e.Code, &e.Message, &e.Remedy} {
		*s = a.hide(*s)
	}
	if e.Err != nil && a.hide(e.Err.Error()) != e.Err.Error() {
		e.Err = nil
	}
	return e
}

// hide returns s with every secret, as it is or percent-escaped, as ***.
func (a *attempt) hide(s string) string {
	for _, secret := range a.known() {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return s
}

// known returns every text that is not to be seen, longest first.
func (a *attempt) known() []string { return inForms(slices.Concat(a.shown(), a.secrets)) }

// inForms returns texts as they are and as they stand in addresses, longest first.
func inForms(texts []string) []string {
	var all []string
	for _, s := range texts {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if form != "" && !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	slices.SortFunc(all, func(x, y string) int { return len(y) - len(x) })
	return all
}

// fillHeaders fills in a list of headers. Line ends, which would begin another header,
// become spaces. What packs the reply is not asked for: nothing here unpacks it.
func (a *attempt) fillHeaders(list []named) http.Header {
	h := http.Header{}
	for _, n := range list {
		value := n.value.Fill(a.env(), syntax.Plain)
		if a.leftOut(n, value) || strings.EqualFold(n.name, "Accept-Encoding") {
			continue
		}
		h.Add(n.name, oneLine(value))
	}
	return h
}

// oneLine returns s without control characters, and so on one line.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}
