package blob

import "io"

const (
	littleSize = 4 << 10    // bytes: most writers of small files need no more
	chunkSize  = 64 << 10   // bytes: for copying where no block is free
	blockSize  = 1024 << 10 // bytes: for copying at the disk's speed
	// maxBlocks bounds the memory of concurrent copies; slow senders beyond it
	// copy in chunks, which costs them nothing.
	maxBlocks = 8
)

// ReadFrom appends what r has, and hashes one half of a block while the other is
// read and written. An error of r poisons the writer too: what came before it is
// not the whole.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.fillMemory(r)
	if err == nil {
		var m int64
		m, err = w.copyFile(r)
		n += m
	}
	if err == io.EOF {
		return n, nil
	}
	return n, w.fail(err)
}

// fillMemory reads until InlineMax bytes are in memory; then its error is nil.
func (w *writer) fillMemory(r io.Reader) (total int64, err error) {
	for w.file == nil && w.size < InlineMax {
		at := w.size
		if at == int64(cap(w.mem)) {
			w.resize(at + 1)
		}
		buf := w.mem[at:cap(w.mem)]
		n, err := r.Read(buf[:min(int64(len(buf)), InlineMax-at)])
		w.mem = w.mem[:at+int64(n)]
		w.size = at + int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// copyFile appends the rest of r in turns of two halves of a buffer.
func (w *writer) copyFile(r io.Reader) (total int64, err error) {
	buf, done := w.disk.copyBuffer()
	defer done()
	defer w.hashing.Wait()
	halves := [2][]byte{buf[:len(buf)/2], buf[len(buf)/2:]}
	for i := 0; ; i ^= 1 {
		// put waits for the hash of the half before, so this one is free.
		n, rerr := readFull(r, halves[i])
		m, err := w.put(halves[i][:n], w.size)
		total += int64(m)
		if err != nil {
			return total, err
		}
		if rerr != nil {
			return total, rerr
		}
	}
}

// readFull fills p. Less comes with r's own error, io.EOF at its end, which
// io.ReadFull would mix up with the io.ErrUnexpectedEOF of a body cut short.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// copyBuffer returns a buffer for one copy and what gives it back.
func (d *Disk) copyBuffer() ([]byte, func()) {
	select {
	case d.blocks <- struct{}{}:
		b := d.block.Get().(*[blockSize]byte)
		return b[:], func() { d.block.Put(b); <-d.blocks }
	default:
		b := d.chunk.Get().(*[chunkSize]byte)
		return b[:], func() { d.chunk.Put(b) }
	}
}

// buffer returns an empty buffer for at least size bytes, at most InlineMax.
func (d *Disk) buffer(size int64) []byte {
	if size <= littleSize {
		return d.little.Get().(*[littleSize]byte)[:0]
	}
	return d.inline.Get().(*[InlineMax]byte)[:0]
}

// recycle takes back what buffer returned.
func (d *Disk) recycle(b []byte) {
	switch cap(b) {
	case littleSize:
		d.little.Put((*[littleSize]byte)(b[:littleSize]))
	case InlineMax:
		d.inline.Put((*[InlineMax]byte)(b[:InlineMax]))
	}
}
