package front

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"slipway/gateway/ftp/front/dialogue"
)

// maxReply is how long a line of a reply may be, in bytes: the longest command
// with all of its name given back twice, and words.
const maxReply = 4*dialogue.MaxLine + 1024

// conn is what the library has of a Session. Read returns one command at a time,
// so the library asks for the next one only after it has answered the last, or
// begun its transfer.
type conn struct{ s *Session }

var _ net.Conn = (*conn)(nil)

// RemoteAddr returns the session's *Addr.
func (c *conn) RemoteAddr() net.Addr { return &c.s.remote }

// LocalAddr returns the address that the client connected to.
func (c *conn) LocalAddr() net.Addr { return c.s.local }

// Deadlines are the front's own.

// SetDeadline does nothing.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// Close closes the connection, but for the one time when the library hangs up after
// a refused password, which here may be tried again.
func (c *conn) Close() error {
	s := c.s
	s.mu.Lock()
	if s.spare {
		s.spare = false
		s.mu.Unlock()
		return nil
	}
	stream := s.stream
	s.mu.Unlock()
	s.close(stream)
	return nil
}

// Read gives the library the next command, whole or in parts.
func (c *conn) Read(p []byte) (int, error) {
	s := c.s
	if len(s.rest) == 0 {
		line, err := s.next()
		if err != nil {
			return 0, err
		}
		s.rest = append(s.rest[:0], line+"\r\n"...)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// next returns the next command for the library, and closes the session when there
// is none.
func (s *Session) next() (string, error) {
	s.mu.Lock()
	upgrade := s.talk.Upgrade
	s.talk.Upgrade = false
	s.spare = false
	s.mu.Unlock()
	if upgrade {
		if err := s.secureStream(); err != nil {
			s.listener.opt.Log.Info("ftp: no TLS handshake", "remote", s.remote.String(), "error", err)
			s.close(s.raw)
			return "", io.EOF
		}
		s.mu.Lock()
		s.talk.Secured()
		s.mu.Unlock()
	}
	for {
		line, err := s.command()
		switch {
		case err != nil:
			s.close(s.stream)
			return "", io.EOF
		case line != "":
			return line, nil
		}
	}
}

// command reads one command of the client's, or takes the one that follows from
// the last, and returns what the library is to do about it: "" is nothing.
func (s *Session) command() (string, error) {
	s.mu.Lock()
	pause := s.talk.Pause
	s.talk.Pause = false
	s.mu.Unlock()
	if pause && !s.wait(dialogue.PortPause) {
		return "", io.EOF
	}
	s.mu.Lock()
	follow := s.talk.Next()
	until, _ := s.deadline()
	stream := s.stream
	s.mu.Unlock()
	if follow != "" {
		return follow, nil
	}
	if err := s.arm(until); err != nil {
		return "", s.sayEnd()
	}
	line, err := s.lines.Next(stream)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", s.late()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		s.hungUp()
	}
	if err != nil && !errors.Is(err, dialogue.ErrLong) {
		return "", err
	}
	c := dialogue.Parse(line, err)
	if s.meanwhile(c) {
		return "", nil
	}
	s.mu.Lock()
	for s.talk.Waits(c) && !s.closed {
		s.turn.Wait()
	}
	s.mu.Unlock()
	s.dismiss(c)
	s.mu.Lock()
	if s.ended != "" && !s.closed {
		s.mu.Unlock()
		return "", s.sayEnd()
	}
	defer s.mu.Unlock()
	if s.closed {
		return "", io.EOF
	}
	if stage(s.stage.Load()) == silent {
		s.stage.Store(int32(spoken))
	}
	if c.Verb == "PASV" || c.Verb == "EPSV" || c.Verb == "ABOR" {
		s.giveUp()
	}
	forward := s.talk.Command(c)
	if s.talk.Checking {
		s.stage.Store(int32(checking))
	}
	s.active = time.Now()
	return forward, nil
}

// wait waits for d, and reports whether the session is still open.
func (s *Session) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.over:
		return false
	}
}

// hungUp waits for the end of a transfer whose client has closed the control
// connection meanwhile, as small devices do when they have sent everything, though
// its bytes may still be on their way. After Options.HangUpTimeout it is given up.
// A control connection that is reset ends its transfer at once (RFC 959 §4.1.1).
func (s *Session) hungUp() {
	late := false
	timer := time.AfterFunc(s.listener.opt.HangUpTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.turn.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.turn.Broadcast()
	for s.talk.Transferring() && !s.closed && !late {
		s.turn.Wait()
	}
}

// deadline returns until when the next command must have come, and the reply if it
// does not; mu is held.
func (s *Session) deadline() (time.Time, string) {
	if !s.talk.SignedIn {
		return s.since.Add(s.listener.opt.LoginTimeout), replySlow
	}
	from := s.active
	switch {
	case s.talk.Unwatched():
		return from.Add(s.listener.opt.IdleTimeout), replyUnread
	case s.busy():
		from = time.Now()
	}
	return from.Add(s.listener.opt.IdleTimeout), replyIdle
}

// late decides what a deadline that has passed means: nothing while there is a
// transfer or after one, else the end. A transfer that nobody watches over ends too.
func (s *Session) late() error {
	s.mu.Lock()
	until, reply := s.deadline()
	if s.ended == "" && time.Now().Before(until) {
		s.mu.Unlock()
		return nil
	}
	s.end(reply)
	s.mu.Unlock()
	return s.sayEnd()
}

// goodbye is how long a last reply may take.
const goodbye = time.Second

// sayEnd sends the reply with which the session ends, and returns io.EOF.
func (s *Session) sayEnd() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	reply, stream, said := s.ended, s.stream, s.said
	s.said = true
	s.mu.Unlock()
	if said {
		return io.EOF
	}
	s.raw.SetWriteDeadline(time.Now().Add(goodbye))
	stream.Write([]byte(reply + "\r\n")) // nothing is lost if it does not arrive
	return io.EOF
}

// Write sends the client what becomes of the library's replies. The library writes
// whole lines; a part of one waits for the rest.
func (c *conn) Write(p []byte) (int, error) {
	s := c.s
	s.write.Lock()
	defer s.write.Unlock()
	s.partial = append(s.partial, p...)
	out, after := s.replies()
	if len(s.partial) > maxReply {
		s.close(s.raw)
		return 0, dialogue.ErrLong
	}
	if after.SignedIn {
		s.stage.Store(int32(signedIn))
		s.listener.promote(s)
	} else if after.Refused {
		s.stage.Store(int32(spoken))
	}
	if after.Port != 0 {
		s.given(after.Port)
	}
	if err := s.send(out); err != nil {
		s.close(s.raw)
		return 0, err
	}
	if after.Quit {
		s.close(s.stream)
	}
	return len(p), nil
}

// given tells of the passive port that the client is about to be told.
func (s *Session) given(port int) {
	if s.listener.opt.Passive == nil {
		return
	}
	unused := s.listener.opt.Passive(s.remote.Addr(), port)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unused = unused
}

// giveUp gives up the passive port that the client had, because it asks for another
// one or aborts the transfer, or has gone: mu is held.
func (s *Session) giveUp() {
	if s.unused != nil {
		s.unused()
		s.unused = nil
	}
}

// send writes out to the client within the time allowed; write is held.
func (s *Session) send(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s.mu.Lock()
	stream, closed := s.stream, s.closed
	s.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	if err := s.raw.SetWriteDeadline(time.Now().Add(s.listener.opt.WriteTimeout)); err != nil {
		return err
	}
	_, err := stream.Write(out)
	return err
}

// replies takes the whole lines out of partial and returns what the client gets,
// and what they mean for the session; write is held.
func (s *Session) replies() (out []byte, after dialogue.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.partial
	for {
		line, tail, found := bytes.Cut(rest, []byte("\r\n"))
		if !found {
			break
		}
		rest = tail
		out = s.talk.Reply(out, string(line), &after)
	}
	s.partial = append(s.partial[:0], rest...)
	if after.Refused && !after.Quit {
		s.spare = true
	}
	if after.Transferred {
		s.active = time.Now()
		out = append(out, s.owed...)
		s.owed = s.owed[:0]
		s.quiet()
		s.turn.Broadcast()
	}
	if after.Begun {
		s.active = time.Now()
		s.turn.Broadcast()
	}
	if after.Active {
		s.giveUp()
	}
	return out, after
}
