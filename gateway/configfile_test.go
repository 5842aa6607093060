package main

import (
	"encoding"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"slipway"
	"slipway/gateway/strict"
)

// commentedOut is a line of config.toml that is a setting and not prose.
var commentedOut = regexp.MustCompile(`(?m)^#(\S)`)

// TestConfigFile: config.toml runs as it is, and shows the defaults.
func TestConfigFile(t *testing.T) {
	c := loadText(t, string(slipway.ConfigTemplate))
	if warnings := settingsOf(t, c).warnings; len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	want := defaults()
	if len(c.Users) > 0 || len(c.Destination) != 1 || c.Destination["home"].Driver != "local" || len(c.Routes) != 1 || !slices.Equal(c.Routes[0].To, []string{"home"}) {
		t.Errorf("users %v, destinations %v, routes %v: only what needs no account", c.Users, c.Destination, c.Routes)
	}
	c.Destination, c.Routes = nil, nil
	shown, expected := reflect.ValueOf(c).Elem(), reflect.ValueOf(want)
	for i := range shown.NumField() {
		if shown.Type().Field(i).IsExported() {
			sameSettings(t, shown.Type().Field(i).Tag.Get("toml"), shown.Field(i), expected.Field(i))
		}
	}
}

// sameSettings compares two values without their places.
func sameSettings(t *testing.T, name string, got, want reflect.Value) {
	t.Helper()
	if got.Type() == reflect.TypeFor[strict.Secret]() {
		one, _ := got.Interface().(strict.Secret).Resolve(os.LookupEnv)
		other, _ := want.Interface().(strict.Secret).Resolve(os.LookupEnv)
		got, want = reflect.ValueOf(one), reflect.ValueOf(other)
	}
	if got.Kind() == reflect.Struct && got.Type() != reflect.TypeFor[time.Time]() {
		for i := range got.NumField() {
			sameSettings(t, name+"."+got.Type().Field(i).Tag.Get("toml"), got.Field(i), want.Field(i))
		}
		return
	}
	if !strings.HasSuffix(name, "-") && !reflect.DeepEqual(got.Interface(), want.Interface()) {
		t.Errorf("%s is %v in config.toml, and %v without it", name, got, want)
	}
}

// TestConfigFileComplete: with every setting that is commented out taken in, the
// file is right, works without a warning, and has every key that there is.
func TestConfigFileComplete(t *testing.T) {
	text := commentedOut.ReplaceAllString(string(slipway.ConfigTemplate), "$1")
	c := loadText(t, text)
	if warnings := settingsOf(t, c).warnings; len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		t.Fatal(err)
	}
	m := missing{seen: map[reflect.Type]bool{}}
	m.table("", reflect.TypeFor[Config](), []map[string]any{tree})
	for _, key := range m.keys {
		t.Errorf("config.toml does not show the key %s", key)
	}
	if len(m.seen) < 10 {
		t.Errorf("only %d kinds of table were looked at", len(m.seen))
	}
}

// TestMissing makes sure that a key that is not there is found.
func TestMissing(t *testing.T) {
	tree := map[string]any{"data_dir": "data", "route": []map[string]any{{"path": "/a", "at": map[string]any{"x": map[string]any{"title": ""}}}}}
	m := missing{seen: map[reflect.Type]bool{}}
	m.table("", reflect.TypeFor[Config](), []map[string]any{tree})
	for _, key := range []string{"web", "user", "route.to", "route.album_id", "route.categories", "storage", "destination"} {
		if !slices.Contains(m.keys, key) {
			t.Errorf("%s is not reported", key)
		}
	}
	for _, key := range []string{"data_dir", "route", "route.path", "route.at"} {
		if slices.Contains(m.keys, key) {
			t.Errorf("%s is reported", key)
		}
	}
}

// missing gathers the keys of a configuration's type that a file does not show.
type missing struct {
	keys []string
	seen map[reflect.Type]bool // kinds of table whose keys were looked for
}

// table looks for the keys of t in tables, which are all of that kind in the file.
func (m *missing) table(name string, t reflect.Type, tables []map[string]any) {
	m.seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("toml")
		switch {
		case f.Anonymous && key == "":
			m.table(name, f.Type, tables)
		case key != "-" && f.IsExported():
			m.key(strings.TrimPrefix(name+"."+key, "."), f.Type, valuesOf(tables, key))
		}
	}
}

// key looks whether a key is there, and for the keys below it. Keys that were
// looked for elsewhere, as those of [route.at.DEST] in [[route]], need not be
// repeated.
func (m *missing) key(name string, t reflect.Type, values []any) {
	if len(values) == 0 {
		m.keys = append(m.keys, name)
		return
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		if t.Kind() == reflect.Map {
			values = valuesOf(tablesOf(values), "")
		}
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && !ownForm(t) && !m.seen[t] {
		m.table(name, t, tablesOf(values))
	}
}

// ownForm reports whether t reads its value itself.
func ownForm(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t == reflect.TypeFor[time.Time]() || p.Implements(reflect.TypeFor[interface{ UnmarshalSetting(any, strict.Place) error }]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// valuesOf returns the values of key in tables; of every key where it is "".
func valuesOf(tables []map[string]any, key string) (values []any) {
	for _, table := range tables {
		if key == "" {
			values = slices.AppendSeq(values, maps.Values(table))
		} else if v, ok := table[key]; ok {
			values = append(values, v)
		}
	}
	return values
}

// tablesOf returns the tables among values.
func tablesOf(values []any) (tables []map[string]any) {
	for _, v := range values {
		switch v := v.(type) {
		case map[string]any:
			tables = append(tables, v)
		case []map[string]any:
			tables = append(tables, v...)
		}
	}
	return tables
}

// loadText loads text as a config.toml, beside a file with a secret.
func loadText(t *testing.T, text string) *Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets", "anqicms.token"), []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const uploader = `{"Version": "17.0.0", "RequestURL": "https://imgur.example/3/image", "Body": "MultipartFormData", "FileFormName": "image", "URL": "{json:data.link}"}`
	if err := os.WriteFile(filepath.Join(dir, "imgur.sxcu"), []byte(uploader), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settingsOf makes drivers, routes and users of c, with every environment variable set.
func settingsOf(t *testing.T, c *Config) *settings {
	t.Helper()
	a := &app{log: slog.New(slog.DiscardHandler), getenv: func(name string) (string, bool) {
		if name == "WEBHOOK_SECRET" {
			return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true
		}
		return "secret", true
	}}
	s, err := a.newSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Users) > 0 {
		if _, err := a.accounts(c); err != nil {
			t.Error(err)
		}
	}
	return s
}
