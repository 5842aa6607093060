// Package local is the driver of pictures that the gateway hosts itself, at
// /i/<128 random bits>/<name>, and the [Handler] that serves them there. Nothing
// is copied: a hosted picture is the gateway's own blob, which stays as long as
// the picture does.
package local

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"strings"

	"slipway/uploader"
)

// Host is Properties.Host of every driver of this package: the gateway is one
// host, however many destinations name it.
const Host = "local"

// Prefix is the path under which pictures are served.
const Prefix = "/i/"

// Config is one [destination.NAME] with driver = "local". It has no keys.
type Config struct{}

// Options is what the gateway gives its driver.
type Options struct {
	// PublicURL returns what addresses begin with, such as
	// "https://pictures.example", or "" while the gateway is not listening yet.
	PublicURL func() string
	// Name is the destination's, for logs.
	Name string
	// Random gives the tokens' bits; nil: crypto/rand.Reader.
	Random io.Reader
}

// Driver hosts pictures by giving them an address.
type Driver struct {
	opts Options
}

var (
	_ uploader.Driver  = (*Driver)(nil)
	_ uploader.Checker = (*Driver)(nil)
	_ uploader.Namer   = (*Driver)(nil)
	_ uploader.Deleter = (*Driver)(nil)
)

// New returns the driver of one destination.
func New(_ Config, opts Options) *Driver {
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	return &Driver{opts: opts}
}

// String names the destination.
func (d *Driver) String() string { return "local " + d.opts.Name }

// Properties says what hosting by ourselves means.
func (d *Driver) Properties() uploader.Properties {
	return uploader.Properties{Driver: "local", Host: Host, Idempotent: true, HoldsBlob: true, Deletes: true}
}

// Delete has nobody to ask: a picture that the ledger has as deleted is not found by
// [Handler] any more, from that transaction on.
func (d *Driver) Delete(ctx context.Context, _ uploader.Result) error { return ctx.Err() }

// Send gives p an address, after making sure that its bytes are there.
func (d *Driver) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	base, err := d.base()
	if err != nil {
		return uploader.Result{}, err
	}
	if err := present(ctx, p); err != nil {
		return uploader.Result{}, err
	}
	var bits [16]byte
	if _, err := io.ReadFull(d.opts.Random, bits[:]); err != nil {
		return uploader.Result{}, &uploader.Error{Message: "the gateway could not draw a random address", Err: err}
	}
	if p.BeforeLastByte != nil {
		if err := p.BeforeLastByte(); err != nil {
			return uploader.Result{}, &uploader.Error{Message: "the gateway stopped the upload itself", Err: err}
		}
	}
	if p.Progress != nil {
		p.Progress(p.Size)
	}
	token := tokens.EncodeToString(bits[:])
	return uploader.Result{
		ID:        token,
		URL:       base.Scheme + "://" + base.Host + base.EscapedPath() + Prefix + token + "/" + url.PathEscape(safeName(p.Name)),
		Identical: true,
	}, nil
}

// Named reports whether an address ends in the name that Send would give it. An
// address of a file of another name would tell that name, perhaps of a folder that
// nobody is to see, and costs nothing to make anew.
func (d *Driver) Named(r uploader.Result, name string) bool {
	u, err := url.Parse(r.URL)
	return err == nil && path.Base(u.Path) == safeName(name)
}

// base returns the public URL without a slash at its end.
func (d *Driver) base() (*url.URL, error) {
	raw := strings.TrimRight(d.opts.PublicURL(), "/")
	if raw == "" {
		return nil, &uploader.Error{Message: "the gateway's web server is not listening yet"}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &uploader.Error{
			Kind: uploader.Refused, Message: "public_url is not an address that pictures can have",
			Remedy: "set public_url of [web] to the gateway's own address, such as \"https://pictures.example\"",
		}
	}
	return u, nil
}

// present reads the first byte of p and its length.
func present(ctx context.Context, p uploader.Picture) error {
	r, err := p.Open(ctx)
	if err != nil {
		return &uploader.Error{Message: "the gateway could not open the file's bytes", Err: err}
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		return &uploader.Error{Message: "the gateway could not read the file's bytes", Err: err}
	}
	n, err := r.Seek(0, io.SeekEnd)
	if err != nil || n != p.Size {
		return &uploader.Error{Message: fmt.Sprintf("the gateway holds %d of the file's %d bytes", n, p.Size), Err: err}
	}
	return ctx.Err()
}

// Check says from where the pictures' addresses can be reached.
func (d *Driver) Check(context.Context) (notes []string, err error) {
	u, err := d.base()
	if err != nil {
		return nil, err
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		notes = append(notes, fmt.Sprintf("Addresses begin with %s, which opens on this machine only: set public_url of [web].", u))
	}
	return notes, nil
}

// tokens writes 128 bits as 26 letters and digits.
var tokens = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// isToken reports whether s can be a token of Send.
func isToken(s string) bool {
	b, err := tokens.DecodeString(s)
	return err == nil && len(s) == 26 && len(b) == 16 && tokens.EncodeToString(b) == s
}
