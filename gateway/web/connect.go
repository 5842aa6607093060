package web

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"slipway/gateway/operate"
	"slipway/gateway/web/qr"
)

// connectPage is how to connect.
type connectPage struct {
	Ways  []way
	DAV   *way // the best of WebDAV; nil: there is none
	FTP   *way // the best of FTP with TLS
	Plain *way // FTP without TLS
	// Site is the address of this page for other machines.
	Site   string
	Here   bool   // only this machine gets to Site
	User   string // who is signed in
	Checks string // the kind of way that somebody wants to know of
	Guides []guide
}

// way is an operate.Way with its words.
type way struct {
	operate.Way
	Number int
}

// Title says what a way is.
func (w way) Title() string {
	switch {
	case w.Door == operate.WebDAVDoor && w.Security == operate.NoTLS:
		return "WebDAV over http"
	case w.Door == operate.WebDAVDoor:
		return "WebDAV over https"
	case w.Security == operate.ExplicitTLS:
		return "FTP with TLS (explicit)"
	case w.Security == operate.ImplicitTLS:
		return "FTP with TLS (implicit)"
	}
	return "FTP without TLS"
}

// Kind is the name that a way is asked for by.
func (w way) Kind() string { return w.Door + "-" + w.Security }

// Address is what people type or scan.
func (w way) Address() string {
	if w.URL != "" {
		return w.URL
	}
	scheme := "ftp"
	if w.Security == operate.ImplicitTLS {
		scheme = "ftps"
	}
	return scheme + "://" + w.HostPort() + "/"
}

// HostPort is host and port, brackets around an IPv6 address.
func (w way) HostPort() string { return net.JoinHostPort(w.Host, strconv.Itoa(w.Port)) }

// Secure reports whether passwords are encrypted.
func (w way) Secure() bool { return w.Security != operate.NoTLS }

// Local reports whether only this machine gets there.
func (w way) Local() bool { return localHost(w.Host) }

func localHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// hereAlone reports whether an address leads to the machine itself, wherever it is
// opened.
func hereAlone(site string) bool {
	u, err := url.Parse(site)
	return err == nil && localHost(u.Hostname())
}

// With returns the address under another scheme, as davs.
func (w way) With(scheme string) string {
	if w.Secure() && !strings.HasSuffix(scheme, "s") {
		scheme += "s"
	}
	_, rest, _ := strings.Cut(w.URL, "://")
	return scheme + "://" + rest
}

// Windows is the address as `net use` takes it: \\host@SSL@port\dav.
func (w way) Windows() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return w.URL
	}
	host := w.Host
	if w.Secure() {
		host += "@SSL"
	}
	if w.Port != 80 && w.Port != 443 {
		host += "@" + strconv.Itoa(w.Port)
	}
	return `\\` + host + strings.ReplaceAll(strings.TrimSuffix(u.Path, "/"), "/", `\`)
}

// Path is the path of the address.
func (w way) Path() string {
	u, err := url.Parse(w.URL)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}

// ways returns how this user may connect.
func (q *request) ways() (list []way, err error) {
	all, err := q.desk.Connections(q.ctx)
	if err != nil {
		return nil, err
	}
	for i, w := range all {
		list = append(list, way{w, i})
	}
	return list, nil
}

// connect answers GET /connect.
func (q *request) connect() error {
	ways, err := q.ways()
	if err != nil {
		return err
	}
	site := q.site()
	page := connectPage{Ways: ways, Site: site, Here: hereAlone(site), User: q.me.Name, Checks: q.r.URL.Query().Get("check")}
	for i, w := range ways {
		switch {
		case w.Door == operate.WebDAVDoor && page.DAV == nil:
			page.DAV = &ways[i]
		case w.Door == operate.FTPDoor && w.Secure() && page.FTP == nil:
			page.FTP = &ways[i]
		case w.Door == operate.FTPDoor && !w.Secure() && page.Plain == nil:
			page.Plain = &ways[i]
		}
	}
	page.Guides = guides(page)
	return q.show(http.StatusOK, "connect", "Connect", page)
}

// site is the address of the gateway for others.
func (q *request) site() string {
	if p := q.Public(); p != "" {
		return strings.TrimRight(p, "/") + "/"
	}
	u := url.URL{Scheme: "http", Host: q.r.Host, Path: "/"}
	if q.tls {
		u.Scheme = "https"
	}
	return u.String()
}

// code answers GET /connect/code/{number} with a QR code: of a way's address, or of
// this page's ("site").
func (q *request) code() error {
	text := q.site()
	if number := q.r.PathValue("number"); number != "site" {
		ways, err := q.ways()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(ways) {
			return notFound("there is no such way in any more; reload the page")
		}
		text = ways[n].Address()
	}
	var b bytes.Buffer
	if err := qr.Write(&b, text); err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "image/svg+xml")
	q.w.Header().Set("Cache-Control", "private, no-cache")
	_, err := b.WriteTo(q.w)
	return err
}

// registryText lets Windows send passwords over http and take files of 4 GB
// (WebClient's BasicAuthLevel and FileSizeLimitInBytes).
const registryText = "Windows Registry Editor Version 5.00\r\n\r\n" +
	"[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters]\r\n" +
	"%s\"FileSizeLimitInBytes\"=dword:ffffffff\r\n"

// registry answers GET /connect/slipway.reg.
func (q *request) registry() error {
	ways, err := q.ways()
	if err != nil {
		return err
	}
	basic := ""
	for _, w := range ways {
		if w.Door == operate.WebDAVDoor && !w.Secure() {
			basic = "\"BasicAuthLevel\"=dword:00000002\r\n"
		}
	}
	q.w.Header().Set("Content-Type", "text/x-ms-regedit")
	q.w.Header().Set("Content-Disposition", `attachment; filename="slipway.reg"`)
	_, err = fmt.Fprintf(q.w, registryText, basic)
	return err
}

// Seen says what is known of the use of a way, as a sentence that goes on with when.
func (w way) Seen() string {
	switch {
	case w.Last.IsZero():
		return "Nobody has signed in with your account this way yet."
	case w.Worked:
		return "It worked"
	}
	return "It did not work"
}
