package davxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"slipway/gateway/webdav/davxml/davxmltest"
)

func name(space, local string) xml.Name { return xml.Name{Space: space, Local: local} }

func TestParsePropfind(t *testing.T) {
	for body, want := range map[string]Propfind{
		"": {All: true},
		`<propfind xmlns="DAV:"><allprop/></propfind>`:                                               {All: true},
		`<?xml version="1.0"?><a:propfind xmlns:a="DAV:"><a:propname/></a:propfind>`:                 {Names: true},
		"\uFEFF" + `<?xml version="1.0" encoding="UTF-8"?><propfind xmlns="DAV:"><prop/></propfind>`: {},
		` <!-- c --><propfind xmlns="DAV:"><?pi x?><prop><a/><b xmlns="u"/><a>x<c/></a></prop></propfind> `: {
			Props: []xml.Name{name(DAV, "a"), name("u", "b")}},
		`<propfind xmlns="DAV:"><prop><a xmlns=""/></prop></propfind>`: {Props: []xml.Name{name("", "a")}},
		`<D:propfind xmlns:D="DAV:" xmlns:x="u" x:y="z"><D:allprop/><D:include><D:lockdiscovery/><x:q/></D:include></D:propfind>`: {
			All: true, Props: []xml.Name{name(DAV, "lockdiscovery"), name("u", "q")}},
		`<propfind xmlns="DAV:"><future xmlns="u"><prop xmlns="DAV:"/></future><allprop/></propfind>`: {All: true},
		utf16Text(`<?xml version="1.0" encoding="utf-16"?><propfind xmlns="DAV:"><prop><ä/></prop></propfind>`): {
			Props: []xml.Name{name(DAV, "ä")}},
	} {
		got, err := ParsePropfind([]byte(body))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", body, got, err, want)
		}
	}
}

func utf16Text(s string) string {
	b := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

// TestMalformed: what is no body at all is refused by every parser.
func TestMalformed(t *testing.T) {
	for _, body := range []string{
		" ", "x", "<", "<a", "<a/>", "<propfind/>", `<propfind xmlns="dav:"><allprop/></propfind>`,
		`<propfind xmlns="DAV:"/>`,
		`<propfind xmlns="DAV:"><allprop/><propname/></propfind>`,
		`<propfind xmlns="DAV:"><prop/><propname/></propfind>`,
		`<propfind xmlns="DAV:"><prop/><include/></propfind>`,
		`<propfind xmlns="DAV:"><allprop/><allprop/></propfind>`,
		`<propfind xmlns="DAV:"><allprop/></propfind><propfind xmlns="DAV:"><allprop/></propfind>`,
		`<propfind xmlns="DAV:"><allprop/></propfind>x`,
		`<propfind xmlns="DAV:"><allprop/>`,
		`<propfind xmlns="DAV:"><allprop></propfind></allprop>`,
		`<propfind xmlns="DAV:"><prop><b:x xmlns:b=""/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><a:1b xmlns:a="u"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><a:-b xmlns:a="u"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><b:x/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x b:y=""/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x y="" y=""/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x xmlns:a="u" xmlns:b="u" a:y="" b:y=""/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x xmlns:a="u" xmlns:a="v"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x xmlns:xml="u"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x xmlns:xmlns="u"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x xmlns:y="http://www.w3.org/XML/1998/namespace"/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><:x/></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x:/></prop></propfind>`,
		`<!DOCTYPE propfind><propfind xmlns="DAV:"><allprop/></propfind>`,
		`<!DOCTYPE propfind [<!ENTITY a "b">]><propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>`,
		`<propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>`,
		`<propfind xmlns="DAV:"><?xml version="1.0"?><allprop/></propfind>`,
		`<?xml version="1.0" encoding="latin1"?><propfind xmlns="DAV:"><allprop/></propfind>`,
		`<?xml version="1.0" encoding="utf-16"?><propfind xmlns="DAV:"><allprop/></propfind>`,
		"<propfind xmlns=\"DAV:\"><prop><x>\xff</x></prop></propfind>",
		"<propfind xmlns=\"DAV:\"><prop><x>\x01</x></prop></propfind>",
		strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70),
		`<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64) + `</prop></propfind>`,
		`<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a/>", 5000) + `</prop></propfind>`,
	} {
		_, err := ParsePropfind([]byte(body))
		_, err2 := ParseUpdate([]byte(strings.NewReplacer("<prop>", "<set><prop>", "</prop>", "</prop></set>", "propfind", "propertyupdate").Replace(body)))
		_, err3 := ParseLock([]byte(strings.NewReplacer("<prop>", lockBody, "</prop>", "", "propfind", "lockinfo").Replace(body)))
		for i, err := range []error{err, err2, err3} {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("parser %d: %.200q: %v", i, body, err)
			}
		}
	}
}

func TestTooLarge(t *testing.T) {
	many := ""
	for i := range namesMax + 1 {
		many += fmt.Sprintf("<a%d/>", i)
	}
	long := strings.Repeat("x", nameMax+1)
	for _, props := range []string{many, "<" + long + "/>", `<a xmlns="` + long + `"/>`} {
		_, err := ParsePropfind([]byte(`<propfind xmlns="DAV:"><prop>` + props + `</prop></propfind>`))
		_, err2 := ParseUpdate([]byte(`<propertyupdate xmlns="DAV:"><set><prop>` + props + `</prop></set></propertyupdate>`))
		if !errors.Is(err, ErrTooLarge) || !errors.Is(err2, ErrTooLarge) {
			t.Errorf("%.50q: %v, %v", props, err, err2)
		}
	}
	// A namespace that is written once and used often would be stored often.
	bomb := `<propertyupdate xmlns="DAV:" xmlns:n="` + strings.Repeat("n", 30_000) + `"><set><prop>` +
		strings.Repeat(`<a n:b=""/>`, 400) + `</prop></set></propertyupdate>`
	if _, err := ParseUpdate([]byte(bomb)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a bomb of namespaces: %v", err)
	}
}

func TestParseUpdate(t *testing.T) {
	const head = `<D:propertyupdate xmlns:D="DAV:" xmlns:z="urn:z" xmlns:q="urn:q" xml:lang="en">`
	for body, want := range map[string][]Change{
		`<D:set><D:prop><z:a>x</z:a></D:prop></D:set>`: {
			{Name: name("urn:z", "a"), Value: `<z:a xmlns:z="urn:z" xml:lang="en">x</z:a>`, Text: "x"}},
		`<D:set><D:prop><a xmlns="u" xml:lang="de"> <b/> t <z:c q:d="&quot;&#10;"><![CDATA[<>]]></z:c></a></D:prop></D:set>`: {
			{Name: name("u", "a"), Text: "t",
				Value: `<a xmlns:z="urn:z" xmlns:q="urn:q" xmlns="u" xml:lang="de"> <b/> t <z:c q:d="&#34;&#10;">&lt;&gt;</z:c></a>`}},
		`<D:set xml:lang=""><D:prop><a/></D:prop></D:set>`: {{Name: name("", "a"), Value: `<a/>`}},
		`<D:remove><D:prop><z:a/><b/></D:prop></D:remove><D:set><D:prop><z:a><q:x xmlns:q="other"/><q:y/></z:a></D:prop></D:set>`: {
			{Name: name("urn:z", "a"), Remove: true}, {Name: name("", "b"), Remove: true},
			{Name: name("urn:z", "a"), Value: `<z:a xmlns:z="urn:z" xmlns:q="urn:q" xml:lang="en"><q:x xmlns:q="other"/><q:y/></z:a>`}},
		`<D:set><D:prop xmlns="outer"><a><b xmlns=""><c/></b><d/></a></D:prop></D:set>`: {
			{Name: name("outer", "a"), Value: `<a xmlns="outer" xml:lang="en"><b xmlns=""><c/></b><d/></a>`}},
	} {
		got, err := ParseUpdate([]byte(head + body + "</D:propertyupdate>"))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v %v, want\n%+v", body, got, err, want)
		}
	}
	for _, body := range []string{"", "<D:set/>", "<D:set><D:prop/></D:set>", "<D:set><D:prop><a/></D:prop><D:prop><b/></D:prop></D:set>",
		"<set><prop><a/></prop></set>"} {
		if got, err := ParseUpdate([]byte(head + body + "</D:propertyupdate>")); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

const lockBody = `<lockscope><exclusive/></lockscope><locktype><write/></locktype>`

func TestParseLock(t *testing.T) {
	lock := func(inner string) (Lock, error) {
		return ParseLock([]byte(`<lockinfo xmlns="DAV:">` + inner + `</lockinfo>`))
	}
	const exclusive, write = `<lockscope><exclusive/></lockscope>`, `<locktype><write/></locktype>`
	l, err := lock(exclusive + write + `<owner> <href>mailto:x</href> a&amp;b </owner>`)
	if err != nil || l != (Lock{Owner: `<href xmlns="DAV:">mailto:x</href> a&amp;b`}) {
		t.Errorf("%+v %v", l, err)
	}
	if l, err := lock(`<lockscope><shared/></lockscope>` + write); err != nil || l != (Lock{Shared: true}) {
		t.Errorf("%+v %v", l, err)
	}
	for _, inner := range []string{"", exclusive, write, exclusive + exclusive + write, `<lockscope><shared/><exclusive/></lockscope>` + write,
		exclusive + `<locktype/>`, exclusive + write + `<owner/><owner/>`} {
		if l, err := lock(inner); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v %v", inner, l, err)
		}
	}
}

func TestEscape(t *testing.T) {
	const s = "a<b>&\"'\r\n\tä\x00\x1f\xff\uFFFE😀"
	if got := Text(s); got != "a&lt;b&gt;&amp;\"'&#13;\n\tä\uFFFD\uFFFD\uFFFD\uFFFD😀" {
		t.Errorf("text %q", got)
	}
	if got := string(AppendAttribute([]byte("x"), s)); got != "xa&lt;b&gt;&amp;&#34;'&#13;&#10;&#9;ä\uFFFD\uFFFD\uFFFD\uFFFD😀" {
		t.Errorf("attribute %q", got)
	}
}

func FuzzPropfind(f *testing.F) {
	f.Add([]byte(`<propfind xmlns="DAV:"><allprop/><include><a xmlns="u"/></include></propfind>`))
	f.Add([]byte(utf16Text(`<propfind xmlns="DAV:"><prop><a/></prop></propfind>`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ParsePropfind(body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		for _, n := range p.Props {
			if n.Local == "" || strings.Contains(n.Local, ":") || len(n.Space)+len(n.Local) > nameMax {
				t.Errorf("%q gave the name %q", body, n)
			}
		}
		if !isUTF16(body) {
			if _, err := davxmltest.Canonical(string(body)); err != nil {
				t.Errorf("it was taken, and encoding/xml says %v", err)
			}
		}
	})
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(`<D:propertyupdate xmlns:D="DAV:" xml:lang="x"><D:set><D:prop><a b="c" xmlns:q="u"> <q:b q:c="&#10;"/>&lt;</a></D:prop></D:set></D:propertyupdate>`))
	f.Add([]byte(`<propertyupdate xmlns="DAV:" xmlns:q="u"><remove><prop><q:x/></prop></remove><set><prop><q:x><y q:z="1"/></q:x></prop></set></propertyupdate>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		changes, err := ParseUpdate(body)
		if err != nil {
			return
		}
		kept := 0
		for _, c := range changes {
			kept += len(c.Value)
			if c.Remove {
				continue
			}
			// Read again, alone, the element is the same and has the same name.
			again, err := ParseUpdate([]byte(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` + c.Value + `</D:prop></D:set></D:propertyupdate>`))
			if err != nil || len(again) != 1 || again[0] != c {
				t.Errorf("%q gave %+v, and that %+v, %v", body, c, again, err)
			}
			if !utf8.ValidString(c.Value) {
				t.Errorf("%q is not UTF-8", c.Value)
			}
		}
		if kept > keepMax {
			t.Errorf("%d bytes are kept", kept)
		}
	})
}

func FuzzLock(f *testing.F) {
	f.Add([]byte(`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>x<y a="b"/></owner></lockinfo>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := ParseLock(body)
		if err != nil {
			return
		}
		again := `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner xmlns="">` + l.Owner + `</owner></lockinfo>`
		again = strings.Replace(strings.Replace(again, `<owner xmlns="">`, `<D:owner xmlns:D="DAV:" xmlns="">`, 1), "</owner></lockinfo>", "</D:owner></lockinfo>", 1)
		if got, err := ParseLock([]byte(again)); err != nil || got.Owner != l.Owner {
			t.Errorf("%q gave the owner %q, and that %q, %v", body, l.Owner, got.Owner, err)
		}
	})
}
