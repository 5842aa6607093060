package strict

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type config struct {
	Quiet  Duration `toml:"quiet"`
	Quota  Size     `toml:"quota"`
	Ports  Ports    `toml:"ports"`
	Hosted map[string]struct {
		Key Secret `toml:"key"`
	} `toml:"destination"`
	Users []struct {
		Password Secret    `toml:"password"`
		Expires  time.Time `toml:"expires"`
	} `toml:"user"`
}

func TestValues(t *testing.T) {
	tests := []struct{ text, want string }{
		{`quiet = "2s"`, "2s 0 B  "},
		{`quiet = "0"`, "0s 0 B  "},
		{`quiet = "7d"`, "7d 0 B  "},
		{`quiet = "1d90m"`, "1d1h30m0s 0 B  "},
		{`quiet = " 1m30s "`, "1m30s 0 B  "},
		{`quota = "20GB"`, "0s 20 GB  "},
		{`quota = "10MiB"`, "0s 10 MiB  "},
		{`quota = "1.5 gib"`, "0s 1536 MiB  "},
		{`quota = 1048577`, "0s 1.05 MB  "},
		{`quota = "3g"`, "0s 3 GB  "},
		{`quota = "12"`, "0s 12 B  "},
		{`ports = "30000-30099"`, "0s 0 B 30000-30099 "},
		{`ports = "2121"`, "0s 0 B 2121-2121 "},
		{`ports = "21"`, "0s 0 B 21-21 "},
		{`ports = ""`, "0s 0 B  "},
		{`ports = "0-0"`, "0s 0 B  "},
	}
	for _, tt := range tests {
		var c config
		if err := Decode([]byte(tt.text), "config.toml", &c); err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := fmt.Sprintf("%s %s %s ", c.Quiet, c.Quota, c.Ports); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
	if n := (Ports{First: 30000, Last: 30099}).Len(); n != 100 {
		t.Errorf("Len = %d", n)
	}
}

// TestMessages is the wording that people see.
func TestMessages(t *testing.T) {
	const span = `; write a number and ms, s, m, h or d, as in "2s", "5m" or "7d"`
	tests := []struct{ text, want string }{
		{`quiet = 2`, `config.toml:1:1: quiet is a number where text is expected; write quiet = "2s"`},
		{`quiet = "2"`, `config.toml:1:1: quiet: "2" is not a time span` + span},
		{`quiet = ""`, `config.toml:1:1: quiet: "" is not a time span` + span},
		{`quiet = "-2s"`, `config.toml:1:1: quiet: "-2s" is not a time span` + span},
		{`quiet = "d"`, `config.toml:1:1: quiet: "d" is not a time span` + span},
		{`quiet = "99999999d"`, `config.toml:1:1: quiet: "99999999d" is not a time span` + span},
		{`quiet = "106751d24h"`, `config.toml:1:1: quiet: "106751d24h" is not a time span` + span},
		{`quota = "20 apples"`, `config.toml:1:1: quota: "20 apples" is not a size; write it as in "20GB", "10MiB" or 1048576`},
		{`quota = "9999999PB"`, `config.toml:1:1: quota: "9999999PB" is not a size; write it as in "20GB", "10MiB" or 1048576`},
		{`quota = "9999999.5PB"`, `config.toml:1:1: quota: "9999999.5PB" is not a size; write it as in "20GB", "10MiB" or 1048576`},
		{`quota = -1`, `config.toml:1:1: quota: a size cannot be negative`},
		{`quota = true`, `config.toml:1:1: quota: a size is expected; write it as in "20GB", "10MiB" or 1048576`},
		{`ports = "30099-30000"`, `config.toml:1:1: ports: "30099-30000" begins after its end; write "30000-30099"`},
		{`ports = "1-70000"`, `config.toml:1:1: ports: "1-70000" is not a range of ports from 1 to 65535; write it as in "30000-30099"`},
		{`ports = "0-5"`, `config.toml:1:1: ports: "0-5" is not a range of ports from 1 to 65535; write it as in "30000-30099"`},
		{`ports = "x"`, `config.toml:1:1: ports: "x" is not a range of ports from 1 to 65535; write it as in "30000-30099"`},
		{`ports = "-1"`, `config.toml:1:1: ports: "-1" is not a range of ports from 1 to 65535; write it as in "30000-30099"`},
		{`ports = "1-2-3"`, `config.toml:1:1: ports: "1-2-3" is not a range of ports from 1 to 65535; write it as in "30000-30099"`},
		{`ports = 30000`, `config.toml:1:1: ports is a number where text is expected; write ports = "30000-30099"`},
		{"[[user]]\n[[user]]\npassword = 1234567", `config.toml:3:1: user[2].password: text is expected; write "env:NAME", "file:PATH" or the value itself in quotes`},
		{"[destination.anh]\nkey = 'env:a-b'", `config.toml:2:1: destination.anh.key: after env: the name of an environment variable is expected, as in "env:ANH_KEY"`},
		{"[destination.anh]\nkey = 'file:'", `config.toml:2:1: destination.anh.key: after file: the path of a file is expected, as in "file:anh.key"`},
		{"[destination.anh]\nkye = 'x'", `config.toml:2:1: unknown key "kye" in [destination.anh]; did you mean "key"?`},
		{"[[user]]\nexpires = 'tomorrow'", `config.toml:2:1: user[1].expires is text where a date is expected; write expires = 2030-12-31`},
	}
	for _, tt := range tests {
		err := Decode([]byte(tt.text), "config.toml", &config{})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("key", "from file\r\n", 0o600)
	write("empty", "\n", 0o600)
	write("long", strings.Repeat("x", secretMax+1), 0o600)
	env := map[string]string{"ANH_KEY": "from env", "NOTHING": ""}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	in := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct{ text, want, fails string }{
		{"itself", "itself", ""},
		{"", "", ""},
		{"env:ANH_KEY", "from env", ""},
		{"file:key", "from file", ""},
		{"file:" + in("key"), "from file", ""},
		{"env:OTHER", "", "the environment variable OTHER is not set; set it before the program starts, as in export OTHER=…"},
		{"env:NOTHING", "", "the environment variable NOTHING is empty; set it before the program starts, as in export NOTHING=…"},
		{"file:none", "", "there is no file " + in("none") + "; make it, with the secret as its content, or correct the path (it is relative to the configuration file)"},
		{"file:empty", "", "the file " + in("empty") + " is empty; put the secret into it"},
		{"file:long", "", "the file " + in("long") + " is over 64 KiB, too long for a secret; name another file"},
		{"file:.", "", "the file " + dir + " cannot be read: is a directory"},
	}
	for _, tt := range tests {
		var c config
		text := fmt.Sprintf("\n[destination.anh]\nkey = %q", tt.text)
		if err := Decode([]byte(text), in("config.toml"), &c); err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got, err := c.Hosted["anh"].Key.Resolve(lookup)
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
		want := in("config.toml") + ":3:1: destination.anh.key: " + tt.fails
		if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, want)
		}
	}
}

// TestSecretNeverShows prints a secret in every way that comes to mind.
func TestSecretNeverShows(t *testing.T) {
	var c config
	if err := Decode([]byte("[destination.anh]\nkey = 'hunter2'"), "config.toml", &c); err != nil {
		t.Fatal(err)
	}
	key := c.Hosted["anh"].Key
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb, key)
		fmt.Fprintf(&b, verb, &key)
		fmt.Fprintf(&b, verb, c.Hosted["anh"])
	}
	j, err := json.Marshal(c.Hosted)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(j)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "key", key, "all", c)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "key", key, "all", c)
	if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("shown in %s", b.String())
	}
	if v, err := key.Resolve(os.LookupEnv); v != "hunter2" || err != nil {
		t.Errorf("Resolve = %q, %v", v, err)
	}
	if key.Named() || key.IsZero() || !NewSecret("env:X").Named() || key.Place().Line != 2 {
		t.Error("wrong description of the secret")
	}
}

// FuzzDecode checks that no text makes Decode panic and that what it accepts
// prints in a form that it accepts again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("quiet = '1d2h'\nquota = '1.5 GiB'\nports = '1-2'\n[destination.a]\nkey = 'env:A'"))
	f.Add([]byte("[[user]]\npassword = 'x'\n[[user]]\nexpires = 2030-01-01"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c config
		if Decode(text, "f", &c) != nil {
			return
		}
		if c.Quiet < 0 || c.Quota < 0 || c.Ports.Len() < 0 {
			t.Fatalf("negative: %v", c)
		}
		again := config{}
		back := fmt.Sprintf("quiet = %q\nquota = %d\nports = %q", c.Quiet, int64(c.Quota), c.Ports)
		if err := Decode([]byte(back), "f", &again); err != nil || again.Quiet != c.Quiet || again.Ports != c.Ports {
			t.Errorf("%v: %s", err, back)
		}
	})
}
