// Package ftp is the FTP door: cameras, scanners and people put files by FTP and
// FTPS (RFC 959, 2228, 2428, 3659, 4217) into whatever afero.Fs they are shown.
//
// The library github.com/fclairamb/ftpserverlib speaks the protocol; its command
// table is private, so that package front answers on the control connection what
// the table lacks, and brings TLS. This package is the driver behind it: it stages
// every upload, commits it before 226 is said, and keeps what was broken off.
package ftp

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/ftp/front"
	"slipway/gateway/ftp/passive"
)

// Account is what a user who has logged in sees.
type Account struct {
	// FS is the user's root. Files opened for writing must be staged: Close
	// commits, and after TransferError it aborts. Opening one fails with
	// fs.ErrNotExist where the folder is missing. What more it may offer is in
	// optional.go.
	FS afero.Fs
	// Opened is told of each file that was opened for writing at a name, before its
	// bytes come: what stands at the name when it is closed may be another picture,
	// because cameras begin to count anew, and is not to be lost. mine describes, as
	// that file did after its Close, what this session has stored there within
	// Options.Again; nil: nothing. nil: nobody is told.
	Opened func(f afero.File, name string, mine fs.FileInfo)
	// GoesOn reports whether a file that was opened at a name to be written on after
	// REST may be. own is as mine is, however long ago that was. nil: it
	// may.
	GoesOn func(f afero.File, name string, own fs.FileInfo) bool
	// Valid is asked before each command but QUIT, while nothing is transferred: an
	// error, whose text is for people, ends the session with 530. nil: the account
	// lasts as long as the session.
	Valid func() error
	// End is called once, when the control connection has ended or another user has
	// logged in on it; nil: nobody wants to know.
	End func()
}

// LogIn returns what a user sees, or an error whose text is for people and says
// nothing of the machine. ctx lasts as long as the door; the file system works
// under it. Secure is whether the password came through TLS.
type LogIn func(ctx context.Context, user, password string, from netip.Addr, secure bool) (Account, error)

// SignIn is a try to sign in.
type SignIn struct {
	User             string
	Secure, Implicit bool   // the control connection is under TLS; from its first byte
	Client           string // what the program called itself by CLNT; "": it did not
	Err              error  // why it was turned away; nil: it was let in
	End              bool   // it is over
}

// Control says how control connections behave.
type Control = front.Options

// Options are what a [Server] needs. LogIn must be set.
type Options struct {
	LogIn LogIn
	// Control says how control connections behave: TLS, limits and deadlines.
	// Control.TLS is used for data connections too, which resume the control
	// connection's session by its pointer.
	Control Control
	// Ports are the passive ports. The zero value: any that is free.
	Ports passive.Ports
	// ShareData lets clients of different addresses wait on one passive port at a
	// time, for ranges that are smaller than the number of clients.
	ShareData bool
	// PublicHost is the name or address that clients of other networks are told to
	// connect to for data; "": the address that they reached.
	PublicHost string
	// Lenient makes missing folders where a file is put, and lets a client make a
	// folder that is there.
	Lenient bool
	// Decode turns a name that is not UTF-8 into one that is; nil: [Escape].
	Decode func(name string) string
	// Stall is how long a data connection may stand still; 0: a minute.
	Stall time.Duration
	// Grace is how long the end waits for transfers under way; 0: not at all.
	Grace time.Duration
	// Again is how long after a file was stored the same session may store it anew
	// without that being another picture: scanners reopen a file for each page.
	// nil: never.
	Again func() time.Duration
	// Whole reports whether a file that is staged at name shows by its own structure
	// that nothing is missing. It is asked about an upload whose client hung up before
	// it was answered: such a client may have sent all, or have been switched off.
	// nil: nothing shows it.
	Whole func(f afero.File, name string) bool
	// Broken reports whether a file that is staged at name shows by its own structure
	// that something is missing. nil: nothing shows it.
	Broken func(f afero.File, name string) bool
	// Heard is told of each sign-in, and of those that succeeded again when they end:
	// by then more is known of the client. It is to be quick; nil: nobody is told.
	Heard func(SignIn)
	// Log hears of trouble; nil: nobody does.
	Log *slog.Logger
	// Clock tells the time; nil: time.Now.
	Clock func() time.Time
}

// defaultStall is how long a data connection may stand still.
const defaultStall = time.Minute

// connectTimeout is how long a data connection is waited for.
const connectTimeout = 30 * time.Second

// check fills in what is not set.
func (o *Options) check() error {
	if o.LogIn == nil {
		return errors.New("ftp: nobody can log in")
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Whole == nil {
		o.Whole = func(afero.File, string) bool { return false }
	}
	if o.Broken == nil {
		o.Broken = func(afero.File, string) bool { return false }
	}
	if o.Again == nil {
		o.Again = func() time.Duration { return 0 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Decode == nil {
		o.Decode = Escape
	}
	return nil
}
