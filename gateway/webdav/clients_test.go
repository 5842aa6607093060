package webdav

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// What follows are the requests that clients were recorded to send, in their order.

func TestFinder(t *testing.T) {
	d := open(t)
	const agent = "User-Agent: WebDAVFS/3.0.0 (03008000) Darwin/23.0.0 (arm64)"
	if dav := d.want(200, "OPTIONS", "/dav/", "", agent).Header.Get("DAV"); !strings.Contains(dav, "1, 2") {
		t.Fatalf("Finder mounts this read-only: %q", dav)
	}
	d.want(207, "PROPFIND", "/dav/", `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/><D:creationdate/><D:resourcetype/></D:prop></D:propfind>`, agent, "Depth: 0")
	for name, content := range map[string]string{"/p.jpg": "picture", "/._p.jpg": "fork"} {
		url := "/dav" + name
		d.want(404, "PROPFIND", url, "", agent, "Depth: 0")
		d.want(201, "PUT", url, "", agent)
		token := d.lock(url, agent, "Depth: 0", "Timeout: Second-600")
		r := d.want(204, "PUT", url, content, agent, "If: (<"+token+">)", "X-Expected-Entity-Length: "+strconv.Itoa(len(content)))
		if r.Header.Get("ETag") == "" {
			t.Error("no ETag on the PUT's reply")
		}
		d.want(200, "LOCK", url, "", agent, "If: (<"+token+">)", "Timeout: Second-600")
		d.want(204, "UNLOCK", url, "", agent, "Lock-Token: <"+token+">")
		d.holds(name, content)
	}
	d.want(201, "MOVE", "/dav/p.jpg", "", agent, "Destination: HOST/dav/q.jpg")
	d.seed("/r.jpg=older")
	d.want(204, "MOVE", "/dav/q.jpg", "", agent, "Destination: HOST/dav/r.jpg")
	d.holds("/r.jpg", "picture")
}

func TestExplorer(t *testing.T) {
	d := open(t)
	const agent = "User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045"
	d.want(200, "OPTIONS", "/", "", agent, "translate: f")
	d.want(207, "PROPFIND", "/", "", agent, "Depth: 0", "translate: f")
	d.want(207, "PROPFIND", "/dav", "", agent, "Depth: 0", "translate: f")
	d.want(207, "PROPFIND", "/dav", "", agent, "Depth: 1", "translate: f")
	d.want(404, "PROPFIND", "/dav/desktop.ini", "", agent, "Depth: 0")
	d.want(404, "PROPFIND", "/dav/p.jpg", "", agent, "Depth: 0")
	d.want(201, "PUT", "/dav/p.jpg", "", agent, "translate: f")
	token := d.lock("/dav/p.jpg", agent, "Timeout: Second-3600")
	held := "If: (<" + token + ">)"
	patch := `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>` +
		`<Z:Win32CreationTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32CreationTime><Z:Win32LastAccessTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastAccessTime>` +
		`<Z:Win32LastModifiedTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`
	d.want(207, "PROPPATCH", "/dav/p.jpg", patch, agent, held)
	d.want(200, "HEAD", "/dav/p.jpg", "", agent)
	d.want(204, "PUT", "/dav/p.jpg", "picture", agent, held)
	if r := d.want(207, "PROPPATCH", "/dav/p.jpg", patch, agent, held); !strings.Contains(r.body, "200 OK") || strings.Contains(r.body, "403") {
		t.Errorf("PROPPATCH: %s", r.body)
	}
	d.want(204, "UNLOCK", "/dav/p.jpg", "", agent, "Lock-Token: <"+token+">")
	d.holds("/p.jpg", "picture")
	if r := d.want(200, "HEAD", "/dav/p.jpg", "", agent); r.Header.Get("Last-Modified") != "Thu, 02 Jan 2020 03:04:05 GMT" {
		t.Errorf("time %s", r.Header.Get("Last-Modified"))
	}
	d.want(201, "MKCOL", "/dav/New%20folder", "", agent)
	d.want(201, "MOVE", "/dav/New%20folder", "", agent, "Destination: HOST/dav/Holiday", "Overwrite: F")
}

func TestDavfs2(t *testing.T) {
	d := open(t)
	d.seed("/f=old")
	token := d.lock("/dav/f", "Depth: 0", "Timeout: Second-300")
	tag := d.want(200, "HEAD", "/dav/f", "").Header.Get("ETag")
	tagged := "If: <HOST/dav/f> (<" + token + ">)"
	r := d.want(204, "PUT", "/dav/f", "new", "If-Match: "+tag, tagged)
	head := d.want(200, "HEAD", "/dav/f", "")
	if r.Header.Get("ETag") != head.Header.Get("ETag") || head.Header.Get("ETag") == tag {
		t.Errorf("ETags: %s before, %s on PUT, %s on HEAD", tag, r.Header.Get("ETag"), head.Header.Get("ETag"))
	}
	d.want(207, "PROPPATCH", "/dav/f", `<propertyupdate xmlns="DAV:"><set><prop><executable xmlns="http://apache.org/dav/props/">T</executable></prop></set></propertyupdate>`, tagged)
	// A rename while the file is open shows the source's token alone.
	d.seed("/g=other")
	d.want(204, "MOVE", "/dav/f", "", "Destination: HOST/dav/g", tagged)
	d.want(409, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">")
	d.holds("/g", "new")
}

func TestGvfs(t *testing.T) {
	d := open(t)
	d.fs.limit = 10_000
	d.want(207, "PROPFIND", "/dav/", `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>`, "Depth: 0")
	d.want(404, "HEAD", "/dav/f", "")
	d.want(201, "PUT", "/dav/f", "one", "If-None-Match: *")
	tag := d.want(200, "HEAD", "/dav/f", "").Header.Get("ETag")
	d.want(204, "PUT", "/dav/f", "two", "If-Match: "+tag, "X-OC-Mtime: 1577934245")
	d.want(412, "PUT", "/dav/f", "three", "If-Match: "+tag)
	d.holds("/f", "two")
}

func TestRclone(t *testing.T) {
	d := open(t)
	d.want(201, "MKCOL", "/dav/a/", "")
	d.want(405, "MKCOL", "/dav/a/", "")
	d.want(201, "MKCOL", "/dav/a/b/", "")
	r := d.want(201, "PUT", "/dav/a/b/f.bin", "abc", "X-OC-Mtime: 1577934245", "OC-Checksum: SHA1:a9993e364706816aba3e25717850c26c9cd0d89d")
	if r.Header.Get("X-OC-Mtime") != "accepted" {
		t.Error("X-OC-Mtime is not accepted")
	}
	if r := d.want(207, "PROPFIND", "/dav/a/b/f.bin", "", "Depth: 0"); !strings.Contains(r.body, "<D:getcontentlength>3<") {
		t.Errorf("the size is missing: %s", r.body)
	}
	d.want(201, "MOVE", "/dav/a/b/f.bin", "", "Destination: HOST/dav/a/g.bin", "Overwrite: T")
	d.want(204, "DELETE", "/dav/a/b/", "")
}

func TestFolderSync(t *testing.T) {
	d := open(t)
	d.want(201, "PUT", "/dav/x.jpg.tacitpart", "abc")
	d.want(207, "PROPFIND", "/dav/x.jpg.tacitpart", "", "Depth: 0")
	d.want(201, "MOVE", "/dav/x.jpg.tacitpart", "", "Destination: HOST/dav/x.jpg", "Overwrite: T")
	d.holds("/x.jpg", "abc")
	if want := []string{"/x.jpg.tacitpart"}; !slices.Equal(d.fs.commits, want) {
		t.Errorf("commits %q", d.fs.commits)
	}
}

// TestPhotoSync: the same name, twice at a time.
func TestPhotoSync(t *testing.T) {
	d := open(t)
	codes := make(chan int)
	for range 2 {
		go func() {
			r, err := http.NewRequest("PUT", d.url+"/dav/x.jpg", strings.NewReader("abc"))
			if err != nil {
				codes <- 0
				return
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				codes <- 0
				return
			}
			resp.Body.Close()
			codes <- resp.StatusCode
		}()
	}
	for range 2 {
		if code := <-codes; code != 201 && code != 204 {
			t.Errorf("status %d", code)
		}
	}
	d.holds("/x.jpg", "abc")
}

func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	d := open(t)
	file := filepath.Join(t.TempDir(), "big.bin")
	data := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // large enough for Expect: 100-continue
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"-H", "Transfer-Encoding: chunked"}} {
		out, err := exec.Command(curl, append(args, "-sS", "-f", "-T", file, d.url+"/dav/")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		d.holds("/big.bin", string(data))
	}
}
