package rotate

// scan is one pass over components (T.81 §B.2.3).
type scan struct {
	*bitReader
	components []*component
	dc, ac     [4]*codes
	ss, se     int // the first and the last coefficient, in the order of zigzag
	ah, al     int // the bits that were there before, and are after
	last       [4]int
	run        int // blocks that end at once
	decode     func(s *scan, i int, block []int16) error
}

// scan reads a scan whose header is b and whose data begins at d.off.
func (d *decoder) scan(b []byte) error {
	s, err := d.scanHeader(b)
	if err != nil {
		return err
	}
	s.bitReader = newBits(d.r, d.size, d.off)
	if len(s.components) == 1 {
		err = d.single(s)
	} else {
		err = d.interleaved(s)
	}
	if err != nil {
		return err
	}
	marker, at, err := s.end()
	if err != nil {
		return err
	}
	if marker >= markerRST0 && marker <= markerSOI || marker == markerDNL {
		return errData
	}
	d.off = at - 2
	return nil
}

func (d *decoder) scanHeader(b []byte) (*scan, error) {
	if len(b) < 1 || b[0] < 1 || b[0] > 4 || len(b) != 4+2*int(b[0]) {
		return nil, unable("the JPEG is damaged")
	}
	s := &scan{}
	for i := range int(b[0]) {
		var found *component
		for _, c := range d.frame.components {
			if c.id == b[1+2*i] && found == nil {
				found = c
			}
		}
		t := b[2+2*i]
		if found == nil || t>>4 > 3 || t&15 > 3 {
			return nil, unable("the JPEG is damaged")
		}
		for _, c := range s.components {
			if c == found {
				return nil, unable("the JPEG is damaged")
			}
		}
		s.components = append(s.components, found)
		s.dc[i], s.ac[i] = d.dc[t>>4], d.ac[t&15]
	}
	tail := b[len(b)-3:]
	s.ss, s.se, s.ah, s.al = int(tail[0]), int(tail[1]), int(tail[2]>>4), int(tail[2]&15)
	return s, d.kind(s)
}

// kind checks what a scan may do, and sets how its blocks are read.
func (d *decoder) kind(s *scan) error {
	needDC, needAC := true, true
	switch {
	case !d.frame.progressive:
		if s.ss != 0 || s.se != 63 || s.ah != 0 || s.al != 0 {
			return unable("the JPEG is damaged")
		}
		s.decode = (*scan).sequential
	case s.ss > s.se || s.se > 63 || s.al > 13 || s.ah != 0 && s.ah != s.al+1 || s.ss == 0 && s.se != 0 || s.ss > 0 && len(s.components) > 1:
		return unable("the JPEG is damaged")
	case s.ss == 0:
		needDC, needAC = s.ah == 0, false
		if s.decode = (*scan).firstDC; s.ah > 0 {
			s.decode = (*scan).moreDC
		}
	default:
		needDC = false
		if s.decode = (*scan).firstAC; s.ah > 0 {
			s.decode = (*scan).moreAC
		}
	}
	for i := range s.components {
		if needDC && s.dc[i] == nil || needAC && s.ac[i] == nil {
			return unable("the JPEG is damaged")
		}
	}
	return nil
}

// again begins anew where a restart marker is due before the n-th unit.
func (d *decoder) again(s *scan, n int) error {
	if d.interval == 0 || n == 0 || n%d.interval != 0 {
		return nil
	}
	s.last, s.run = [4]int{}, 0
	return s.restart(n/d.interval - 1)
}

// single reads a scan of one component, of which only blocks of the picture come.
func (d *decoder) single(s *scan) error {
	c := s.components[0]
	for y := range c.rh {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for x := range c.rw {
			if err := d.again(s, y*c.rw+x); err != nil {
				return err
			}
			if err := s.decode(s, 0, c.block(x, y)); err != nil {
				return err
			}
		}
	}
	return nil
}

// interleaved reads a scan of several components, unit by unit.
func (d *decoder) interleaved(s *scan) error {
	mx, my := ceil(d.frame.width, 8*d.frame.hmax), ceil(d.frame.height, 8*d.frame.vmax)
	for y := range my {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for x := range mx {
			if err := d.again(s, y*mx+x); err != nil {
				return err
			}
			for i, c := range s.components {
				for k := range c.h * c.v {
					if err := s.decode(s, i, c.block(x*c.h+k%c.h, y*c.v+k/c.h)); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// difference reads how far the first coefficient is from the last block's (§F.2.2.1).
func (s *scan) difference(i int) (int, error) {
	n, err := s.symbol(s.dc[i])
	if err != nil {
		return 0, err
	}
	if n > 11 {
		return 0, errData
	}
	v, err := s.value(int(n))
	s.last[i] += v
	if s.last[i] < -1<<14 || s.last[i] >= 1<<14 {
		return 0, errData
	}
	return s.last[i], err
}

// sequential reads a whole block (§F.2.2).
func (s *scan) sequential(i int, block []int16) error {
	dc, err := s.difference(i)
	if err != nil {
		return err
	}
	clear(block)
	block[0] = int16(dc)
	for k := 1; k < 64; k++ {
		rs, err := s.symbol(s.ac[i])
		if err != nil {
			return err
		}
		run, n := int(rs>>4), int(rs&15)
		if n == 0 {
			if run < 15 {
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > 63 || n > 10 {
			return errData
		}
		v, err := s.value(n)
		if err != nil {
			return err
		}
		block[zigzag[k]] = int16(v)
	}
	return nil
}

// firstDC reads the upper bits of a first coefficient (§G.1.2.1).
func (s *scan) firstDC(i int, block []int16) error {
	dc, err := s.difference(i)
	if dc<<s.al != int(int16(dc<<s.al)) {
		return errData
	}
	block[0] = int16(dc << s.al)
	return err
}

// moreDC reads one further bit of it.
func (s *scan) moreDC(_ int, block []int16) error {
	bit, err := s.take(1)
	block[0] |= int16(bit << s.al)
	return err
}

// firstAC reads the upper bits of a band of coefficients (§G.1.2.2).
func (s *scan) firstAC(i int, block []int16) error {
	if s.run > 0 {
		s.run--
		return nil
	}
	for k := s.ss; k <= s.se; k++ {
		rs, err := s.symbol(s.ac[i])
		if err != nil {
			return err
		}
		run, n := int(rs>>4), int(rs&15)
		if n == 0 {
			if run < 15 {
				more, err := s.take(run)
				s.run = 1<<run + more - 1
				return err
			}
			k += 15
			continue
		}
		if k += run; k > s.se || n+s.al > 14 {
			return errData
		}
		v, err := s.value(n)
		if err != nil {
			return err
		}
		block[zigzag[k]] = int16(v << s.al)
	}
	return nil
}

// moreAC reads one further bit of a band of coefficients (§G.1.2.3).
func (s *scan) moreAC(i int, block []int16) error {
	k := s.ss
	for s.run == 0 && k <= s.se {
		rs, err := s.symbol(s.ac[i])
		if err != nil {
			return err
		}
		run, n, v := int(rs>>4), int(rs&15), 0
		switch {
		case n == 1:
			bit, err := s.take(1)
			if err != nil {
				return err
			}
			v = (2*bit - 1) << s.al
		case n > 1:
			return errData
		case run < 15:
			more, err := s.take(run)
			if err != nil {
				return err
			}
			s.run = 1<<run + more
			continue
		}
		if k, err = s.refine(block, k, run); err != nil {
			return err
		}
		if v != 0 {
			if k > s.se {
				return errData
			}
			block[zigzag[k]] = int16(v)
		}
		k++
	}
	if s.run == 0 {
		return nil
	}
	s.run--
	_, err := s.refine(block, k, 64)
	return err
}

// refine reads a bit for each coefficient from k on that is not zero, up to the one
// that is behind so many zeros, and returns where that is.
func (s *scan) refine(block []int16, k, zeros int) (int, error) {
	for ; k <= s.se; k++ {
		c := &block[zigzag[k]]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		bit, err := s.take(1)
		if err != nil {
			return 0, err
		}
		if bit == 0 || *c&int16(1<<s.al) != 0 && *c > 0 || *c < 0 && -*c&int16(1<<s.al) != 0 {
			continue
		}
		if *c > 0 {
			*c += 1 << s.al
		} else {
			*c -= 1 << s.al
		}
	}
	return k, nil
}

// complete makes sure that what was read can be written: progressive scans may add up
// to more than sequential ones can say.
func (d *decoder) complete() error {
	const most = 1<<10 - 1
	for _, c := range d.frame.components {
		if d.tables[c.table] == nil {
			return unable("the JPEG is damaged")
		}
		for i, v := range c.coef {
			if i&63 != 0 && (v > most || v < -most) || i&63 == 0 && (v > most || v < -most-1) {
				return errData
			}
		}
	}
	return nil
}
