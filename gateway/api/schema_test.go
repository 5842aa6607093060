package api_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// TestSchemas: what the document says of an object is what is sent: the same
// fields, required where they are always there.
func TestSchemas(t *testing.T) {
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]any{
		"Person": operate.Person{}, "Upload": operate.Upload{}, "Entry": operate.Entry{}, "FilePage": operate.FilePage{}, "UploadPage": operate.UploadPage{},
		"Destination": operate.Destination{}, "Transfer": operate.Transfer{}, "BrokenOff": operate.BrokenOff{}, "Explanation": operate.Explanation{}, "Change": operate.Change{}, "LocalFile": operate.LocalFile{},
		"Deletion": operate.Deletion{}, "DeletionPage": operate.DeletionPage{}, "DeletionAnswer": operate.DeletionAnswer{}, "Brake": operate.Brake{}, "Answered": operate.Answered{},
	} {
		schema := doc.Components.Schemas[name].Value
		var required []string
		fields := make(map[string]bool)
		for f := range reflect.TypeOf(kind).Fields() {
			tag, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[tag] = true
			if omit == "" {
				required = append(required, tag)
			}
		}
		slices.Sort(required)
		want := slices.Sorted(slices.Values(schema.Required))
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, slices.Sorted(maps.Keys(schema.Properties))) {
			t.Errorf("%s has the fields %q, and the document says %q", name, got, slices.Sorted(maps.Keys(schema.Properties)))
		}
		if !slices.Equal(required, want) {
			t.Errorf("%s always has %q, and the document says %q", name, required, want)
		}
	}
}
