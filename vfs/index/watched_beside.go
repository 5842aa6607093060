package index

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
)

// elsewhere marks a row whose Beside has files of other directories than the row's
// own: those do not follow by themselves where a directory is renamed.
const (
	nearby    = 0
	elsewhere = 1
)

// encodeBeside writes what lies beside a file in the directory dir ("/a/"): a byte
// that is nearby or elsewhere, and for each file the length of its name (uvarint),
// the name and the sum. The name is that in dir or, where it lies elsewhere, the
// stored path. Nothing beside is nil.
func encodeBeside(dir string, beside map[string][32]byte) []byte {
	if len(beside) == 0 {
		return nil
	}
	b := []byte{nearby}
	for _, p := range slices.Sorted(maps.Keys(beside)) {
		name := rooted(p)
		if dirOf(name) == dir {
			name = name[len(dir):]
		} else {
			b[0] = elsewhere
		}
		sum := beside[p]
		b = append(append(binary.AppendUvarint(b, uint64(len(name))), name...), sum[:]...)
	}
	return b
}

var errBeside = errors.New("the list of its sidecars is damaged")

// decodeBeside reads what encodeBeside wrote.
func decodeBeside(dir string, b []byte) (map[string][32]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	beside := make(map[string][32]byte)
	for b = b[1:]; len(b) > 0; {
		size, n := binary.Uvarint(b)
		if n <= 0 || uint64(len(b)-n) < 32 || size > uint64(len(b)-n-32) {
			return nil, errBeside
		}
		name, rest := string(b[n:n+int(size)]), b[n+int(size):]
		if !strings.HasPrefix(name, "/") {
			name = dir + name
		}
		beside[name[1:]] = [32]byte(rest[:32])
		b = rest[32:]
	}
	return beside, nil
}

// follow gives those of beside that are at or below from, both as they are stored,
// their path at or below to.
func follow(beside map[string][32]byte, from, to string) map[string][32]byte {
	moved := make(map[string][32]byte, len(beside))
	for p, sum := range beside {
		moved[movedPath(rooted(p), from, to)[1:]] = sum
	}
	return moved
}

// movedPath is the path that p gets where what is at or below from comes to to.
func movedPath(p, from, to string) string {
	if p == from || strings.HasPrefix(p, from+"/") {
		return to + p[len(from):]
	}
	return p
}
