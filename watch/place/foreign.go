package place

import "strings"

// foreign reports whether other machines write to a file system of that kind, as
// the f_fstypename of statfs(2) has it on macOS and FreeBSD, without this one's
// knowing: "nfs", "smbfs", "macfuse", "fusefs.sshfs".
func foreign(kind string) bool {
	kind = strings.ToLower(kind)
	if strings.Contains(kind, "fuse") {
		return true
	}
	switch kind {
	case "nfs", "nfs4", "oldnfs", "smbfs", "cifs", "afpfs", "webdav", "ftp", "p9fs", "9p", "acfs", "vmhgfs", "prl_fs", "autofs":
		return true
	}
	return false
}
