package dialogue

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// MaxLine is how long a command may be with its line end, in bytes. The library
// hangs up on longer ones.
const MaxLine = 4096

var (
	// ErrLong says that a line had more than MaxLine bytes.
	ErrLong   = errors.New("line too long")
	errReturn = errors.New("carriage return within a line")
)

// Lines cuts a stream into lines that end with LF (RFC 959 §3.1.1.5 says CRLF;
// some devices send LF alone). A line survives errors of the stream that pass.
type Lines struct {
	buf  [MaxLine]byte
	r, w int
	skip bool // the line that is being read is too long
}

// Next returns the next line without its LF, which is valid until the next call;
// ErrLong for a line that was too long and is gone; or the stream's error.
func (l *Lines) Next(stream io.Reader) ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.r:l.w], '\n'); i >= 0 {
			line := l.buf[l.r : l.r+i]
			l.r += i + 1
			if l.skip {
				l.skip = false
				return nil, ErrLong
			}
			return line, nil
		}
		l.w = copy(l.buf[:], l.buf[l.r:l.w])
		l.r = 0
		if l.w == len(l.buf) {
			l.skip, l.w = true, 0
		}
		n, err := stream.Read(l.buf[l.w:])
		l.w += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// Telnet's codes (RFC 854). FTP clients send Interrupt Process and a Data Mark
// before ABOR (RFC 959 §4.1.3).
const (
	telnetSE   = 0xF0 // the first code that follows IAC
	telnetWILL = 0xFB // from here an option follows
	telnetIAC  = 0xFF
)

// plain returns line without Telnet's commands, NUL, and the CR at its end. IAC
// twice is the byte 0xFF; IAC before what is no Telnet code is kept, because it is
// a letter of an old camera's name. It works in place.
func plain(line []byte) ([]byte, error) {
	out := line[:0]
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case b == 0:
		case b != telnetIAC:
			out = append(out, b)
		case i+1 < len(line) && line[i+1] == telnetIAC:
			out = append(out, b)
			i++
		case i+1 < len(line) && line[i+1] >= telnetWILL:
			i += 2
		case i+1 < len(line) && line[i+1] >= telnetSE:
			i++
		default:
			out = append(out, b)
		}
	}
	out = bytes.TrimRight(out, "\r")
	if bytes.IndexByte(out, '\r') >= 0 {
		return nil, errReturn
	}
	return out, nil
}

// Command is a line of the client's.
type Command struct {
	Verb     string // in capitals; "" in an empty line
	Argument string // what follows exactly one space or tab
	err      error  // why it is no command
}

// Parse takes a line apart; err says what was wrong with reading it. Bytes before
// the verb that no verb begins with, such as a Data Mark whose IAC travelled as
// urgent data, are dropped.
func Parse(line []byte, err error) Command {
	if err == nil {
		line, err = plain(line)
	}
	if err != nil {
		return Command{err: err}
	}
	start := bytes.IndexFunc(line, func(r rune) bool { return r > ' ' && r < 0x7F })
	if start < 0 {
		return Command{}
	}
	verb, argument := string(line[start:]), ""
	if i := strings.IndexAny(verb, " \t"); i >= 0 {
		verb, argument = verb[:i], verb[i+1:]
	}
	return Command{Verb: strings.ToUpper(verb), Argument: argument}
}
