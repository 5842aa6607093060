package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// deviceTalk is one control connection of a device.
type deviceTalk struct {
	ftpClient
	r       *deviceRun
	vars    map[string]string
	fault   fault // what happens to the first file
	again   bool  // it was all said before
	lineEnd string
	refused bool         // the last command that depends on none
	secret  bool         // data connections are under TLS
	agreed  net.Conn     // the data connection that PASV led to
	awaited net.Listener // for the one that PORT leads to
	heard   string       // the last reply, or what was received
}

// errCut ends a talk that was cut on purpose.
var errCut = errors.New("cut")

func (r *deviceRun) talk(vars map[string]string, f fault, again bool) *deviceTalk {
	return &deviceTalk{r: r, vars: vars, fault: f, again: again, lineEnd: "\r\n"}
}

// all says all lines, and hangs up.
func (d *deviceTalk) all(lines []deviceLine) error {
	defer d.end()
	for _, l := range lines {
		if err := d.line(l); err != nil {
			return fmt.Errorf("%s.txt:%d: %w", d.r.family, l.number, err)
		}
	}
	return nil
}

func (d *deviceTalk) end() {
	if d.conn != nil {
		d.conn.Close()
	}
	d.forget()
}

// forget closes what is there for a data connection.
func (d *deviceTalk) forget() {
	if d.agreed != nil {
		d.agreed.Close()
	}
	if d.awaited != nil {
		d.awaited.Close()
	}
	d.agreed, d.awaited = nil, nil
}

func (d *deviceTalk) line(l deviceLine) error {
	d.r.Helper()
	if deviceVerbs[l.word] > 0 {
		d.r.once(l)
		return nil
	}
	switch l.word {
	case "connect", "login":
		return d.dial(l)
	case "hang-up":
		return d.conn.Close()
	case "lines":
		d.lineEnd = map[string]string{"lf": "\n", "crlf": "\r\n"}[l.args[0]]
		return nil
	}
	if l.only != "" && (l.only == "?") != d.refused {
		return nil
	}
	return d.said(l)
}

// dial connects, and signs in for login.
func (d *deviceTalk) dial(l deviceLine) error {
	d.addr = d.r.g.app.address("ftp")
	if len(l.args) == 1 && l.args[0] == "implicit" {
		d.addr, d.tls, d.secret = d.r.g.app.address("ftps"), deviceTLS(), true
	}
	if err := d.open(); err != nil || l.word == "connect" {
		return err
	}
	if _, _, err := d.do(331, "USER %s", d.vars["user"]); err != nil {
		return err
	}
	_, _, err := d.do(230, "PASS %s", d.vars["password"])
	return err
}

// deviceTLS is that of a device that knows no certificate.
func deviceTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "x", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
}

// said says a command, if it is one, and hears the reply.
func (d *deviceTalk) said(l deviceLine) error {
	if err := d.prepare(l); err != nil {
		return err
	}
	command := d.fill(l.say)
	verb, _, _ := strings.Cut(strings.ToUpper(command), " ")
	if l.word == "say" {
		command += d.lineEnd
	}
	if err := d.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(d.conn, command); err != nil {
		return err
	}
	code, text, err := d.reply(0)
	if err != nil {
		return err
	}
	if !l.codes.right(code, d.again) {
		return fmt.Errorf("%q is answered %d %s", command, code, text)
	}
	d.heard = text
	if l.only == "" {
		d.refused = code >= 500
	}
	if err := d.agree(verb, code, text); err != nil {
		return err
	}
	if code < 200 {
		if err := d.transfer(verb, l); err != nil {
			return err
		}
	}
	return d.check(l)
}

// lengthOf is the number of bytes that a name stands for.
var lengthOf = regexp.MustCompile(`\{length ([^}]+)\}`)

func (d *deviceTalk) fill(s string) string {
	return lengthOf.ReplaceAllStringFunc(fill(s, d.vars), func(m string) string {
		return strconv.Itoa(len(d.r.bytes(lengthOf.FindStringSubmatch(m)[1])))
	})
}

// prepare listens where a command tells the gateway to connect.
func (d *deviceTalk) prepare(l deviceLine) error {
	if !strings.Contains(l.say, "{port}") && !strings.Contains(l.say, "{eprt}") {
		return nil
	}
	d.forget()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	d.awaited = listener
	d.vars["port"] = fmt.Sprintf("127,0,0,1,%d,%d", port>>8, port&0xff)
	d.vars["eprt"] = fmt.Sprintf("|1|127.0.0.1|%d|", port)
	return nil
}

// agree takes from a reply what it means for the talk.
func (d *deviceTalk) agree(verb string, code int, text string) (err error) {
	switch {
	case code == 227 || code == 229:
		d.forget()
		d.agreed, err = d.passive(text)
	case verb == "AUTH" && code == 234:
		d.tls = deviceTLS()
		t := tls.Client(d.conn, d.tls)
		err = t.Handshake()
		d.upgraded(t)
	case verb == "PROT" && code == 200:
		d.secret = true
	case verb == "STOU" && code == 150:
		d.vars["unique"] = strings.TrimPrefix(text, "FILE: ")
	case verb == "SIZE":
		d.vars["size"] = "0"
		if code == 213 {
			d.vars["size"] = text
		}
	}
	return err
}

// passive connects to where a reply to PASV or EPSV says.
func (d *deviceTalk) passive(text string) (net.Conn, error) {
	var n [6]int
	i := strings.IndexByte(text, '(')
	if i < 0 {
		return nil, fmt.Errorf("no address in %q", text)
	}
	port := 0
	if _, err := fmt.Sscanf(text[i:], "(%d,%d,%d,%d,%d,%d)", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]); err == nil {
		port = n[4]<<8 | n[5]
	} else if _, err := fmt.Sscanf(text[i:], "(|||%d|)", &port); err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

// data returns the data connection that was agreed upon.
func (d *deviceTalk) data() (conn net.Conn, err error) {
	conn, d.agreed = d.agreed, nil
	if d.awaited != nil {
		conn, err = d.awaited.Accept()
		d.forget()
	}
	if conn == nil {
		return nil, errors.Join(err, errors.New("there is no data connection"))
	}
	if d.secret {
		t := tls.Client(conn, d.tls)
		return t, t.Handshake()
	}
	return conn, nil
}

// transfer does what is below a command.
func (d *deviceTalk) transfer(verb string, l deviceLine) error {
	if len(l.data) != 1 {
		return fmt.Errorf("%s has a data connection", verb)
	}
	conn, err := d.data()
	if err != nil {
		return err
	}
	defer conn.Close()
	what := l.data[0]
	switch what.word {
	case "receive":
		return d.receive(conn)
	case "leave":
		return d.cut(conn, d.bytes(what))
	}
	data := d.bytes(what)
	if d.fault == cutInBody && len(data) > 0 {
		return errors.Join(d.cut(conn, data), errCut)
	}
	_, err = conn.Write(data)
	if err = errors.Join(err, conn.Close()); err == nil && d.fault == lostReply && len(data) > 0 {
		return errors.Join(d.deaf(), errCut)
	}
	return err
}

// deaf hangs up and does not listen to the answer; its end says that the gateway
// is through with the file, for which devices wait longer before they come again.
func (d *deviceTalk) deaf() error {
	if err := d.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	io.Copy(io.Discard, d.conn) //nolint:errcheck // in whatever way
	return nil
}

// bytes returns what send and leave say: the whole, the first or the second half,
// or what follows an offset.
func (d *deviceTalk) bytes(l deviceLine) []byte {
	if l.args[0] == "nothing" {
		return nil
	}
	data := d.r.bytes(l.args[0])
	switch part := l.args[1:]; {
	case len(part) == 0:
		return data
	case part[0] == "first":
		return data[:len(data)/2]
	case part[0] == "rest":
		return data[len(data)/2:]
	default:
		n, err := strconv.Atoi(fill(part[1], d.vars)) // "from 123"
		if err != nil || n > len(data) {
			return []byte("there is no offset " + part[1])
		}
		return data[n:]
	}
}

// cut sends a half and loses both connections.
func (d *deviceTalk) cut(conn net.Conn, data []byte) error {
	if _, err := conn.Write(data[:len(data)/2]); err != nil {
		return err
	}
	return errors.Join(d.reset(conn), d.reset(d.conn))
}

// receive takes a listing or a file.
func (d *deviceTalk) receive(conn net.Conn) error {
	data, err := io.ReadAll(conn)
	d.heard = string(data)
	if d.r.user == dropUser && bytes.Contains(data, []byte(strangers)) {
		return errors.Join(err, errors.New("it sees what others put"))
	}
	return err
}

// check compares what was heard.
func (d *deviceTalk) check(l deviceLine) error {
	for _, c := range l.checks {
		if strings.Contains(d.heard, d.fill(c.text)) == c.not {
			return fmt.Errorf("%s: what came is %q; %q in it: %v", l.say, d.heard, d.fill(c.text), c.not)
		}
	}
	return nil
}
