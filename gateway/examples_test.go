package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"

	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/custom/hosttest"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

const (
	exampleFolder = "../examples/destinations"
	exampleKey    = "k3yOfTheExamples"
	exampleUser   = "AKIDEXAMPLE"
)

// example is a file of examples/destinations, the host that it is for, and what the
// README's table says of it.
type example struct {
	file string
	host func(hosttest.Config) *hosttest.Server
	set  hosttest.Config
	// fill are pairs of texts: what a person has to fill in, and what is filled in
	// here. ADDRESS is the host's.
	fill       []string
	deletes    bool
	idempotent bool
	// keys are the per-upload keys, and told is what the host hears of those in
	// exampleKeys, beside what it always hears.
	keys         []string
	told, always map[string]string
	// viewer and thumbnail: the host has such addresses.
	viewer, thumbnail bool
	// large and text are how a file that is too large, and one that is no picture,
	// end; anyType: the host takes everything.
	large, text uploader.Kind
	anyType     bool
	// wordless: the host says with its status alone that it has a file.
	wordless bool
}

// exampleKeys says everything that can be said of an upload.
var exampleKeys = uploader.Keys{
	AlbumID: "al1", CategoryID: "7", Title: "Bucht bei Nacht – 100% \"schön\"", Description: "Zeile 1\nZeile 2", Tags: []string{"see", "nacht"},
	NSFW: true, Expiration: "P1D", Width: 640, UseFileDate: true,
}

var examples = []example{
	{
		file: "imgbb.toml", host: hosttest.ImgBB, fill: []string{"https://api.imgbb.com", "ADDRESS"}, keys: []string{"expiration", "title"},
		told: map[string]string{"name": exampleKeys.Title, "expiration": "86400"}, viewer: true, thumbnail: true,
		large: uploader.Permanent, text: uploader.Permanent,
	},
	{
		file: "lsky.toml", host: hosttest.Lsky, fill: []string{"https://lsky.example.com", "ADDRESS"}, keys: []string{"album_id"}, deletes: true,
		told: map[string]string{"album_id": "al1"}, thumbnail: true, large: uploader.Permanent, text: uploader.Permanent,
	},
	{
		file: "imgur.toml", host: hosttest.Imgur, deletes: true, keys: []string{"album_id", "description", "title"},
		fill: []string{"https://api.imgur.com", "ADDRESS", "https://imgur.com", "ADDRESS", "https://i.imgur.com", "ADDRESS", "m.jpg", "m.jpeg"},
		told: map[string]string{"album": "al1", "description": exampleKeys.Description, "title": exampleKeys.Title}, always: map[string]string{"type": "file"},
		viewer: true, thumbnail: true, large: uploader.Permanent, text: uploader.Permanent,
	},
	{
		file: "zipline.toml", host: hosttest.Zipline, set: hosttest.Config{Folders: []string{"al1"}}, deletes: true,
		fill: []string{"https://zipline.example.com", "ADDRESS"}, keys: []string{"album_id", "expiration"},
		told:   map[string]string{"x-zipline-folder": "al1", "x-zipline-deletes-at": "86400s"},
		always: map[string]string{"x-zipline-original-name": "true"}, large: uploader.Permanent, anyType: true,
	},
	{
		file: "zipline-3.toml", host: hosttest.ZiplineV3, fill: []string{"https://zipline.example.com", "ADDRESS"}, keys: []string{"expiration"},
		told: map[string]string{"expires-at": "86400s"}, always: map[string]string{"original-name": "true"}, large: uploader.Permanent, anyType: true,
	},
	{
		file: "zipline-sharex.toml", host: hosttest.Zipline, fill: []string{"https://zipline.example.com", "ADDRESS", "the-token-of-your-account", "KEY"},
		large: uploader.Permanent, anyType: true,
	},
	{
		file: "webdav.toml", host: hosttest.WebDAV, set: hosttest.Config{User: "amy", Folders: []string{"/Pictures"}}, deletes: true, idempotent: true,
		fill:  []string{"https://cloud.example.com/remote.php/dav/files/amy", "ADDRESS/dav", "https://pictures.example.com", "ADDRESS/public/Pictures"},
		large: uploader.Refused, anyType: true, wordless: true,
	},
	{
		file: "s3.toml", host: hosttest.S3, deletes: true, idempotent: true, large: uploader.Permanent, anyType: true,
		set:    hosttest.Config{User: exampleUser, Region: "eu-central-1", Folders: []string{"pictures"}, Domain: "s3.test"},
		fill:   []string{"https://BUCKET.s3.eu-central-1.amazonaws.com", "http://pictures.s3.test"},
		always: map[string]string{"cache-control": "public, max-age=31536000, immutable"},
	},
	{
		file: "s3-path.toml", host: hosttest.S3, deletes: true, idempotent: true, large: uploader.Permanent, anyType: true,
		set:    hosttest.Config{User: exampleUser, Folders: []string{"pictures"}},
		fill:   []string{"https://s3.example.com/BUCKET", "ADDRESS/pictures", "https://pictures.example.com", "ADDRESS/pictures"},
		always: map[string]string{"cache-control": "public, max-age=31536000, immutable"},
	},
}

// TestExamplesCovered: every file for a destination is tested below, and none needs a
// name filled in that is not known here.
func TestExamplesCovered(t *testing.T) {
	files, err := filepath.Glob(exampleFolder + "/*")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	tested := map[string]bool{"zipline.sxcu": true} // that zipline-sharex.toml names
	for _, e := range examples {
		tested[e.file] = true
	}
	for _, file := range files {
		if !tested[filepath.Base(file)] {
			t.Errorf("nothing tests %s: give it a line in examples", file)
		}
		delete(tested, filepath.Base(file))
	}
	if len(tested) > 0 {
		t.Errorf("there are no files %v", slices.Collect(maps.Keys(tested)))
	}
}

// TestExamplesAsTheyStand: a file pasted below [destination.NAME] is right to the
// letter, also with what it has as a comment.
func TestExamplesAsTheyStand(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			dir := t.TempDir()
			e.write(t, dir, nil)
			settingsOf(t, loadFile(t, dir))
			text := read(t, filepath.Join(exampleFolder, e.file))
			for _, setting := range regexp.MustCompile(`(?m)^#(\S+) = .*$`).FindAllStringSubmatch(text, -1) {
				without := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(setting[1])+` = .*$`).ReplaceAllString(text, "")
				dir := t.TempDir()
				e.write(t, dir, nil)
				writeText(t, filepath.Join(dir, "config.toml"), exampleConfig(strings.Replace(without, "#"+setting[1], setting[1], 1)))
				settingsOf(t, loadFile(t, dir))
			}
		})
	}
}

// exampleConfig is a configuration whose only destination is text.
func exampleConfig(text string) string {
	return "[ftp]\nlisten = \"\"\n[[route]]\npath = \"/x/{rest...}\"\nto = [\"example\"]\n[destination.example]\n" + text
}

// write writes the configuration and the files that it names into dir, filled in.
func (e example) write(t *testing.T, dir string, fill []string) {
	t.Helper()
	r := strings.NewReplacer(fill...)
	writeText(t, filepath.Join(dir, "config.toml"), exampleConfig(r.Replace(read(t, filepath.Join(exampleFolder, e.file)))))
	writeText(t, filepath.Join(dir, "zipline.sxcu"), r.Replace(read(t, filepath.Join(exampleFolder, "zipline.sxcu"))))
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func loadFile(t *testing.T, dir string) *Config {
	t.Helper()
	c, err := loadConfig(filepath.Join(dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open makes the example's driver as the gateway would, for a host at address.
func (e example) open(t *testing.T, address, key string, client *form.Client) uploader.Driver {
	t.Helper()
	fill := slices.Clone(e.fill)
	for i, text := range fill {
		fill[i] = strings.NewReplacer("ADDRESS", address, "KEY", key).Replace(text)
	}
	dir := t.TempDir()
	e.write(t, dir, fill)
	c := loadFile(t, dir).Destination["example"]
	kind, ok := driverNamed(c.Driver)
	if !ok {
		t.Fatalf("there is no driver %q", c.Driver)
	}
	if e.set.Domain != "" { // whose names no resolver knows
		client.HTTP.Transport.(*http.Transport).DialContext = dialing(address)
	}
	d, err := kind.open("example", c, driverDeps{client: client, publicURL: func() string { return "" }, secret: func(s strict.Secret) (uploader.Secret, error) {
		text, err := s.Resolve(func(name string) (string, bool) {
			if name == "S3_ACCESS_KEY" {
				return exampleUser, true
			}
			return key, true
		})
		return uploader.Secret(text), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// dialing connects to one host, whatever is asked for.
func dialing(address string) func(context.Context, string, string) (net.Conn, error) {
	var d net.Dialer
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, strings.TrimPrefix(address, "http://"))
	}
}

// TestExamplesSuite: every example passes the suite of all drivers.
func TestExamplesSuite(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			e.set.Key = exampleKey
			uploadertest.Run(t, uploadertest.Harness{
				Secret: exampleKey, ByStatus: e.wordless,
				Host: func(t *testing.T) uploadertest.Host {
					s := e.host(e.set)
					t.Cleanup(s.Close)
					return s
				},
				Driver: func(t *testing.T, address string, client *form.Client) uploader.Driver {
					t.Cleanup(regexp2.StopTimeoutClock) // which runs for a second beyond its last use
					return e.open(t, address, exampleKey, client)
				},
			})
		})
	}
}

// newClient returns a client whose connections end with the test.
func newClient(t *testing.T) *form.Client {
	c := form.NewClient("test")
	t.Cleanup(c.HTTP.CloseIdleConnections)
	return c
}

// exampleWorld is an example before its host.
type exampleWorld struct {
	*testing.T
	example
	*hosttest.Server
	address string
	driver  uploader.Driver
	visitor *http.Client
}

// world starts the host of e, which knows exampleKey; the driver has key.
func (e example) world(t *testing.T, key string) *exampleWorld {
	e.set.Key = exampleKey
	s := e.host(e.set)
	l := httptest.NewServer(s)
	visitor := &http.Client{Transport: &http.Transport{DialContext: dialing(l.URL)}}
	t.Cleanup(func() {
		visitor.CloseIdleConnections()
		s.Close()
		l.Close()
	})
	return &exampleWorld{t, e, s, l.URL, e.open(t, l.URL, key, newClient(t)), visitor}
}

// picture is a file of that name and content.
func examplePicture(name, content string, keys uploader.Keys) uploader.Picture {
	return uploader.Picture{
		Upload: "01jd0000000000000000000001", Name: name, Type: http.DetectContentType([]byte(content)), Size: int64(len(content)),
		SHA256: sha256.Sum256([]byte(content)), Keys: keys,
		Open: func(context.Context) (io.ReadSeekCloser, error) {
			return struct {
				io.ReadSeeker
				io.Closer
			}{bytes.NewReader([]byte(content)), io.NopCloser(nil)}, nil
		},
	}
}

func jpegOf(s string) string { return "\xff\xd8\xff\xe0\x00\x10JFIF" + s + strings.Repeat("j", 60) }

// get opens an address as everybody may.
func (w *exampleWorld) get(address string) (status int, body string) {
	w.Helper()
	resp, err := w.visitor.Get(address)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// send sends what has to be taken.
func (w *exampleWorld) send(p uploader.Picture) uploader.Result {
	w.Helper()
	r, err := w.driver.Send(w.Context(), p)
	if err != nil {
		w.Fatalf("%s: %v", p.Name, err)
	}
	return r
}

// refuse sends what has to fail in one way, with words in its message.
func (w *exampleWorld) refuse(p uploader.Picture, kind uploader.Kind) *uploader.Error {
	w.Helper()
	r, err := w.driver.Send(w.Context(), p)
	if err == nil {
		w.Fatalf("%s was taken: %+v", p.Name, r)
	}
	e := uploader.AsError(err)
	if e.Kind != kind {
		w.Errorf("%v, want %v: %v (%s)", e.Kind, kind, e, e.Remedy)
	}
	if strings.Contains(e.Error()+e.Remedy, exampleKey) {
		w.Error("an error shows the key")
	}
	return e
}
