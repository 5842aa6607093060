package syntax

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// dateCodes are ShareX's codes that mean something without a screen: the date, chance
// and a GUID. Longer ones first.
var dateCodes = regexp.MustCompile(`%(?:unix|guid|GUID|mon2|mon|yy|mo|mi|ms|w2|rn|ra|rx|y|d|h|s|w)`)

// dated returns t with the codes of its plain text turned into calls. Arguments have
// theirs too, as in {base64:%y}; those that were prepared keep what they were.
func (t *Template) dated() *Template {
	out := &Template{file: t.file}
	for _, p := range t.parts {
		if p.call != nil {
			c := *p.call
			if c.prepared == nil && c.fn.prepare == nil {
				c.args = make([]*Template, len(p.call.args))
				for i, a := range p.call.args {
					c.args[i] = a.dated()
				}
			}
			out.parts = append(out.parts, part{call: &c})
			continue
		}
		last := 0
		for _, m := range dateCodes.FindAllStringIndex(p.text, -1) {
			out.parts = appendText(out.parts, p.text[last:m[0]])
			out.parts = append(out.parts, part{call: &call{fn: dateFunction, args: []*Template{literal(p.text[m[0]+1 : m[1]])}}})
			last = m[1]
		}
		out.parts = appendText(out.parts, p.text[last:])
	}
	return out
}

func appendText(parts []part, text string) []part {
	if text == "" {
		return parts
	}
	return append(parts, part{text: text})
}

// dateValue returns what a code stands for, in this machine's time zone.
func dateValue(e *Env, _ *call, args []string) string {
	now := e.now()
	switch args[0] {
	case "y":
		return strconv.Itoa(now.Year())
	case "yy":
		return fmt.Sprintf("%02d", now.Year()%100)
	case "mo":
		return fmt.Sprintf("%02d", now.Month())
	case "mon", "mon2":
		return now.Month().String()
	case "d":
		return fmt.Sprintf("%02d", now.Day())
	case "h":
		return fmt.Sprintf("%02d", now.Hour())
	case "mi":
		return fmt.Sprintf("%02d", now.Minute())
	case "s":
		return fmt.Sprintf("%02d", now.Second())
	case "ms":
		return fmt.Sprintf("%03d", now.Nanosecond()/1_000_000)
	case "w", "w2":
		return now.Weekday().String()
	case "unix":
		return strconv.FormatInt(now.Unix(), 10)
	case "guid":
		return guid()
	case "GUID":
		return strings.ToUpper(guid())
	case "rn":
		return pickOf(e, "0123456789")
	case "ra":
		return pickOf(e, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	case "rx":
		return pickOf(e, "0123456789abcdef")
	}
	return ""
}

func pickOf(e *Env, set string) string { return string(set[e.pick(len(set))]) }

// guid returns a random UUID (RFC 9562 §5.4).
func guid() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}
