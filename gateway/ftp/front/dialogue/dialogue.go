// Package dialogue is what is said on a control connection of the FTP door: what
// the library github.com/fclairamb/ftpserverlib gets for each command of a client,
// and what the client gets for each line of its replies. It does no input or output.
package dialogue

import (
	"errors"
	"fmt"
	"strings"
)

// Options says what is offered; those of package front of the same names say more.
type Options struct {
	TLS         bool // AUTH is answered
	Implicit    bool
	TLSRequired bool
	RequireTLS  func(user string) bool // nil: of nobody
	Active      bool
	Clean       func(line string) string // nil: lines stay as they are
	MaxFailures int
}

// needsTLS reports whether user may sign in and transfer under TLS only.
func (o *Options) needsTLS(user string) bool {
	return o.TLSRequired || o.RequireTLS != nil && o.RequireTLS(user)
}

// Dialogue is what was said on a control connection so far. It does no input or
// output: Command says what the library gets for a client's command, and Reply
// what the client gets for a line of the library's.
type Dialogue struct {
	Secure   bool   // the control connection is under TLS
	Checking bool   // PASS is being answered
	SignedIn bool   // it was right
	Glob     string // the pattern of the LIST or NLST that came last; "": none
	Upgrade  bool   // a handshake comes before the next command; whoever does it resets this
	Pause    bool   // PortPause comes before Next; whoever waits resets this

	opt  *Options
	ipv6 bool // the client connected to an IPv6 address

	implicit  bool // protection of data was agreed without being asked for
	sized     bool // PBSZ was sent
	protected bool // data connections are under TLS
	needsTLS  bool // the user's data connections must be

	user     string // that the library knows of
	same     bool   // USER named the user who is signed in
	failures int
	epsvOnly bool // EPSV ALL was sent (RFC 2428 §4)
	active   bool // the next data connection is for the library to open
	offset   bool // REST was accepted, and its transfer has not come
	lost     bool // it was forgotten, and the client may believe that it holds
	renaming bool // RNFR was the last command, and accepted

	follow   *exchange // what the library gets before the next command
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
	done func(r replyLine, o *Outcome)
	// transfers says that the reply is in two parts, around a transfer; aborting
	// that ABOR came meanwhile.
	transfers, aborting bool
	// begun says that its data connection is there: 150 was said.
	begun bool
	// later says that what it fails with passes.
	later bool
	// unwatched says that nothing limits how long its client may take no data: the
	// library opens active data connections itself, and has no deadline for listings.
	unwatched bool
}

// replyLine is one line of a reply of the library's.
type replyLine struct {
	code string // of the reply that it belongs to, such as "226"; "" of none
	text string // the line
	last bool   // it ends the reply
}

// Outcome is what replies mean for the session.
type Outcome struct {
	SignedIn    bool // the password was right
	Refused     bool // the user or the password was refused; the library hangs up
	Quit        bool // the connection is to be closed
	Transferred bool // a transfer's last reply
	Begun       bool // a transfer has its data connection
	Active      bool // the client waits for a connection itself
	Port        int  // the passive port that the client is to connect to; 0: none
}

// New returns what is known before the greeting of a client. opt is not changed, and
// must not be; ipv6 is whether the client connected to an IPv6 address.
func New(opt *Options, ipv6 bool) Dialogue {
	d := Dialogue{opt: opt, ipv6: ipv6}
	if opt.Implicit {
		d.Secure, d.implicit = true, true
		d.protect()
	}
	return d
}

// protect has the library protect data connections, without the client's asking.
func (d *Dialogue) protect() {
	d.protected = true
	d.follow = &exchange{line: "PROT P", edit: drop}
}

// Transferring reports whether a transfer's last reply has not come.
func (d *Dialogue) Transferring() bool { return d.transfer != nil }

// Later tells that the transfer that is under way fails with what passes. The library
// has no code for that, and would say that it is for good.
func (d *Dialogue) Later() {
	if d.transfer != nil {
		d.transfer.later = true
	}
}

// drop keeps a reply to itself.
func drop(replyLine) []string { return nil }

// Secured tells that the handshake of AUTH is done: what was said before it
// without protection is void (RFC 4217 §4).
func (d *Dialogue) Secured() { d.Secure, d.user, d.sized = true, "", false }

// Next returns what the library gets before the client's next command, or "".
func (d *Dialogue) Next() string {
	if d.follow == nil {
		return ""
	}
	line := d.follow.line
	d.begin(d.follow)
	d.follow = nil
	return line
}

// begin remembers what the library answers now.
func (d *Dialogue) begin(x *exchange) {
	d.last = x
	if x.transfers {
		d.transfer = x
	}
}

// Command returns the line, without its end, that the library gets for a client's
// command. "" means that nothing is said.
func (d *Dialogue) Command(c Command) string {
	var x *exchange
	switch {
	case c.err != nil:
		x = refusal(c.err)
	case c.Verb == "":
		return ""
	case d.lost && (c.Verb == "STOR" || c.Verb == "APPE"):
		d.lost = false // what comes could be the rest of a file, and would be stored as the whole
		x = answer("503 REST was not followed by its transfer; send REST again, or the whole file")
	default:
		x = d.decide(c.Verb, c.Argument)
	}
	if len(x.line)+2 > MaxLine {
		x = refusal(ErrLong)
	}
	if d.sequence(c.Verb, x) {
		d.follow = x
		x = &exchange{line: "REST 0", edit: drop}
	}
	d.begin(x)
	return x.line
}

// sequence notes what x, which c.Verb became, means for the commands that belong
// together. It reports whether an offset that REST gave is to be forgotten, because
// x is not the transfer that must follow (RFC 3659 §5.3), nor one of the commands
// that clients put between, none of which transfers or changes a file.
func (d *Dialogue) sequence(verb string, x *exchange) (forget bool) {
	if verb != "NOOP" {
		d.renaming = false
	}
	if !d.offset {
		return false
	}
	switch verb {
	case "PASV", "EPSV", "PORT", "EPRT", "TYPE", "MODE", "STRU", "PBSZ", "PROT", "NOOP", "ALLO", "SIZE", "MDTM", "MLST", "STAT",
		"PWD", "XPWD", "CWD", "XCWD", "CDUP", "XCUP", "MKD", "XMKD", "SYST", "FEAT", "OPTS", "CLNT", "HELP", "ACCT", "SITE", "AVBL":
		return false
	case "STOR", "RETR", "APPE":
		forget = !x.transfers
	case "REST":
		forget = x.answer != nil
	default:
		forget = true
	}
	d.offset, d.lost = false, forget
	return forget
}

// Waits reports whether a command is for after the transfer that is under way:
// every one but ABOR, which is for after its beginning, because the library answers
// both at once.
func (d *Dialogue) Waits(c Command) bool {
	return d.transfer != nil && (c.Verb != "ABOR" || !d.transfer.begun)
}

// refusal answers a line that is no command.
func refusal(err error) *exchange {
	if errors.Is(err, errReturn) {
		return answer("501 A carriage return cannot be part of a command")
	}
	return answer("500 The line is longer than %d bytes", MaxLine)
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

// Reply appends to out what the client gets for a line of the library's, and adds
// to after what it means.
func (d *Dialogue) Reply(out []byte, line string, after *Outcome) []byte {
	r := d.parse(OneLine(line))
	x := d.last
	if d.transfer != nil && d.transfer.owns(r) {
		x = d.transfer
	}
	if x == nil {
		x = &exchange{} // of the greeting
	}
	for _, text := range x.lines(r) {
		text = x.coded(r, text)
		if d.opt.Clean != nil {
			text = d.opt.Clean(text)
		}
		out = append(append(out, text...), "\r\n"...)
	}
	if r.last && r.code == "150" && x.transfers {
		x.begun, after.Begun = true, true
	}
	if !r.last || r.code < "2" {
		return out
	}
	if d.transfer == x && x.transfers {
		d.transfer = nil
		after.Transferred = true
	} else if x.line == "ABOR" && d.transfer != nil {
		d.transfer = nil // this is its own reply: ABOR came just too late
		after.Transferred = true
	}
	if x.done != nil {
		x.done(r, after)
	}
	return out
}

// OneLine keeps a name's line ends from ending a reply's line. Other bytes stay,
// whatever their encoding.
func OneLine(line string) string {
	if !strings.ContainsAny(line, "\r\n\x00") {
		return line
	}
	return strings.NewReplacer("\r", "?", "\n", "?", "\x00", "?").Replace(line)
}

// owns reports whether a line belongs to the transfer x, which is under way: ABOR is
// answered after the transfer's own last reply.
func (x *exchange) owns(r replyLine) bool {
	return r.code != "502" && !(x.aborting && r.code == "226")
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

// coded returns a line with the code of a transfer's failure that passes: 450, or 451
// once it has begun (RFC 959 §5.4), upon which clients try again by themselves.
func (x *exchange) coded(r replyLine, text string) string {
	rest, coded := strings.CutPrefix(text, r.code)
	switch {
	case !x.later || !coded || r.code < "5" || r.code >= "6":
		return text
	case x.begun:
		return "451" + rest
	}
	return "450" + rest
}

// parse tells what a line is in the reply that it belongs to (RFC 959 §4.2).
func (d *Dialogue) parse(line string) replyLine {
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
