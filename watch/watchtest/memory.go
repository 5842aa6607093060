// Package watchtest has what a watch.Folder needs, for tests: a memory, a virtual
// filesystem that notes every version that was put, and what becomes of it.
package watchtest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"slipway/watch"
)

// ErrCut is what every call returns after a Cut: the program has crashed.
var ErrCut = errors.New("the program has crashed")

// Cut makes calls fail, as if the program had crashed before one of them. The zero
// value lets all pass. It is safe for concurrent use.
type Cut struct {
	mu    sync.Mutex
	left  int
	on    bool
	calls int
}

// After lets n more calls pass, and no other.
func (c *Cut) After(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.left = true, n
}

// Off lets all calls pass again.
func (c *Cut) Off() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
}

// Calls returns how many calls have passed.
func (c *Cut) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *Cut) pass() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on && c.left <= 0 {
		return ErrCut
	}
	c.left--
	c.calls++
	return nil
}

// Memory is a watch.Memory that forgets all with the program. Its folders are one.
type Memory struct {
	Cut *Cut // nil: none

	mu    sync.Mutex
	known map[string]watch.Known
	paths []string // of known, in order
	byIno map[[2]uint64]map[string]bool
	bySum map[[32]byte]map[string]bool
	byDir map[string]map[string]bool
	reads int
}

var _ watch.Memory = (*Memory)(nil)

// Reads returns how often it was read.
func (m *Memory) Reads() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

// All returns what is remembered, in order.
func (m *Memory) All() []watch.Known {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(maps.Keys(m.known))
}

func (m *Memory) list(paths func(yield func(string) bool)) (list []watch.Known) {
	for p := range paths {
		k := m.known[p]
		k.Beside = maps.Clone(k.Beside)
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b watch.Known) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

func (m *Memory) read() error {
	err := m.Cut.pass()
	m.mu.Lock()
	m.reads++
	return err
}

func dirOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

func within(p, dir string) bool {
	return dir == "" || p == dir || strings.HasPrefix(p, dir+"/")
}

// Dir is watch.Memory's.
func (m *Memory) Dir(_ context.Context, _, dir string) ([]watch.Known, error) {
	err := m.read()
	defer m.mu.Unlock()
	return m.list(maps.Keys(m.byDir[dir])), err
}

// Dirs is watch.Memory's.
func (m *Memory) Dirs(context.Context, string) ([]string, error) {
	err := m.read()
	defer m.mu.Unlock()
	dirs := make(map[string]bool)
	for p, k := range m.known {
		switch k.State {
		case watch.Taking, watch.Taken, watch.Removing, watch.Missing:
			dirs[dirOf(p)] = true
		}
	}
	return slices.Sorted(maps.Keys(dirs)), err
}

// page returns up to limit of those in dir and below that take says yes to.
func (m *Memory) page(dir, after string, limit int, take func(k watch.Known) bool) (list []watch.Known) {
	if dir != "" {
		after = max(after, dir+"/")
	}
	i, found := slices.BinarySearch(m.paths, after)
	if found {
		i++
	}
	for ; i < len(m.paths) && len(list) < limit && within(m.paths[i], dir); i++ {
		if k := m.known[m.paths[i]]; take(k) {
			k.Beside = maps.Clone(k.Beside)
			list = append(list, k)
		}
	}
	return list
}

func all(watch.Known) bool { return true }

// Below is watch.Memory's.
func (m *Memory) Below(_ context.Context, _, dir, after string, limit int) ([]watch.Known, error) {
	err := m.read()
	defer m.mu.Unlock()
	return m.page(dir, after, limit, all), err
}

// Twins is watch.Memory's.
func (m *Memory) Twins(_ context.Context, _ string, device, inode uint64, sum [32]byte) ([]watch.Known, error) {
	err := m.read()
	defer m.mu.Unlock()
	paths := maps.Clone(m.byIno[[2]uint64{device, inode}])
	if paths == nil {
		paths = make(map[string]bool)
	}
	maps.Copy(paths, m.bySum[sum])
	return m.list(maps.Keys(paths)), err
}

// Entries is watch.Memory's.
func (m *Memory) Entries(_ context.Context, _ string, ids []int64) ([]watch.Known, error) {
	err := m.read()
	defer m.mu.Unlock()
	return m.page("", "", len(m.known), func(k watch.Known) bool { return slices.Contains(ids, k.Entry) }), err
}

// Open is watch.Memory's.
func (m *Memory) Open(_ context.Context, _, after string, limit int) ([]watch.Known, error) {
	err := m.read()
	defer m.mu.Unlock()
	return m.page("", after, limit, func(k watch.Known) bool { return !k.Done }), err
}

// Store is watch.Memory's.
func (m *Memory) Store(_ context.Context, _ string, remember []watch.Known, forget []string) error {
	if err := m.Cut.pass(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range forget {
		m.drop(p)
	}
	for _, k := range remember {
		m.put(k)
	}
	return nil
}

func (m *Memory) put(k watch.Known) {
	if k.Path == "" {
		panic("a file without a name is remembered")
	}
	m.drop(k.Path)
	if m.known == nil {
		m.known = make(map[string]watch.Known)
		m.byIno, m.bySum, m.byDir = make(map[[2]uint64]map[string]bool), make(map[[32]byte]map[string]bool), make(map[string]map[string]bool)
	}
	k.Beside = maps.Clone(k.Beside)
	m.known[k.Path] = k
	i, _ := slices.BinarySearch(m.paths, k.Path)
	m.paths = slices.Insert(m.paths, i, k.Path)
	set(m.byIno, [2]uint64{k.Stat.Device, k.Stat.Inode}, k.Path)
	set(m.bySum, k.Sum, k.Path)
	set(m.byDir, dirOf(k.Path), k.Path)
}

func set[K comparable](in map[K]map[string]bool, key K, path string) {
	if in[key] == nil {
		in[key] = make(map[string]bool)
	}
	in[key][path] = true
}

func (m *Memory) drop(p string) {
	k, ok := m.known[p]
	if !ok {
		return
	}
	delete(m.known, p)
	i, _ := slices.BinarySearch(m.paths, p)
	m.paths = slices.Delete(m.paths, i, i+1)
	delete(m.byIno[[2]uint64{k.Stat.Device, k.Stat.Inode}], p)
	delete(m.bySum[k.Sum], p)
	delete(m.byDir[dirOf(p)], p)
}

// Rename is watch.Memory's.
func (m *Memory) Rename(_ context.Context, _, from, to string) error {
	if err := m.Cut.pass(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var moved []watch.Known
	for p, k := range m.known {
		switch {
		case within(p, from):
			moved = append(moved, k)
			m.drop(p)
		case within(p, to):
			m.drop(p)
		}
	}
	for _, k := range moved {
		k.Path = to + strings.TrimPrefix(k.Path, from)
		beside := make(map[string][32]byte)
		for p, sum := range k.Beside {
			if within(p, from) {
				p = to + strings.TrimPrefix(p, from)
			}
			beside[p] = sum
		}
		k.Beside = beside
		m.put(k)
	}
	return nil
}

// Count is watch.Memory's.
func (m *Memory) Count(context.Context, string) (map[watch.State]int, error) {
	err := m.read()
	defer m.mu.Unlock()
	count := make(map[watch.State]int)
	for _, k := range m.known {
		count[k.State]++
	}
	return count, err
}
