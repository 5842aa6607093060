package front

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// dialogue is what was said on a control connection so far. It does no input or
// output: command says what the library gets for a client's command, and reply
// what the client gets for a line of the library's.
type dialogue struct {
	opt  *Options
	ipv6 bool // the client connected to an IPv6 address

	secure    bool // the control connection is under TLS
	implicit  bool // protection of data was agreed without being asked for
	sized     bool // PBSZ was sent
	protected bool // data connections are under TLS
	needsTLS  bool // the user's data connections must be

	user     string // that the library knows of
	same     bool   // USER named the user who is signed in
	checking bool   // PASS is being answered
	signedIn bool
	failures int
	epsvOnly bool // EPSV ALL was sent (RFC 2428 §4)
	glob     string
	offset   bool // REST was accepted, and its transfer has not come
	renaming bool // RNFR was the last command, and accepted

	upgrade  bool      // a handshake comes before the next command
	follow   *exchange // what the library gets before the next command
	pause    bool      // portPause comes before follow
	last     *exchange // the command that the library answers, or answered last
	transfer *exchange // the transfer whose last reply has not come
	multi    string    // "226 " within a reply of many lines; else ""
}

// exchange is a command for the library, and what is made of the reply.
type exchange struct {
	line   string
	answer []string // replaces the whole reply, where edit is nil and it is not
	// edit returns the lines that replace one of the reply's; nil keeps it.
	edit func(r replyLine) []string
	// done is told of the reply's last line.
	done func(r replyLine, o *outcome)
	// transfers says that the reply is in two parts, around a transfer; aborting
	// that ABOR came meanwhile.
	transfers, aborting bool
}

// replyLine is one line of a reply of the library's.
type replyLine struct {
	code string // of the reply that it belongs to, such as "226"; "" of none
	text string // the line
	last bool   // it ends the reply
}

// outcome is what replies mean for the session.
type outcome struct {
	signedIn    bool // the password was right
	refused     bool // the user or the password was refused; the library hangs up
	quit        bool // the connection is to be closed
	transferred bool // a transfer's last reply
	port        int  // the passive port that the client is to connect to; 0: none
}

// newDialogue returns what is known before the greeting of a client that connected
// to local.
func newDialogue(opt *Options, local net.Addr) dialogue {
	d := dialogue{opt: opt, ipv6: addrPort(local).Addr().Is6()}
	if opt.Implicit {
		d.secure, d.implicit = true, true
		d.protect()
	}
	return d
}

// protect has the library protect data connections, without the client's asking.
func (d *dialogue) protect() {
	d.protected = true
	d.follow = &exchange{line: "PROT P", edit: drop}
}

// drop keeps a reply to itself.
func drop(replyLine) []string { return nil }

// secured tells that the handshake of AUTH is done: what was said before it
// without protection is void (RFC 4217 §4).
func (d *dialogue) secured() { d.secure, d.user, d.sized = true, "", false }

// next returns what the library gets before the client's next command, or "".
func (d *dialogue) next() string {
	if d.follow == nil {
		return ""
	}
	line := d.follow.line
	d.begin(d.follow)
	d.follow = nil
	return line
}

// begin remembers what the library answers now.
func (d *dialogue) begin(x *exchange) {
	d.last = x
	if x.transfers {
		d.transfer = x
	}
}

// command returns the line, without its end, that the library gets for a client's
// command. "" means that nothing is said.
func (d *dialogue) command(c command) string {
	var x *exchange
	switch {
	case c.err != nil:
		x = refusal(c.err)
	case c.verb == "":
		return ""
	default:
		x = d.decide(c.verb, c.argument)
	}
	if len(x.line)+2 > maxLine {
		x = refusal(errLong)
	}
	if d.sequence(c.verb, x) {
		d.follow = x
		x = &exchange{line: "REST 0", edit: drop}
	}
	d.begin(x)
	return x.line
}

// sequence notes what x, which c.verb became, means for the commands that belong
// together. It reports whether an offset that REST gave is to be forgotten, because
// x is not the transfer that must follow (RFC 3659 §5.3), nor one of the commands
// that clients put between, most of them for the data connection.
func (d *dialogue) sequence(verb string, x *exchange) (forget bool) {
	if verb != "NOOP" {
		d.renaming = false
	}
	if !d.offset {
		return false
	}
	switch verb {
	case "PASV", "EPSV", "PORT", "EPRT", "TYPE", "MODE", "STRU", "PBSZ", "PROT", "NOOP", "ALLO", "SIZE", "MDTM", "STAT":
		return false
	case "STOR", "RETR", "APPE":
		forget = !x.transfers
	case "REST":
		forget = x.answer != nil
	default:
		forget = true
	}
	d.offset = false
	return forget
}

// waits reports whether a command is for after the transfer that is under way:
// every one but those that are about it.
func (d *dialogue) waits(c command) bool {
	return d.transfer != nil && c.verb != "ABOR" && (c.verb != "STAT" || c.argument != "")
}

// refusal answers a line that is no command.
func refusal(err error) *exchange {
	if errors.Is(err, errReturn) {
		return answer("501 A carriage return cannot be part of a command")
	}
	return answer("500 The line is longer than %d bytes", maxLine)
}

// answer is a command that the library has no part in. It gets NOOP, which it
// answers at any time, in its order.
func answer(format string, a ...any) *exchange {
	return &exchange{line: "NOOP", answer: strings.Split(fmt.Sprintf(format, a...), "\n")}
}

// pass is a command as the library gets it.
func pass(verb, argument string) *exchange {
	if argument == "" {
		return &exchange{line: verb}
	}
	return &exchange{line: verb + " " + argument}
}

// reply appends to out what the client gets for a line of the library's, and adds
// to after what it means.
func (d *dialogue) reply(out []byte, line string, after *outcome) []byte {
	r := d.parse(oneLine(line))
	x := d.last
	if d.transfer != nil && d.transfer.owns(r) {
		x = d.transfer
	}
	if x == nil {
		x = &exchange{} // of the greeting
	}
	for _, text := range x.lines(r) {
		if d.opt.Clean != nil {
			text = d.opt.Clean(text)
		}
		out = append(append(out, text...), "\r\n"...)
	}
	if !r.last || r.code < "2" {
		return out
	}
	if d.transfer == x && x.transfers {
		d.transfer = nil
		after.transferred = true
	} else if x.line == "ABOR" && d.transfer != nil {
		d.transfer = nil // it was aborted before it began, and has no reply
		after.transferred = true
	}
	if x.done != nil {
		x.done(r, after)
	}
	return out
}

// oneLine keeps a name's line ends from ending a reply's line. Other bytes stay,
// whatever their encoding.
func oneLine(line string) string {
	if !strings.ContainsAny(line, "\r\n\x00") {
		return line
	}
	return strings.NewReplacer("\r", "?", "\n", "?", "\x00", "?").Replace(line)
}

// owns reports whether a line belongs to the transfer x, which is under way: STAT
// is answered meanwhile, with 211, and ABOR after the transfer's own last reply.
func (x *exchange) owns(r replyLine) bool {
	return r.code != "211" && r.code != "502" && !(x.aborting && r.code == "226")
}

// lines returns what the client sees of a line of the reply.
func (x *exchange) lines(r replyLine) []string {
	switch {
	case x.edit != nil:
		return x.edit(r)
	case x.answer == nil:
		return []string{r.text}
	case r.last:
		return x.answer
	default:
		return nil
	}
}

// parse tells what a line is in the reply that it belongs to (RFC 959 §4.2).
func (d *dialogue) parse(line string) replyLine {
	code := ""
	if len(line) >= 4 && line[0] >= '1' && line[0] <= '6' && strings.Trim(line[:3], "0123456789") == "" {
		code = line[:3]
	}
	switch {
	case d.multi != "" && strings.HasPrefix(line, d.multi):
		d.multi = ""
		return replyLine{code, line, true}
	case d.multi != "":
		return replyLine{d.multi[:3], line, false}
	case code != "" && line[3] == '-':
		d.multi = code + " "
		return replyLine{code, line, false}
	default:
		return replyLine{code, line, true}
	}
}
