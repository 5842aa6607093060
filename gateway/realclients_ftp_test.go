package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ftp returns the address of the FTP door as curl and lftp take it.
func (s *station) ftp() string { return "ftp://" + s.app.address("ftp") }

// TestCurlFTP stores with curl: plain, with explicit and with implicit TLS, and goes
// on where it was cut off.
func TestCurlFTP(t *testing.T) {
	s := newStation(t, "curl")
	login := ingestUser + ":" + ingestPassword
	for name, args := range map[string][]string{
		"plain":    {s.ftp()},
		"explicit": {s.ftp(), "--ssl-reqd", "-k"},
		"implicit": {"ftps://" + s.app.address("ftps"), "-k"},
		"tls12":    {s.ftp(), "--ssl-reqd", "-k", "--tls-max", "1.2"},
		"active":   {s.ftp(), "-P", "-"}, // refused: curl says so, and nothing is stored
		"epsv":     {s.ftp(), "--disable-eprt"},
		"pasv":     {s.ftp(), "--disable-epsv"},
	} {
		file, data := s.file(name + ".jpg")
		address := args[0] + "/in/" + name + ".jpg"
		args := append([]string{"-sS", "-u", login, "-T", file, address}, args[1:]...)
		out, err := s.run("", nil, "curl", args...)
		if name == "active" {
			if err == nil {
				t.Errorf("active mode is off, and curl was answered: %s", out)
			}
			s.gone("/in/active.jpg")
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		s.owed("/in/"+name+".jpg", data)
		s.stored("/in/"+name+".jpg", data)
	}

	file, data := s.file("long.jpg")
	half := filepath.Join(s.dir, "half.jpg")
	if err := os.WriteFile(half, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("", nil, "curl", "-sS", "-u", login, "-T", half, s.ftp()+"/in/long.jpg")
	s.Settle(t) // held: it is not whole
	s.must("", nil, "curl", "-sS", "-u", login, "-C", "-", "-T", file, s.ftp()+"/in/long.jpg")
	s.owed("/in/long.jpg", data)
	s.stored("/in/long.jpg", data)

	if got := s.must("", nil, "curl", "-sS", "-u", login, s.ftp()+"/in/long.jpg"); got != string(data) {
		t.Errorf("fetched: %d bytes that are others", len(got))
	}
	if out, err := s.run("", nil, "curl", "-sS", "-u", ingestUser+":wrong", "-T", file, s.ftp()+"/in/wrong.jpg"); err == nil {
		t.Errorf("a wrong password was taken: %s", out)
	}
	s.gone("/in/wrong.jpg")
}

// TestLftp mirrors a folder with lftp.
func TestLftp(t *testing.T) {
	for name, settings := range map[string]string{
		"plain": "set ftp:ssl-allow no",
		"tls":   "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no",
		"temp":  "set ftp:ssl-allow no; set xfer:use-temp-file yes; set xfer:temp-file-name .in.*",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, "lftp")
			_, a := s.file("from/2026/a.jpg")
			_, b := s.file("from/2026/summer day/b ü.jpg")
			if err := os.Chtimes(filepath.Join(s.dir, "from/2026/a.jpg"), time.Time{}, time.Unix(1_600_000_000, 0)); err != nil {
				t.Fatal(err)
			}
			lftp := func(commands string) string {
				t.Helper()
				return s.must("", nil, "lftp", "-c", fmt.Sprintf("%s; set net:max-retries 1; set net:timeout 20; set cmd:fail-exit yes; open -u %s,%s %s; %s",
					settings, ingestUser, ingestPassword, s.ftp(), commands))
			}
			lftp("mirror -R from in")
			s.owed("/in/2026/a.jpg", a)
			s.owed("/in/2026/summer day/b ü.jpg", b)
			s.stored("/in/2026/a.jpg", a)
			s.stored("/in/2026/summer day/b ü.jpg", b)
			if out := lftp("cls -l --time-style=%Y-%m-%d in/2026/a.jpg"); !strings.Contains(out, "2020-09-13") {
				t.Errorf("the modification time did not stay: %s", out)
			}
			if out := lftp("mirror -R -v from in"); strings.Contains(out, "Transferring") {
				t.Errorf("what was there was sent again:\n%s", out)
			}
			lftp("mv in/2026 in/2027; rm in/2027/a.jpg")
			s.gone("/in/2027/a.jpg")
			s.stored("/in/2027/summer day/b ü.jpg", b)
		})
	}
}

// TestNcftpput stores a folder with ncftpput, which asks for a SITE UTIME or MFMT
// of each file.
func TestNcftpput(t *testing.T) {
	s := newStation(t, "ncftpput")
	_, a := s.file("from/a.jpg")
	_, b := s.file("from/deep/b.jpg")
	host, port, err := net.SplitHostPort(s.app.address("ftp"))
	if err != nil {
		t.Fatal(err)
	}
	s.must("", nil, "ncftpput", "-R", "-u", ingestUser, "-p", ingestPassword, "-P", port, host, "/in", "from")
	s.owed("/in/from/a.jpg", a)
	s.owed("/in/from/deep/b.jpg", b)
	s.stored("/in/from/a.jpg", a)
	s.stored("/in/from/deep/b.jpg", b)
}

// TestRcloneFTP copies a tree with rclone, which renames each file when it is whole.
func TestRcloneFTP(t *testing.T) {
	s := newStation(t, "rclone")
	host, port, err := net.SplitHostPort(s.app.address("ftp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, explicit := range []string{"false", "true"} {
		env := s.rclone("ftp", "HOST="+host, "PORT="+port, "EXPLICIT_TLS="+explicit, "NO_CHECK_CERTIFICATE=true")
		from := "from-" + explicit
		_, a := s.file(from + "/a.jpg")
		_, b := s.file(from + "/summer day/b ü.jpg")
		s.must("", env, "rclone", "copy", from, "s:in/"+from)
		s.owed("/in/"+from+"/a.jpg", a)
		s.owed("/in/"+from+"/summer day/b ü.jpg", b)
		s.stored("/in/"+from+"/a.jpg", a)
		s.stored("/in/"+from+"/summer day/b ü.jpg", b)
		s.must("", env, "rclone", "check", "--one-way", from, "s:in/"+from)
		s.must("", env, "rclone", "check", "--one-way", "--download", from, "s:in/"+from)
		if out := s.must("", env, "rclone", "copy", "-v", from, "s:in/"+from); strings.Contains(out, "Copied") {
			t.Errorf("what was there was copied again:\n%s", out)
		}
		s.must("", env, "rclone", "purge", "s:in/"+from)
		s.gone("/in/" + from + "/a.jpg")
	}
}
