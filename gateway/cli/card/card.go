// Package card prints what somebody needs who is handed an account: how to connect,
// in words and as QR codes (ISO/IEC 18004) that a phone reads.
package card

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"rsc.io/qr"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

// Card is an account's name and password, and the ways in.
type Card struct {
	Name, Password string
	Ways           []operate.Connection
}

// Write prints the card. On a terminal the codes are black on white whatever its
// colours are; else a module is a block, for paper and light backgrounds.
func (c Card) Write(w io.Writer, terminal bool) error {
	out := &show.Sticky{W: w}
	for _, way := range c.Ways {
		fmt.Fprintf(out, "\n%s\n", heading(way))
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, line := range c.settings(way) {
			fmt.Fprintf(t, "  %s\t%s\n", line[0], show.Plain(line[1]))
		}
		t.Flush() //nolint:errcheck // sticky
		if err := code(out, c.address(way), terminal); err != nil {
			return fmt.Errorf("the QR code of %s: %w", way.Door, err)
		}
	}
	return out.Err
}

func heading(w operate.Connection) string {
	switch {
	case w.Door == operate.WebDAVDoor:
		return "WebDAV (network drive)"
	case w.Security == operate.ExplicitTLS:
		return "FTPS (FTP with explicit TLS)"
	case w.Security == operate.ImplicitTLS:
		return "FTPS (implicit TLS)"
	}
	return "FTP (not encrypted: for devices that cannot do FTPS)"
}

// settings are what a person types in.
func (c Card) settings(w operate.Connection) [][2]string {
	var lines [][2]string
	if w.Door == operate.WebDAVDoor {
		lines = append(lines, [2]string{"address", w.URL})
	} else {
		lines = append(lines, [2]string{"server", w.Host}, [2]string{"port", strconv.Itoa(w.Port)}, [2]string{"mode", "passive"})
	}
	lines = append(lines, [2]string{"user", c.Name}, [2]string{"password", c.Password})
	switch {
	case w.Security == operate.NoTLS:
		lines = append(lines, [2]string{"encryption", "none"})
	case w.Fingerprint != "":
		lines = append(lines, [2]string{"encryption", "TLS; the certificate is the gateway's own: compare its SHA-256, " + w.Fingerprint})
	default:
		lines = append(lines, [2]string{"encryption", "TLS"})
	}
	return lines
}

// address returns all settings as one URL (RFC 3986 §3.2.1, RFC 1738 §3.2).
func (c Card) address(w operate.Connection) string {
	if u, err := url.Parse(w.URL); w.Door == operate.WebDAVDoor && err == nil {
		u.User = url.UserPassword(c.Name, c.Password)
		return u.String()
	}
	u := url.URL{Scheme: "ftp", Host: net.JoinHostPort(w.Host, strconv.Itoa(w.Port)), Path: "/", User: url.UserPassword(c.Name, c.Password)}
	switch w.Security {
	case operate.ExplicitTLS:
		u.Scheme = "ftpes"
	case operate.ImplicitTLS:
		u.Scheme = "ftps"
	}
	return u.String()
}

// quiet is the light frame around a code, in modules (ISO/IEC 18004 §9.1 asks for 4).
const quiet = 4

// code prints text as a QR code, two rows of modules a line.
func code(w io.Writer, text string, terminal bool) error {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return err
	}
	begin, end := "  ", "\n"
	if terminal {
		begin, end = "  \x1b[30;107m", "\x1b[0m\n"
	}
	io.WriteString(w, "\n") //nolint:errcheck // sticky
	for y := -quiet; y < c.Size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < c.Size+quiet; x++ {
			line.WriteString(blocks[c.Black(x, y)][c.Black(x, y+1)])
		}
		io.WriteString(w, begin+line.String()+end) //nolint:errcheck // sticky
	}
	return nil
}

// blocks are two modules, one above the other; true is dark.
var blocks = map[bool]map[bool]string{
	false: {false: " ", true: "▄"},
	true:  {false: "▀", true: "█"},
}
