package ftp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// tree is an account's file system in memory, which stages and keeps partials as
// the real one does.
type tree struct {
	afero.Fs
	mu       sync.Mutex
	partials map[string][]byte
	commits  []string
	closing  func(name string) error // nil: commits succeed
	open     int                     // staged files
}

func newTree() *tree {
	return &tree{Fs: afero.NewMemMapFs(), partials: make(map[string][]byte)}
}

// staged is a file on its way in.
type staged struct {
	afero.File // nil; what is not used
	tree       *tree
	name       string
	data       []byte
	at         int64
	err        error
	keep       bool
}

func (t *tree) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return t.Fs.OpenFile(name, flag, perm)
	}
	if err := t.parent(name); err != nil {
		return nil, err
	}
	s := &staged{tree: t, name: name}
	old, err := afero.ReadFile(t.Fs, name)
	if err == nil && flag&os.O_TRUNC == 0 {
		s.data = old
	}
	if flag&os.O_APPEND != 0 {
		s.at = int64(len(s.data))
	}
	return s.opened(), nil
}

// parent fails where the folder that name is in is missing.
func (t *tree) parent(name string) error {
	_, err := t.Stat(path.Dir(name))
	return err
}

func (s *staged) opened() *staged {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	s.tree.open++
	return s
}

func (t *tree) Open(name string) (afero.File, error) { return t.OpenFile(name, os.O_RDONLY, 0) }

func (t *tree) Partial(name string) (fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.partials[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return partialInfo{size: int64(len(p))}, nil
}

func (t *tree) Resume(name string, offset int64) (afero.File, error) {
	if err := t.parent(name); err != nil {
		return nil, err
	}
	t.mu.Lock()
	data, ok := t.partials[name]
	t.mu.Unlock()
	if !ok {
		data, _ = afero.ReadFile(t.Fs, name)
	}
	if offset > int64(len(data)) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return (&staged{tree: t, name: name, data: bytes.Clone(data), at: offset}).opened(), nil
}

func (t *tree) DropPartial(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.partials, name)
	return nil
}

type partialInfo struct {
	fs.FileInfo
	size int64
}

func (p partialInfo) Size() int64        { return p.size }
func (p partialInfo) IsDir() bool        { return false }
func (p partialInfo) Name() string       { return "partial" }
func (p partialInfo) ModTime() time.Time { return time.Unix(1e9, 0) }
func (p partialInfo) Mode() os.FileMode  { return 0o644 }

func (s *staged) Write(p []byte) (int, error) {
	if end := s.at + int64(len(p)); end > int64(len(s.data)) {
		s.data = append(s.data, make([]byte, end-int64(len(s.data)))...)
	}
	n := copy(s.data[s.at:], p)
	s.at += int64(n)
	return n, nil
}

func (s *staged) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += int64(len(s.data))
	}
	if offset > int64(len(s.data)) {
		return 0, fs.ErrInvalid
	}
	s.at = offset
	return offset, nil
}

func (s *staged) TransferError(err error) { s.err = errors.Join(err, errors.New("aborted")) }
func (s *staged) KeepPartial()            { s.keep = true }

func (s *staged) Stat() (os.FileInfo, error) { return s.tree.Stat(s.name) }

func (s *staged) Close() error {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	s.tree.open--
	if s.err != nil {
		if s.keep {
			s.tree.partials[s.name] = s.data
		}
		return s.err
	}
	if s.tree.closing != nil {
		if err := s.tree.closing(s.name); err != nil {
			return err
		}
	}
	if info, err := s.tree.Fs.Stat(path.Dir(s.name)); s.name != "/"+path.Base(s.name) && (err != nil || !info.IsDir()) {
		return fs.ErrNotExist
	}
	delete(s.tree.partials, s.name)
	s.tree.commits = append(s.tree.commits, s.name)
	return afero.WriteFile(s.tree.Fs, s.name, s.data, 0o644)
}

// Stat gives infos a checksum.
func (t *tree) Stat(name string) (os.FileInfo, error) {
	info, err := t.Fs.Stat(name)
	if err != nil || info.IsDir() {
		return info, err
	}
	data, err := afero.ReadFile(t.Fs, name)
	return summed{info, sha256.Sum256(data)}, err
}

type summed struct {
	fs.FileInfo
	sum [sha256.Size]byte
}

func (t summed) Checksums() []string { return []string{fmt.Sprintf("SHA256:%x", t.sum)} }

// put makes a file.
func (t *tree) put(tb testing.TB, name, data string) {
	tb.Helper()
	if err := afero.WriteFile(t.Fs, name, []byte(data), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// get returns a file, or "-" where there is none.
func (t *tree) get(name string) string {
	data, err := afero.ReadFile(t.Fs, name)
	if err != nil {
		return "-"
	}
	return string(data)
}

// partial returns what was kept, or "-".
func (t *tree) partial(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.partials[name]; ok {
		return string(p)
	}
	return "-"
}

// startFTP serves a door for user "ann", password "pw", over tree, and returns its
// address. Serve has ended when the test has.
func startFTP(t testing.TB, tr afero.Fs, change func(*Options), listen ...string) string {
	t.Helper()
	o := Options{
		LogIn: func(_ context.Context, user, password string, _ netip.Addr, _ bool) (Account, error) {
			if user != "ann" || password != "pw" {
				return Account{}, errors.New("the name or the password is wrong")
			}
			return Account{FS: tr}, nil
		},
		Lenient: true, Stall: patience, Grace: 100 * time.Millisecond, Control: Control{HangUpTimeout: 50 * time.Millisecond},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", append(listen, "127.0.0.1:0")[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, o.Control.Implicit) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if tr, ok := tr.(*tree); ok && tr.open != 0 {
			t.Errorf("%d staged files were never closed", tr.open)
		}
	})
	return l.Addr().String()
}

// client speaks FTP line by line.
type client struct {
	testing.TB
	addr string
	conn net.Conn
	text *textproto.Conn
}

// dial connects and reads the greeting.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := newClient(t, addr, conn)
	c.expect("220")
	return c
}

func newClient(t testing.TB, addr string, conn net.Conn) *client {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{TB: t, addr: addr, conn: conn, text: textproto.NewConn(conn)}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// signIn connects as ann.
func signIn(t testing.TB, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	c.do("331", "USER ann")
	c.do("230", "PASS pw")
	return c
}

// do sends a command and returns the reply, which must begin like want.
func (c *client) do(want, line string) string {
	c.Helper()
	c.say(line)
	return c.expect(want)
}

func (c *client) say(line string) {
	c.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.Fatal(err)
	}
}

// expect reads a reply.
func (c *client) expect(want string) string {
	c.Helper()
	code, text, err := c.text.ReadResponse(0)
	got := fmt.Sprintf("%d %s", code, text)
	if err != nil {
		c.Fatalf("%v instead of %s", err, want)
	}
	if !strings.HasPrefix(got, want) {
		c.Fatalf("got %q, want %s", got, want)
	}
	return got
}

// data opens a passive data connection.
func (c *client) data() *net.TCPConn {
	c.Helper()
	var port int
	reply := c.do("229", "EPSV")
	if _, err := fmt.Sscanf(reply[strings.Index(reply, "("):], "(|||%d|)", &port); err != nil {
		c.Fatalf("%q: %v", reply, err)
	}
	host, _, _ := net.SplitHostPort(c.addr)
	conn, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// send transfers data by a command, and returns the last reply.
func (c *client) send(want, line, data string) string {
	c.Helper()
	d := c.data()
	c.do("150", line)
	if _, err := io.WriteString(d, data); err != nil {
		c.Fatal(err)
	}
	d.Close()
	return c.expect(want)
}

// receive returns what a command transfers.
func (c *client) receive(line string) string {
	c.Helper()
	d := c.data()
	c.do("150", line)
	data, err := io.ReadAll(d)
	if err != nil {
		c.Fatal(err)
	}
	c.expect("226")
	return string(data)
}
