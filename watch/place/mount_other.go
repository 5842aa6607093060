//go:build !(linux || darwin || freebsd || windows)

package place

// find finds nothing out: a file system of unknown kind counts as a local one.
func (m *Mount) find(string) error { return nil }
