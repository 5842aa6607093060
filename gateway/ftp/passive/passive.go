// Package passive is the data connections of the FTP door that clients open: which
// port they are told, at which address, and how long they may stand still.
package passive

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
)

// Ports is a range of TCP ports, both ends included. The zero value stands for
// any that is free.
type Ports struct{ First, Last int }

// count is how many ports there are to try; 1 where any will do.
func (p Ports) count() int { return p.Last - p.First + 1 }

// Dealer gives out the ports of a range in turn. The library's own draws all of
// them from crypto/rand for each PASV.
type Dealer struct {
	Ports Ports
	next  atomic.Uint32
}

// FetchNext returns the next port, which is announced as it is. The library fetches
// NumberAttempts of them and tries one after the other until one is free.
func (d *Dealer) FetchNext() (exposed, listened int, ok bool) {
	port := d.Ports.First + int((d.next.Add(1)-1)%uint32(d.Ports.count()))
	return port, port, true
}

// portAttempts is how many ports are tried at the most.
const portAttempts = 100

// NumberAttempts is how many ports are tried. It is called before they are fetched,
// and passes one over, so that the next transfer begins at another port though all
// of the range is fetched each time.
func (d *Dealer) NumberAttempts() int {
	d.next.Add(1)
	return min(d.Ports.count(), portAttempts)
}

// ConnError is an error of a data connection in words for the client, to whom the
// library shows it: its own text has addresses.
type ConnError struct {
	text string
	err  error
}

func (e *ConnError) Error() string { return e.text }
func (e *ConnError) Unwrap() error { return e.err }

// Reason returns the words.
func (e *ConnError) Reason() string { return e.text }

// noConnection says that no data connection came.
func noConnection(err error) error { return &ConnError{"no data connection came", err} }

// InWords makes err, with which a data connection ended, a *ConnError where that was
// no orderly end.
func InWords(err error) error {
	var known *ConnError
	switch {
	case err == nil, err == io.EOF, errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &ConnError{"nothing moved on the data connection for too long", err}
	}
	return &ConnError{"the data connection broke off", err}
}
