// Package progress shows people how far their files are: a line on the terminal
// that moves, or one line for each file where there is no terminal.
package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	interval = 200 * time.Millisecond // between two drawings
	window   = 5 * time.Second        // that the rate is taken over
	noWidth  = 80                     // columns where the terminal does not say
)

// Options say what is drawn upon.
type Options struct {
	// Terminal is whether a line may be drawn over. If not, each file has one line
	// once it is through.
	Terminal bool
	// Width returns the terminal's columns, asked before each drawing; nil: 80.
	Width func() int
	// Files is how many files there will be; 0: not known.
	Files int
}

// Progress shows files on one writer. It is safe for concurrent use. [Progress.Close]
// ends its goroutine, which draws five times a second on a terminal.
type Progress struct {
	o    Options
	stop chan struct{}
	done chan struct{}

	mu     sync.Mutex
	w      io.Writer
	active []*File // in the order they began
	begun  int
	drawn  int // cells that are on the line now
	moved  []sample
	total  int64 // bytes of all files, for the rate
}

// sample is how many bytes were through at a time.
type sample struct {
	at    time.Time
	total int64
}

// File is one file under way.
type File struct {
	p     *Progress
	name  string
	size  int64
	began time.Time

	done  int64     // under p.mu, as are the next three
	last  time.Time // when bytes moved last
	note  string
	ended bool
}

// New shows progress on w. What w answers is not looked at: it is the screen.
func New(w io.Writer, o Options) *Progress {
	p := &Progress{o: o, w: w, stop: make(chan struct{}), done: make(chan struct{})}
	if p.o.Width == nil {
		p.o.Width = func() int { return noWidth }
	}
	if o.Terminal {
		go p.run()
	} else {
		close(p.done)
	}
	return p
}

// ForTerminal shows progress of files files on f, which is os.Stderr, in the way
// that f allows.
func ForTerminal(f *os.File, files int) *Progress {
	fd := int(f.Fd())
	return New(f, Options{Terminal: term.IsTerminal(fd), Files: files, Width: func() int {
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			return w
		}
		return noWidth
	}})
}

func (p *Progress) run() {
	defer close(p.done)
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// Close takes the line away and ends the drawing. Call it once.
func (p *Progress) Close() {
	close(p.stop)
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// Print lets f write to the same terminal, for lines that stay: the progress makes
// room and comes back.
func (p *Progress) Print(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	f()
}

// File begins a file of size bytes; below 0: not known. End it with Done or Fail.
func (p *Progress) File(name string, size int64) *File {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	f := &File{p: p, name: name, size: size, began: now, last: now}
	if len(p.active) == 0 { // the time before does not count
		p.moved = []sample{{now, p.total}}
	}
	p.active = append(p.active, f)
	p.begun++
	return f
}

// Add says that n more bytes are through; below 0: that they have to go again.
func (f *File) Add(n int64) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	f.done += n
	f.p.total += n
	if n != 0 {
		f.last = time.Now()
	}
}

// Note shows text in place of the numbers, for what comes after the bytes; "" goes
// back to them.
func (f *File) Note(text string) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	f.note = text
}

// Reader returns a reader of r that adds what is read.
func (f *File) Reader(r io.Reader) io.Reader { return &reader{r, f} }

type reader struct {
	r io.Reader
	f *File
}

// Read reads from the reader below.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.f.Add(int64(n))
	return n, err
}

// shortest is the least time that is worth telling.
const shortest = 100 * time.Millisecond

// Done ends the file with a line that stays: its name and bytes, how long and how fast
// these moved, and when all was done that came after.
func (f *File) Done() {
	f.end(func(took time.Duration) string {
		text, moved := Bytes(f.done), f.last.Sub(f.began)
		if moved >= shortest {
			text += fmt.Sprintf(" in %s (%s/s)", lasted(moved), Bytes(int64(float64(f.done)/moved.Seconds())))
		}
		if took-moved >= shortest {
			text += ", done after " + lasted(took)
		}
		return text
	})
}

// lasted shows a time of some length.
func lasted(d time.Duration) string {
	if d >= 10*time.Second {
		return clock(d.Round(time.Second))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// Leave ends the file without a line: somebody else says what came of it.
func (f *File) Leave() {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if !f.ended {
		f.leave()
	}
}

// leave takes the file away, while mu is held.
func (f *File) leave() {
	f.ended = true
	f.p.active = slices.DeleteFunc(f.p.active, func(a *File) bool { return a == f })
	f.p.clear()
}

// Fail ends the file with a line that stays: its name and err. After Done, Leave or
// Fail none of them does anything.
func (f *File) Fail(err error) {
	f.end(func(time.Duration) string { return "failed: " + err.Error() })
}

func (f *File) end(say func(took time.Duration) string) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if f.ended {
		return
	}
	f.leave()
	fmt.Fprintf(f.p.w, "%s: %s\n", clean(f.name), clean(say(time.Since(f.began)))) //nolint:errcheck // the screen
}

// clear takes the line away. Blanks do it on every terminal, control sequences on
// some.
func (p *Progress) clear() {
	if p.drawn > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.drawn)+"\r") //nolint:errcheck // the screen
		p.drawn = 0
	}
}

// draw draws the line over the last one.
func (p *Progress) draw() {
	if len(p.active) == 0 {
		return
	}
	s := Render(p.state(time.Now()), p.o.Width())
	n := cells(s)
	fmt.Fprint(p.w, "\r"+s+strings.Repeat(" ", max(p.drawn-n, 0))) //nolint:errcheck // the screen
	p.drawn = n
}

// state is the file under way, or the sum of those that are.
func (p *Progress) state(now time.Time) State {
	first := p.active[0]
	s := State{Name: first.name, Note: first.note, Rate: p.rate(now), File: p.begun, Files: p.o.Files}
	if n := len(p.active); n > 1 {
		s.Name, s.Note = fmt.Sprintf("%d files", n), ""
	}
	for _, f := range p.active {
		s.Done += f.done
		if f.size < 0 || s.Size < 0 {
			s.Size = -1
		} else {
			s.Size += f.size
		}
	}
	return s
}

// rate is the bytes a second of the last five seconds.
func (p *Progress) rate(now time.Time) float64 {
	p.moved = append(p.moved, sample{now, p.total})
	for len(p.moved) > 2 && now.Sub(p.moved[1].at) >= window {
		p.moved = p.moved[1:]
	}
	first := p.moved[0]
	took := now.Sub(first.at).Seconds()
	if took <= 0 {
		return 0
	}
	return max(0, float64(p.total-first.total)/took)
}
