//go:build darwin || freebsd || netbsd

package place

import "syscall"

func changedOf(st *syscall.Stat_t) int64 {
	return int64(st.Ctimespec.Sec)*1e9 + int64(st.Ctimespec.Nsec)
}
