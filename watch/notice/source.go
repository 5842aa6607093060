package notice

import (
	"github.com/fsnotify/fsnotify"
)

// Source tells of events in single directories, as fsnotify does. A source is used by
// two goroutines: one adds and removes directories, the other receives.
type Source interface {
	// Add begins to watch a directory, named by its absolute path.
	Add(dir string) error
	// Remove ends it. The error of one that is not watched is of no interest.
	Remove(dir string) error
	// WatchList returns the directories that are watched.
	WatchList() []string
	// Events returns the events: what happened to a file or directory directly in a
	// watched one, or to that itself. It is closed after Close.
	Events() <-chan fsnotify.Event
	// Errors returns what went wrong; fsnotify.ErrEventOverflow: events were lost.
	Errors() <-chan error
	// Close ends all of it, and waits for the source's goroutines.
	Close() error
}

// watcherSource is fsnotify's watcher as a Source.
type watcherSource struct{ *fsnotify.Watcher }

func (s watcherSource) Events() <-chan fsnotify.Event { return s.Watcher.Events }
func (s watcherSource) Errors() <-chan error          { return s.Watcher.Errors }

// system returns the operating system's source.
func system() (Source, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return watcherSource{w}, nil
}
