package ftp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"slipway/gateway/ftp/passive"
)

// upload is a file on its way in. The library ends it by Close, before which it
// calls TransferError where the data connection did not end well, and after which
// it says 226.
type upload struct {
	afero.File
	s      *session
	name   string
	start  int64 // where the first byte belongs
	expect int64 // the size that ALLO announced; 0: none
	got    int64 // bytes that came
	cut    error // why the transfer did not end well
	sealed bool  // what it goes on from is not to get more bytes
	ruined bool  // what is staged may be anything: nothing of it is kept
	done   func()
}

var (
	_ ftpserver.FileTransfer      = (*upload)(nil)
	_ ftpserver.FileTransferError = (*upload)(nil)
)

// ReadFrom stores what comes from the data connection. An error of that is kept
// from the staged file, of which the bytes before it are still good.
func (u *upload) ReadFrom(r io.Reader) (n int64, err error) {
	defer u.s.recovered("STOR", u.name, func(failed error) { u.ruined, err = true, failed })
	src := &source{Reader: r, stall: u.s.door.Stall}
	if u.sealed {
		return 0, u.nothing(src)
	}
	if to, ok := u.File.(io.ReaderFrom); ok {
		n, err = to.ReadFrom(src)
	} else {
		n, err = io.Copy(struct{ io.Writer }{u.File}, src)
	}
	u.got += n
	if err != nil {
		return n, u.s.reply("STOR", u.name, err)
	}
	if src.err != nil {
		u.TransferError(src.err)
		return n, u.broken(src.err)
	}
	return n, nil
}

// errSealed refuses bytes that would spoil another's picture.
var errSealed = errors.New("a whole picture of that name stands here, which this session has not sent")

// nothing fails where r has any bytes: then what they belong to is not what is here.
// A client that only asks whether all of its picture has come sends none.
func (u *upload) nothing(r io.Reader) error {
	n, err := io.ReadFull(r, make([]byte, 1))
	if n == 0 && err == io.EOF {
		return nil
	}
	u.TransferError(errSealed)
	return &answer{text: errSealed.Error() + "; send the file from the start", err: errSealed}
}

// Write stores bytes; the library calls it with none where none came.
func (u *upload) Write(p []byte) (int, error) {
	n, err := u.File.Write(p)
	u.got += int64(n)
	return n, u.s.reply("STOR", u.name, err)
}

// Seek goes to where REST said. The library closes a file whose Seek fails without
// a TransferError, as if all were well.
func (u *upload) Seek(offset int64, whence int) (int64, error) {
	n, err := u.File.Seek(offset, whence)
	if err != nil {
		u.TransferError(err)
	}
	return n, u.s.reply("REST", u.name, err)
}

// TransferError notes why the transfer did not end well.
func (u *upload) TransferError(err error) {
	if u.cut == nil {
		u.cut = err
	}
}

// errHungUp ends an upload that nothing shows to be whole.
var errHungUp = errors.New("the client closed the control connection before it was answered")

// largestCluster is the largest unit of a card's space that sizes are rounded up to,
// in bytes: that of exFAT on cards of up to 512 GB, as they are sold.
const largestCluster = 128 << 10

// roundedUp reports whether room may be the size of a file of size bytes in whole
// sectors or clusters: ALLO asks for storage (RFC 959 §4.1.3), and not every device
// tells the exact size.
func roundedUp(room, size int64) bool {
	cluster := min(room&-room, largestCluster) // the largest that room is a multiple of
	return size > 0 && cluster >= 512 && room-size < cluster
}

// short reports whether bytes are missing of those that ALLO announced.
func (u *upload) short() bool {
	size := u.start + u.got
	if size >= u.expect || u.s.door.Whole(u.File, u.name) {
		return false
	}
	return !roundedUp(u.expect, size) || u.s.door.Broken(u.File, u.name)
}

// Close commits the file, or keeps what came of it.
func (u *upload) Close() (err error) {
	defer u.done()
	defer u.s.recovered("STOR", u.name, func(failed error) { err = failed })
	if u.cut == nil && u.short() {
		u.cut = fmt.Errorf("%d bytes of the %d that ALLO announced", u.start+u.got, u.expect)
	}
	if u.cut == nil && u.expect == 0 && !u.s.door.Whole(u.File, u.name) && u.s.front.HungUp() {
		u.cut = errHungUp
	}
	if u.cut != nil {
		return u.abort()
	}
	if err := u.File.Close(); err != nil {
		return u.s.reply("STOR", u.name, err)
	}
	if u.got > 0 || u.start == 0 { // else it may be another's still
		u.s.stored(u.name, u.File)
	}
	return nil
}

// abort ends a transfer that did not end well: nothing of the tree is changed.
func (u *upload) abort() error {
	k, keeps := u.File.(keeper)
	keeps = keeps && u.got > 0 && !u.ruined
	if keeps {
		k.KeepPartial()
	}
	u.File.(transferErrorer).TransferError(u.cut) // openUpload has seen that it is one
	err := u.File.Close()
	u.s.log.Info("an upload was broken off", "path", u.name, "bytes", u.start+u.got, "reason", u.cut)
	return u.broken(errors.Join(u.cut, err))
}

// broken is what the client hears of a transfer that did not end well.
func (u *upload) broken(err error) error {
	text := "the transfer was broken off, and nothing was changed; send the file again"
	if _, keeps := u.File.(keeper); keeps && u.got > 0 && !u.ruined {
		n := u.start + u.got
		text = fmt.Sprintf("the transfer was broken off after %d bytes, and nothing was changed; send the file again, or go on after REST %d", n, n)
	}
	return &answer{text: text, err: err}
}

// recovered is deferred by what the library calls for a file: it would go on after
// a panic without closing the file, and the door would wait for that for ever. It
// tells failed of the panic, if there is one.
func (s *session) recovered(command, name string, failed func(error)) {
	if p := recover(); p != nil {
		s.log.Error("the FTP door met a mistake of its own; please report it", "command", command, "path", name,
			"panic", p, "stack", string(debug.Stack()))
		failed(&answer{text: "the gateway could not do this; its log says why", err: fmt.Errorf("panic: %v", p)})
	}
}

// deadliner is a connection whose reads and writes can be made to end.
type deadliner interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// source is the data connection of an upload. It hides its error, which is not the
// staged file's, behind an end.
type source struct {
	io.Reader
	stall time.Duration
	err   error
}

// Read reads, and waits for at most stall on connections of every kind.
func (s *source) Read(p []byte) (int, error) {
	if c, ok := s.Reader.(deadliner); ok {
		if err := c.SetReadDeadline(time.Now().Add(s.stall)); err != nil {
			return 0, s.end(err)
		}
	}
	n, err := s.Reader.Read(p)
	return n, s.end(err)
}

func (s *source) end(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	s.err = err
	return io.EOF
}

// largeChunk is how much of a file is read and sent at a time.
const largeChunk = 256 << 10

// download is a file on its way out.
type download struct {
	afero.File
	s    *session
	name string
	done func()
}

// WriteTo sends the file, and waits for at most stall for a client that takes
// nothing.
func (d *download) WriteTo(w io.Writer) (n int64, err error) {
	defer d.s.recovered("RETR", d.name, func(failed error) { err = failed })
	buf := d.s.door.buffers.Get().(*[largeChunk]byte)
	defer d.s.door.buffers.Put(buf)
	n, err = io.CopyBuffer(&drain{Writer: w, stall: d.s.door.Stall}, struct{ io.Reader }{d.File}, buf[:])
	if err == nil {
		err = flush(w)
	}
	return n, d.s.reply("RETR", d.name, err)
}

// flush sends what data connection w has gathered, under its TLS too. The library
// does so itself, but takes a client for served that could not be.
func flush(w io.Writer) error {
	if t, ok := w.(*tls.Conn); ok {
		w = t.NetConn()
	}
	if f, ok := w.(ftpserver.Flusher); ok {
		return f.Flush()
	}
	return nil
}

// Seek goes to where REST said, which is at most the file's end.
func (d *download) Seek(offset int64, whence int) (int64, error) {
	if info, err := d.Stat(); err == nil && whence == io.SeekStart && offset > info.Size() {
		return 0, &answer{text: fmt.Sprintf("the file has %d bytes, and ends before REST", info.Size()), err: fs.ErrInvalid}
	}
	n, err := d.File.Seek(offset, whence)
	return n, d.s.reply("REST", d.name, err)
}

// Close closes the file.
func (d *download) Close() error {
	defer d.done()
	return d.File.Close()
}

// drain is the data connection of a download.
type drain struct {
	io.Writer
	stall time.Duration
}

// Write writes, and waits for at most stall on connections of every kind.
func (d *drain) Write(p []byte) (int, error) {
	if c, ok := d.Writer.(deadliner); ok {
		if err := c.SetWriteDeadline(time.Now().Add(d.stall)); err != nil {
			return 0, passive.InWords(err)
		}
	}
	n, err := d.Writer.Write(p)
	return n, passive.InWords(err)
}
