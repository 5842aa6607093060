package album

import (
	"context"
	"sync"
	"time"
)

const (
	// recentLife is how long what is dear to find out is kept, and recentMost for how
	// many folders. Strangers may ask as often as they like.
	recentLife = 5 * time.Second
	recentMost = 256
)

// recent keeps the newest pictures and the folders in folders for a moment. Questions
// asked at once are answered by one look.
type recent struct {
	mu sync.Mutex
	by map[string]*recently // by path
}

type recently struct {
	mu       sync.Mutex
	pictures kept[[]Picture]
	folders  kept[[]string]
}

// kept is an answer and until when it holds.
type kept[T any] struct {
	value T
	until time.Time
}

// get returns the answer, or asks. The caller holds the lock.
func (k *kept[T]) get(ask func() (T, error)) (T, error) {
	if time.Now().Before(k.until) {
		return k.value, nil
	}
	value, err := ask()
	if err == nil {
		k.value, k.until = value, time.Now().Add(recentLife)
	}
	return value, err
}

func (c *recent) at(dir string) *recently {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[dir] == nil {
		if c.by == nil || len(c.by) >= recentMost {
			c.by = make(map[string]*recently)
		}
		c.by[dir] = new(recently)
	}
	return c.by[dir]
}

func (c *recent) newest(ctx context.Context, dir string, f Folder) ([]Picture, error) {
	r := c.at(dir)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pictures.get(func() ([]Picture, error) { return f.Newest(ctx, feedSize) })
}

func (c *recent) folders(ctx context.Context, dir string, f Folder) ([]string, error) {
	r := c.at(dir)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.folders.get(func() ([]string, error) { return f.Folders(ctx) })
}
