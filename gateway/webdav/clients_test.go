package webdav

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

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
