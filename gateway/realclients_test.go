package main

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/uploader/whole/wholetest"
)

// station is a gateway for a program of somebody else's to work with.
type station struct {
	*ingestGateway
	t    *testing.T
	dir  string     // for the program's own files
	look *davClient // to see what is there
	seed uint64
	want []ingesttest.Upload
}

// newStation starts a gateway for programs, all of which must be installed.
func newStation(t *testing.T, programs ...string) *station {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	g := startIngest(t, 300*time.Millisecond, nil)
	return &station{ingestGateway: g, t: t, dir: t.TempDir(), look: newDAVClient(t, g.dav(), ingestUser, ingestPassword)}
}

func (g *ingestGateway) dav() string { return "http://" + g.app.address("web") + davPrefix }

// file makes a picture in the program's folder.
func (s *station) file(name string) (string, []byte) {
	s.t.Helper()
	s.seed++
	data := wholetest.JPEG(64, 64, s.seed)
	full := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return full, data
}

// run runs a program to its end, and returns what it said.
func (s *station) run(stdin string, env []string, name string, args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), name, args...)
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), append([]string{"HOME=" + s.dir, "LC_ALL=C.UTF-8"}, env...)...)
	cmd.WaitDelay = time.Second
	end := time.AfterFunc(patience, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	defer end.Stop()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is run of what has to succeed.
func (s *station) must(stdin string, env []string, name string, args ...string) string {
	s.t.Helper()
	out, err := s.run(stdin, env, name, args...)
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// owed says that data is to have been uploaded from path, once.
func (s *station) owed(path string, data []byte) {
	s.want = append(s.want, ingesttest.Upload{Path: path, SHA256: sha256.Sum256(data)})
}

// stored waits until data is at path, which some programs write after they end,
// and uploads are at rest, and compares what the host got.
func (s *station) stored(path string, data []byte) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got, err := s.look.Get(path)
		if err == nil && string(got) == string(data) {
			break
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: %d bytes that are not those of the client, %v", path, len(got), err)
		}
	}
	s.Settle(s.t)
	sent := s.Sent()
	less := func(a, b ingesttest.Upload) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(sent, less)
	slices.SortFunc(s.want, less)
	if !slices.Equal(sent, s.want) {
		s.t.Fatalf("the host got\n%s\nand not\n%s", uploads(sent), uploads(s.want))
	}
}

func uploads(list []ingesttest.Upload) string {
	var b strings.Builder
	for _, u := range list {
		fmt.Fprintf(&b, "%x %s\n", u.SHA256[:4], u.Path)
	}
	return b.String()
}

// gone fails where something is still at path.
func (s *station) gone(path string) {
	s.t.Helper()
	if data, err := s.look.Get(path); err == nil {
		s.t.Fatalf("%s is still there, %d bytes", path, len(data))
	}
}

// TestCurl stores, looks and fetches with curl.
func TestCurl(t *testing.T) {
	s := newStation(t, "curl")
	curl := func(args ...string) string {
		t.Helper()
		return s.must("", nil, "curl", append([]string{"-sS", "--fail-with-body", "-u", ingestUser + ":" + ingestPassword}, args...)...)
	}
	name, data := s.file("curl.jpg")
	curl("-T", name, s.dav()+"/in/")
	s.owed("/in/curl.jpg", data)
	s.stored("/in/curl.jpg", data)

	_, data = s.file("curl.jpg")
	curl("-H", "Expect: 100-continue", "-T", name, s.dav()+"/in/curl.jpg")
	s.owed("/in/curl.jpg", data)
	s.stored("/in/curl.jpg", data)

	head := curl("-I", s.dav()+"/in/curl.jpg")
	if !strings.Contains(head, fmt.Sprintf("Content-Length: %d", len(data))) || !strings.Contains(head, `rel="canonical"`) {
		t.Errorf("HEAD after the upload:\n%s", head)
	}
	if got := curl("-r", "2-5", s.dav()+"/in/curl.jpg"); got != string(data[2:6]) {
		t.Errorf("a range: %q", got)
	}
	if out, err := s.run("", nil, "curl", "-sS", "--fail-with-body", "-u", ingestUser+":wrong", "-T", name, s.dav()+"/in/other.jpg"); err == nil {
		t.Errorf("a wrong password was taken: %s", out)
	}
	s.gone("/in/other.jpg")
}

// TestCadaver goes through a session of cadaver, which locks and sets properties.
func TestCadaver(t *testing.T) {
	s := newStation(t, "cadaver")
	u, err := url.Parse(s.dav())
	if err != nil {
		t.Fatal(err)
	}
	netrc := fmt.Sprintf("machine %s login %s password %s\n", u.Hostname(), ingestUser, ingestPassword)
	if err := os.WriteFile(filepath.Join(s.dir, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	_, data := s.file("a.jpg")
	cadaver := func(commands ...string) string {
		t.Helper()
		out := s.must(strings.Join(append(commands, "quit", ""), "\n"), nil, "cadaver", s.dav()+"/in/")
		if strings.Contains(out, "failed") {
			t.Fatalf("cadaver:\n%s", out)
		}
		return out
	}
	cadaver("mkcol album", "put a.jpg album/a.jpg")
	s.owed("/in/album/a.jpg", data)
	s.stored("/in/album/a.jpg", data)

	cadaver("lock album/a.jpg", "propset album/a.jpg colour blue", "discover album/a.jpg", "unlock album/a.jpg")
	if out := cadaver("propget album/a.jpg colour"); !strings.Contains(out, "blue") {
		t.Errorf("the property did not stay:\n%s", out)
	}
	cadaver("move album/a.jpg album/b.jpg")
	s.gone("/in/album/a.jpg")
	if out := cadaver("propget album/b.jpg colour"); !strings.Contains(out, "blue") {
		t.Errorf("the property did not move with its file:\n%s", out)
	}
	cadaver("move album album2")
	s.stored("/in/album2/b.jpg", data) // and no second upload
	if out := cadaver("ls album2"); !strings.Contains(out, "b.jpg") || !strings.Contains(out, fmt.Sprint(len(data))) {
		t.Errorf("the listing:\n%s", out)
	}
	cadaver("delete album2/b.jpg", "rmcol album2")
	s.gone("/in/album2/b.jpg")
}

// TestRclone copies a tree with rclone, once as to any WebDAV server and once as to
// ownCloud, which compares hashes.
func TestRclone(t *testing.T) {
	for _, vendor := range []string{"other", "owncloud"} {
		t.Run(vendor, func(t *testing.T) {
			s := newStation(t, "rclone")
			env := s.rclone("webdav", "URL="+s.dav(), "VENDOR="+vendor)
			_, a := s.file("from/2026/a.jpg")
			_, b := s.file("from/2026/summer day/b ü.jpg")
			if err := os.Chtimes(filepath.Join(s.dir, "from/2026/a.jpg"), time.Time{}, time.Unix(1_600_000_000, 0)); err != nil {
				t.Fatal(err)
			}
			s.must("", env, "rclone", "copy", "from", "s:in")
			s.owed("/in/2026/a.jpg", a)
			s.owed("/in/2026/summer day/b ü.jpg", b)
			s.stored("/in/2026/a.jpg", a)
			s.stored("/in/2026/summer day/b ü.jpg", b)

			s.must("", env, "rclone", "check", "--one-way", "--download", "from", "s:in")
			out := s.must("", env, "rclone", "check", "--one-way", "-v", "from", "s:in")
			if vendor == "owncloud" {
				if !strings.Contains(out, "0 differences found") || strings.Contains(out, "hashes could not be checked") {
					t.Errorf("no hashes were compared:\n%s", out)
				}
				if out := s.must("", env, "rclone", "lsl", "s:in/2026/a.jpg"); !strings.Contains(out, "2020-09-13") {
					t.Errorf("the modification time did not stay: %s", out)
				}
			}
			out = s.must("", env, "rclone", "copy", "-v", "from", "s:in")
			s.stored("/in/2026/a.jpg", a)
			if vendor == "owncloud" && strings.Contains(out, "Copied") {
				t.Errorf("what was there whole was copied again:\n%s", out)
			}
			s.must("", env, "rclone", "moveto", "s:in/2026/a.jpg", "s:in/2026/c.jpg")
			s.stored("/in/2026/c.jpg", a)
			s.must("", env, "rclone", "purge", "s:in/2026")
			s.gone("/in/2026/c.jpg")
		})
	}
}

// rclone returns the environment that makes "s:" the gateway, reached by backend.
func (s *station) rclone(backend string, options ...string) []string {
	s.t.Helper()
	hidden := strings.TrimSpace(s.must("", nil, "rclone", "obscure", ingestPassword))
	env := []string{"RCLONE_CONFIG=" + os.DevNull, "RCLONE_CONFIG_S_TYPE=" + backend,
		"RCLONE_CONFIG_S_USER=" + ingestUser, "RCLONE_CONFIG_S_PASS=" + hidden}
	for _, o := range options {
		env = append(env, "RCLONE_CONFIG_S_"+o)
	}
	return env
}

// TestDavfs2 mounts the gateway as a drive of Linux and works in it as people do.
// No folder is listed through the mount: some kernels refuse what davfs2 answers.
func TestDavfs2(t *testing.T) {
	s := newStation(t, "mount.davfs", "umount")
	mount := s.mount()
	_, a := s.file("a.jpg")
	in := filepath.Join(mount, "in")
	s.must("", nil, "cp", "a.jpg", filepath.Join(in, "a.jpg"))
	s.owed("/in/a.jpg", a)
	s.stored("/in/a.jpg", a)

	_, a = s.file("a.jpg")
	s.must("", nil, "cp", "a.jpg", filepath.Join(in, "a.jpg"))
	s.owed("/in/a.jpg", a)
	s.stored("/in/a.jpg", a)
	s.must("", nil, "cmp", "a.jpg", filepath.Join(in, "a.jpg"))

	_, b := s.file("b.jpg")
	tmp, final := filepath.Join(in, ".b.jpg.tmp"), filepath.Join(in, "b.jpg")
	s.must("", nil, "sh", "-c", fmt.Sprintf("cp b.jpg '%s' && mv '%s' '%s'", tmp, tmp, final))
	s.owed("/in/b.jpg", b)
	s.stored("/in/b.jpg", b)

	s.must("", nil, "mkdir", filepath.Join(in, "album"))
	_, c := s.file("c.jpg")
	s.must("", nil, "cp", "c.jpg", filepath.Join(in, "album", "c.jpg"))
	s.owed("/in/album/c.jpg", c)
	s.stored("/in/album/c.jpg", c)
	s.must("", nil, "mv", filepath.Join(in, "album"), filepath.Join(in, "holiday"))
	s.stored("/in/holiday/c.jpg", c)
	s.gone("/in/album/c.jpg")

	s.must("", nil, "rm", filepath.Join(in, "a.jpg"))
	s.gone("/in/a.jpg")
	s.stored("/in/b.jpg", b)
}

// mount mounts the gateway for the time of the test and returns the folder.
func (s *station) mount() string {
	s.t.Helper()
	if os.Geteuid() != 0 {
		s.t.Skip("mounting needs root")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		s.t.Skipf("this machine cannot mount: %v", err)
	} else {
		f.Close()
	}
	at, cache := filepath.Join(s.dir, "mnt"), filepath.Join(s.dir, "cache")
	for _, dir := range []string{at, cache} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	for dir, mode := range map[string]os.FileMode{filepath.Dir(s.dir): 0o755, s.dir: 0o755, cache: 0o777} {
		if err := os.Chmod(dir, mode); err != nil { // the drive's daemon is another user
			s.t.Fatal(err)
		}
	}
	conf, secrets := filepath.Join(s.dir, "davfs2.conf"), filepath.Join(s.dir, "secrets")
	text := fmt.Sprintf("ask_auth 0\nuse_locks 1\ndelay_upload 0\nfile_refresh 0\ndir_refresh 1\ncache_dir %s\nsecrets %s\n", cache, secrets)
	for name, text := range map[string]string{conf: text, secrets: fmt.Sprintf("%s/ %s %s\n", s.dav(), ingestUser, ingestPassword)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if out, err := s.run("", nil, "mount.davfs", s.dav()+"/", at, "-o", "conf="+conf+",uid=0,gid=0"); err != nil {
		if strings.Contains(out, "fuse") || strings.Contains(out, "ermission") {
			s.t.Skipf("this machine cannot mount: %s", out)
		}
		s.t.Fatalf("mounting: %v\n%s", err, out)
	}
	s.t.Cleanup(func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			s.t.Errorf("unmounting: %v\n%s", err, out)
			exec.Command("umount", "-l", at).Run() //nolint:errcheck // what is left to try
		}
	})
	return at
}
