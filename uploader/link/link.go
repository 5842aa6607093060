// Package link reads files that link to pictures: Internet shortcuts of Windows
// (.url), those of macOS (.webloc) and of Linux desktops (.desktop), and texts with a
// link on each line (.txt). It looks at bytes and at addresses, and fetches nothing.
package link

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Limits of what is read.
const (
	SingleMax = 64 << 10 // bytes of a file with one link
	ListMax   = 1 << 20  // bytes of a .txt
	LinksMax  = 200      // links of a .txt
	URLMax    = 2048     // bytes of an address
)

// Link is one link of a file.
type Link struct {
	URL string // as it is asked for; what was written, where Err is not nil
	Err error  // why it is not to be fetched, for people
}

// ErrNone is of files that are what their names say, but hold no links: a text like
// any other, or a .desktop file that starts a program. What wraps it says why, and is
// no trouble.
var ErrNone = errors.New("no links")

// none is an ErrNone that says why.
type none string

func (n none) Error() string      { return string(n) }
func (none) Is(target error) bool { return target == ErrNone }

// Max returns how many bytes of a file called name are read; 0: its name is not one of
// files with links.
func Max(name string) int64 {
	switch extension(name) {
	case ".url", ".webloc", ".desktop":
		return SingleMax
	case ".txt":
		return ListMax
	}
	return 0
}

// Parse returns the links of a file called name, each once and in their order. Errors
// are for people: an ErrNone, or what is wrong with the file.
func Parse(name string, data []byte) ([]Link, error) {
	if most := Max(name); most > 0 && int64(len(data)) > most {
		if most == ListMax {
			return nil, none("it is a text of more than 1 MB, which is not looked at for links")
		}
		return nil, fmt.Errorf("it is larger than the %d kB that a file with links may have", most>>10)
	}
	var address string
	var err error
	switch extension(name) {
	case ".url":
		address, err = shortcut(data)
	case ".webloc":
		address, err = webloc(data)
	case ".desktop":
		address, err = desktop(data)
	case ".txt":
		return list(data)
	default:
		return nil, none("files of this name hold no links")
	}
	if err != nil {
		return nil, err
	}
	return []Link{New(address)}, nil
}

func extension(name string) string { return strings.ToLower(path.Ext(name)) }

// New returns the link that address is: of the web, and without a name and password.
func New(address string) Link {
	address = strings.Trim(strings.TrimSpace(address), `"<>`)
	wrong := func(format string, args ...any) Link {
		return Link{shortened(address), fmt.Errorf(format, args...)}
	}
	if address == "" {
		return wrong("the link is empty")
	}
	if len(address) > URLMax {
		return wrong("the link is longer than %d bytes", URLMax)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return wrong("the link is not written as links are")
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong("only http and https links are fetched, and this is one of %s", scheme(u))
	case u.User != nil:
		return Link{u.Scheme + "://…@" + u.Host, errors.New("the link has a name or password in it, and such links are not fetched")}
	case u.Hostname() == "":
		return wrong("the link has no host")
	}
	u.Host = strings.ToLower(u.Host)
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	clean := u.String()
	if len(clean) > URLMax {
		return wrong("the link is longer than %d bytes", URLMax)
	}
	return Link{URL: clean}
}

func scheme(u *url.URL) string {
	if u.Scheme == "" {
		return "no kind"
	}
	return shortened(u.Scheme) + ":"
}

// shortened returns text that is shown where it is not used, on one line.
func shortened(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, s)
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
