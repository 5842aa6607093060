package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/uploader/route"
	"slipway/uploader/variant"
	"slipway/uploader/whole"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/sidecar"
)

// settings is what a reload swaps: the configuration, and what was made of it.
type settings struct {
	config       *Config
	destinations []uploader.Destination
	table        *route.Table
	hooks        []hook
	warnings     []string                 // what is probably not meant
	bandwidth    map[string]*rate.Limiter // of hosts that have a limit

	keepsOnce sync.Once
	keepList  []route.Keep // see keeps
}

// newSettings makes drivers and routes of a configuration. It changes nothing.
func (a *app) newSettings(c *Config) (*settings, error) {
	s := &settings{config: c}
	var errs []error
	properties := make(map[string]uploader.Properties)
	sizes := make(map[string]int64)
	shared := make(map[string]*rate.Limiter)
	for _, name := range slices.Sorted(maps.Keys(c.Destination)) {
		d, err := a.openDestination(name, c.Destination[name], shared)
		if err != nil {
			errs = append(errs, fmt.Errorf("destination.%s: %w", name, err))
			continue
		}
		s.destinations = append(s.destinations, d)
		properties[name] = d.Driver.Properties()
		sizes[name] = int64(c.Destination[name].MaxSize)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	table, wrong := route.NewTable(c.Routes, route.Options{
		Destinations: properties, MaxSizes: sizes, Unrouted: c.Storage.Unrouted, Folder: a.readFolderFile, Sidecar: sidecar.IsName,
	})
	s.table = table
	hooks, err := a.hooksOf(c)
	if s.hooks = hooks; err != nil {
		wrong = append(wrong, err)
	}
	if len(wrong) > 0 {
		return s, errors.Join(wrong...)
	}
	watches, warnings := c.checkWatchRoutes(table, func(r route.Config) bool {
		return s.among(r, func(p uploader.Properties) bool { return p.KeepsBytes }) != ""
	})
	s.bandwidth = shared
	s.warnings = slices.Concat(table.Warnings(), warnings, s.keepWarnings())
	return s, errors.Join(watches...)
}

// unlimitedSlots is how many requests run at a time where there is to be no limit.
const unlimitedSlots = 64

// openDestination makes the driver of one destination. Destinations on one host
// share its bandwidth.
func (a *app) openDestination(name string, c DestinationConfig, shared map[string]*rate.Limiter) (uploader.Destination, error) {
	kind, ok := driverNamed(c.Driver)
	if !ok {
		return uploader.Destination{}, fmt.Errorf("driver %q is not known", c.Driver)
	}
	client := form.NewClient(a.version)
	driver, err := kind.open(name, c, driverDeps{client: client, publicURL: a.publicURL, secret: a.secret})
	if err != nil {
		return uploader.Destination{}, err
	}
	if c.Bandwidth > 0 {
		host := driver.Properties().Host
		if limit := shared[host]; limit == nil || rate.Limit(c.Bandwidth) < limit.Limit() {
			shared[host] = rate.NewLimiter(rate.Limit(c.Bandwidth), max(64<<10, int(c.Bandwidth/4)))
		}
		client.Bandwidth = shared[host]
	}
	limits := c.limits(driver.Properties().Limits)
	slots := limits.Concurrency
	if c.Concurrency != nil && *c.Concurrency == 0 {
		slots = unlimitedSlots
	}
	return uploader.Destination{Name: name, Driver: driver, Limits: limits, Slots: slots}, nil
}

// secret resolves a key or token of the configuration.
func (a *app) secret(s strict.Secret) (uploader.Secret, error) {
	text, err := s.Resolve(a.getenv)
	return uploader.Secret(text), err
}

// names returns the destinations' names.
func (s *settings) names() []string {
	names := make([]string, len(s.destinations))
	for i, d := range s.destinations {
		names[i] = d.Name
	}
	return names
}

// folders returns the folders that are to exist: where routes begin, up to the
// first capture, and the users' homes.
func (s *settings) folders() []string {
	var dirs []string
	for _, f := range s.table.Folders() {
		if i := strings.IndexByte(f, '{'); i >= 0 {
			f = f[:strings.LastIndexByte(f[:i], '/')+1]
		}
		dirs = append(dirs, f)
	}
	for _, u := range s.config.Users {
		dirs = append(dirs, u.Home)
	}
	dirs = slices.DeleteFunc(dirs, func(d string) bool { return strings.Trim(d, "/") == "" })
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// readFolderFile reads an .album.toml for the routes.
func (a *app) readFolderFile(ctx context.Context, path string) ([]byte, error) {
	f, err := a.fs.WithContext(ctx).Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, route.FolderFileMax+1))
}

// open opens the bytes of an upload.
func (a *app) open(ctx context.Context, u uploader.Upload) (blob.Reader, error) {
	r, err := vfs.OpenBlob(ctx, a.tree, a.store, u.Blob, u.Inline)
	return r, heldAway(err)
}

// stopGrace is how long a stop waits for requests under way.
const stopGrace = 20 * time.Second

// newPool joins the ledger with what judges and reads pictures.
func (a *app) newPool(s *settings) *uploader.Pool {
	return uploader.NewPool(uploader.Config{
		Ledger: a.ledger, Router: s.table, Destinations: s.destinations, Open: a.open,
		Whole: checkWhole, Metadata: a.readMetadata, Variant: makeVariant, Prepare: newPreparer(s.config.dataDir()).prepare, Alters: s.table.Alters, Observe: a.observed, Grace: stopGrace, Log: a.log,
	})
}

// checkWhole holds a file that ends before its format says it must.
func checkWhole(ctx context.Context, u uploader.Upload, open uploader.Open) error {
	r, err := open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	err = whole.Check(r, u.Size, u.Type, u.Path)
	var problem *whole.Problem
	if errors.As(err, &problem) {
		return &uploader.Hold{Reason: uploader.ReasonNotWhole, Text: problem.Text,
			Remedy: "Send the file again; it goes on by itself once it is whole. If this is how the file is meant to be, release it."}
	}
	return err
}

func makeVariant(ctx context.Context, u uploader.Upload, open func(context.Context) (io.ReadSeekCloser, error)) (uploader.Variant, error) {
	v, err := variant.New(ctx, open, u.Size, u.Type, u.Key, u.Copy)
	if errors.Is(err, variant.ErrUnsupported) {
		return nil, &uploader.Hold{Reason: uploader.ReasonNoCopy, Text: "The host refuses this picture a second time, and its format has no place for a comment that would make it another file.",
			Remedy: `Set on_duplicate = "reuse" for this route, or drop the upload.`}
	}
	return v, err
}
