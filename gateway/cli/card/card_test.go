package card_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"rsc.io/qr"

	"slipway/gateway/cli/card"
	"slipway/gateway/operate"
)

var guests = card.Card{Name: "guests", Password: "pass word/1", Ways: []operate.Connection{
	{Door: operate.WebDAVDoor, URL: "https://drop.example/dav/", Host: "drop.example", Port: 443, Security: operate.ImplicitTLS, Fingerprint: "AB:CD"},
	{Door: operate.FTPDoor, Host: "drop.example", Port: 2121, Security: operate.ExplicitTLS},
	{Door: operate.FTPDoor, Host: "drop.example", Port: 2990, Security: operate.ImplicitTLS},
	{Door: operate.FTPDoor, Host: "2001:db8::1", Port: 2121, Security: operate.NoTLS},
}}

// TestCard reads the settings and the codes off a printed card.
func TestCard(t *testing.T) {
	var b bytes.Buffer
	if err := guests.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"WebDAV (network drive)\n", "  address     https://drop.example/dav/\n", "compare its SHA-256, AB:CD\n",
		"FTPS (FTP with explicit TLS)\n", "  server      drop.example\n", "  port        2121\n", "FTPS (implicit TLS)\n", "  port        2990\n",
		"FTP (not encrypted", "  server      2001:db8::1\n", "  encryption  none\n", "  user        guests\n", "  password    pass word/1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	codes := read(text)
	urls := []string{
		"https://guests:pass%20word%2F1@drop.example/dav/",
		"ftpes://guests:pass%20word%2F1@drop.example:2121/",
		"ftps://guests:pass%20word%2F1@drop.example:2990/",
		"ftp://guests:pass%20word%2F1@[2001:db8::1]:2121/",
	}
	if len(codes) != len(urls) {
		t.Fatalf("%d codes", len(codes))
	}
	for i, url := range urls {
		if want, err := qr.Encode(url, qr.M); err != nil || codes[i] != modules(want) {
			t.Errorf("the code of way %d does not say %s (%v)", i, url, err)
		}
	}
}

// TestCardOnATerminal: the codes bring their own colours, and hold the same.
func TestCardOnATerminal(t *testing.T) {
	var paper, terminal bytes.Buffer
	if err := errors.Join(guests.Write(&paper, false), guests.Write(&terminal, true)); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(terminal.String())
	if plain != paper.String() || plain == terminal.String() {
		t.Errorf("on a terminal:\n%s", terminal.String())
	}
}

// TestCardTooLong: what no code can hold is an error with words.
func TestCardTooLong(t *testing.T) {
	c := guests
	c.Password = strings.Repeat("x", 4000)
	if err := c.Write(&bytes.Buffer{}, false); err == nil || !strings.Contains(err.Error(), "QR code of webdav") {
		t.Error(err)
	}
}

// read returns the codes on a card, a character for each module, their light frames
// left away.
func read(card string) (codes []string) {
	var rows []string
	flush := func() {
		if len(rows) > 0 {
			codes = append(codes, frameless(rows))
		}
		rows = nil
	}
	for line := range strings.Lines(card) {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "  "), "\n")
		if strings.Trim(line, " ▀▄█") != "" || line == "" {
			flush()
			continue
		}
		var top, bottom strings.Builder
		for _, r := range line {
			top.WriteString(map[rune]string{' ': "0", '▀': "1", '▄': "0", '█': "1"}[r])
			bottom.WriteString(map[rune]string{' ': "0", '▀': "0", '▄': "1", '█': "1"}[r])
		}
		rows = append(rows, top.String(), bottom.String())
	}
	flush()
	return codes
}

func frameless(rows []string) string {
	const frame = 4
	size := len(rows[0]) - 2*frame
	var b strings.Builder
	for _, r := range rows[frame : frame+size] {
		b.WriteString(r[frame:frame+size] + "\n")
	}
	return b.String()
}

func modules(c *qr.Code) string {
	var b strings.Builder
	for y := range c.Size {
		for x := range c.Size {
			b.WriteString(map[bool]string{false: "0", true: "1"}[c.Black(x, y)])
		}
		b.WriteString("\n")
	}
	return b.String()
}
