//go:build darwin || freebsd

package place

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// find asks statfs(2).
func (m *Mount) find(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	name := st.Fstypename[:]
	text := make([]byte, 0, len(name))
	for _, c := range name {
		if c == 0 {
			break
		}
		text = append(text, byte(c)) // int8 or byte
	}
	m.Kind = string(text)
	m.Network = foreign(m.Kind)
	if v := st.Fsid.Val; v[0] != 0 || v[1] != 0 {
		m.Volume = fmt.Sprintf("%08x%08x", uint32(v[1]), uint32(v[0]))
	}
	return nil
}
