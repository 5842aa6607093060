package custom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/form"
)

// TestWrongFiles: each file of testdata/wrong is refused in the words that stand beside
// it.
func TestWrongFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.sxcu")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".sxcu") + ".txt")
		if err != nil || len(want) < 5 {
			t.Fatal(err, want)
		}
		if text == nil {
			text = []byte{}
		}
		d, err := New(Config{File: text, FileName: filepath.Base(file), Secrets: map[string]uploader.Secret{"token": "s3cr3t-token"}}, form.NewClient("test"))
		if err == nil || !strings.Contains(err.Error(), string(want)) {
			t.Errorf("%s: %v, %v\nwant %s", file, d, err, want)
		}
	}
}

// TestWrongConfig is the same for what the configuration says.
func TestWrongConfig(t *testing.T) {
	good := func() Config { return Config{URL: "https://host.example/upload", FileField: "file"} }
	for want, change := range map[string]func(*Config){
		"url: it must begin with the address of the host":              func(c *Config) { c.URL = "" },
		"url: it must begin with https:// or http://":                  func(c *Config) { c.URL = "host.example/upload" },
		"method: DELETE carries no file":                               func(c *Config) { c.Method = "delete" },
		`body: "multi" is not known; there are multipart, binary`:      func(c *Config) { c.Body = "multi" },
		"body: without a body nothing carries the file":                func(c *Config) { c.Body = "none" },
		"file_field: it is missing":                                    func(c *Config) { c.FileField = "" },
		"data: nothing in it carries the file":                         func(c *Config) { c.Body, c.FileField, c.Data = "json", "", "{}" },
		"arguments.a: there is no function":                            func(c *Config) { c.Arguments = map[string]string{"a": "{b}"} },
		"result.url: {xml} reads the reply by XPath":                   func(c *Config) { c.Result.URL = "{xml:/a}" },
		"result.deletion: {secret:…} has no place":                     func(c *Config) { c.Result.Deletion = "https://x.example/{secret:t}" },
		`secrets: {secret:t} is used and not set: add t = "env:NAME"`:  func(c *Config) { c.Headers = map[string]string{"A": "{secret:t}"} },
		"secrets.t: it is empty":                                       func(c *Config) { c.Secrets = map[string]uploader.Secret{"t": ""} },
		`delete_method: "PATCH" is not known`:                          func(c *Config) { c.DeleteMethod = "PATCH" },
		`delete_hosts: "https://x.example" is no host`:                 func(c *Config) { c.DeleteHosts = []string{"https://x.example"} },
		`sign: "v2" is not known`:                                      func(c *Config) { c.Sign = "v2" },
		`secrets.access_key: sign = "aws-v4" needs it`:                 func(c *Config) { c.Sign = signAWS },
		`region: sign = "aws-v4" needs it`:                             func(c *Config) { c.Sign = signAWS },
		"keeps_bytes: it needs result.identical":                       func(c *Config) { c.KeepsBytes = true },
		"it has a #, which is never sent":                              func(c *Config) { c.URL = "https://host.example/#up" },
		"headers.Host: the header Host is Slipway's own":               func(c *Config) { c.Headers = map[string]string{"Host": "x"} },
		"{responseurl} is in the request, where there is no reply yet": func(c *Config) { c.URL = "https://host.example/{responseurl}" },
		"delete_headers.A: there is no function":                       func(c *Config) { c.DeleteHeaders = map[string]string{"A": "{x}"} },
		"says.wait: \"(\" is no regular expression":                    func(c *Config) { c.Says.Wait = []string{"("} },
		"{file:base64} has no place in a result":                       func(c *Config) { c.Result.ID = "{file:base64}" },
		`only body = "binary" can be signed`: func(c *Config) {
			c.Sign, c.Region, c.Secrets = signAWS, "r", map[string]uploader.Secret{accessKey: "a", secretKey: "b"}
		},
	} {
		c := good()
		change(&c)
		if _, err := New(c, form.NewClient("test")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if _, err := New(good(), form.NewClient("test")); err != nil {
		t.Error(err)
	}
}
