package auth

import "container/list"

// lru is a map of at most max entries that forgets the one used longest ago. It
// is not safe for concurrent use.
type lru[K comparable, V any] struct {
	max     int
	order   *list.List // of pair[K, V], the latest in front
	entries map[K]*list.Element
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{max: size, order: list.New(), entries: make(map[K]*list.Element)}
}

// get returns key's value and marks it as used.
func (l *lru[K, V]) get(key K) (V, bool) {
	e, ok := l.entries[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*pair[K, V]).value, true
}

// put sets key's value and marks it as used.
func (l *lru[K, V]) put(key K, value V) {
	if e, ok := l.entries[key]; ok {
		e.Value.(*pair[K, V]).value = value
		l.order.MoveToFront(e)
		return
	}
	if l.order.Len() >= l.max {
		oldest := l.order.Back()
		delete(l.entries, l.order.Remove(oldest).(*pair[K, V]).key)
	}
	l.entries[key] = l.order.PushFront(&pair[K, V]{key, value})
}

func (l *lru[K, V]) remove(key K) {
	if e, ok := l.entries[key]; ok {
		l.order.Remove(e)
		delete(l.entries, key)
	}
}
