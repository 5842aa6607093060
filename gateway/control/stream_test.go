package control

import (
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type item struct {
	Name string `json:"name"`
	N    int    `json:"n,omitempty"`
}

// seq yields items, and then err where it is one.
func seq[T any](err error, items ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// collect reads all of s.
func collect[T any](s iter.Seq2[T, error]) (items []T, err error) {
	for i, e := range s {
		if e != nil {
			return items, e
		}
		items = append(items, i)
	}
	return items, nil
}

func TestStream(t *testing.T) {
	want := []item{{"a\nb", 1}, {"", 0}, {"ü<>&", 3}}
	w := httptest.NewRecorder()
	if err := Stream(w, seq(nil, want...)); err != nil {
		t.Fatal(err)
	}
	text := w.Body.String()
	if w.Header().Get("Content-Type") != "application/x-ndjson" || strings.Count(text, "\n") != 4 || !w.Flushed {
		t.Errorf("%v\n%s", w.Header(), text)
	}
	got, err := collect(Lines[item](strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	// Wherever it is cut, that is noticed, and what came is whole.
	for n := range len(text) - 1 {
		got, err := collect(Lines[item](strings.NewReader(text[:n])))
		if !errors.Is(err, ErrCut) {
			t.Fatalf("cut at %d of %d: %v", n, len(text), err)
		}
		if d := cmp.Diff(want[:len(got)], append([]item{}, got...)); d != "" {
			t.Error(d)
		}
	}
	lines := strings.SplitAfter(text, "\n")
	if _, err := collect(Lines[item](strings.NewReader(lines[0] + lines[2] + lines[3]))); !errors.Is(err, ErrCut) {
		t.Errorf("a line is missing: %v", err)
	}
}

func TestStreamOfNothingAndOfNulls(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Stream(w, seq[*item](nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := collect(Lines[*item](w.Body)); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	w = httptest.NewRecorder()
	if err := Stream(w, seq(nil, &item{Name: "x"}, nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := collect(Lines[*item](w.Body)); err != nil || len(got) != 2 || got[0].Name != "x" || got[1] != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAnErrorComesThroughAfterTheItemsBeforeIt(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Stream(w, seq(errors.New("the disk is gone"), item{Name: "a"})); err != nil {
		t.Fatal(err)
	}
	got, err := collect(Lines[item](w.Body))
	var remote RemoteError
	if !errors.As(err, &remote) || remote != "the disk is gone" || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	w = httptest.NewRecorder()
	if err := Stream(w, seq(nil, func() {})); err != nil {
		t.Fatal(err)
	}
	if _, err := collect(Lines[item](w.Body)); !errors.As(err, &remote) {
		t.Errorf("an item that is no JSON: %v", err)
	}
}

func TestForeignRepliesAreNotUnderstood(t *testing.T) {
	for _, text := range []string{"<html>", "[]\n", `{"item":{"n":"x"}}`, `{"end":1}`, `{"other":1}`} {
		_, err := collect(Lines[item](strings.NewReader(text + "\n")))
		if err == nil || errors.Is(err, ErrCut) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadersMayStopEarly(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Stream(w, seq(nil, item{Name: "a"}, item{Name: "b"})); err != nil {
		t.Fatal(err)
	}
	for i, err := range Lines[item](w.Body) {
		if err != nil || i.Name != "a" {
			t.Errorf("%v, %v", i, err)
		}
		break
	}
}

// Items arrive while later ones are not there yet, and a reader who goes away ends
// the writer.
func TestStreamOverASocket(t *testing.T) {
	dir := shortDir(t)
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	more := make(chan item)
	ended := make(chan error, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ended <- Stream(w, func(yield func(item, error) bool) {
			for {
				select {
				case i := <-more:
					if !yield(i, nil) {
						return
					}
				case <-r.Context().Done():
					yield(item{}, r.Context().Err())
					return
				}
			}
		})
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.Serve(l) //nolint:errcheck // ends with Close
	}()
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { more <- item{Name: "first"} }()
	r, err := c.HTTP.Get(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range Lines[item](r.Body) {
		if err != nil || i.Name != "first" {
			t.Errorf("%v, %v", i, err)
		}
		break
	}
	r.Body.Close() //nolint:errcheck // goes away
	<-ended
	s.Close() //nolint:errcheck // the test is over
	<-served
}

// broken is a reader that is gone after a few bytes.
type broken struct {
	http.ResponseWriter
	left int
}

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestStreamEndsWithItsReader(t *testing.T) {
	n := 0
	endless := func(yield func(item, error) bool) {
		for n = 1; yield(item{N: n}, nil); n++ {
		}
	}
	if err := Stream(&broken{httptest.NewRecorder(), 100}, endless); !errors.Is(err, io.ErrClosedPipe) || n > 10 {
		t.Errorf("after %d items: %v", n, err)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("{\"item\":{\"name\":\"a\"}}\n{\"end\":{\"count\":1}}\n")
	f.Add("{\"end\":{\"count\":0,\"error\":\"x\"}}")
	f.Fuzz(func(t *testing.T, text string) {
		items, err := collect(Lines[item](strings.NewReader(text)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		if err := Stream(w, seq(nil, items...)); err != nil {
			t.Fatal(err)
		}
		again, err := collect(Lines[item](w.Body))
		if d := cmp.Diff(items, again); d != "" || err != nil {
			t.Error(d, err)
		}
	})
}
