package place

import (
	"strconv"
	"strings"
)

// kindIn returns the kind of file system that a table in the form of
// /proc/self/mountinfo names for a device, or "". A line of it is (proc(5)):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
func kindIn(table string, major, minor uint32) string {
	device := strconv.FormatUint(uint64(major), 10) + ":" + strconv.FormatUint(uint64(minor), 10)
	for line := range strings.Lines(table) {
		mount, system, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		if f := strings.Fields(mount); len(f) < 6 || f[2] != device {
			continue
		}
		if f := strings.Fields(system); len(f) > 0 {
			return f[0]
		}
	}
	return ""
}
