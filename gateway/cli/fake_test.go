package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"slipway/gateway/cli"
	"slipway/gateway/operate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a gateway that answers what a test says, and keeps what it was asked.
type fake struct {
	mu    sync.Mutex
	asked []string

	err           error // that every call ends in
	uploads       []operate.Upload
	entries       map[string][]operate.Entry // by the path that is listed
	destinations  []operate.Destination
	explanation   operate.Explanation
	local         operate.Explanation // ExplainFile's, if its Local is set
	watches       []operate.Watch
	tokens        []operate.Token
	imports       []operate.Import
	replays       []operate.Replay
	mapped        []operate.Mapped
	deletions     []operate.Deletion
	brakes        []operate.Brake
	links         []operate.ListedLink
	answered      int
	relinked      int
	late          bool // Import does not end before ctx does
	reloaded      operate.Reloaded
	status        operate.Status
	stored        map[string]string                                       // by path
	follow        func(ctx context.Context, path string) []operate.Upload // nil: wait for ctx
	refuse        map[string]error                                        // Put, by path
	slow          time.Duration                                           // of each Put
	putting, most int                                                     // Puts that run, and that ran at once
}

func (f *fake) ask(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.err
}

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

func (f *fake) Status(context.Context) (operate.Status, error) { return f.status, f.ask("status") }
func (f *fake) Uploads(_ context.Context, filter operate.Filter) iter.Seq2[operate.Upload, error] {
	return several(f.uploads, f.ask("uploads %+v", filter))
}
func (f *fake) Act(_ context.Context, verb operate.Verb, ids []int64, filter operate.Filter) iter.Seq2[operate.Upload, error] {
	return several(f.uploads, f.ask("%s %v %+v", verb, ids, filter))
}
func (f *fake) List(_ context.Context, path string) iter.Seq2[operate.Entry, error] {
	err := f.ask("list %s", path)
	entries, ok := f.entries[path]
	if !ok && err == nil {
		err = operate.Errorf(operate.NotFound, "nothing is at %s", path)
	}
	return several(entries, err)
}
func (f *fake) Explain(_ context.Context, path string) (operate.Explanation, error) {
	return f.explanation, f.ask("explain %s", path)
}
func (f *fake) ExplainFile(_ context.Context, file string) (operate.Explanation, error) {
	err := f.ask("explain file %s", filepath.Base(file))
	if f.local.Local == nil && err == nil {
		err = operate.Errorf(operate.NotFound, "%s lies in no watched folder", file)
	}
	return f.local, err
}
func (f *fake) Tokens(_ context.Context, user string) ([]operate.Token, error) {
	return f.tokens, f.ask("tokens %s", user)
}
func (f *fake) AddToken(_ context.Context, n operate.NewToken) (operate.IssuedToken, error) {
	return operate.IssuedToken{Token: operate.Token{ID: "abc", User: n.User, Kind: "token", Name: n.Name, Created: noon}, Secret: "slip_x"}, f.ask("add %+v", n)
}
func (f *fake) RevokeToken(_ context.Context, user, id string) error {
	return f.ask("revoke %q %s", user, id)
}
func (f *fake) Watches(context.Context) ([]operate.Watch, error) { return f.watches, f.ask("watches") }
func (f *fake) Replay(ctx context.Context, o operate.ReplayOptions) iter.Seq2[operate.Replay, error] {
	err := f.ask("replay %+v", o)
	return func(yield func(operate.Replay, error) bool) {
		for r, e := range several(f.replays, err) {
			if !yield(r, e) {
				return
			}
		}
		if err == nil && f.late {
			<-ctx.Done()
			yield(operate.Replay{}, ctx.Err())
		}
	}
}
func (f *fake) Map(_ context.Context, o operate.MapOptions) iter.Seq2[operate.Mapped, error] {
	return several(f.mapped, f.ask("map %+v", o))
}
func (f *fake) Deletions(_ context.Context, q operate.DeletionFilter) (operate.DeletionPage, error) {
	page := operate.DeletionPage{Brakes: f.brakes}
	for _, d := range f.deletions { // the newest first
		if (q.After == 0 || d.ID < q.After) && len(page.Deletions) < 2 {
			page.Deletions = append(page.Deletions, d)
		}
	}
	if n := len(page.Deletions); n == 2 {
		page.Next = page.Deletions[1].ID
	}
	return page, f.ask("deletions %+v", q)
}
func (f *fake) AnswerDeletions(_ context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	return operate.Answered{Changed: f.answered}, f.ask("answer %+v", a)
}
func (f *fake) Links(_ context.Context, q operate.LinkFilter) (operate.LinkPage, error) {
	page := operate.LinkPage{}
	for i, k := range f.links { // two a page
		if fmt.Sprint(i) >= q.After && len(page.Links) < min(2, q.Limit) {
			page.Links = append(page.Links, k)
			if page.Next = fmt.Sprint(i + 1); i+1 == len(f.links) {
				page.Next = ""
			}
		}
	}
	return page, f.ask("links %+v", q)
}
func (f *fake) RetryLinks(_ context.Context, path string) (operate.Answered, error) {
	return operate.Answered{Changed: f.relinked}, f.ask("retry links %s", path)
}
func (f *fake) ReleaseWatch(_ context.Context, folder string) error {
	return f.ask("release %s", folder)
}
func (f *fake) Import(ctx context.Context, o operate.ImportOptions) iter.Seq2[operate.Import, error] {
	err := f.ask("import %+v", o)
	return func(yield func(operate.Import, error) bool) {
		for _, i := range f.imports {
			if !yield(i, nil) {
				return
			}
		}
		if err == nil && f.late {
			<-ctx.Done()
			err = ctx.Err()
		}
		if err != nil {
			yield(operate.Import{}, err)
		}
	}
}
func (f *fake) Put(_ context.Context, path string, size int64, _ time.Time, r io.Reader) (operate.Entry, error) {
	err := f.ask("put %s %d", path, size)
	f.mu.Lock()
	f.putting++
	f.most = max(f.most, f.putting)
	f.mu.Unlock()
	time.Sleep(f.slow)
	text, readErr := io.ReadAll(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.putting--
	if err := errors.Join(err, readErr, f.refuse[path]); err != nil {
		return operate.Entry{}, err
	}
	if f.stored == nil {
		f.stored = make(map[string]string)
	}
	f.stored[path] = string(text)
	id := int64(len(path))
	return operate.Entry{ID: id, Path: path, Size: int64(len(text)), SHA256: "now", Uploads: []operate.Upload{{ID: id, Path: path, Destination: "home", State: "settling", SHA256: "now", Present: true}}}, nil
}

// Follow tells tests' follow the path, which entries' ids are the lengths of.
func (f *fake) Follow(ctx context.Context, id int64) iter.Seq2[operate.Progress, error] {
	err := f.ask("follow %d", id)
	f.mu.Lock()
	path := ""
	for p := range f.stored {
		if int64(len(p)) == id {
			path = p
		}
	}
	f.mu.Unlock()
	return func(yield func(operate.Progress, error) bool) {
		first := operate.Progress{Uploads: []operate.Upload{{ID: id, Path: path, Destination: "home", State: "sending", SHA256: "now", Size: 10}}, Sent: map[int64]int64{id: 5}}
		if err == nil && !yield(first, nil) {
			return
		}
		var uploads []operate.Upload
		if f.follow != nil {
			uploads = f.follow(ctx, path)
		} else {
			<-ctx.Done()
		}
		if err == nil {
			err = ctx.Err()
		}
		yield(operate.Progress{Uploads: uploads}, err)
	}
}
func (f *fake) Destinations(context.Context) ([]operate.Destination, error) {
	return f.destinations, f.ask("destinations")
}
func (f *fake) Pause(_ context.Context, d string) error  { return f.ask("pause %s", d) }
func (f *fake) Resume(_ context.Context, d string) error { return f.ask("resume %s", d) }
func (f *fake) Reload(context.Context) (operate.Reloaded, error) {
	return f.reloaded, f.ask("reload")
}

// world is what a command runs in.
type world struct {
	*fake
	env    cli.Env
	opened []string // the configuration and the need of each Open
	closed int
}

func newWorld() *world {
	w := &world{fake: &fake{}}
	w.env = cli.Env{
		Stdin: strings.NewReader(""), Version: "1.2.3", Template: []byte("# a template\n"),
		Getenv: func(string) (string, bool) { return "", false },
		Open: func(_ context.Context, config string, need cli.Need) (operate.Gateway, func() error, error) {
			w.opened = append(w.opened, fmt.Sprint(config, " ", need))
			return w.fake, func() error { w.closed++; return nil }, nil
		},
		Serve: func(context.Context, string) error { return nil },
		Check: func(context.Context, string, func(cli.CheckLine)) error { return nil },
	}
	return w
}

// run runs a command.
func (w *world) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	w.env.Stdout, w.env.Stderr = &out, &err
	code = cli.Run(ctx, args, w.env)
	return code, out.String(), err.String()
}

// shows runs a command and checks all that can be seen of it.
func (w *world) shows(t *testing.T, command string, code int, stdout, stderr string) {
	t.Helper()
	gotCode, out, err := w.run(t.Context(), strings.Fields(command)...)
	if gotCode != code {
		t.Errorf("%s: exit code %d, want %d", command, gotCode, code)
	}
	if d := cmp.Diff(stdout, out); d != "" {
		t.Errorf("%s: standard output (-want +got):\n%s", command, d)
	}
	if d := cmp.Diff(stderr, err); d != "" {
		t.Errorf("%s: error output (-want +got):\n%s", command, d)
	}
	if len(w.opened) != w.closed {
		t.Errorf("%s: opened %d times, closed %d times", command, len(w.opened), w.closed)
	}
	if strings.Contains(out+err, "\x1b") {
		t.Errorf("%s: control sequences where there is no terminal", command)
	}
}

// asks checks what the gateway was asked.
func (w *world) asks(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, w.asked); d != "" {
		t.Errorf("what was asked (-want +got):\n%s", d)
	}
}
