//go:build linux || openbsd || dragonfly || solaris || aix

package place

import "syscall"

func changedOf(st *syscall.Stat_t) int64 { return int64(st.Ctim.Sec)*1e9 + int64(st.Ctim.Nsec) }
