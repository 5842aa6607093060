package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

const (
	socketName = "control.sock"
	// pointerName is the file that names the socket where its own path is too long.
	pointerName = "control.addr"
	// shortPrefix begins the name of the folder that then holds it.
	shortPrefix = "slipway-"
	// maxPath is how many bytes a socket's path may have on every system: 104 with
	// the closing zero on the BSDs and macOS, 108 on Linux and Windows.
	maxPath = 103
)

// listener is a socket that cleans up after itself.
type listener struct {
	*net.UnixListener
	once  sync.Once
	clean func() error
}

// Close stops listening and removes the socket.
func (l *listener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() { err = errors.Join(l.UnixListener.Close(), l.clean()) })
	return err
}

// Listen listens on dataDir/control.sock, which only this user may connect to
// (0600). Where that path is too long for a socket, the socket is in a folder of
// its own (0700) below os.TempDir, and dataDir/control.addr names it. The caller
// holds the [Lock], so a socket that is there already is a dead one's.
func Listen(dataDir string) (net.Listener, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	if err := removeStale(dir); err != nil {
		return nil, fmt.Errorf("control socket: removing an old one: %w", err)
	}
	var l *listener
	if path := filepath.Join(dir, socketName); len(path) <= maxPath {
		l, err = bind(path)
	} else {
		l, err = bindShort(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

// bind makes the socket in a folder that nobody else may enter, then gives it its
// name: there is no moment at which others could connect. Windows cannot rename
// sockets, and guards them by the folder they are in.
func bind(path string) (*listener, error) {
	at, done := path, func() error { return nil }
	if runtime.GOOS != "windows" {
		private := filepath.Join(filepath.Dir(path), ".c") // shorter than the socket's name
		if err := errors.Join(os.RemoveAll(private), os.Mkdir(private, 0o700)); err != nil {
			return nil, err
		}
		defer os.RemoveAll(private) //nolint:errcheck // empty, and removed at the next start else
		at = filepath.Join(private, "s")
		done = func() error { return errors.Join(os.Chmod(at, 0o600), os.Rename(at, path)) }
	}
	ul, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ul.SetUnlinkOnClose(false)
	if err := done(); err != nil {
		return nil, errors.Join(err, ul.Close())
	}
	return &listener{UnixListener: ul, clean: func() error { return remove(path) }}, nil
}

// bindShort makes the socket below os.TempDir.
func bindShort(dir string) (*listener, error) {
	short, err := os.MkdirTemp("", shortPrefix)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(short, socketName)
	if len(path) > maxPath {
		return nil, errors.Join(fmt.Errorf("the paths of data_dir and of the folder for temporary files are both too long for a socket (%d bytes): name a shorter data_dir", maxPath), os.Remove(short))
	}
	l, err := bind(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(short))
	}
	pointer := filepath.Join(dir, pointerName)
	l.clean = func() error { return errors.Join(remove(path), remove(short), remove(pointer)) }
	if err := replace(pointer, []byte(path), 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeStale removes what a killed gateway left behind.
func removeStale(dir string) error {
	err := remove(filepath.Join(dir, socketName))
	pointer := filepath.Join(dir, pointerName)
	text, readErr := os.ReadFile(pointer)
	if readErr != nil {
		return err
	}
	path := string(text)
	short := filepath.Dir(path)
	if filepath.Base(path) == socketName && strings.HasPrefix(filepath.Base(short), shortPrefix) {
		remove(path)  //nolint:errcheck // somebody else's by now, and in nobody's way
		remove(short) //nolint:errcheck // likewise
	}
	return errors.Join(err, remove(pointer))
}

// remove removes one file, socket or empty folder. None is no error.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// socketPath is where the gateway of dataDir listens, if it does.
func socketPath(dataDir string) (string, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return "", err
	}
	path, err := os.ReadFile(filepath.Join(dir, pointerName))
	if err == nil {
		return string(path), nil
	}
	return filepath.Join(dir, socketName), nil
}
