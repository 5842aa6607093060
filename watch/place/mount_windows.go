package place

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// find asks for the volume that the folder is on.
func (m *Mount) find(dir string) error {
	full, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(full)
	if err != nil {
		return err
	}
	root := make([]uint16, windows.MAX_LONG_PATH)
	if err := windows.GetVolumePathName(name, &root[0], uint32(len(root))); err != nil {
		return err
	}
	m.Network = windows.GetDriveType(&root[0]) == windows.DRIVE_REMOTE
	kind := make([]uint16, windows.MAX_PATH+1)
	var serial uint32
	if err := windows.GetVolumeInformation(&root[0], nil, 0, &serial, nil, nil, &kind[0], uint32(len(kind))); err != nil {
		return nil //nolint:nilerr // A server may tell neither; where it lies is known.
	}
	m.Kind = windows.UTF16ToString(kind)
	if serial != 0 {
		m.Volume = fmt.Sprintf("%08x", serial)
	}
	return nil
}
