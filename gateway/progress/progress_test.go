package progress

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is a terminal of one moving line: it keeps the lines that stay.
type screen struct {
	mu   sync.Mutex
	kept []string
	line []rune
	at   int
	n    int // writes
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	for _, r := range string(p) {
		switch r {
		case '\r':
			s.at = 0
		case '\n':
			s.kept, s.line, s.at = append(s.kept, s.text()), nil, 0
		default:
			if s.at == len(s.line) {
				s.line = append(s.line, ' ')
			}
			s.line[s.at] = r
			s.at++
		}
	}
	return len(p), nil
}

func (s *screen) text() string { return strings.TrimRight(string(s.line), " ") }

// shows checks the line that moves and the lines that stay.
func (s *screen) shows(t *testing.T, line string, kept ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.text(); got != line {
		t.Errorf("the line is %q, want %q", got, line)
	}
	if got, want := strings.Join(s.kept, "\n"), strings.Join(kept, "\n"); got != want {
		t.Errorf("kept:\n%s\nwant:\n%s", got, want)
	}
}

const kib = 1 << 10

func TestOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		var columns atomic.Int32
		columns.Store(60)
		p := New(&s, Options{Terminal: true, Files: 2, Width: func() int { return int(columns.Load()) }})
		time.Sleep(time.Second)
		s.shows(t, "")
		f := p.File("a.jpg", 100*kib)
		f.Add(50 * kib)
		s.shows(t, "") // not before the next drawing
		time.Sleep(time.Second)
		s.shows(t, "[1/2] a.jpg   50%  50.0/100.0 KiB  50.0 KiB/s  0:01")
		time.Sleep(4 * time.Second)
		s.shows(t, "[1/2] a.jpg   50%  50.0/100.0 KiB  10.0 KiB/s  0:05")
		time.Sleep(6 * time.Second)
		s.shows(t, "[1/2] a.jpg   50%  50.0/100.0 KiB  0 B/s  -:--")
		columns.Store(20)
		time.Sleep(time.Second)
		s.shows(t, "[1/2] a.jpg   50%")
		columns.Store(60)
		f.Note("waiting for anh")
		time.Sleep(time.Second)
		s.shows(t, "[1/2] a.jpg  waiting for anh")
		p.Print(func() { io.WriteString(&s, "https://anh.im/x\n") }) //nolint:errcheck // a screen
		s.shows(t, "", "https://anh.im/x")
		f.Done()
		f.Done()
		f.Fail(io.EOF)
		done := "a.jpg: 50.0 KiB, done after 0:13"
		s.shows(t, "", "https://anh.im/x", done)
		time.Sleep(time.Second)
		s.shows(t, "", "https://anh.im/x", done)

		b := p.File("b.jpg", 1000)
		b.Add(900)
		b.Add(-900) // once more
		b.Add(100)
		time.Sleep(200 * time.Millisecond)
		s.shows(t, "[2/2] b.jpg   10%  0.1/1.0 KiB  500 B/s  0:02", "https://anh.im/x", done)
		p.Close()
		s.shows(t, "", "https://anh.im/x", done)
		n := s.n
		time.Sleep(time.Minute)
		if s.n != n {
			t.Error("drawn after Close")
		}
	})
}

func TestSeveralFilesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		p := New(&s, Options{Terminal: true})
		defer p.Close()
		a, b := p.File("a", 3000), p.File("b", 1000)
		a.Note("waiting")
		a.Add(500)
		b.Add(500)
		time.Sleep(time.Second)
		s.shows(t, "2 files         [======>                  ]   25%  1.0/3.9 KiB  1.0 KiB/s  0:03")
		c := p.File("c", -1)
		time.Sleep(interval)
		s.shows(t, "3 files  1.0 KiB  833 B/s")
		c.Fail(errors.New("cannot\x1bread"))
		a.Done()
		time.Sleep(interval)
		s.shows(t, "b                [=============>            ]   50%  0.5/1.0 KiB  714 B/s  0:01", "c: failed: cannot?read", "a: 500 B, done after 1.2 s")
	})
}

func TestWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		p := New(&s, Options{})
		f := p.File("a\n.jpg", 10)
		n, err := io.Copy(io.Discard, f.Reader(strings.NewReader("0123456789")))
		if n != 10 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(2 * time.Second)
		if s.n != 0 {
			t.Error("something is drawn")
		}
		f.Done()
		p.File("b.jpg", 10).Fail(io.ErrUnexpectedEOF)
		p.Print(func() { io.WriteString(&s, "url\n") }) //nolint:errcheck // a screen
		p.Close()
		s.shows(t, "", "a?.jpg: 10 B, done after 2.0 s", "b.jpg: failed: unexpected EOF", "url")
	})
}

// TestRateIsOfTheTransfer: the time that comes after the bytes makes no rate.
func TestRateIsOfTheTransfer(t *testing.T) {
	for _, tt := range []struct {
		moves, waits time.Duration
		want         string
	}{
		{0, 0, "a: 8.0 KiB"},
		{0, 2100 * time.Millisecond, "a: 8.0 KiB, done after 2.1 s"},
		{2 * time.Second, 0, "a: 8.0 KiB in 2.0 s (4.0 KiB/s)"},
		{2 * time.Second, 20 * time.Second, "a: 8.0 KiB in 2.0 s (4.0 KiB/s), done after 0:22"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s screen
			p := New(&s, Options{})
			defer p.Close()
			f := p.File("a", 8*kib)
			f.Add(4 * kib)
			time.Sleep(tt.moves)
			f.Add(4 * kib)
			time.Sleep(tt.waits)
			f.Add(0) // its end is seen
			f.Done()
			s.shows(t, "", tt.want)
		})
	}
}

func TestForTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := ForTerminal(f, 3)
	defer p.Close()
	if p.o.Terminal || p.o.Files != 3 || p.o.Width() != noWidth {
		t.Errorf("a file is taken for a terminal: %+v", p.o)
	}
}

func TestRace(t *testing.T) {
	var s screen
	p := New(&s, Options{Terminal: true})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				f := p.File("x", 100)
				f.Add(100)
				p.Print(func() {})
				f.Note("n")
				f.Done()
			}
		})
	}
	wg.Wait()
	p.Close()
	if len(s.kept) != 200 {
		t.Errorf("%d lines", len(s.kept))
	}
}
