package front

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"slipway/gateway/ftp/front/dialogue"
)

// driver is a small FTP server: everybody's password is "secret".
type driver struct {
	ln    *Listener
	fs    afero.Fs
	data  *tls.Config
	grip  sync.Mutex    // held: no upload ends
	check chan struct{} // when not nil, a password is checked once this is closed

	mu   sync.Mutex
	seen []*Session // of those who signed in
}

func (d *driver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{Listener: d.ln, DefaultTransferType: ftpserver.TransferTypeBinary,
		DisableASCIIConversion: true, DisableSite: true, ActiveTransferPortNon20: true}, nil
}
func (d *driver) ClientConnected(ftpserver.ClientContext) (string, error) { return "hello", nil }
func (d *driver) ClientDisconnected(ftpserver.ClientContext)              {}
func (d *driver) GetTLSConfig() (*tls.Config, error) {
	if d.data == nil {
		return nil, errors.New("no TLS here")
	}
	return d.data, nil
}

func (d *driver) AuthUser(c ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	if d.check != nil {
		<-d.check
	}
	if password != "secret" {
		return nil, errors.New("wrong name or password")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, SessionOf(c.RemoteAddr()))
	return &tree{d.fs, d}, nil
}

// tree is the files of driver.
type tree struct {
	afero.Fs
	d *driver
}

func (t *tree) AllocateSpace(int) error { return nil }

func (t *tree) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := t.Fs.OpenFile(name, flag, perm)
	if err != nil || flag&os.O_WRONLY == 0 {
		return f, err
	}
	return &gripped{f, t.d}, nil
}

// gripped is a file that is closed once nobody grips the driver.
type gripped struct {
	afero.File
	d *driver
}

func (f *gripped) Close() error {
	f.d.grip.Lock()
	defer f.d.grip.Unlock()
	return f.File.Close()
}

// serve starts a driver behind a Listener on inner, and stops it with the test.
func serve(t *testing.T, inner net.Listener, opt Options) *driver {
	t.Helper()
	d := &driver{ln: Listen(inner, opt), fs: afero.NewMemMapFs(), data: withoutTickets(opt.TLS)}
	server := ftpserver.NewFtpServer(d)
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		ctx := t.Context() // it has ended
		if err := d.ln.Shutdown(ctx); err != nil && !errors.Is(err, ctx.Err()) {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Errorf("the library did not take it for an orderly end: %v", err)
		}
	})
	return d
}

// loopback listens on this machine.
func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// client is the other end of a control connection.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newClient(t *testing.T, c net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	return &client{c, t, bufio.NewReader(c)}
}

// dial connects to d and takes its greeting.
func dial(t *testing.T, d *driver) *client {
	t.Helper()
	c, err := net.Dial("tcp", d.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	k := newClient(t, c)
	k.want("220")
	return k
}

// reply reads one reply whole, and returns its lines joined by "|".
func (c *client) reply() string {
	c.t.Helper()
	var lines []string
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return strings.Join(append(lines, "("+err.Error()+")"), "|")
		}
		line = strings.TrimSuffix(line, "\r\n")
		lines = append(lines, line)
		if len(line) > 3 && line[3] == ' ' && line[0] != ' ' && line[:3] == lines[0][:3] {
			return strings.Join(lines, "|")
		}
	}
}

// expects is want for another goroutine than the test's.
func (c *client) expects(prefix string) {
	c.t.Helper()
	if got := c.reply(); !strings.HasPrefix(got, prefix) {
		c.t.Errorf("the reply is %q, and should begin with %q", got, prefix)
	}
}

// want reads a reply and fails unless it begins with one.
func (c *client) want(prefix string) string {
	c.t.Helper()
	got := c.reply()
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("the reply is %q, and should begin with %q", got, prefix)
	}
	return got
}

// send sends bytes.
func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// do sends a command and wants a reply.
func (c *client) do(line, prefix string) string {
	c.t.Helper()
	c.send(line + "\r\n")
	got := c.reply()
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("%.80s: the reply is %q, and should begin with %q", line, got, prefix)
	}
	return got
}

func (c *client) signIn(user string) {
	c.t.Helper()
	c.do("USER "+user, "331")
	c.do("PASS secret", "230")
}

// data opens a passive data connection.
func (c *client) data() net.Conn {
	c.t.Helper()
	var port int
	got := c.do("EPSV", "229")
	if _, err := fmt.Sscanf(got[strings.Index(got, "("):], "(|||%d|)", &port); err != nil {
		c.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

// begin begins an upload with a command, and returns its data connection.
func (c *client) begin(line string) (net.Conn, string) {
	c.t.Helper()
	conn := c.data()
	return conn, c.do(line, "150")
}

// store uploads text with a command, and returns the two replies.
func (c *client) store(line, text string) (first, last string) {
	c.t.Helper()
	conn, first := c.begin(line)
	io.WriteString(conn, text)
	conn.Close()
	return first, c.want("226")
}

// fetch returns what comes over the data connection of a command.
func (c *client) fetch(line string) string {
	c.t.Helper()
	conn, _ := c.begin(line)
	b, err := io.ReadAll(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.want("226")
	return string(b)
}

// startTLS sends AUTH and shakes hands.
func (c *client) startTLS(config *tls.Config) *tls.Conn {
	c.t.Helper()
	c.do("AUTH TLS", "234")
	t := tls.Client(c.Conn, config)
	if err := t.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.Conn, c.r = t, bufio.NewReader(t)
	return t
}

// certificate makes a certificate for "localhost" with the serial number given.
func certificate(t *testing.T, serial int64) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func serverTLS(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*certificate(t, 1)}}
}

// TestDevice drives the library as a device would, with all that it lacks.
func TestDevice(t *testing.T) {
	d := serve(t, loopback(t), Options{})
	c := dial(t, d)
	c.signIn("camera")
	c.do("STRU F", "200")
	c.do("type L 8", "200")
	c.do("HELP", "214-")
	c.do("ALLO 5 R 1", "200")
	c.do("OPTS MLST size;modify;", "200 MLST OPTS Type;Size;Modify;")
	c.do("XMKD a", "257")
	c.do("CWD //a", "250")
	c.do("CWD", "250")
	c.do("XPWD", `257 "/a"`)
	c.do("XCUP", "250")
	c.do("PORT 127,0,0,1,1,1", "502")
	c.do("NOOP "+strings.Repeat("x", 3*dialogue.MaxLine), "500")
	c.do("SIZE "+strings.Repeat("x", dialogue.MaxLine-len("SIZE \r\n")), "550") // the longest that is allowed
	c.do("SIZE "+strings.Repeat("x", dialogue.MaxLine-len("SIZE \r\n")+1), "500")
	c.do("NOOP", "200")

	first, last := c.store("STOU", "picture")
	name := strings.TrimPrefix(first, "150 FILE: ")
	if last != "226 Stored as "+name {
		t.Errorf("%q, %q", first, last)
	}
	if b, err := afero.ReadFile(d.fs, "/"+name); err != nil || string(b) != "picture" {
		t.Errorf("STOU stored %q, %v", b, err)
	}
	c.store("STOR DSC_0001.JPG", "one")
	c.store("STOR 20200102030405 b", "two")
	c.do("MDTM 20200102030405 DSC_0001.JPG", "213")
	c.do("MDTM DSC_0001.JPG", "213 20200102030405")
	if got := c.do("MDTM 20200102030405 b", "213"); got == "213 20200102030405" || strings.Contains(got, "Modify") {
		t.Errorf("a file whose name begins with a time: %q", got)
	}
	c.do("MDTM 20200102030405 missing", "550")
	if got := c.do("STAT -l /", "21"); strings.Contains(got, "%s") || !strings.Contains(got, "DSC_0001.JPG") {
		t.Error(got)
	}
	if got := c.fetch("LIST -la"); !strings.Contains(got, "DSC_0001.JPG") {
		t.Error(got)
	}
	if got := c.fetch("RETR DSC_0001.JPG"); got != "one" {
		t.Error(got)
	}
	c.fetch("NLST DSC*.JPG")
	if got := d.seen[0].Glob(); got != "DSC*.JPG" {
		t.Errorf("the pattern of NLST is %q", got)
	}
	if got := c.do("FEAT", "211-"); !strings.Contains(got, "| MLST Type*;Size*;Modify*;|") || strings.Contains(got, "AUTH") || strings.Contains(got, "EPRT") {
		t.Error(got)
	}
	c.do("QUIT", "221")
	if got := c.reply(); got != "(EOF)" {
		t.Errorf("after QUIT: %q", got)
	}
}

// TestPipelined: replies keep the order of commands, also behind a transfer.
func TestPipelined(t *testing.T) {
	d := serve(t, loopback(t), Options{})
	c := dial(t, d)
	c.send("USER u\r\nPASS secret\r\nSTRU F\r\nNOOP\r\nHELP\r\n")
	for _, want := range []string{"331", "230", "200 Files", "200 OK", "214-"} {
		c.want(want)
	}
	conn := c.data()
	c.send("STOR a\r\nSTRU F\r\nSIZE a\r\nXCUP\r\n")
	c.want("150")
	io.WriteString(conn, "four")
	conn.Close()
	for _, want := range []string{"226", "200 Files", "213 4", "250"} {
		c.want(want)
	}
}

// TestAbort: Telnet's Interrupt Process and Data Mark before ABOR, in mid-transfer.
func TestAbort(t *testing.T) {
	d := serve(t, loopback(t), Options{})
	c := dial(t, d)
	c.signIn("u")
	c.begin("STOR a")
	c.do("STAT", "211-")
	c.send("\xff\xf4\xff\xf2ABOR\r\n")
	c.want("426")
	c.want("226")
	c.do("STRU F", "200 Files")
	c.store("STOR b", "whole")
}

// TestSessionOf: the driver reaches the session through the address that the
// library gives it.
func TestSessionOf(t *testing.T) {
	d := serve(t, loopback(t), Options{TLS: serverTLS(t)})
	c := dial(t, d)
	c.startTLS(&tls.Config{InsecureSkipVerify: true})
	c.signIn("u")
	s := d.seen[0]
	if s == nil {
		t.Fatal("there is no session")
	}
	if got := s.Remote().String(); got != c.LocalAddr().String() {
		t.Errorf("the client is %s, and not %s", got, c.LocalAddr())
	}
	if state, ok := s.ConnectionState(); !ok || !state.HandshakeComplete || !s.Secure() {
		t.Errorf("TLS: %v, %v", ok, s.Secure())
	}
	s.SetValue("key", 1)
	if s.Value("key") != 1 || s.Value("other") != nil {
		t.Error("a value is lost")
	}
	if SessionOf(ipv4) != nil {
		t.Error("a foreign address has a session")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := c.reply(); !strings.HasPrefix(got, "(") {
		t.Errorf("after Close: %q", got)
	}
}

// TestTries: a wrong password may be corrected on the same connection, but not for
// ever.
func TestTries(t *testing.T) {
	d := serve(t, loopback(t), Options{MaxFailures: 3})
	c := dial(t, d)
	for range 2 {
		c.do("USER u", "331")
		c.do("PASS wrong", "530")
	}
	c.do("PWD", "530")
	c.signIn("u")
	c.do("PWD", "257")
	c.do("QUIT", "221")
	if got := c.reply(); got != "(EOF)" {
		t.Errorf("after QUIT: %q", got)
	}
	c = dial(t, d)
	for range 2 {
		c.do("USER u", "331")
		c.do("PASS wrong", "530")
	}
	c.do("USER u", "331")
	c.do("PASS wrong", "421")
	if got := c.reply(); got != "(EOF)" {
		t.Errorf("after the third wrong password: %q", got)
	}
}
