package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/textproto"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
)

// TestIngestFTP runs the suite of every door over FTP.
func TestIngestFTP(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return dialFTP(t, a.address("ftp"), ingestUser, ingestPassword)
		})
	})
}

// TestIngestFTPS runs it over FTP with TLS from the first byte.
func TestIngestFTPS(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startIngest(t, quiet, func(t *testing.T, a *app) ingesttest.Door {
			return dialFTPS(t, a.address("ftps"), ingestUser, ingestPassword)
		})
	})
}

// ftpClient is a plain FTP client: one control connection, passive transfers.
type ftpClient struct {
	addr string
	from net.Dialer  // its own address
	tls  *tls.Config // nil: no TLS
	text *textproto.Conn
	conn net.Conn
}

var (
	_ ingesttest.Door     = (*ftpClient)(nil)
	_ ingesttest.Cutter   = (*ftpClient)(nil)
	_ ingesttest.Streamer = (*ftpClient)(nil)
	_ ingesttest.Resumer  = (*ftpClient)(nil)
)

// dialFTP signs in to the FTP door at addr.
func dialFTP(t *testing.T, addr, user, password string) *ftpClient {
	t.Helper()
	c := &ftpClient{addr: addr}
	c.connect(t)
	c.login(t, user, password)
	return c
}

// dialFTPS signs in to the door at addr, which begins with TLS.
func dialFTPS(t *testing.T, addr, user, password string) *ftpClient {
	t.Helper()
	c := &ftpClient{addr: addr, tls: &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(4)}}
	c.connect(t)
	c.login(t, user, password)
	c.must(t, 200, "PBSZ 0")
	c.must(t, 200, "PROT P")
	return c
}

// connect dials and reads the greeting.
func (c *ftpClient) connect(t *testing.T) {
	t.Helper()
	if err := c.open(); err != nil {
		t.Fatal(err)
	}
	conn := c.conn
	t.Cleanup(func() { conn.Close() })
}

// open is connect without a test.
func (c *ftpClient) open() error {
	conn, err := c.from.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	if c.tls != nil {
		conn = tls.Client(conn, c.tls)
	}
	c.conn, c.text = conn, textproto.NewConn(conn)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, _, err = c.reply(220)
	return err
}

// startTLS switches to TLS by AUTH, for data too.
func (c *ftpClient) startTLS(t *testing.T, config *tls.Config) {
	t.Helper()
	c.must(t, 234, "AUTH TLS")
	c.tls = config
	c.upgraded(tls.Client(c.conn, config))
	c.must(t, 200, "PBSZ 0")
	c.must(t, 200, "PROT P")
}

// upgraded goes on under TLS.
func (c *ftpClient) upgraded(conn *tls.Conn) { c.conn, c.text = conn, textproto.NewConn(conn) }

func (c *ftpClient) login(t *testing.T, user, password string) {
	t.Helper()
	c.must(t, 331, "USER %s", user)
	c.must(t, 230, "PASS %s", password)
	c.must(t, 200, "TYPE I")
}

// must sends a command and ends the test unless the reply's code begins like want.
func (c *ftpClient) must(t *testing.T, want int, format string, args ...any) string {
	t.Helper()
	_, text, err := c.do(want, format, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// do sends a command and reads its reply, whose code must begin like want.
func (c *ftpClient) do(want int, format string, args ...any) (code int, text string, err error) {
	line := fmt.Sprintf(format, args...)
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", err
	}
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return 0, "", err
	}
	code, text, err = c.reply(want)
	if err != nil {
		verb, _, _ := strings.Cut(line, " ")
		err = fmt.Errorf("%s: %w", verb, err)
	}
	return code, text, err
}

// reply reads one reply.
func (c *ftpClient) reply(want int) (code int, text string, err error) {
	code, text, err = c.text.ReadResponse(want)
	var e *textproto.Error
	if errors.As(err, &e) && e.Code == 550 && strings.Contains(e.Msg, "no such file") {
		err = fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return code, text, err
}

// data opens a passive data connection.
func (c *ftpClient) data() (net.Conn, error) {
	_, text, err := c.do(229, "EPSV")
	if err != nil {
		return nil, err
	}
	_, port, found := strings.Cut(text, "(|||")
	port, _, ok := strings.Cut(port, "|)")
	if !found || !ok {
		return nil, fmt.Errorf("EPSV is answered %q", text)
	}
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return nil, err
	}
	conn, err := c.from.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

// begin opens a data connection for a command.
func (c *ftpClient) begin(format string, args ...any) (net.Conn, error) {
	conn, err := c.data()
	if err != nil {
		return nil, err
	}
	if _, _, err := c.do(150, format, args...); err != nil {
		conn.Close()
		return nil, err
	}
	if c.tls != nil {
		conn = tls.Client(conn, c.tls)
	}
	return conn, nil
}

// send sends data by a command.
func (c *ftpClient) send(r io.Reader, format string, args ...any) error {
	conn, err := c.begin(format, args...)
	if err != nil {
		return err
	}
	if t, ok := conn.(*tls.Conn); ok {
		err = t.Handshake() // also where there is nothing to send
	}
	_, copyErr := io.Copy(struct{ io.Writer }{conn}, r)
	err = errors.Join(err, copyErr, conn.Close())
	if _, _, e := c.reply(226); e != nil {
		return e
	}
	return err
}

// receive returns what a command sends.
func (c *ftpClient) receive(format string, args ...any) ([]byte, error) {
	conn, err := c.begin(format, args...)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(conn)
	conn.Close()
	if _, _, e := c.reply(226); e != nil {
		return nil, e
	}
	return data, err
}

func (c *ftpClient) Put(name string, data []byte) error {
	return c.send(bytes.NewReader(data), "STOR %s", name)
}

func (c *ftpClient) PutFrom(name string, r io.Reader) error { return c.send(r, "STOR %s", name) }

// PutAt appends, or goes on from an offset.
func (c *ftpClient) PutAt(name string, offset int64, data []byte) error {
	if offset == 0 {
		return c.Put(name, data)
	}
	if _, _, err := c.do(350, "REST %d", offset); err != nil {
		return err
	}
	return c.Put(name, data)
}

// PutCut resets the data connection.
func (c *ftpClient) PutCut(name string, data []byte, n int) error {
	conn, err := c.begin("STOR %s", name)
	if err != nil {
		return err
	}
	if _, err := conn.Write(data[:n]); err != nil {
		return err
	}
	if err := c.reset(conn); err != nil {
		return err
	}
	if code, text, err := c.reply(550); err != nil {
		return fmt.Errorf("a STOR that was cut is answered %d %s", code, text)
	}
	return nil
}

// reset ends a data connection as a client does that loses its power.
func (c *ftpClient) reset(conn net.Conn) error {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	return errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close())
}

func (c *ftpClient) Get(name string) ([]byte, error) { return c.receive("RETR %s", name) }

func (c *ftpClient) List(dir string) ([]string, error) {
	data, err := c.receive("MLSD %s", dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		_, name, _ := strings.Cut(s.Text(), " ")
		names = append(names, name)
	}
	return names, nil
}

func (c *ftpClient) Mkdir(dir string) error {
	_, _, err := c.do(257, "MKD %s", dir)
	return err
}

func (c *ftpClient) Remove(name string) error {
	_, _, err := c.do(250, "DELE %s", name)
	return err
}

func (c *ftpClient) Rename(from, to string) error {
	if _, _, err := c.do(350, "RNFR %s", from); err != nil {
		return err
	}
	_, _, err := c.do(250, "RNTO %s", to)
	return err
}

// size returns what SIZE says.
func (c *ftpClient) size(name string) (int64, error) {
	_, text, err := c.do(213, "SIZE %s", name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(path.Base(text), 10, 64)
}
