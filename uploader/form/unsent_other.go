//go:build !linux && !darwin

package form

import "syscall"

// limitUnsent does nothing: a small send buffer, which is all that could be set here,
// would slow long lines down.
func limitUnsent(_, _ string, _ syscall.RawConn) error { return nil }
