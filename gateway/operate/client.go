package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"slipway/gateway/control"
)

// client is a Gateway in another process.
type client struct{ c *control.Client }

var _ Gateway = (*client)(nil)

// NewClient returns the gateway that c reaches, whose process serves [Handler].
// Its errors are those of that gateway with text and kind, or say that it cannot
// be reached ([control.ErrNotRunning], [control.ErrCut]); one that a context ended
// is the context's.
func NewClient(c *control.Client) Gateway { return &client{c} }

func (c *client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, "status", nothing{})
}

func (c *client) Uploads(ctx context.Context, f Filter) iter.Seq2[Upload, error] {
	return lines[Upload](ctx, c, "uploads", f)
}

func (c *client) Act(ctx context.Context, verb Verb, ids []int64, f Filter) iter.Seq2[Upload, error] {
	return lines[Upload](ctx, c, "act", actArguments{verb, ids, f})
}

func (c *client) List(ctx context.Context, path string) iter.Seq2[Entry, error] {
	return lines[Entry](ctx, c, "list", pathArguments{path})
}

func (c *client) Explain(ctx context.Context, path string) (Explanation, error) {
	return ask[Explanation](ctx, c, "explain", pathArguments{path})
}

func (c *client) Follow(ctx context.Context, entry int64) iter.Seq2[Progress, error] {
	return lines[Progress](ctx, c, "follow", entryArguments{entry})
}

func (c *client) Destinations(ctx context.Context) ([]Destination, error) {
	return ask[[]Destination](ctx, c, "destinations", nothing{})
}

func (c *client) Pause(ctx context.Context, destination string) error {
	_, err := ask[nothing](ctx, c, "pause", nameArguments{destination})
	return err
}

func (c *client) Resume(ctx context.Context, destination string) error {
	_, err := ask[nothing](ctx, c, "resume", nameArguments{destination})
	return err
}

func (c *client) Tokens(ctx context.Context, user string) ([]Token, error) {
	return ask[[]Token](ctx, c, "tokens", userArgument{user})
}

func (c *client) AddToken(ctx context.Context, t NewToken) (IssuedToken, error) {
	return ask[IssuedToken](ctx, c, "add-token", t)
}

func (c *client) RevokeToken(ctx context.Context, user, id string) error {
	_, err := ask[nothing](ctx, c, "revoke-token", revokeArguments{user, id})
	return err
}

func (c *client) Reload(ctx context.Context) (Reloaded, error) {
	return ask[Reloaded](ctx, c, "reload", nothing{})
}

func (c *client) ExplainFile(ctx context.Context, file string) (Explanation, error) {
	return ask[Explanation](ctx, c, "explain-file", pathArguments{file})
}

func (c *client) Watches(ctx context.Context) ([]Watch, error) {
	return ask[[]Watch](ctx, c, "watches", nothing{})
}

func (c *client) Import(ctx context.Context, o ImportOptions) iter.Seq2[Import, error] {
	return lines[Import](ctx, c, "import", o)
}

func (c *client) ReleaseWatch(ctx context.Context, folder string) error {
	_, err := ask[nothing](ctx, c, "release-watch", folderArgument{folder})
	return err
}

func (c *client) Replay(ctx context.Context, o ReplayOptions) iter.Seq2[Replay, error] {
	return lines[Replay](ctx, c, "replay", o)
}

func (c *client) Map(ctx context.Context, o MapOptions) iter.Seq2[Mapped, error] {
	return lines[Mapped](ctx, c, "map", o)
}

func (c *client) Deletions(ctx context.Context, f DeletionFilter) (DeletionPage, error) {
	return ask[DeletionPage](ctx, c, "deletions", f)
}

func (c *client) AnswerDeletions(ctx context.Context, a DeletionAnswer) (Answered, error) {
	return ask[Answered](ctx, c, "answer-deletions", a)
}

func (c *client) Links(ctx context.Context, f LinkFilter) (LinkPage, error) {
	return ask[LinkPage](ctx, c, "links", f)
}

func (c *client) RetryLinks(ctx context.Context, path string) (Answered, error) {
	return ask[Answered](ctx, c, "retry-links", pathArguments{path})
}

// Put sends the file with its length, or in chunks where that is not known. Bytes
// that end early, or go on, break the connection off before the last of them. When
// ctx ends while r stalls, Put returns at once, and leaves r after that read.
func (c *client) Put(ctx context.Context, path string, size int64, modified time.Time, r io.Reader) (Entry, error) {
	r = Exactly(r, size)
	var body io.Reader = http.NoBody
	if size != 0 {
		pipe := pump(r)
		defer pipe.Close() //nolint:errcheck // always nil
		// net/http may wait for its read before it closes the body.
		defer context.AfterFunc(ctx, func() { pipe.Close() })() //nolint:errcheck // always nil
		body = pipe
	} else if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		return Entry{}, err
	}
	query := url.Values{"path": {path}, "modified": {modified.Format(time.RFC3339Nano)}}
	req, err := c.request(ctx, "put?"+query.Encode(), body)
	if err != nil {
		return Entry{}, err
	}
	req.ContentLength = max(size, -1)
	answer, err := c.do(req)
	if err != nil {
		return Entry{}, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	return decode[Entry](ctx, answer.Body)
}

// pumped is how many bytes a pump reads at once.
const pumped = 128 << 10

// pump returns r in a form whose Close ends a read that waits: net/http ends no
// request before the read of its body that it is in, which at a terminal may be for
// ever. The goroutine ends with its read of r.
func pump(r io.Reader) *io.PipeReader {
	out, in := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(in, r, make([]byte, pumped))
		in.CloseWithError(err) //nolint:errcheck // always nil
	}()
	return out
}

// ask makes a call with one answer.
func ask[R any](ctx context.Context, c *client, name string, arguments any) (R, error) {
	answer, err := c.post(ctx, name, arguments)
	if err != nil {
		var none R
		return none, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	return decode[R](ctx, answer.Body)
}

// lines makes a call with a list of answers. Leaving the list ends the call.
func lines[R any](ctx context.Context, c *client, name string, arguments any) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		answer, err := c.post(ctx, name, arguments)
		if err != nil {
			var none R
			yield(none, err)
			return
		}
		defer answer.Body.Close() //nolint:errcheck // only read
		for item, err := range control.Lines[R](answer.Body) {
			if err != nil {
				err = streamError(ctx, err)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func (c *client) post(ctx context.Context, name string, arguments any) (*http.Response, error) {
	text, err := json.Marshal(arguments)
	if err != nil {
		return nil, err
	}
	req, err := c.request(ctx, name, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

func (c *client) request(ctx context.Context, name string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, c.c.URL+prefix+name, body)
}

// do returns a reply that is no error, for the caller to close.
func (c *client) do(req *http.Request) (*http.Response, error) {
	answer, err := c.c.HTTP.Do(req)
	if err != nil {
		if cause := context.Cause(req.Context()); cause != nil {
			return nil, cause
		}
		if at := (*url.Error)(nil); errors.As(err, &at) { // its URL tells people nothing
			err = at.Err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: %w", control.ErrCut, err)
		}
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	return nil, replyError(req.Context(), answer)
}

// replyError is the gateway's error.
func replyError(ctx context.Context, answer *http.Response) error {
	if answer.Header.Get("Content-Type") != "application/json" {
		return fmt.Errorf("the running gateway answered %s: it is of another version than this command; restart it", answer.Status)
	}
	e, err := decode[Error](ctx, answer.Body)
	if err != nil {
		return err
	}
	return &e
}

// streamError is the error that a list ended in.
func streamError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var remote control.RemoteError
	var e Error
	if errors.As(err, &remote) && json.Unmarshal([]byte(remote), &e) == nil {
		return &e
	}
	return err
}

// decode reads an answer that is one object.
func decode[R any](ctx context.Context, body io.Reader) (R, error) {
	var answer R
	err := json.NewDecoder(body).Decode(&answer)
	switch {
	case err == nil:
		return answer, nil
	case context.Cause(ctx) != nil:
		return answer, context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return answer, fmt.Errorf("%w: %w", control.ErrCut, err)
	}
	return answer, fmt.Errorf("the gateway's reply is not understood: %w", err)
}
