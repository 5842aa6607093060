package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"slipway/gateway/control"
)

// The way of the calls over HTTP: each is a POST to prefix and its name, with the
// arguments as a JSON object and the answer as one, or as a [control.Stream] of
// them. Put has its arguments in the query and the file as its body. An error has
// a status over 400 and an [Error] as its body; one that ends a stream is the
// stream's error, an Error in JSON too.
const (
	prefix = "/v1/"
	// maxArguments is how long arguments may be, in bytes: ids by the ten thousand.
	maxArguments = 4 << 20
)

// The calls with more than one argument.
type (
	actArguments struct {
		Verb   Verb    `json:"verb"`
		IDs    []int64 `json:"ids,omitempty"`
		Filter Filter  `json:"filter"`
	}
	pathArguments  struct{ Path string }
	entryArguments struct{ Entry int64 }
	nameArguments  struct{ Destination string }
	folderArgument struct{ Folder string }
	userArgument   struct{ User string }
	nothing        struct{}
)

// Handler answers the calls of [NewClient] with g's. A call ends, by its context,
// when the client goes away.
func Handler(g Gateway) http.Handler {
	mux := http.NewServeMux()
	call(mux, "status", func(ctx context.Context, _ nothing) (Status, error) { return g.Status(ctx) })
	call(mux, "explain", func(ctx context.Context, a pathArguments) (Explanation, error) { return g.Explain(ctx, a.Path) })
	call(mux, "destinations", func(ctx context.Context, _ nothing) ([]Destination, error) { return g.Destinations(ctx) })
	call(mux, "pause", func(ctx context.Context, a nameArguments) (nothing, error) {
		return nothing{}, g.Pause(ctx, a.Destination)
	})
	call(mux, "resume", func(ctx context.Context, a nameArguments) (nothing, error) {
		return nothing{}, g.Resume(ctx, a.Destination)
	})
	call(mux, "tokens", func(ctx context.Context, a userArgument) ([]Token, error) { return g.Tokens(ctx, a.User) })
	call(mux, "add-token", g.AddToken)
	call(mux, "revoke-token", func(ctx context.Context, a revokeArguments) (nothing, error) {
		return nothing{}, g.RevokeToken(ctx, a.User, a.ID)
	})
	call(mux, "reload", func(ctx context.Context, _ nothing) (Reloaded, error) { return g.Reload(ctx) })
	call(mux, "explain-file", func(ctx context.Context, a pathArguments) (Explanation, error) { return g.ExplainFile(ctx, a.Path) })
	call(mux, "watches", func(ctx context.Context, _ nothing) ([]Watch, error) { return g.Watches(ctx) })
	call(mux, "release-watch", func(ctx context.Context, a folderArgument) (nothing, error) {
		return nothing{}, g.ReleaseWatch(ctx, a.Folder)
	})
	list(mux, "import", g.Import)
	list(mux, "replay", g.Replay)
	list(mux, "map", g.Map)
	call(mux, "deletions", g.Deletions)
	call(mux, "answer-deletions", g.AnswerDeletions)
	call(mux, "links", g.Links)
	call(mux, "retry-links", func(ctx context.Context, a pathArguments) (Answered, error) { return g.RetryLinks(ctx, a.Path) })
	list(mux, "uploads", g.Uploads)
	list(mux, "act", func(ctx context.Context, a actArguments) iter.Seq2[Upload, error] {
		return g.Act(ctx, a.Verb, a.IDs, a.Filter)
	})
	list(mux, "list", func(ctx context.Context, a pathArguments) iter.Seq2[Entry, error] { return g.List(ctx, a.Path) })
	list(mux, "follow", func(ctx context.Context, a entryArguments) iter.Seq2[Progress, error] { return g.Follow(ctx, a.Entry) })
	mux.HandleFunc("POST "+prefix+"put", func(w http.ResponseWriter, r *http.Request) { put(w, r, g) })
	return mux
}

// call serves a call with one answer.
func call[A, R any](mux *http.ServeMux, name string, f func(context.Context, A) (R, error)) {
	mux.HandleFunc("POST "+prefix+name, func(w http.ResponseWriter, r *http.Request) {
		a, err := arguments[A](w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		answer, err := f(r.Context(), a)
		if err != nil {
			refuse(w, err)
			return
		}
		reply(w, http.StatusOK, answer)
	})
}

// list serves a call with a list of answers, each sent when it is there.
func list[A, R any](mux *http.ServeMux, name string, f func(context.Context, A) iter.Seq2[R, error]) {
	mux.HandleFunc("POST "+prefix+name, func(w http.ResponseWriter, r *http.Request) {
		a, err := arguments[A](w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		control.Stream(w, coded(f(r.Context(), a))) //nolint:errcheck // the reader is gone
	})
}

// coded returns seq with its error in the form that crosses the socket.
func coded[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range seq {
			if err != nil {
				text, _ := json.Marshal(asError(err)) // two strings: it cannot fail
				err = control.RemoteError(text)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// arguments reads the body to its end, which is also what lets the server notice
// that the client goes away. An argument that is not known is an error: what a
// newer command means by it might be the very limit of what it asks for.
func arguments[A any](w http.ResponseWriter, r *http.Request) (a A, err error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxArguments))
	if err != nil {
		return a, Errorf(Usage, "reading what is asked for: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, Errorf(Usage, "this gateway does not understand what is asked for (%v); is it of another version than the command?", err)
	}
	return a, nil
}

// put stores the body. One that is cut off is an error of the reader that the
// gateway reads from, so it stores nothing.
func put(w http.ResponseWriter, r *http.Request, g Gateway) {
	q := r.URL.Query()
	modified, err := time.Parse(time.RFC3339Nano, q.Get("modified"))
	if err != nil {
		refusePut(w, Errorf(Usage, "modified: %v", err))
		return
	}
	entry, err := g.Put(r.Context(), q.Get("path"), r.ContentLength, modified, sent{r.Body})
	if err != nil {
		refusePut(w, err)
		return
	}
	reply(w, http.StatusOK, entry)
}

// sent is what a client sends. Its end is the end that the client declared.
type sent struct{ r io.Reader }

// Read reads from the client.
func (s sent) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("the file was cut off while it was sent: %w", err)
	}
	return n, err
}

// refusePut answers while the file may still be coming, or stalls. With this header
// net/http does not wait for the rest of it first.
func refusePut(w http.ResponseWriter, err error) {
	w.Header().Set("Connection", "close")
	refuse(w, err)
}

func refuse(w http.ResponseWriter, err error) {
	e := asError(err)
	status := http.StatusInternalServerError
	switch e.Kind {
	case NotFound:
		status = http.StatusNotFound
	case Usage:
		status = http.StatusBadRequest
	}
	reply(w, status, e)
}

func reply(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"kind":"failed","text":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text) //nolint:errcheck // the reader is gone
}
