package template

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTemplateRender(t *testing.T) {
	values := map[string]string{
		"stem": "photo", "exif.Model": "  X100\x00 ", "caption": "Two\nlines\x07", "odd": "a\xffb", "blank": " ",
	}
	tests := map[string]string{
		"":                                "",
		"plain":                           "plain",
		"{stem}":                          "photo",
		"a {stem}, b":                     "a photo, b",
		"{{stem}}":                        "{stem}",
		"{{{stem}}}":                      "{photo}",
		"{exif.Model}":                    "X100",
		"{caption}":                       "Two\nlines",
		"{odd}":                           "ab",
		"{none}":                          "",
		"{none|stem}":                     "photo",
		"{blank|stem}":                    "photo",
		"{stem|exif.Model}":               "photo",
		`{none|"no title"}`:               "no title",
		`{ none | 'it is "so"' }`:         `it is "so"`,
		`{none|""}`:                       "",
		`{none|"a}b|c"}`:                  "a}b|c",
		"{stem}{stem}":                    "photophoto",
		"{exif.Model|stem} in {none|'x'}": "X100 in x",
	}
	for text, want := range tests {
		tpl, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := tpl.Render(func(name string) string { return values[name] }); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTemplateConstant(t *testing.T) {
	for text, want := range map[string]string{"": "", "7": "7", "{{x}}": "{x}"} {
		if got, ok := must(Parse(text)).Constant(); !ok || got != want {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"{x}", "a{x}", `{"x"}`} {
		if _, ok := must(Parse(text)).Constant(); ok {
			t.Errorf("%q is constant", text)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	tests := map[string]string{
		"{stem":                                 `character 1: "{" without "}" after it; write "{{" for a single brace`,
		"é {":                                   `character 3: "{" without "}" after it; write "{{" for a single brace`,
		"stem}":                                 `character 5: "}" without "{" before it; write "}}" for a single brace`,
		"{}":                                    `character 2: a name is missing; write "{name}", or "{{" for a single brace`,
		"{stem|}":                               `character 7: a name is missing; write "{name}", or "{{" for a single brace`,
		"{stem|'x}":                             "character 7: the quoted text has no end; write the same quote after it",
		"{a$b}":                                 `character 3: "$" cannot be in a name; write "{name}", or "{{" for a single brace`,
		"{a b}":                                 `character 4: "b" cannot be in a name; write "{name}", or "{{" for a single brace`,
		"{a é}":                                 `character 4: "é" cannot be in a name; write "{name}", or "{{" for a single brace`,
		"{stme}":                                `character 2: unknown name "stme"; did you mean "stem"?`,
		"x {categry}":                           `character 4: unknown name "categry"; did you mean "category"?`,
		"{stem|titel}":                          `character 7: unknown name "titel"; did you mean "title"?`,
		"{exif.}":                               `character 2: unknown name "exif."; known here: album, caption, category, dir, ext, keywords, name, path, rest, stem, title, and exif.…, iptc.…, xmp.…`,
		"{exiv.Model}":                          `character 2: unknown name "exiv.Model"; known here: album, caption, category, dir, ext, keywords, name, path, rest, stem, title, and exif.…, iptc.…, xmp.…`,
		"{xmp.dc:title}":                        "",
		"{category|rest|iptc.Caption|keywords}": "",
	}
	for text, want := range tests {
		tpl, err := Parse(text)
		if err == nil {
			err = tpl.Check([]string{"category", "rest"})
		}
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q\n got %v\nwant %s", text, err, want)
		}
	}
}

// FuzzTemplate checks that every template renders, that what it adds to its own
// text is clean, and that escaping makes any text a constant.
func FuzzTemplate(f *testing.F) {
	f.Add("{stem|exif.Model|'x'} {{y}}", "v")
	f.Add("{a", "\xff\x00")
	f.Fuzz(func(t *testing.T, text, value string) {
		escaped := strings.NewReplacer("{", "{{", "}", "}}").Replace(text)
		if got, ok := must(Parse(escaped)).Constant(); !ok || got != text {
			t.Errorf("%q escaped is %q", text, got)
		}
		tpl, err := Parse(text)
		if err != nil {
			return
		}
		bad := func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' }
		got := tpl.Render(func(string) string { return value })
		if strings.IndexFunc(text, bad) < 0 && strings.IndexFunc(got, bad) >= 0 && !strings.ContainsRune(value, utf8.RuneError) {
			t.Errorf("%q with %q gives %q", text, value, got)
		}
		_ = tpl.Check(nil)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
