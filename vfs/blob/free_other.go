//go:build !linux && !darwin && !freebsd

package blob

// freeBytes does not know on this system.
func freeBytes(string) (int64, error) { return -1, nil }
