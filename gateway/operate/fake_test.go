package operate_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"slipway/gateway/control"
	"slipway/gateway/operate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a gateway that answers what a test says, and keeps what it was asked.
type fake struct {
	asked []any // of the last call

	err     error // that every call ends in
	uploads []operate.Upload
	follow  func(ctx context.Context, yield func(operate.Progress, error) bool)
	put     func(ctx context.Context, size int64, r io.Reader) (operate.Entry, error)
}

var (
	sometime = time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	anUpload = operate.Upload{ID: 7, Path: "/a/ü %2f\n.jpg", Destination: "anh", State: "done", Reason: "reused", Attempts: 2, Due: sometime,
		URL: "https://anh.im/x?a&b", ViewerURL: "v", Error: "e", Remedy: "r", Size: 5, SHA256: "ab", Present: true, Refused: "no"}
	anEntry = operate.Entry{ID: 3, Path: "/a", Dir: true, Size: 9, SHA256: "cd", Type: "image/jpeg", Modified: sometime, Uploads: []operate.Upload{anUpload}}
	status  = operate.Status{Version: "1", PID: 2, Started: sometime, Serving: true, Addresses: map[string]string{"web": "x"}, DataDir: "/d"}
	told    = operate.Explanation{Path: "/a", Entry: &anEntry, Route: 2, Pattern: "/{rest...}", Captures: map[string]string{"rest": "a"}, Refused: "f", Why: "w",
		Takes: []operate.Taker{{Destination: "anh", Owed: true, Why: "w", Held: "h", Remedy: "r", Keys: map[string]string{"k": "v"}, Upload: &anUpload, Waiting: "z"}}}
	toldFile = operate.Explanation{Path: "/a", Local: &operate.LocalFile{File: "/x/a", Folder: "/x", State: "settling", Text: "t", Until: sometime, Entry: 3, After: "a"}}
	tokens   = []operate.Token{{ID: "i", User: "anna", Kind: "token", Name: "n", Rights: "drop", Folder: "/in", From: "f", Created: sometime, Used: sometime, Expires: sometime}}
	issued   = operate.IssuedToken{Token: tokens[0], Secret: "s"}
	watches  = []operate.Watch{{Folder: "/x", Into: "/a", Mode: "events", Why: "w", Problem: "p", Braked: true, Asks: true, Scanning: true, Scanned: sometime, Took: 5, Directories: 1, Files: 2,
		Known: map[string]int{"taken": 3}, Taken: operate.Amount{Files: 4, Bytes: 5}, Waiting: operate.Amount{Files: 6}, Failed: operate.Amount{Files: 7}, Refused: operate.Amount{Files: 8},
		Empty: 9, Troubles: []operate.WatchTrouble{{Path: "b", Error: "e", Since: sometime, Next: sometime}}}}
	imports = []operate.Import{
		{Folder: "/x", File: &operate.ImportedFile{Path: "b", To: "/a/b", Step: "take", From: "c", Why: "w", Size: 3, Destinations: []string{"anh"}}},
		{Folder: "/x", Progress: &operate.ImportProgress{Found: operate.Amount{Files: 1}, Total: operate.Amount{Files: 2, Bytes: 3}, Owed: 4, Left: 5}},
		{Folder: "/x", Summary: &operate.ImportSummary{Taken: operate.Amount{Files: 1}, Unsent: 2, Owed: 3, Took: 4, Problem: "p"}},
	}
	replays = []operate.Replay{
		{File: &operate.ReplayedFile{ID: 7, Path: "/a", Destination: "anh", Step: "owe", Why: "w", Size: 3}},
		{Progress: &operate.ReplayProgress{Looked: operate.Amount{Files: 1, Bytes: 2}, Owed: operate.Amount{Files: 3}, Waiting: 4, Left: 5}},
		{Summary: &operate.ReplaySummary{Owed: operate.Amount{Files: 1}, Waiting: operate.Amount{Files: 2}, There: operate.Amount{Files: 3}, Skipped: operate.Amount{Files: 4},
			Kept: operate.Amount{Files: 5}, Other: operate.Amount{Files: 6}, Changed: operate.Amount{Files: 7}, Sent: 8, Unsent: 9, Took: 10, Problem: "p"}},
	}
	mapped    = []operate.Mapped{{Path: "/a ü", From: "https://a/x", To: "https://b/x"}, {Path: "/b", From: "https://a/y", Missing: "m"}}
	places    = []operate.Destination{{Name: "anh", Driver: "chevereto", Host: "anh.im", Configured: true, Paused: true, Since: sometime, Probe: sometime, Error: "e", Remedy: "r", Counts: map[string]int{"done": 4}}}
	reloaded  = operate.Reloaded{Changed: []string{"users"}, Restart: []string{"web"}}
	deletions = operate.DeletionPage{Deletions: []operate.Deletion{{ID: 1, Path: "/a", Destination: "anh", Why: "removed", State: "paused", Due: sometime, Created: sometime,
		Changed: sometime, Finished: sometime, URL: "https://a/x", SHA256: "ab", Tries: 2, Error: "e", Remedy: "r"}}, Next: 1, Brakes: []operate.Brake{{Folder: "/a", Since: sometime, Waiting: 3}}}
	links = operate.LinkPage{Links: []operate.ListedLink{{Link: operate.Link{URL: "https://a/x?b&c", State: "settling", Picture: "p", Error: "e", Remedy: "r", NextTry: sometime, Fetching: true},
		Path: "/a.url", Entry: 3, Tries: 2, Changed: sometime}}, Next: "n", Partly: true}
	going = operate.Progress{Uploads: []operate.Upload{anUpload}, Sent: map[int64]int64{7: 3}}
)

func (f *fake) ask(args ...any) error {
	f.asked = args
	return f.err
}

func (f *fake) Status(context.Context) (operate.Status, error) { return status, f.ask() }
func (f *fake) Uploads(_ context.Context, filter operate.Filter) iter.Seq2[operate.Upload, error] {
	return several(f.uploads, f.ask(filter))
}
func (f *fake) Act(_ context.Context, verb operate.Verb, ids []int64, filter operate.Filter) iter.Seq2[operate.Upload, error] {
	return several(f.uploads, f.ask(verb, ids, filter))
}
func (f *fake) List(_ context.Context, path string) iter.Seq2[operate.Entry, error] {
	return several([]operate.Entry{anEntry}, f.ask(path))
}
func (f *fake) Explain(_ context.Context, path string) (operate.Explanation, error) {
	return told, f.ask(path)
}
func (f *fake) ExplainFile(_ context.Context, file string) (operate.Explanation, error) {
	return toldFile, f.ask("file", file)
}
func (f *fake) Watches(context.Context) ([]operate.Watch, error) { return watches, f.ask() }
func (f *fake) Import(_ context.Context, o operate.ImportOptions) iter.Seq2[operate.Import, error] {
	return several(imports, f.ask(o))
}
func (f *fake) Replay(_ context.Context, o operate.ReplayOptions) iter.Seq2[operate.Replay, error] {
	return several(replays, f.ask(o))
}
func (f *fake) Map(_ context.Context, o operate.MapOptions) iter.Seq2[operate.Mapped, error] {
	return several(mapped, f.ask(o))
}
func (f *fake) Deletions(_ context.Context, q operate.DeletionFilter) (operate.DeletionPage, error) {
	return deletions, f.ask(q)
}
func (f *fake) AnswerDeletions(_ context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	return operate.Answered{Changed: 3}, f.ask(a)
}
func (f *fake) Links(_ context.Context, q operate.LinkFilter) (operate.LinkPage, error) {
	return links, f.ask(q)
}
func (f *fake) RetryLinks(_ context.Context, path string) (operate.Answered, error) {
	return operate.Answered{Changed: 4}, f.ask("retry links", path)
}
func (f *fake) ReleaseWatch(_ context.Context, folder string) error { return f.ask("release", folder) }
func (f *fake) Follow(ctx context.Context, entry int64) iter.Seq2[operate.Progress, error] {
	err := f.ask(entry)
	if f.follow == nil {
		return several([]operate.Progress{going}, err)
	}
	return func(yield func(operate.Progress, error) bool) { f.follow(ctx, yield) }
}
func (f *fake) Destinations(context.Context) ([]operate.Destination, error) { return places, f.ask() }
func (f *fake) Pause(_ context.Context, d string) error                     { return f.ask("pause", d) }
func (f *fake) Resume(_ context.Context, d string) error                    { return f.ask("resume", d) }
func (f *fake) Tokens(_ context.Context, user string) ([]operate.Token, error) {
	return tokens, f.ask("tokens", user)
}
func (f *fake) AddToken(_ context.Context, n operate.NewToken) (operate.IssuedToken, error) {
	return issued, f.ask(n)
}
func (f *fake) RevokeToken(_ context.Context, user, id string) error {
	return f.ask("revoke", user, id)
}
func (f *fake) Reload(context.Context) (operate.Reloaded, error) { return reloaded, f.ask() }
func (f *fake) Put(ctx context.Context, path string, size int64, modified time.Time, r io.Reader) (operate.Entry, error) {
	if err := f.ask(path, size, modified); err != nil {
		return operate.Entry{}, err
	}
	return f.put(ctx, size, r)
}

// several yields items, and then err.
func several[T any](items []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// collect reads a list to its end.
func collect[T any](seq iter.Seq2[T, error]) (items []T, err error) {
	for item, e := range seq {
		if e != nil {
			return items, e
		}
		items = append(items, item)
	}
	return items, nil
}

// serve serves f on a control socket and returns the gateway that a command sees,
// the data directory, and the server.
func serve(t *testing.T, f *fake) (operate.Gateway, string, *http.Server) {
	t.Helper()
	dir := t.TempDir()
	l, err := control.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: operate.Handler(f)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		// Shutdown waits for connections that net/http lets linger.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-done); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return operate.NewClient(c), dir, s
}
