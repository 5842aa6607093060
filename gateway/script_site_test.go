package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/custom/hosttest"
	"slipway/uploader/uploadertest"
	"slipway/uploader/whole/wholetest"
)

// site is an image host of a script.
type site interface {
	http.Handler
	Close()
	// accept changes the key that is accepted.
	accept(key string)
	// allow lets a format pass that was refused.
	allow(format string)
	// fail makes the next upload fail in a way that the site's package names.
	fail(mode string)
	// uploads returns the sum of each upload that was accepted, and how many
	// requests with a file came.
	uploads() (sums []string, requests int)
	// sum is how the site names bytes.
	sum(data string) string
	// told returns what was said of the bytes with a sum.
	told(sum string) map[string]string
}

type cheveretoSite struct{ *cheveretotest.Server }

func (s cheveretoSite) accept(key string) {
	s.Configure(func(c *cheveretotest.Config) { c.Key = key })
}
func (s cheveretoSite) allow(format string) {
	s.Configure(func(c *cheveretotest.Config) {
		c.Disabled = slices.DeleteFunc(slices.Clone(c.Disabled), func(f string) bool { return f == format })
	})
}
func (s cheveretoSite) fail(mode string) { s.FailNext(uploadertest.Mode(mode)) }

func (s cheveretoSite) uploads() (sums []string, requests int) {
	for _, p := range s.Stored() {
		sums = append(sums, p.SHA256)
	}
	return sums, len(s.Requests()) - s.Probes() // a probe has a body too
}

func (cheveretoSite) sum(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

func (s cheveretoSite) told(sum string) map[string]string {
	for _, p := range slices.Backward(s.Stored()) {
		if p.SHA256 == sum {
			return map[string]string{
				"name": p.Name, "title": p.Title, "description": p.Description, "tags": strings.Join(p.Tags, ","), "album": p.Album,
				"category": p.Category, "nsfw": fmt.Sprint(p.NSFW), "type": p.Type, "id": p.ID, "delete": p.DeleteHash,
			}
		}
	}
	return nil
}

type anqicmsSite struct{ *anqicmstest.Server }

func (s anqicmsSite) accept(key string) { s.SetToken(key) }
func (s anqicmsSite) allow(string)      {} // it refuses none
func (s anqicmsSite) fail(mode string)  { s.FailNext(anqicmstest.Mode(mode)) }

func (s anqicmsSite) uploads() (sums []string, requests int) {
	for _, f := range s.Stored() {
		sums = append(sums, slices.Repeat([]string{f.MD5}, f.Sent)...)
	}
	return sums, s.Uploads()
}

func (anqicmsSite) sum(data string) string {
	sum := md5.Sum([]byte(data))
	return hex.EncodeToString(sum[:])
}

func (s anqicmsSite) told(sum string) map[string]string {
	for _, f := range s.Stored() {
		if f.MD5 == sum {
			return map[string]string{"name": f.Name, "category": fmt.Sprint(f.Category), "path": f.Path}
		}
	}
	return nil
}

// madeSite is a host that examples/destinations has a destination for.
type madeSite struct{ *hosttest.Server }

func (s madeSite) accept(key string) { s.Configure(func(c *hosttest.Config) { c.Key = key }) }
func (s madeSite) allow(string)      {} // it refuses none
func (s madeSite) fail(mode string)  { s.FailNext(uploadertest.Mode(mode)) }

func (s madeSite) uploads() (sums []string, requests int) {
	for _, p := range s.Stored() {
		sums = append(sums, p.Sums.SHA256)
	}
	return sums, len(s.Requests())
}

func (madeSite) sum(data string) string { return cheveretoSite{}.sum(data) }

func (s madeSite) told(sum string) map[string]string {
	for _, p := range slices.Backward(s.Stored()) {
		if p.Sums.SHA256 == sum {
			told := maps.Clone(p.Told)
			told["name"], told["type"], told["deleted"] = p.Name, p.Type, fmt.Sprint(p.Deleted)
			return told
		}
	}
	return nil
}

// startSite starts a site and sets the variable NAME to its address.
func startSite(ts *testscript.TestScript, name string, s site) {
	server := httptest.NewServer(s)
	ts.Defer(func() {
		s.Close()
		server.CloseClientConnections()
		server.Close()
	})
	worldOf(ts).sites[name] = s
	ts.Setenv(name, server.URL)
}

// cmdChevereto starts a site of that kind with a key. Flags: albums=a,b are those
// that exist; moderate; minute=N is how many uploads it takes in a minute.
func cmdChevereto(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "chevereto NAME key [moderate] [albums=a,b] [refuses=gif] [minute=N]")
	c := cheveretotest.Config{Key: args[1], KeepBytes: true}
	for _, arg := range args[2:] {
		flag, value, _ := strings.Cut(arg, "=")
		switch flag {
		case "moderate":
			c.Moderate = true
		case "albums":
			c.Albums = strings.Split(value, ",")
		case "refuses":
			c.Disabled = strings.Split(value, ",")
		case "minute":
			n, err := strconv.Atoi(value)
			ts.Check(err)
			c.PerMinute = n
		default:
			ts.Fatalf("there is no %q", arg)
		}
	}
	startSite(ts, args[0], cheveretoSite{cheveretotest.New(c)})
}

// cmdAnqicms starts a site of that kind with a token, which may let pictures be
// replaced.
func cmdAnqicms(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "anqicms NAME token [replaces]")
	replaces := slices.Contains(args[2:], "replaces")
	startSite(ts, args[0], anqicmsSite{anqicmstest.New(anqicmstest.Config{Token: args[1], KeepBytes: true, Replaces: replaces})})
}

// cmdHost starts one of the hosts of examples/destinations.
func cmdHost(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "host NAME imgbb|lsky|imgur|zipline key")
	kinds := map[string]func(hosttest.Config) *hosttest.Server{
		"imgbb": hosttest.ImgBB, "lsky": hosttest.Lsky, "imgur": hosttest.Imgur, "zipline": hosttest.Zipline,
	}
	kind := kinds[args[1]]
	if kind == nil {
		ts.Fatalf("there is no host %q", args[1])
	}
	startSite(ts, args[0], madeSite{kind(hosttest.Config{Key: args[2]})})
}

// cmdPaste adds a destination to a configuration: a file of examples/destinations,
// with texts replaced.
func cmdPaste(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "paste config.toml NAME example [old new]...")
	text, err := os.ReadFile(path.Join(exampleFolder, args[2]))
	ts.Check(err)
	made := ts.ReadFile(args[0]) + "\n[destination." + args[1] + "]\n" + strings.NewReplacer(args[3:]...).Replace(string(text))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(made), 0o600))
}

func siteNamed(ts *testscript.TestScript, name string) site {
	s := worldOf(ts).sites[name]
	if s == nil {
		ts.Fatalf("there is no site %q", name)
	}
	return s
}

// cmdSite changes a site: which key it accepts, that it takes a format that it did
// not take, or how the next upload fails.
func cmdSite(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "site NAME accept key | allow format | fail mode")
	s := siteNamed(ts, args[0])
	switch args[1] {
	case "accept":
		s.accept(args[2])
	case "allow":
		s.allow(args[2])
	case "fail":
		s.fail(args[2])
	default:
		ts.Fatalf("a site does not %q", args[1])
	}
}

// cmdReceived compares what a site accepted with files: these, each as often as it
// is named, and no others. requests=N is how many requests with a file came, where
// that is another number.
func cmdReceived(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "received NAME [requests=N] [file...]")
	s := siteNamed(ts, args[0])
	names, want := make(map[string]string), []string{}
	requests := -1
	for _, arg := range args[1:] {
		if n, ok := strings.CutPrefix(arg, "requests="); ok {
			var err error
			requests, err = strconv.Atoi(n)
			ts.Check(err)
			continue
		}
		sum := s.sum(ts.ReadFile(arg))
		names[sum] = arg
		want = append(want, sum)
	}
	if requests < 0 {
		requests = len(want)
	}
	got, n := s.uploads()
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) && n == requests {
		return
	}
	var list []string
	for _, sum := range got {
		if names[sum] == "" {
			names[sum] = "something else"
		}
		list = append(list, names[sum])
	}
	ts.Fatalf("%s accepted %q in %d requests, want %q in %d", args[0], list, n, args[1:], requests)
}

// cmdTold looks what a site was told of a file.
func cmdTold(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "told NAME file key=value...")
	s := siteNamed(ts, args[0])
	told := s.told(s.sum(ts.ReadFile(args[1])))
	for _, arg := range args[2:] {
		key, want, _ := strings.Cut(arg, "=")
		if got, ok := told[key]; !ok || got != want {
			ts.Fatalf("%s of %s is %q, want %q; all: %v", key, args[1], got, want, told)
		}
	}
}

// cmdPicture makes real pictures of the kind that the names' extensions say, each
// with other bytes. With size=N (pixels a side) they are larger.
func cmdPicture(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "picture [size=N] name...")
	n := 48
	for _, name := range args {
		if size, ok := strings.CutPrefix(name, "size="); ok {
			var err error
			n, err = strconv.Atoi(size)
			ts.Check(err)
			continue
		}
		sum := sha256.Sum256([]byte(name))
		seed := binary.BigEndian.Uint64(sum[:])
		var data []byte
		switch path.Ext(name) {
		case ".jpg", ".JPG":
			data = wholetest.JPEG(n, n, seed)
		case ".png":
			data = wholetest.PNG(n, n, seed)
		case ".gif":
			data = wholetest.GIF(n, n, seed)
		case ".webp":
			data = wholetest.WebP(n, n, seed)
		case ".mp4":
			data = wholetest.MP4(n, n, seed)
		case ".bin":
			data = wholetest.Noise(n*n, seed)
		default:
			ts.Fatalf("no picture can be made of %q", name)
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600))
	}
}

// cmdCertificate makes a certificate for 127.0.0.1, whose subject is a name, and
// its key.
func cmdCertificate(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "certificate cert.pem key.pem name")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: args[2]}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// cmdCut writes the first half of a file to another.
func cmdCut(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "cut file half")
	data := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(data[:len(data)/2]), 0o600))
}
