package urlmap

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"
)

// sed is a script for sed -f, of basic regular expressions alone (POSIX), which changes
// old addresses to new ones in articles: HTML, Markdown or text.
//
// An address counts only where it ends: "…/a.jpg" is not found in "…/a.jpg.webp" or
// "…/a.jpg2", but is before a full stop that ends a sentence. For that each line gets a
// line end while the script is at it, so that there always is a byte behind. Longer
// ones come first, as "…?a=1" also ends before the "&" of "…?a=1&b=2".
type sed struct {
	out    *bufio.Writer
	sorted sorter
	odd    int // pairs that have no place here
}

const (
	sedHead = "# Written by slipway map. sed -f this.sed article.html > new.html\n" + "s/$/\\\n/\n"
	sedTail = "s/\\n$//\n"
	// sedEnd is what follows an address: marks that end a sentence, and then a byte that
	// goes on with no address.
	sedEnd = `\([./,;:!?-]*[^A-Za-z0-9_~%./-]\)`
)

// longestFirst compares by length, the longer first.
func longestFirst(a, b string) int {
	return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
}

// Add keeps a pair, and where there is an "&" also as HTML has it.
func (s *sed) Add(p Pair) error {
	if p.From == "" || !sayable(p.From) || !sayable(p.To) {
		s.odd++
		return nil
	}
	if strings.Contains(p.From, "&") && !strings.Contains(p.From, "&amp;") {
		html := strings.NewReplacer("&", "&amp;")
		if err := s.sorted.add(rule{html.Replace(p.From), html.Replace(p.To)}); err != nil {
			return err
		}
	}
	return s.sorted.add(rule{p.From, p.To})
}

// End writes the script.
func (s *sed) End() ([]string, error) {
	if _, err := s.out.WriteString(sedHead); err != nil {
		return nil, err
	}
	others, err := s.sorted.each(func(r rule) error {
		d := delimiter(r)
		_, err := fmt.Fprintf(s.out, "s%[1]s%[2]s%[3]s%[1]s%[4]s\\1%[1]sg\n", d, pattern.Replace(r.from), sedEnd, replacement.Replace(r.to))
		return err
	})
	if err == nil {
		_, err = s.out.WriteString(sedTail)
	}
	if err != nil {
		return nil, err
	}
	notes := leftOut(s.odd, "they are no addresses that stand in articles")
	return append(notes, leftOut(others, "their old address has another new one already")...), s.out.Flush()
}

// Close removes what was kept.
func (s *sed) Close() error { return s.sorted.close() }

// What a pattern and a replacement must not have as they are.
var (
	pattern     = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `*`, `\*`, `[`, `\[`, `]`, `[]]`, `^`, `\^`, `$`, `\$`)
	replacement = strings.NewReplacer(`\`, `\\`, `&`, `\&`)
)

// delimiter is a mark that stands neither in the addresses nor in sedEnd: behind a
// backslash it could mean another thing.
func delimiter(r rule) string {
	for _, d := range []string{"|", "#", "@", "\"", "'", "<", ">", " ", "`", "{", "}", "="} {
		if !strings.Contains(r.from, d) && !strings.Contains(r.to, d) {
			return d
		}
	}
	return "\x01" // sayable says that none has it
}
