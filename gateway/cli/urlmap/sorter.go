package urlmap

import (
	"bufio"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// runBytes is how many bytes of addresses are sorted in memory at a time.
const runBytes = 8 << 20

// sorter sorts rules by their first text, however many there are: those that do not
// fit into memory wait in files that nobody else sees.
type sorter struct {
	dir  string
	less func(a, b string) int // as strings.Compare
	most int                   // bytes in memory; 0: runBytes

	rules []rule
	size  int
	runs  []*os.File
}

// rule is two texts without line ends.
type rule struct{ from, to string }

// add adds a rule.
func (s *sorter) add(r rule) error {
	s.rules, s.size = append(s.rules, r), s.size+len(r.from)+len(r.to)+64
	most := s.most
	if most == 0 {
		most = runBytes
	}
	if s.size < most {
		return nil
	}
	return s.spill()
}

// spill sorts what is in memory and writes it to a file that is gone when closed.
func (s *sorter) spill() error {
	f, err := os.CreateTemp(s.dir, "slipway-map-*")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, f)
	os.Remove(f.Name()) //nolint:errcheck // where open files cannot be removed, close does it
	s.order()
	w := bufio.NewWriter(f)
	for _, r := range s.rules {
		w.WriteString(r.from) //nolint:errcheck // sticky
		w.WriteByte('\n')     //nolint:errcheck // sticky
		w.WriteString(r.to)   //nolint:errcheck // sticky
		w.WriteByte('\n')     //nolint:errcheck // sticky
	}
	s.rules, s.size = s.rules[:0], 0
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

func (s *sorter) order() {
	slices.SortStableFunc(s.rules, func(a, b rule) int { return s.less(a.from, b.from) })
}

// run is one sorted list that is being read.
type run struct {
	r    *bufio.Reader
	next rule
}

// advance reads the next rule; io.EOF after the last.
func (r *run) advance() (err error) {
	if r.next.from, err = r.r.ReadString('\n'); err != nil {
		return err
	}
	if r.next.to, err = r.r.ReadString('\n'); err != nil {
		return errors.Join(io.ErrUnexpectedEOF, err)
	}
	r.next.from, r.next.to = strings.TrimSuffix(r.next.from, "\n"), strings.TrimSuffix(r.next.to, "\n")
	return nil
}

// each calls f with the rules in order, each from once: with the first to that was
// added. It returns how many others there were with another one.
func (s *sorter) each(f func(rule) error) (others int, err error) {
	if len(s.runs) > 0 && len(s.rules) > 0 {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	next := s.merged()
	if len(s.runs) == 0 {
		next = s.inMemory()
	}
	last, begun := rule{}, false
	for {
		r, err := next()
		switch {
		case err == io.EOF:
			return others, nil
		case err != nil:
			return others, err
		case begun && r.from == last.from:
			if r.to != last.to {
				others++
			}
			continue
		}
		last, begun = r, true
		if err := f(r); err != nil {
			return others, err
		}
	}
}

func (s *sorter) inMemory() func() (rule, error) {
	s.order()
	i := 0
	return func() (rule, error) {
		if i == len(s.rules) {
			return rule{}, io.EOF
		}
		i++
		return s.rules[i-1], nil
	}
}

// merged reads the files, of equal rules that of the earliest first.
func (s *sorter) merged() func() (rule, error) {
	var open []*run
	for _, f := range s.runs {
		open = append(open, &run{r: bufio.NewReader(f)})
	}
	begun := false
	return func() (rule, error) {
		if !begun {
			begun = true
			for i := 0; i < len(open); i++ {
				if err := open[i].advance(); err != nil {
					return rule{}, err
				}
			}
		}
		if len(open) == 0 {
			return rule{}, io.EOF
		}
		least := 0
		for i := range open {
			if s.less(open[i].next.from, open[least].next.from) < 0 {
				least = i
			}
		}
		r := open[least].next
		switch err := open[least].advance(); {
		case err == io.EOF:
			open = slices.Delete(open, least, least+1)
		case err != nil:
			return rule{}, err
		}
		return r, nil
	}
}

// close removes the files.
func (s *sorter) close() (err error) {
	for _, f := range s.runs {
		err = errors.Join(err, f.Close())
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	s.runs, s.rules = nil, nil
	return err
}
