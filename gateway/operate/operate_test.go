package operate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/gateway/control"
	"slipway/gateway/operate"
	"slipway/uploader"
)

func TestStatesAreThoseOfUploads(t *testing.T) {
	var want []string
	for _, s := range uploader.States {
		want = append(want, string(s))
	}
	if !slices.Equal(operate.States, want) {
		t.Errorf("%v, want %v", operate.States, want)
	}
}

// calls are all calls but Put, with what they ask and answer.
var calls = []struct {
	name   string
	do     func(context.Context, operate.Gateway) (any, error)
	asked  []any
	answer any
	list   bool
}{
	{"status", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Status(ctx) }, nil, status, false},
	{"uploads", func(ctx context.Context, g operate.Gateway) (any, error) {
		return collect(g.Uploads(ctx, operate.Filter{States: []string{"done"}, Destination: "anh", Path: "/ü&%", Limit: 9}))
	}, []any{operate.Filter{States: []string{"done"}, Destination: "anh", Path: "/ü&%", Limit: 9}}, []operate.Upload{anUpload}, true},
	{"act", func(ctx context.Context, g operate.Gateway) (any, error) {
		return collect(g.Act(ctx, operate.Drop, []int64{7, 1 << 60}, operate.Filter{Path: "/p"}))
	}, []any{operate.Drop, []int64{7, 1 << 60}, operate.Filter{Path: "/p"}}, []operate.Upload{anUpload}, true},
	{"list", func(ctx context.Context, g operate.Gateway) (any, error) { return collect(g.List(ctx, "/a b")) }, []any{"/a b"}, []operate.Entry{anEntry}, true},
	{"explain", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Explain(ctx, "/a?b") }, []any{"/a?b"}, told, false},
	{"follow", func(ctx context.Context, g operate.Gateway) (any, error) { return collect(g.Follow(ctx, 5)) }, []any{int64(5)}, []operate.Progress{going}, true},
	{"destinations", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Destinations(ctx) }, nil, places, false},
	{"pause", func(ctx context.Context, g operate.Gateway) (any, error) { return nil, g.Pause(ctx, "anh") }, []any{"pause", "anh"}, nil, false},
	{"resume", func(ctx context.Context, g operate.Gateway) (any, error) { return nil, g.Resume(ctx, "anh") }, []any{"resume", "anh"}, nil, false},
	{"explain-file", func(ctx context.Context, g operate.Gateway) (any, error) { return g.ExplainFile(ctx, "/x/a?b") }, []any{"file", "/x/a?b"}, toldFile, false},
	{"tokens", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Tokens(ctx, "anna") }, []any{"tokens", "anna"}, tokens, false},
	{"add token", func(ctx context.Context, g operate.Gateway) (any, error) {
		return g.AddToken(ctx, operate.NewToken{User: "anna", Name: "n", Rights: "drop", Folder: "/in", Life: 5})
	}, []any{operate.NewToken{User: "anna", Name: "n", Rights: "drop", Folder: "/in", Life: 5}}, issued, false},
	{"revoke token", func(ctx context.Context, g operate.Gateway) (any, error) { return nil, g.RevokeToken(ctx, "anna", "x") }, []any{"revoke", "anna", "x"}, nil, false},
	{"watches", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Watches(ctx) }, nil, watches, false},
	{"import", func(ctx context.Context, g operate.Gateway) (any, error) {
		return collect(g.Import(ctx, operate.ImportOptions{Folder: "/x y", DryRun: true}))
	}, []any{operate.ImportOptions{Folder: "/x y", DryRun: true}}, imports, true},
	{"replay", func(ctx context.Context, g operate.Gateway) (any, error) {
		return collect(g.Replay(ctx, operate.ReplayOptions{Path: "/x y", To: "anh", Only: "all", DryRun: true, Wait: true}))
	}, []any{operate.ReplayOptions{Path: "/x y", To: "anh", Only: "all", DryRun: true, Wait: true}}, replays, true},
	{"map", func(ctx context.Context, g operate.Gateway) (any, error) {
		return collect(g.Map(ctx, operate.MapOptions{Path: "/x", From: "anh", To: "cms", Kind: "viewer", Previous: true}))
	}, []any{operate.MapOptions{Path: "/x", From: "anh", To: "cms", Kind: "viewer", Previous: true}}, mapped, true},
	{"deletions", func(ctx context.Context, g operate.Gateway) (any, error) {
		return g.Deletions(ctx, operate.DeletionFilter{States: []string{"paused"}, Destination: "anh", Path: "/x", After: 9, Limit: 5})
	}, []any{operate.DeletionFilter{States: []string{"paused"}, Destination: "anh", Path: "/x", After: 9, Limit: 5}}, deletions, false},
	{"answer deletions", func(ctx context.Context, g operate.Gateway) (any, error) {
		return g.AnswerDeletions(ctx, operate.DeletionAnswer{Verb: operate.Refuse, IDs: []int64{1}, Path: "/x", Destination: "anh"})
	}, []any{operate.DeletionAnswer{Verb: operate.Refuse, IDs: []int64{1}, Path: "/x", Destination: "anh"}}, operate.Answered{Changed: 3}, false},
	{"links", func(ctx context.Context, g operate.Gateway) (any, error) {
		return g.Links(ctx, operate.LinkFilter{States: []string{"failed"}, Path: "/x", After: "9", Limit: 5})
	}, []any{operate.LinkFilter{States: []string{"failed"}, Path: "/x", After: "9", Limit: 5}}, links, false},
	{"retry links", func(ctx context.Context, g operate.Gateway) (any, error) { return g.RetryLinks(ctx, "/x y") }, []any{"retry links", "/x y"}, operate.Answered{Changed: 4}, false},
	{"release", func(ctx context.Context, g operate.Gateway) (any, error) { return nil, g.ReleaseWatch(ctx, "/x") }, []any{"release", "/x"}, nil, false},
	{"reload", func(ctx context.Context, g operate.Gateway) (any, error) { return g.Reload(ctx) }, nil, reloaded, false},
}

func TestCallsCrossTheSocketWhole(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{uploads: []operate.Upload{anUpload}}
			g, _, _ := serve(t, f)
			got, err := c.do(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.answer, got); d != "" {
				t.Error("the answer:", d)
			}
			if d := cmp.Diff(c.asked, f.asked); d != "" {
				t.Error("what was asked:", d)
			}
		})
	}
}

func TestErrorsKeepTextAndKind(t *testing.T) {
	for _, e := range []struct {
		err      error
		text     string
		notFound bool
		usage    bool
	}{
		{errors.New(`it "failed"` + "\nbadly"), `it "failed"` + "\nbadly", false, false},
		{fmt.Errorf("no such: %w", fs.ErrNotExist), "no such: file does not exist", true, false},
		{&fs.PathError{Op: "stat", Path: "/x", Err: fs.ErrNotExist}, "stat /x: file does not exist", true, false},
		{fmt.Errorf("bad: %w", operate.Errorf(operate.Usage, "no state %q", "x")), `bad: no state "x"`, false, true},
		{operate.Errorf(operate.NotFound, "gone"), "gone", true, false},
	} {
		for _, c := range calls {
			g, _, _ := serve(t, &fake{uploads: []operate.Upload{anUpload}, err: e.err})
			got, err := c.do(t.Context(), g)
			if err == nil || err.Error() != e.text || errors.Is(err, fs.ErrNotExist) != e.notFound || errors.Is(err, operate.ErrUsage) != e.usage {
				t.Errorf("%s: %v arrived as %v", c.name, e.err, err)
			}
			if c.list && !cmp.Equal(got, c.answer) {
				t.Errorf("%s: before the error came %v", c.name, got)
			}
		}
	}
}

// within fails the test where what is awaited does not come.
func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal(what + " never came")
		panic("unreachable")
	}
}

func TestTheClientsEndEndsTheCall(t *testing.T) {
	for name, leave := range map[string]func(cancel func(), g operate.Gateway, ctx context.Context) error{
		"cancelled before the first": func(cancel func(), g operate.Gateway, ctx context.Context) error {
			_, err := collect(g.Follow(ctx, 1))
			return err
		},
		"cancelled after the first": func(cancel func(), g operate.Gateway, ctx context.Context) error {
			for _, err := range g.Follow(ctx, 2) {
				if err != nil {
					return err
				}
				cancel()
			}
			return nil
		},
		"left after the first": func(_ func(), g operate.Gateway, ctx context.Context) error {
			for _, err := range g.Follow(ctx, 2) {
				return err
			}
			return errors.New("there was no first")
		},
	} {
		t.Run(name, func(t *testing.T) {
			entered, ended := make(chan bool, 1), make(chan error, 1)
			f := &fake{}
			f.follow = func(ctx context.Context, yield func(operate.Progress, error) bool) {
				entered <- true
				if f.asked[0] == int64(2) {
					yield(going, nil)
				}
				<-ctx.Done()
				ended <- ctx.Err()
			}
			g, _, _ := serve(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if name == "cancelled before the first" {
				go func() { <-entered; cancel() }()
			}
			err := leave(cancel, g, ctx)
			if want := strings.HasPrefix(name, "cancelled"); want != (err == context.Canceled) || !want && err != nil {
				t.Errorf("the client's error: %v", err)
			}
			if err := within(t, "the end of the gateway's call", ended); err != context.Canceled {
				t.Error(err)
			}
		})
	}
}

func TestAGatewayThatStopsCutsTheList(t *testing.T) {
	f := &fake{}
	stop := make(chan bool)
	f.follow = func(ctx context.Context, yield func(operate.Progress, error) bool) {
		yield(going, nil)
		close(stop)
		<-ctx.Done()
	}
	g, _, s := serve(t, f)
	go func() { <-stop; s.Close() }() //nolint:errcheck // a test
	got, err := collect(g.Follow(t.Context(), 1))
	if !errors.Is(err, control.ErrCut) || len(got) != 1 {
		t.Errorf("%d items, %v", len(got), err)
	}
	if _, err := g.Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("a call afterwards: %v", err)
	}
}

func TestCommandsOfAnotherVersion(t *testing.T) {
	f := &fake{uploads: []operate.Upload{anUpload}}
	g, dir, s := serve(t, f)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// A limit that this gateway does not know must not be taken for none.
	answer, err := c.HTTP.Post(c.URL+"/v1/act", "", strings.NewReader(`{"verb":"drop","filter":{"older_than":"7d"}}`))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	answer.Body.Close() //nolint:errcheck // read
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "another version") || f.asked != nil {
		t.Errorf("%s: %s; asked: %v", answer.Status, text, f.asked)
	}
	s.Handler = http.NotFoundHandler()
	if _, err := g.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Error(err)
	}
}
