package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/uploader/route"
	"slipway/vfs"
	"slipway/vfs/sidecar"
	"slipway/watch"
	"slipway/watch/beside"
	"slipway/watch/finish"
	"slipway/watch/mount"
	"slipway/watch/notice"
	"slipway/watch/place"
)

// watches are the watched folders of a gateway. They are followed while run runs;
// everything else can be asked of them at any time. Nobody holds mu while he waits for
// a folder: that of a server that does not answer may take its time.
type watches struct {
	app *app
	// waits is how long an end of folders is waited for; 0: 10 s.
	waits time.Duration

	changing  sync.Mutex // one configuration after another
	mu        sync.Mutex
	following bool       // run runs
	folders   []*watched // in the order of the configuration
}

// list returns the folders as they are configured now.
func (w *watches) list() []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.folders)
}

// configure takes another configuration: folders that are new or changed begin,
// those that are gone end, and the others try again what was refused. One that begins
// where another ends does so when that has ended.
func (w *watches) configure(configs []WatchConfig) {
	w.changing.Lock()
	defer w.changing.Unlock()
	before := w.list()
	var folders, begin []*watched
	for _, c := range configs {
		same := slices.IndexFunc(before, func(f *watched) bool { return f.config.equal(c) })
		if same < 0 {
			f := newWatched(w.app, c)
			folders, begin = append(folders, f), append(begin, f)
			continue
		}
		before[same].folder.Reconsider()
		folders = append(folders, before[same])
	}
	end := slices.DeleteFunc(before, func(f *watched) bool { return slices.Contains(folders, f) })
	for _, f := range end {
		f.retire()
	}
	for _, f := range begin {
		f.succeed(end)
	}
	w.mu.Lock()
	w.folders = folders
	if w.following {
		for _, f := range begin {
			f.hold()
		}
	}
	w.mu.Unlock()
	w.await(end, func(f *watched) <-chan struct{} { return f.gone })
}

// await waits until all of folders have ended, but not for ever.
func (w *watches) await(folders []*watched, ended func(*watched) <-chan struct{}) {
	limit := time.NewTimer(cmp.Or(w.waits, endWait))
	defer limit.Stop()
	for _, f := range folders {
		select {
		case <-ended(f):
			continue
		default:
		}
		select {
		case <-ended(f):
		case <-limit.C:
			limit.Reset(0)
			w.app.log.Warn("a watched folder does not end, as what it lies on does not answer; what replaces it begins when it has", "folder", f.config.Folder)
		}
	}
}

// endWait is how long an end of folders is waited for.
const endWait = 10 * time.Second

// run follows the folders until ctx ends, and returns when none is followed any
// more, or what they lie on does not answer.
func (w *watches) run(ctx context.Context) {
	w.mu.Lock()
	w.following = true
	for _, f := range w.folders {
		f.hold()
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.following = false
	folders := slices.Clone(w.folders)
	w.mu.Unlock()
	ended := make(map[*watched]<-chan struct{}, len(folders))
	for _, f := range folders {
		ended[f] = f.unfollow()
	}
	w.await(folders, func(f *watched) <-chan struct{} { return ended[f] })
}

// end ends everything that is done with the folders, for good.
func (w *watches) end() {
	folders := w.list()
	for _, f := range folders {
		f.retire()
	}
	w.await(folders, func(f *watched) <-chan struct{} { return f.gone })
}

// equal reports whether two configurations say the same, wherever they stand.
func (w WatchConfig) equal(other WatchConfig) bool {
	return w.Folder == other.Folder && w.Into == other.Into && w.After == other.After && slices.Equal(w.Sidecars, other.Sidecars) &&
		w.SidecarDir == other.SidecarDir && w.Settle == other.Settle && w.Rescan == other.Rescan && w.Mode == other.Mode &&
		w.OnLocalDelete == other.OnLocalDelete && w.Grace == other.Grace
}

// watched is one watched folder.
type watched struct {
	app     *app
	config  WatchConfig
	folder  *watch.Folder
	memory  watch.Memory
	life    context.Context // ends when another configuration takes its place
	end     context.CancelFunc
	retired sync.Once
	gone    chan struct{} // closed when nothing is done with the folder any more

	// turn is held by whoever works on the folder: who follows it, or exclusively.
	turn chan struct{}

	mu      sync.Mutex
	holders int                // for whom it is followed
	unhold  context.CancelFunc // ends the following; nil: nobody follows
	ended   chan struct{}      // closed when the following has ended
	pauses  int                // of those who wait for their turn or have it
	pause   context.CancelFunc // has the follower give its turn up
	free    chan struct{}      // closed when there are no pauses
}

// errRetired is what ends when the configuration of a folder changes.
var errRetired = errors.New("the configuration of this watched folder was changed meanwhile; try again")

func newWatched(a *app, c WatchConfig) *watched {
	w := &watched{app: a, config: c, memory: newWatchMemory(a.db), turn: make(chan struct{}, 1), gone: make(chan struct{})}
	w.life, w.end = context.WithCancel(context.Background())
	w.folder = watch.New(a.watchOptions(c, w.memory))
	return w
}

// hold has the folder followed until letGo is called as often.
func (w *watched) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holders++; w.holders > 1 {
		return
	}
	ctx, cancel := context.WithCancel(w.life)
	ended := make(chan struct{})
	w.unhold, w.ended = cancel, ended
	go func() {
		defer close(ended)
		w.follow(ctx)
	}()
}

// letGo ends a hold; with the last of them it waits until nobody follows the folder.
func (w *watched) letGo() { <-w.unfollow() }

// unfollow ends a hold, and returns what is closed when, with the last of them, nobody
// follows the folder.
func (w *watched) unfollow() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holders--; w.holders > 0 {
		others := make(chan struct{})
		close(others)
		return others
	}
	w.unhold()
	return w.ended
}

// retire ends all that is done with the folder; gone is closed when nothing is.
func (w *watched) retire() {
	w.retired.Do(func() {
		w.end()
		go func() {
			w.turn <- struct{}{} // for good
			close(w.gone)
		}()
	})
}

// succeed has all that is done with a new folder wait until those of others are gone
// whose files or paths are among its own.
func (w *watched) succeed(others []*watched) {
	near := func(a, b string) bool { return liesUnder(a, b) || liesUnder(b, a) } // without a look at the disk
	others = slices.DeleteFunc(slices.Clone(others), func(o *watched) bool {
		return !near(filepath.ToSlash(w.config.Folder), filepath.ToSlash(o.config.Folder)) && !near(w.config.Into, o.config.Into)
	})
	if len(others) == 0 {
		return
	}
	w.turn <- struct{}{}
	go func() {
		for _, o := range others {
			<-o.gone
		}
		<-w.turn
	}()
}

// followAgain is how long the following rests after an error.
const followAgain = 10 * time.Second

// follow follows the folder until ctx ends, but for the turns of others.
func (w *watched) follow(ctx context.Context) {
	for w.unpaused(ctx) {
		run, stop := context.WithCancel(ctx)
		select {
		case w.turn <- struct{}{}:
		case <-ctx.Done():
			stop()
			return
		}
		w.mu.Lock()
		w.pause = stop
		if w.pauses > 0 {
			stop()
		}
		w.mu.Unlock()
		err := w.folder.Run(run)
		ended := run.Err() != nil
		stop()
		<-w.turn
		if err != nil && !ended {
			w.app.log.Error("a watched folder is not followed for a moment", "folder", w.config.Folder, "error", err)
			rest(ctx, followAgain)
		}
	}
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// unpaused waits until nobody else wants a turn; false: ctx has ended.
func (w *watched) unpaused(ctx context.Context) bool {
	for ctx.Err() == nil {
		w.mu.Lock()
		free := w.free
		w.mu.Unlock()
		if free == nil {
			return true
		}
		select {
		case <-free:
		case <-ctx.Done():
		}
	}
	return false
}

// exclusively does something with the folder while nobody follows it, and ends its
// context when the configuration changes.
func (w *watched) exclusively(ctx context.Context, do func(context.Context) error) error {
	w.mu.Lock()
	if w.pauses++; w.pauses == 1 {
		w.free = make(chan struct{})
	}
	if w.pause != nil {
		w.pause()
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.pauses--; w.pauses == 0 {
			close(w.free)
			w.free = nil
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(w.life, func() { cancel(errRetired) })()
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := do(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watchOptions joins a watched folder with what it works on.
func (a *app) watchOptions(c WatchConfig, memory watch.Memory) watch.Options {
	o := watch.Options{
		Name: c.name(), Root: c.Folder, Into: c.Into, Tree: a.watchTree(c), Place: answering{}, Memory: memory, Outcomes: newWatchOutcomes(a, c.Into),
		Key: vfs.Key, Others: a.others(c.name()),
		Ignore: c.ignores(), Settle: time.Duration(c.Settle), Rescan: time.Duration(c.Rescan), Grace: time.Duration(c.Grace),
		Follow: c.OnLocalDelete == localDeleteFollows, Log: a.log,
	}
	switch {
	case c.Mode == watchPoll:
		o.Polling = `mode = "poll" in the configuration says so`
	case c.Mode == watchAuto && answering{}.Network(c.Folder):
		o.Polling = "it is on a network file system, where others' changes are told to nobody"
	default:
		o.Hints = notice.New(notice.Options{Root: c.Folder, Ignore: func(rel string) bool { return o.Ignore(rel, true) != "" }, Log: o.Log})
	}
	var where func(context.Context, watch.Known) (string, error)
	if c.After != afterKeep {
		options := finish.Options{Root: c.Folder, MoveTo: c.doneDir()}
		if options.MoveTo != "" {
			done := mount.New(mount.Options{
				Dir: filepath.Join(c.Folder, filepath.FromSlash(options.MoveTo)), Top: c.Folder, What: "files that are done", Memory: memory, Name: o.Name, Log: o.Log,
			})
			options.Mounted, o.Targets = done.Check, append(o.Targets, done)
		}
		finisher, err := finish.New(options)
		if err != nil {
			a.log.Error("files that are done stay in their folder", "folder", c.Folder, "error", err)
		} else {
			o.Finisher, where = finisher, finisher.Where
		}
	} else if undo, err := finish.New(finish.Options{Root: c.Folder}); err == nil {
		o.Undo = undo
	}
	// Also where none are written now: they are those of another configuration.
	o.Ours = func(rel string) (string, bool) { return beside.Recognise(c.Folder, rel) }
	if len(c.Sidecars) > 0 {
		file, folder := c.kinds()
		dir := mount.New(mount.Options{Dir: cmp.Or(c.SidecarDir, c.Folder), What: "sidecars", Memory: memory, Name: o.Name, Log: o.Log})
		o.Targets = append(o.Targets, dir)
		o.Beside = beside.New(beside.Options{
			Root: c.Folder, Into: c.Into, Dir: c.SidecarDir, Tree: o.Tree, File: file, Folder: folder, Memory: memory, Name: o.Name,
			Where: where, Mounted: dir.Check, Log: o.Log,
		})
	}
	return o
}

// answering is this machine's file systems, of which one that does not answer keeps
// nobody waiting for long.
type answering struct{ place.System }

// answerWait is how long a file system of this machine takes at the most to say what
// it is, a disk that sleeps included.
const answerWait = 15 * time.Second

// Network reports whether path is on a network file system; one that does not answer
// is.
func (a answering) Network(path string) bool {
	answer := make(chan bool, 1)
	go func() { answer <- a.System.Network(path) }()
	limit := time.NewTimer(answerWait)
	defer limit.Stop()
	select {
	case network := <-answer:
		return network
	case <-limit.C:
		return true
	}
}

// kinds returns the kinds of sidecar that files have, and those that folders have.
func (w WatchConfig) kinds() (file, folder []string) {
	for _, kind := range w.Sidecars {
		if links, ok := strings.CutPrefix(kind, "links."); ok {
			folder = append(folder, links)
		} else {
			file = append(file, kind)
		}
	}
	return file, folder
}

// name is what the folder is remembered by.
func (w WatchConfig) name() string { return w.Into + "\n" + w.Folder }

// watchTree returns the tree as a watched folder has it: with those sidecars that
// are written into it.
func (a *app) watchTree(c WatchConfig) afero.Fs {
	tree := a.fs.Sub(vfs.View{Door: doorWatch, Settled: true, Locked: a.dav.Blocked})
	file, folder := c.kinds()
	return sidecar.New(tree, receipts{a}, sidecar.Options{File: file, Folder: folder, CanRetry: true})
}

// ignores returns what says of a file or folder why it is never taken.
func (w WatchConfig) ignores() func(rel string, dir bool) string {
	done := w.doneDir()
	return func(rel string, dir bool) string {
		name := rel
		if dir {
			name += "/"
		}
		switch {
		case done != "" && (rel == done || strings.HasPrefix(rel, done+"/")):
			return "it lies where files are moved to that are done"
		case vfs.Temporary(name):
			return "its name says that it is not finished; it is taken when it gets its final name"
		case vfs.Backup(rel) && !dir:
			return "it is the copy that exiftool keeps of a file as it was, with all that it said; it is never sent"
		case vfs.Junk(strings.TrimSuffix(name, route.FolderFile)):
			return "it is hidden, or something that a system keeps for itself"
		}
		return ""
	}
}
