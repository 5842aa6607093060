package ftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	done   func()
}

var (
	_ ftpserver.FileTransfer      = (*upload)(nil)
	_ ftpserver.FileTransferError = (*upload)(nil)
)

// ReadFrom stores what comes from the data connection. An error of that is kept
// from the staged file, of which the bytes before it are still good.
func (u *upload) ReadFrom(r io.Reader) (int64, error) {
	src := &source{Reader: r, stall: u.s.door.Stall}
	var n int64
	var err error
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

// Close commits the file, or keeps what came of it.
func (u *upload) Close() error {
	defer u.done()
	if u.cut == nil && u.start+u.got < u.expect {
		u.cut = fmt.Errorf("%d bytes of the %d that ALLO announced", u.start+u.got, u.expect)
	}
	if u.cut == nil && u.s.front.HungUp() && u.expect == 0 && !u.s.door.Whole(u.File, u.name) {
		u.cut = errHungUp
	}
	if u.cut != nil {
		return u.abort()
	}
	if err := u.File.Close(); err != nil {
		return u.s.reply("STOR", u.name, err)
	}
	u.s.stored(u.name, u.File)
	return nil
}

// abort ends a transfer that did not end well: nothing of the tree is changed.
func (u *upload) abort() error {
	k, keeps := u.File.(keeper)
	keeps = keeps && u.got > 0
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
	if _, keeps := u.File.(keeper); keeps && u.got > 0 {
		n := u.start + u.got
		text = fmt.Sprintf("the transfer was broken off after %d bytes, and nothing was changed; send the file again, or go on after REST %d", n, n)
	}
	return &answer{text: text, err: err}
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
func (d *download) WriteTo(w io.Writer) (int64, error) {
	buf := d.s.door.buffers.Get().(*[largeChunk]byte)
	defer d.s.door.buffers.Put(buf)
	n, err := io.CopyBuffer(&drain{Writer: w, stall: d.s.door.Stall}, struct{ io.Reader }{d.File}, buf[:])
	return n, d.s.reply("RETR", d.name, err)
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
