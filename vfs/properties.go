package vfs

import (
	"encoding/xml"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"
)

// What a file or folder keeps of dead properties (RFC 4918 §4) at the most.
const (
	PropertiesMax    = 200
	PropertyBytesMax = 64 << 10 // of the names, their namespaces and the values
)

// Properties returns the dead properties (RFC 4918 §4) of files that this view
// described, in the order of infos: each value is a whole element of XML, as
// SetProperties was given it. It is nil for one that has none, or is no entry.
func (f *FS) Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error) {
	ids := make([]ID, 0, len(infos))
	for _, info := range infos {
		if id := entryOf(info).ID; id != 0 {
			ids = append(ids, id)
		}
	}
	all := make([]map[xml.Name]string, len(infos))
	if len(ids) == 0 {
		return all, nil
	}
	byID, err := f.index.Properties(f.ctx, ids)
	if err != nil {
		return nil, failed("stat", "/", err)
	}
	for i, info := range infos {
		all[i] = byID[entryOf(info).ID]
	}
	return all, nil
}

// entryOf returns the entry that info describes; zero: none.
func entryOf(info fs.FileInfo) Entry {
	e, _ := info.Sys().(Entry)
	return e
}

// SetProperties changes dead properties of the file or folder at name, and, unless
// modified is zero, its modification time, in one transaction. Removing one that
// is not there is no error. Text that is not UTF-8, or holds a NUL, is
// fs.ErrInvalid; more than can be kept is ErrProperties.
func (f *FS) SetProperties(name string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error {
	p, err := f.real("setproperties", name)
	if err != nil {
		return err
	}
	if err := checkProperties(set); err != nil {
		return failed("setproperties", name, err)
	}
	if !modified.IsZero() {
		modified = Timestamp(modified)
	}
	_, _, err = f.apply("setproperties", name, Patch{Path: p, Set: set, Remove: remove, Modified: modified})
	return err
}

// checkProperties fails where set can never be kept.
func checkProperties(set map[xml.Name]string) error {
	size := 0
	for n, value := range set {
		size += len(n.Space) + len(n.Local) + len(value)
		for _, text := range []string{n.Space, n.Local, value} {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return fs.ErrInvalid
			}
		}
	}
	if len(set) > PropertiesMax || size > PropertyBytesMax {
		return ErrProperties
	}
	return nil
}

// Properties returns FS.Properties for what this session put or made; nil for
// what it only sees.
func (d *DropFS) Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error) {
	all := make([]map[xml.Name]string, len(infos))
	mine := d.s.ids()
	var own []fs.FileInfo
	var at []int
	for i, info := range infos {
		if mine[entryOf(info).ID] {
			own, at = append(own, info), append(at, i)
		}
	}
	found, err := d.fs.Properties(own...)
	for i, p := range found {
		all[at[i]] = p
	}
	return all, err
}

// ids returns what the session put or made.
func (s *DropSession) ids() map[ID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[ID]bool, len(s.real))
	for _, d := range s.real {
		ids[d.id] = true
	}
	return ids
}

// SetProperties is FS.SetProperties for what this session put or made. A
// directory of others is fs.ErrPermission.
func (d *DropFS) SetProperties(name string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error {
	real, err := d.own("setproperties", name)
	if err == nil {
		return failed("setproperties", name, d.fs.SetProperties(real, set, remove, modified))
	}
	if _, statErr := d.Stat(name); statErr == nil {
		return &fs.PathError{Op: "setproperties", Path: name, Err: fs.ErrPermission}
	}
	return err
}
