package ftp

import (
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"slipway/gateway/ftp/front"
)

// session is the tree as one control connection sees it.
type session struct {
	door  *Server
	cc    ftpserver.ClientContext
	front *front.Session
	acc   Account
	log   *slog.Logger

	mu     sync.Mutex
	expect int64    // what ALLO announced for the next upload; 0: nothing
	within string   // the folder in which it did
	recent []stored // the latest uploads, the newest last
}

// stored is a file as this session stored it.
type stored struct {
	path string
	info fs.FileInfo
	at   time.Time
}

// recentFiles is how many uploads a session remembers.
const recentFiles = 16

var (
	_ ftpserver.ClientDriver                        = (*session)(nil)
	_ ftpserver.ClientDriverExtentionFileTransfer   = (*session)(nil)
	_ ftpserver.ClientDriverExtensionFileList       = (*session)(nil)
	_ ftpserver.ClientDriverExtensionRemoveDir      = (*session)(nil)
	_ ftpserver.ClientDriverExtensionAllocate       = (*session)(nil)
	_ ftpserver.ClientDriverExtensionHasher         = (*session)(nil)
	_ ftpserver.ClientDriverExtensionAvailableSpace = (*session)(nil)
)

// path returns what the client means by name.
func (s *session) path(name string) string { return clean(name, s.cc.Path(), s.door.Decode) }

// reply returns err as the client may hear it.
func (s *session) reply(op, name string, err error) error {
	if passes(err) {
		s.front.Later()
	}
	return toClient(s.log, op, name, err)
}

// Name returns "slipway".
func (s *session) Name() string { return "slipway" }

// Stat describes a file or folder, or an upload of that name that was broken off,
// which can be looked at and not be renamed.
func (s *session) Stat(name string) (os.FileInfo, error) {
	defer s.door.work()()
	p := s.path(name)
	info, err := s.acc.FS.Stat(p)
	if errors.Is(err, fs.ErrNotExist) && s.cc.GetLastCommand() != "RNFR" {
		if part, ok := s.partial(p); ok {
			return part, nil
		}
	}
	return info, s.reply("STAT", p, err)
}

// partial returns what was kept of an upload that was broken off.
func (s *session) partial(p string) (fs.FileInfo, bool) {
	r, ok := s.acc.FS.(resumer)
	if !ok {
		return nil, false
	}
	info, err := r.Partial(p)
	return info, err == nil
}

// ReadDir lists a folder.
func (s *session) ReadDir(name string) ([]os.FileInfo, error) {
	defer s.door.work()()
	s.expected() // ALLO was not for this
	p := s.path(name)
	dir, err := s.acc.FS.Open(p)
	if err != nil {
		return nil, s.reply("LIST", p, err)
	}
	infos, err := dir.Readdir(-1)
	if err = errors.Join(err, dir.Close()); err != nil {
		return nil, s.reply("LIST", p, err)
	}
	return printable(matching(infos, s.front.Glob())), nil
}

// Mkdir makes a folder. Cameras make theirs before every file, and stop where they
// are told that it is there.
func (s *session) Mkdir(name string, perm os.FileMode) error {
	defer s.door.work()()
	p := s.path(name)
	if !s.door.Lenient {
		return s.reply("MKD", p, s.acc.FS.Mkdir(p, perm))
	}
	if info, err := s.acc.FS.Stat(p); err == nil {
		if info.IsDir() {
			return nil
		}
		return s.reply("MKD", p, fs.ErrExist)
	}
	return s.reply("MKD", p, s.acc.FS.MkdirAll(p, perm))
}

// MkdirAll makes a folder and those above it.
func (s *session) MkdirAll(name string, perm os.FileMode) error {
	defer s.door.work()()
	p := s.path(name)
	return s.reply("MKD", p, s.acc.FS.MkdirAll(p, perm))
}

// Remove removes a file, or what was kept of an upload of that name.
func (s *session) Remove(name string) error {
	defer s.door.work()()
	p := s.path(name)
	info, err := s.acc.FS.Stat(p)
	if err == nil && info.IsDir() {
		return &answer{text: "this is a folder; remove it by RMD", err: fs.ErrInvalid}
	}
	err = s.acc.FS.Remove(p)
	if r, ok := s.acc.FS.(resumer); ok && errors.Is(err, fs.ErrNotExist) {
		if _, there := s.partial(p); there {
			err = r.DropPartial(p)
		}
	}
	return s.reply("DELE", p, err)
}

// RemoveDir removes an empty folder.
func (s *session) RemoveDir(name string) error {
	defer s.door.work()()
	p := s.path(name)
	if info, err := s.acc.FS.Stat(p); err == nil && !info.IsDir() {
		return &answer{text: "this is a file; remove it by DELE", err: fs.ErrInvalid}
	}
	return s.reply("RMD", p, s.acc.FS.Remove(p))
}

// RemoveAll is refused: only SITE RMDIR asks for it, which is switched off.
func (s *session) RemoveAll(string) error { return errors.ErrUnsupported }

// Rename gives a file or folder another path. A file that stands there is
// replaced.
func (s *session) Rename(from, to string) error {
	defer s.door.work()()
	s.expected() // ALLO was not for this
	from, to = s.path(from), s.path(to)
	if err := s.parents(to); err != nil {
		return s.reply("RNTO", to, err)
	}
	return s.reply("RNTO", to, s.acc.FS.Rename(from, to))
}

// parents makes the folders above p that are missing, unless what is to come there
// would be refused.
func (s *session) parents(p string) error {
	dir := path.Dir(p)
	if !s.door.Lenient || dir == "/" {
		return nil
	}
	if _, err := s.acc.FS.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil // whatever it is, the change itself says so
	}
	if a, ok := s.acc.FS.(admitter); ok {
		if err := a.Admit(p, -1); err != nil {
			return err
		}
	}
	return s.acc.FS.MkdirAll(dir, 0o755)
}

// Chtimes sets a file's time.
func (s *session) Chtimes(name string, atime, mtime time.Time) error {
	defer s.door.work()()
	p := s.path(name)
	return s.reply("MFMT", p, s.acc.FS.Chtimes(p, atime, mtime))
}

// Chmod and Chown are for SITE, which is switched off.
func (s *session) Chmod(string, os.FileMode) error { return errors.ErrUnsupported }

// Chown is refused.
func (s *session) Chown(string, int, int) error { return errors.ErrUnsupported }

// Create is GetHandle for an upload.
func (s *session) Create(name string) (afero.File, error) {
	return s.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open opens what is to be read.
func (s *session) Open(name string) (afero.File, error) { return s.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile opens a file of the tree; the library uses GetHandle instead.
func (s *session) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	p := s.path(name)
	f, err := s.acc.FS.OpenFile(p, flag, perm)
	return f, s.reply("OPEN", p, err)
}

// AllocateSpace notes the size of the file to come. Devices send zero, or what is
// no size; that says nothing.
func (s *session) AllocateSpace(size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect, s.within = max(0, int64(size)), s.cc.Path()
	return nil
}

// expected returns what ALLO announced, which holds for the next transfer alone and
// in the same folder: 0 for nothing.
func (s *session) expected() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.expect
	s.expect = 0
	if s.within != s.cc.Path() {
		return 0
	}
	return n
}

// GetAvailableSpace returns how many bytes the user can still put.
func (s *session) GetAvailableSpace(string) (int64, error) {
	defer s.door.work()()
	u, ok := s.acc.FS.(usager)
	if !ok {
		return math.MaxInt64, nil
	}
	used, limit, err := u.Usage()
	if err != nil {
		return 0, s.reply("AVBL", "/", err)
	}
	if limit < 0 {
		return math.MaxInt64, nil
	}
	return max(0, limit-max(0, used)), nil
}

// ComputeHash returns a file's SHA-256, which is known. Others would have to be
// read for.
func (s *session) ComputeHash(name string, algo ftpserver.HASHAlgo, start, end int64) (string, error) {
	defer s.door.work()()
	p := s.path(name)
	info, err := s.acc.FS.Stat(p)
	if err != nil {
		return "", s.reply("HASH", p, err)
	}
	refused := &answer{text: "SHA-256 of whole files only", err: errors.ErrUnsupported}
	sums, ok := info.(checksummed)
	if !ok || algo != ftpserver.HASHAlgoSHA256 || start != 0 || end != info.Size() {
		return "", refused
	}
	for _, sum := range sums.Checksums() {
		kind, value, _ := strings.Cut(sum, ":")
		if _, err := hex.DecodeString(value); err == nil && kind == "SHA256" {
			return value, nil
		}
	}
	return "", refused
}

// GetHandle opens a file for a transfer.
func (s *session) GetHandle(name string, flags int, offset int64) (h ftpserver.FileTransfer, err error) {
	s.front.Transferring(1) // an aborted file is closed after the last reply
	work := s.door.work()
	done := func() { work(); s.front.Transferring(-1) }
	p := s.path(name)
	defer s.recovered("STOR", p, func(failed error) { done(); h, err = nil, failed })
	if flags&os.O_WRONLY == 0 {
		h, err = s.download(p, done)
	} else {
		h, err = s.upload(p, flags, offset, done)
	}
	if err != nil {
		done()
		return nil, s.reply("STOR", p, err)
	}
	return h, nil
}

func (s *session) download(p string, done func()) (*download, error) {
	s.expected() // ALLO was not for this
	f, err := s.acc.FS.Open(p)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, &answer{text: "this is a folder", err: errors.Join(err, fs.ErrInvalid)}
	}
	return &download{File: f, s: s, name: p, done: done}, nil
}

// upload opens a staged file. The library's flags are O_TRUNC for STOR from the
// beginning, O_APPEND for APPE, and none of them for STOR after REST.
func (s *session) upload(p string, flags int, offset int64, done func()) (*upload, error) {
	u := &upload{s: s, name: p, expect: s.expected(), done: done}
	if a, ok := s.acc.FS.(admitter); ok && u.expect > 0 {
		if err := a.Admit(p, u.expect); err != nil {
			return nil, err
		}
	}
	err := s.open(u, flags, offset)
	if errors.Is(err, fs.ErrNotExist) {
		// Only now are the folders above looked for: most often they are there.
		if err = s.parents(p); err == nil {
			err = s.open(u, flags, offset)
		}
	}
	if err != nil {
		return nil, err
	}
	if _, ok := u.File.(transferErrorer); !ok {
		return nil, errors.Join(errors.New("ftp: a file opened for writing cannot be aborted"), u.File.Close())
	}
	if s.acc.GoesOn != nil && flags&(os.O_TRUNC|os.O_APPEND) == 0 {
		u.sealed = !s.acc.GoesOn(u.File, p, s.own(p))
	}
	if s.acc.Opened != nil {
		s.acc.Opened(u.File, p, s.mine(p))
	}
	return u, nil
}

// open opens u's staged file by the library's flags.
func (s *session) open(u *upload, flags int, offset int64) (err error) {
	switch {
	case flags&os.O_APPEND != 0:
		u.File, u.start, err = s.appendTo(u.name)
	case flags&os.O_TRUNC != 0:
		u.File, err = s.acc.FS.OpenFile(u.name, create|os.O_TRUNC, 0o666)
	default:
		u.start = offset
		u.File, err = s.resume(u.name, offset)
	}
	return err
}

const create = os.O_WRONLY | os.O_CREATE

// resume opens p to be written on from offset.
func (s *session) resume(p string, offset int64) (afero.File, error) {
	r, ok := s.acc.FS.(resumer)
	if !ok {
		return s.acc.FS.OpenFile(p, create, 0o666)
	}
	return r.Resume(p, offset)
}

// appendTo opens p to be written on from its end, and returns where that is. What
// was kept of an upload counts only where no file has its name.
func (s *session) appendTo(p string) (afero.File, int64, error) {
	info, err := s.acc.FS.Stat(p)
	if err == nil && info.IsDir() {
		return nil, 0, &answer{text: "this is a folder", err: fs.ErrInvalid}
	}
	if err != nil {
		if kept, ok := s.partial(p); ok {
			f, err := s.resume(p, kept.Size())
			return f, kept.Size(), err
		}
	}
	f, err := s.acc.FS.OpenFile(p, create|os.O_APPEND, 0o666)
	if err != nil {
		return nil, 0, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, end, nil
}

// mine describes what this session has just stored at p; nil: nothing.
func (s *session) mine(p string) fs.FileInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.latest(p)
	if i < 0 || s.door.Clock().Sub(s.recent[i].at) > s.door.Again() {
		return nil
	}
	return s.recent[i].info
}

// own describes what this session has stored at p; nil: nothing.
func (s *session) own(p string) fs.FileInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.latest(p); i >= 0 {
		return s.recent[i].info
	}
	return nil
}

// latest returns where recent has p, or -1; mu is held.
func (s *session) latest(p string) int {
	return slices.IndexFunc(s.recent, func(r stored) bool { return r.path == p })
}

// stored remembers what f has put at p.
func (s *session) stored(p string, f afero.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.latest(p); i >= 0 {
		s.recent = slices.Delete(s.recent, i, i+1)
	} else if len(s.recent) == recentFiles {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, stored{p, info, s.door.Clock()})
}
