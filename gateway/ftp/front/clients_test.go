package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// run runs a program that may be absent, and returns what it said.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not on this machine", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// picture writes a file to send, and returns its path and bytes.
func picture(t *testing.T) (string, []byte) {
	t.Helper()
	b := bytes.Repeat([]byte("\xff\xd8\r\n\x00"), 20_000)
	path := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b
}

// stored fails unless name holds want.
func stored(t *testing.T, d *driver, name string, want []byte) {
	t.Helper()
	if got, err := afero.ReadFile(d.fs, name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v", name, len(got), err)
	}
}

// TestCurl: plain, active, and both kinds of FTPS with the versions of TLS.
func TestCurl(t *testing.T) {
	path, want := picture(t)
	for _, tt := range []struct {
		name, scheme string
		opt          Options
		args         []string
	}{
		{"plain", "ftp", Options{}, nil},
		{"PASV", "ftp", Options{}, []string{"--disable-epsv"}},
		{"active", "ftp", Options{Active: true}, []string{"--ftp-port", "-"}},
		{"PORT", "ftp", Options{Active: true}, []string{"--ftp-port", "-", "--disable-eprt"}},
		{"explicit 1.2", "ftp", Options{TLS: serverTLS(t), TLSRequired: true}, []string{"--ssl-reqd", "--insecure", "--tls-max", "1.2"}},
		{"explicit 1.3", "ftp", Options{TLS: serverTLS(t), TLSRequired: true}, []string{"--ssl-reqd", "--insecure", "--tlsv1.3"}},
		{"control only", "ftp", Options{TLS: serverTLS(t)}, []string{"--ftp-ssl-control", "--insecure"}},
		{"implicit 1.2", "ftps", Options{TLS: serverTLS(t), Implicit: true}, []string{"--insecure", "--tls-max", "1.2"}},
		{"implicit 1.3", "ftps", Options{TLS: serverTLS(t), Implicit: true}, []string{"--insecure", "--tlsv1.3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := serve(t, loopback(t), tt.opt)
			url := tt.scheme + "://" + d.ln.Addr().String() + "/new/a.jpg"
			args := append([]string{"--silent", "--show-error", "--user", "u:secret"}, tt.args...)
			run(t, "curl", append(args, "--ftp-create-dirs", "--upload-file", path, url)...)
			stored(t, d, "/new/a.jpg", want)
			copied := filepath.Join(t.TempDir(), "copy")
			run(t, "curl", append(args, "--output", copied, url)...)
			if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, want) {
				t.Errorf("it comes back as %d bytes, %v", len(got), err)
			}
		})
	}
}

// withoutTickets is config for data connections: curl ends them without a
// close_notify, and a ticket that it has not read would reset its upload.
func withoutTickets(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	c := config.Clone()
	c.SessionTicketsDisabled = true
	return c
}

// TestLftp: a mirror, plain and under TLS, with its MFMT or MDTM afterwards.
func TestLftp(t *testing.T) {
	path, want := picture(t)
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		opt      Options
		settings string
	}{
		"plain":    {Options{}, "set ftp:ssl-allow no;"},
		"MDTM":     {Options{}, "set ftp:ssl-allow no; set ftp:use-feat no; set ftp:use-mdtm-overloaded yes;"},
		"explicit": {Options{TLS: serverTLS(t), TLSRequired: true}, "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no;"},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, loopback(t), tt.opt)
			host, port, err := net.SplitHostPort(d.ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			script := tt.settings + "set net:max-retries 1; set cmd:fail-exit yes; open -u u,secret -p " + port + " " + host +
				"; mirror -R " + filepath.Dir(path) + " /album; cls -1 /album; bye"
			if out := run(t, "lftp", "-c", script); !strings.Contains(out, "a.jpg") {
				t.Error(out)
			}
			stored(t, d, "/album/a.jpg", want)
			info, err := d.fs.Stat("/album/a.jpg")
			if err != nil || !info.ModTime().Equal(when) {
				t.Errorf("its time is %v, %v", info.ModTime(), err)
			}
		})
	}
}

// TestBounce: a data connection to another address is refused by the library, which
// reads the client's address from ours.
func TestBounce(t *testing.T) {
	d := serve(t, loopback(t), Options{Active: true})
	c := dial(t, d)
	c.signIn("u")
	c.do("PORT 127,0,0,2,200,1", "501")
	c.do("EPRT |1|127.0.0.2|51201|", "501")
	c.do("PORT 127,0,0,1,200,1", "200")
}
