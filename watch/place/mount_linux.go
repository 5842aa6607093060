package place

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// find asks statfs(2), and for FUSE, behind which anything may be, the table of
// mounts.
func (m *Mount) find(dir string) error {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if id := uint64(uint32(st.Fsid.Val[0])) | uint64(uint32(st.Fsid.Val[1]))<<32; id != 0 {
		m.Volume = fmt.Sprintf("%016x", id)
	}
	magic := uint32(st.Type) //nolint:unconvert // Its type differs between processors.
	k := kinds[magic]
	m.Kind, m.Network = k.name, k.network
	if magic == fuse {
		if name := mounted(m.Device); name != "" {
			m.Kind, m.Network = name, name != "fuseblk" // that is a disk: NTFS, exFAT
		}
	}
	return nil
}

// mounted returns the kind of file system that the table of mounts names for a
// device, or "".
func mounted(device uint64) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	table, err := io.ReadAll(io.LimitReader(f, 4<<20))
	if err != nil {
		return ""
	}
	return kindIn(string(table), unix.Major(device), unix.Minor(device))
}

const fuse = 0x65735546

// kinds are the file systems by the number that statfs(2) gives as f_type
// (statfs(2), linux/magic.h). network are those that other machines, or the host
// of a virtual one, write to without this kernel's knowing.
var kinds = map[uint32]struct {
	name    string
	network bool
}{
	0xEF53:     {"ext4", false},
	0x58465342: {"xfs", false},
	0x9123683E: {"btrfs", false},
	0x2FC12FC1: {"zfs", false},
	0xF2F52010: {"f2fs", false},
	0x01021994: {"tmpfs", false},
	0x794C7630: {"overlay", false},
	0x4D44:     {"vfat", false},
	0x2011BAB0: {"exfat", false},
	0x7366746E: {"ntfs3", false},
	0x5346544E: {"ntfs", false},
	0xCA451A4E: {"bcachefs", false},
	0x9660:     {"iso9660", false},
	0x15013346: {"udf", false},

	0x6969:     {"nfs", true},
	0x517B:     {"smb", true},
	0xFF534D42: {"cifs", true},
	0xFE534D42: {"smb2", true},
	fuse:       {"fuse", true},
	0x01021997: {"9p", true},
	0x5346414F: {"afs", true},
	0x6B414653: {"afs", true},
	0x73757245: {"coda", true},
	0x564C:     {"ncp", true},
	0x00C36400: {"ceph", true},
	0x0BD00BD0: {"lustre", true},
	0x47504653: {"gpfs", true},
	0x01161970: {"gfs2", true},
	0x7461636F: {"ocfs2", true},
	0x786F4256: {"vboxsf", true},
	0xBACBACBC: {"vmhgfs", true},
	0x7C7C6013: {"prl_fs", true},
}
