package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"slipway/gateway/api"
	"slipway/gateway/auth"
	"slipway/gateway/certs"
	"slipway/gateway/control"
	"slipway/gateway/ftp"
	"slipway/gateway/metrics"
	"slipway/gateway/thumbnail"
	"slipway/gateway/web"
	"slipway/gateway/webdav"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
	"slipway/vfs/index"
)

// app is one gateway: everything that is opened, joined, run and closed.
type app struct {
	log     *slog.Logger
	version string
	started time.Time
	getenv  func(string) (string, bool)
	notice  func(format string, args ...any) // shown once to whoever started it
	grace   time.Duration                    // see program

	lock      *control.Lock
	db        *index.Database
	disk      *blob.Disk
	tree      *index.Tree
	ledger    *ledger.Ledger
	fs        *vfs.FS
	certs     *certs.Manager
	users     *auth.Table
	tokens    *auth.Tokens
	drops     *dropSessions
	watches   *watches
	dav       *webdav.Handler
	limits    *userLimits
	page      *web.Handler
	api       *api.Handler
	untrusted sync.Once   // a proxy that is not trusted was seen, and said so
	ftp       *ftp.Server // nil where the door is switched off
	collector index.Collector
	store     *elsewhere.Store // the disk, and what is read from hosts and watched folders instead
	releaser  *index.Releaser
	reads     *index.Reads
	keeping   keeping
	passes    func(context.Context) // in place of letGo, for tests

	settings atomic.Pointer[settings]
	pools    chan *uploader.Pool // a pool that takes over from the one that runs
	hooks    chan []hook         // webhooks that take over
	pool     atomic.Pointer[uploader.Pool]
	reloads  sync.Mutex // one reload at a time

	addresses sync.Map // front's name to bound address
	serving   atomic.Bool
	stopping  atomic.Bool

	metrics    *metrics.Metrics
	tally      tally         // for the metrics
	rates      rates         // of transfers, for those who look
	linking    linksUnderWay // for those who look
	signIns    signIns       // the last ones, by user and way
	thumbnails *thumbnail.Maker
	wrote      struct { // whether the data directory could be written to lately
		sync.Mutex
		at  time.Time
		err error
	}
}

// appOptions are what main and tests give an app.
type appOptions struct {
	config  *Config
	log     *slog.Logger
	version string
	getenv  func(string) (string, bool)
	notice  func(format string, args ...any)
	// unsafe switches fsync off, for benchmarks of what it costs.
	unsafe bool
	grace  time.Duration // see program
}

// openApp locks the data directory and opens everything below it. Nothing runs
// before run.
func openApp(ctx context.Context, o appOptions) (a *app, err error) {
	a = &app{log: o.log, grace: o.grace, version: o.version, getenv: o.getenv, notice: o.notice, started: time.Now(), pools: make(chan *uploader.Pool, 1), hooks: make(chan []hook, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
			a = nil
		}
	}()
	a.metrics = a.newMetrics()
	dir := o.config.dataDir()
	a.thumbnails = a.newThumbnails(dir)
	if a.lock, err = control.Acquire(dir); err != nil {
		return a, err
	}
	if err = a.openStorage(ctx, o); err != nil {
		return a, err
	}
	s, err := a.newSettings(o.config)
	if err != nil {
		return a, usage(err)
	}
	a.drops = newDropSessions(time.Now, func(path string) bool { return a.dav.Blocked(path, true) })
	a.dav = webdav.New(webdav.Options{
		Prefix: davPrefix, Log: a.log, FS: a.davView, Key: vfs.Key,
		User: func(r *http.Request) string { return userOf(r).Name }, Uploads: a.uploadsOf,
		LockStore: lockRows{index.Locks{DB: a.db}}, Unlocked: a.unlocked,
		MacQuota: func() bool { return a.settings.Load().config.Web.QuotaForMacOS },
	})
	if err = a.openLedger(ctx, s); err != nil {
		return a, err
	}
	if err = a.loadLocks(ctx); err != nil {
		return a, err
	}
	if a.users, err = a.openUsers(s.config); err != nil {
		return a, usage(err)
	}
	a.tokens = auth.NewTokens(tokenRows{index.Tokens{DB: a.db}}, a.users, time.Now)
	a.limits = newUserLimits(func() int64 { return int64(a.settings.Load().config.Web.UploadRate) }, a.client)
	a.page = a.newPage()
	a.api = a.newAPI()
	a.watches = &watches{app: a}
	a.apply(s)
	return a, a.makeFolders(ctx, s)
}

// openStorage opens the database and the blobs.
func (a *app) openStorage(ctx context.Context, o appOptions) (err error) {
	dir := o.config.dataDir()
	source, err := o.config.Storage.Index.Resolve(a.getenv)
	if err != nil {
		return fmt.Errorf("storage.index: %w", err)
	}
	if err := checkIndex(source); err != nil {
		return err
	}
	if !isPostgres(source) {
		source = filepath.Join(dir, "index.db")
	}
	if a.db, err = index.Open(ctx, source, index.Options{Unsafe: o.unsafe, Log: a.log}); err != nil {
		return err
	}
	if isPostgres(source) {
		if err := a.bind(ctx, dir); err != nil {
			return err
		}
	}
	a.disk, err = blob.NewDisk(dir, blob.DiskOptions{})
	a.collector = index.Collector{DB: a.db, Store: a.disk, Clock: time.Now}
	a.reads = &index.Reads{DB: a.db, Clock: time.Now}
	a.store = elsewhere.New(a.disk, elsewhere.Options{
		Releases: index.Releases{DB: a.db}, Places: a.placesOf, Remotes: a.remotesOf, Read: a.wasRead, Clock: time.Now,
	})
	a.releaser = a.newReleaser()
	return err
}

// bind ties a database that others can reach too to the bytes in dir.
func (a *app) bind(ctx context.Context, dir string) error {
	id, err := storeID(dir)
	if err != nil {
		return err
	}
	if err := a.db.Bind(ctx, id); err != nil {
		return fmt.Errorf("storage.index: %w; give each gateway a database of its own", err)
	}
	return nil
}

// storeID returns the id of the bytes kept in dir, drawn when the directory is
// first used.
func storeID(dir string) (string, error) {
	name := filepath.Join(dir, "store.id")
	text, err := os.ReadFile(name)
	if err == nil && len(strings.TrimSpace(string(text))) > 0 {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := rand.Text()
	f, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(id + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return id, errors.Join(os.Rename(f.Name(), name), (blob.OS{}).SyncDir(dir))
}

// openLedger joins names, bytes and uploads.
func (a *app) openLedger(ctx context.Context, s *settings) (err error) {
	a.ledger, err = ledger.New(ctx, a.db, ledger.Options{
		Router: s.table, Destinations: s.names(), Log: a.log, Notices: a.noticesOf(s.hooks),
		Locked:  a.locked,
		Ceiling: func() time.Duration { return time.Duration(a.settings.Load().config.Settle.Ceiling) },
		Quiet:   a.quiet,
		Grace:   a.grace,
	})
	if err != nil {
		return err
	}
	a.tree = index.NewTree(a.db, time.Now, a.ledger.OnCommit)
	a.fs = vfs.New(vfs.Options{Index: a.tree, Blobs: a.store, Policy: s.table, Arrived: a.arrived})
	return nil
}

// apply makes s what holds from now on.
func (a *app) apply(s *settings) {
	a.settings.Store(s)
	a.fs.SetPolicy(s.table)
	a.ledger.Configure(s.table, s.names())
	a.ledger.SetNotices(a.noticesOf(s.hooks))
	select {
	case <-a.hooks:
	default:
	}
	a.hooks <- s.hooks
	a.watches.configure(s.config.Watches)
	pool := a.newPool(s)
	select {
	case <-a.pools: // one that never ran
	default:
	}
	a.pools <- pool
}

// makeFolders makes the folders that routes and users begin at, so that there is
// a place to drop pictures into.
func (a *app) makeFolders(ctx context.Context, s *settings) error {
	view := a.fs.WithContext(ctx)
	for _, dir := range s.folders() {
		err := view.MkdirAll(dir, 0o755)
		if errors.Is(err, fs.ErrExist) || errors.Is(err, vfs.ErrNotDir) {
			a.log.Warn("a file stands where a folder is to be; move it away", "folder", dir)
			continue
		}
		if err != nil {
			return fmt.Errorf("making the folder %s: %w", dir, err)
		}
	}
	return nil
}

// run works until ctx ends: uploads, the housekeeping, the control socket and,
// where ready is given, the fronts; it is called once they are bound. When run
// returns, nothing of it runs any more.
func (a *app) run(ctx context.Context, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, func() { a.stopping.Store(true) })()
	// Commands must find the socket once addresses.json is there.
	socket, err := control.Listen(a.settings.Load().config.dataDir())
	if err != nil {
		return err
	}
	if ready != nil {
		if err = a.openFronts(ctx, group); err != nil {
			return errors.Join(err, socket.Close())
		}
	}
	// What serves people stops first, so that nothing new arrives while uploads
	// under way come to their end.
	back, stopBack := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBack()
	var backs sync.WaitGroup
	for _, f := range []func(context.Context) error{a.ledger.Run, a.sweep, a.runKeep, a.runPools, a.runLinks, a.runWebhooks} {
		backs.Go(func() {
			if err := f(back); err != nil && back.Err() == nil {
				a.log.Error("a part of the gateway ended; it goes on after a restart", "error", err)
			}
		})
	}
	if ready != nil {
		group.Go(func() error { a.watches.run(ctx); return nil })
	}
	group.Go(func() error { return a.serveControl(ctx, socket, ready) })
	err = group.Wait()
	a.watches.end()
	stopBack()
	backs.Wait()
	return err
}

// runPools runs pools: a reload hands in the next, and the one before brings what
// it has begun to its end beside it.
func (a *app) runPools(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case pool := <-a.pools:
			if last := a.pool.Swap(pool); last != nil {
				last.Retire()
			}
			running.Go(func() {
				if err := pool.Run(ctx); err != nil && ctx.Err() == nil {
					a.log.Error("uploading stopped", "error", err)
				}
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// orphanAge is how old bytes without a name must be for the sweep at the start.
const orphanAge = 24 * time.Hour

// sweep removes what a crash left behind, and then, every minute, what nothing
// refers to and locks that have ended.
func (a *app) sweep(ctx context.Context) error {
	n, err := a.disk.Sweep(ctx, time.Now().Add(-orphanAge), a.collector.Known)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("leftovers of an earlier run could not be removed", "error", err)
	}
	if n > 0 {
		a.log.Info("leftovers of an earlier run were removed", "files", n)
	}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := a.expire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Warn("uploads that broke off long ago could not be let go", "error", err)
		}
		if err := a.ledger.GiveUpDeletions(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("deletions at destinations that are not configured any more could not be ended", "error", err)
		}
		if err := a.expireMessages(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("messages to webhooks that are too old could not be given up", "error", err)
		}
		if _, err := a.collector.Collect(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("bytes that nothing needs any more could not be removed", "error", err)
		}
		if err := a.store.Drop(ctx, false); err != nil && ctx.Err() == nil {
			a.log.Warn("bytes that were brought back to be read could not be removed", "error", err)
		}
		if err := a.tokens.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("tokens that ended could not be removed", "error", err)
		}
		if err := a.dav.SweepLocks(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("WebDAV locks that ended could not be removed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// expire lets go of uploads that broke off too long before now.
func (a *app) expire(ctx context.Context, now time.Time) error {
	life := time.Duration(a.settings.Load().config.FTP.PartialLife)
	_, err := a.fs.ExpirePartials(ctx, now.Add(-life))
	return err
}

// close closes what openApp opened.
func (a *app) close() error {
	var errs []error
	if a.certs != nil {
		errs = append(errs, a.certs.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.lock != nil {
		if a.serving.Load() {
			errs = append(errs, control.RemoveAddresses(a.settings.Load().config.dataDir()))
		}
		errs = append(errs, a.lock.Unlock())
	}
	return errors.Join(errs...)
}

// loopback reports whether addr, "host:port" as bound, can be reached from this
// machine alone.
func loopback(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// checkIndex reports a storage.index that is no database.
func checkIndex(source string) error {
	if source == "sqlite" || isPostgres(source) {
		return nil
	}
	return errors.New(`storage.index: write "sqlite", or the address of a PostgreSQL database, as in "postgres://user:password@host/database"`)
}

// isPostgres reports whether source is the address of a PostgreSQL database.
func isPostgres(source string) bool {
	return strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://")
}
