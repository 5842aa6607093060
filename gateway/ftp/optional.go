package ftp

import (
	"io/fs"

	"github.com/spf13/afero"
)

// What an Account's FS, and the files and infos that it returns, may offer beyond
// afero.Fs.
type (
	// admitter is asked before the bytes of a file are read. size is -1 if unknown.
	admitter interface {
		Admit(name string, size int64) error
	}
	// usager tells the bytes that its user's files take and may take (limit -1:
	// unknown). Where used is -1, which is not told, limit is what may still come.
	usager interface {
		Usage() (used, limit int64, err error)
	}
	// resumer keeps uploads that were broken off, outside the tree, for the user
	// that sent them. Partial describes the one of a name, or is fs.ErrNotExist.
	// Resume opens it, or where there is none a copy of the file of that name, for
	// writing on from an offset, and fails where that is beyond its end. DropPartial
	// forgets it.
	resumer interface {
		Partial(name string) (fs.FileInfo, error)
		Resume(name string, offset int64) (afero.File, error)
		DropPartial(name string) error
	}
	// transferErrorer is a File opened for writing whose Close, after TransferError,
	// changes nothing. Every such File must be one.
	transferErrorer interface{ TransferError(err error) }
	// keeper is a File opened for writing whose bytes, after KeepPartial, are kept
	// as a partial upload when it aborts.
	keeper interface{ KeepPartial() }
	// checksummed is a FileInfo that knows checksums of its file's bytes, as in
	// "SHA256:" and the sum in lower-case hexadecimal.
	checksummed interface{ Checksums() []string }
)
