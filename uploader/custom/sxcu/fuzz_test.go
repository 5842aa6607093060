package sxcu

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse checks that no file makes the reader panic, that its errors have words and
// a line that is there, and that a file that is strict JSON is read as encoding/json
// reads it.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../testdata/*/*.sxcu")
	if err != nil || len(files) < 50 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse(text)
		if err != nil {
			e, ok := err.(*Error)
			if !ok || e.Text == "" || e.Line < 0 || e.Line > 1+bytes.Count(text, []byte("\n")) {
				t.Fatalf("%#v", err)
			}
			return
		}
		if file.URL == "" || file.Body == "" {
			t.Fatalf("%+v", file)
		}
		var strict struct{ RequestURL any }
		if json.Unmarshal(text, &strict) == nil {
			if s, ok := strict.RequestURL.(string); ok && s != file.URL && bytes.Count(bytes.ToLower(text), []byte(`"request`)) == 1 {
				t.Fatalf("RequestURL %q is read as %q", s, file.URL)
			}
		}
	})
}
