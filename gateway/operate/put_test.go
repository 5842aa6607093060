package operate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"slipway/gateway/operate"
)

// stored is what came of a Put at the gateway.
type stored struct {
	size int64
	text string
	err  error // of the reader
}

// storing lets f store what comes.
func storing(f *fake) <-chan stored {
	c := make(chan stored, 1)
	f.put = func(_ context.Context, size int64, r io.Reader) (operate.Entry, error) {
		text, err := io.ReadAll(r)
		c <- stored{size, string(text), err}
		return anEntry, err
	}
	return c
}

func TestPut(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 64<<10)
	for _, c := range []struct {
		text string
		size int64
	}{{"", 0}, {"", -1}, {"x", 1}, {"x", -1}, {large, int64(len(large))}, {large, -7}} {
		f := &fake{}
		puts := storing(f)
		g, _, _ := serve(t, f)
		e, err := g.Put(t.Context(), "/ü +&%2f/a.jpg", c.size, sometime, strings.NewReader(c.text))
		if err != nil || !cmp.Equal(e, anEntry) {
			t.Errorf("%d bytes as %d: %v, %v", len(c.text), c.size, e, err)
		}
		want := max(c.size, -1)
		if s := within(t, "the file", puts); s.err != nil || s.text != c.text || s.size != want {
			t.Errorf("%d bytes as %d came as %d bytes, %d, %v", len(c.text), c.size, len(s.text), s.size, s.err)
		}
		if d := cmp.Diff([]any{"/ü +&%2f/a.jpg", want, sometime}, f.asked); d != "" {
			t.Error(d)
		}
	}
}

func TestPutThatIsCutOffIsAnErrorOfTheReader(t *testing.T) {
	broken := errors.New("the disk broke")
	text := strings.Repeat("x", 1<<20)
	half := func() io.Reader { return io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)) }
	for _, c := range []struct {
		what string
		size int64
		r    io.Reader
		want error
	}{
		{"a file of known size breaks", 2 << 20, half(), broken},
		{"a file of unknown size breaks", -1, half(), broken},
		{"a small one breaks", 9, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken},
		{"shorter than it said", 2 << 20, strings.NewReader(text), operate.ErrChanged},
		{"longer than it said", 1 << 19, strings.NewReader(text), operate.ErrChanged},
		{"longer by a byte", 1<<20 - 1, strings.NewReader(text), operate.ErrChanged},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := &fake{}
			puts := storing(f)
			g, _, _ := serve(t, f)
			if _, err := g.Put(t.Context(), "/a", c.size, sometime, c.r); !errors.Is(err, c.want) {
				t.Errorf("the client hears %v", err)
			}
			if c.size == 9 { // the connection may end before the request began
				return
			}
			if s := within(t, "the file", puts); s.err == nil || !strings.Contains(s.err.Error(), "cut off") {
				t.Errorf("the gateway read %d bytes and %v", len(s.text), s.err)
			}
		})
	}
	t.Run("empty said, not empty", func(t *testing.T) {
		f := &fake{}
		puts := storing(f)
		g, _, _ := serve(t, f)
		if _, err := g.Put(t.Context(), "/a", 0, sometime, strings.NewReader("x")); !errors.Is(err, operate.ErrChanged) || len(puts) > 0 {
			t.Errorf("%v; %d files came", err, len(puts))
		}
	})
}

func TestPutOfAClientThatIsKilled(t *testing.T) {
	for name, head := range map[string]string{
		"with a length":     "Content-Length: 1000\r\n\r\nhalf",
		"in chunks":         "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"in half a chunk":   "Transfer-Encoding: chunked\r\n\r\n8\r\nhalf",
		"in a broken chunk": "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			puts := storing(f)
			_, dir, _ := serve(t, f)
			c, err := net.Dial("unix", filepath.Join(dir, "control.sock"))
			if err != nil {
				t.Skip(err) // the path is too long for a socket here
			}
			fmt.Fprintf(c, "POST /v1/put?path=/a&modified=2026-01-02T03:04:05Z HTTP/1.1\r\nHost: x\r\n%s", head) //nolint:errcheck // a test
			c.Close()                                                                                            //nolint:errcheck // a test
			if s := within(t, "the file", puts); s.err == nil {
				t.Errorf("the gateway took %q for the whole file", s.text)
			}
		})
	}
}

func TestPutIsCancelledWhileTheFileStalls(t *testing.T) {
	for _, size := range []int64{1 << 20, -1} {
		f := &fake{}
		entered, broke := make(chan bool), make(chan error, 1)
		f.put = func(_ context.Context, _ int64, r io.Reader) (operate.Entry, error) {
			close(entered)
			_, err := io.ReadAll(r)
			broke <- err
			return operate.Entry{}, err
		}
		g, _, _ := serve(t, f)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		tired := errors.New("tired of waiting")
		r, w := io.Pipe()
		defer w.Close()                   //nolint:errcheck // a pipe
		go w.Write(make([]byte, 512<<10)) //nolint:errcheck // more than waits in buffers
		go func() { <-entered; cancel(tired) }()
		if _, err := g.Put(ctx, "/a", size, sometime, r); err != tired {
			t.Error(err)
		}
		if within(t, "the end of the file", broke) == nil {
			t.Error("the gateway took the beginning for the whole file")
		}
	}
}

// endless is a file that the gateway refuses before its end.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.n += int64(len(p))
	return len(p), nil
}

func TestPutThatIsRefusedBeforeItsEnd(t *testing.T) {
	for name, read := range map[string]int64{"unread": 0, "half way": 1 << 20} {
		for _, size := range []int64{1 << 40, -1} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				f := &fake{}
				f.put = func(_ context.Context, _ int64, r io.Reader) (operate.Entry, error) {
					_, err := io.CopyN(io.Discard, r, read)
					return operate.Entry{}, errors.Join(err, operate.Errorf(operate.NotFound, "no route takes it"))
				}
				g, _, _ := serve(t, f)
				file := &endless{}
				_, err := g.Put(t.Context(), "/a", size, sometime, file)
				if err == nil || err.Error() != "no route takes it" || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("after %d bytes: %v", file.n, err)
				}
			})
		}
	}
}

func TestPutThatIsRefusedWhileTheFileStalls(t *testing.T) {
	for _, size := range []int64{100, 1 << 30, -1} {
		f := &fake{err: operate.Errorf(operate.Usage, "no such path")}
		g, _, _ := serve(t, f)
		r, w := io.Pipe()
		defer w.Close()                   //nolint:errcheck // a pipe
		go w.Write([]byte("a beginning")) //nolint:errcheck // a pipe
		if _, err := g.Put(t.Context(), "/a", size, sometime, r); !errors.Is(err, operate.ErrUsage) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestExactly(t *testing.T) {
	for _, c := range []struct {
		text string
		size int64
		err  error
	}{
		{"", 0, nil}, {"abc", 3, nil}, {"abc", -1, nil}, {"abc", 4, operate.ErrChanged}, {"abc", 2, operate.ErrChanged},
		{"abc", 0, operate.ErrChanged}, {"", 1, operate.ErrChanged},
	} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"as it is": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
			"with the end": iotest.DataErrReader, "halves": iotest.HalfReader,
		} {
			got, err := io.ReadAll(operate.Exactly(wrap(strings.NewReader(c.text)), c.size))
			if !errors.Is(err, c.err) {
				t.Errorf("%q as %d, %s: %v", c.text, c.size, name, err)
			}
			if c.err == nil && string(got) != c.text || c.err != nil && c.size > 0 && int64(len(got)) >= c.size {
				t.Errorf("%q as %d, %s: read %q", c.text, c.size, name, got)
			}
		}
	}
	if err := iotest.TestReader(operate.Exactly(bytes.NewReader([]byte("hello")), 5), []byte("hello")); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := io.ReadAll(operate.Exactly(iotest.ErrReader(broken), 3)); err != broken {
		t.Error(err)
	}
}
