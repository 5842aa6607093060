package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
)

// TestFTPEndings ends an upload in every way that there is, over an earlier picture
// and where there is none, and looks at what the client is told, what stands there,
// what is kept, and what reached the host.
func TestFTPEndings(t *testing.T) {
	g := startFTP(t, "stall_timeout = '1s'")
	var all []*ending
	t.Run("all", func(t *testing.T) {
		for i, e := range ftpEndings {
			for j, old := range []bool{false, true} {
				r := &ending{dir: fmt.Sprintf("%s/ending-%d-%d", ingesttest.Folder, i, j)}
				all = append(all, r)
				r.name = r.dir + "/DSC_0001.JPG"
				t.Run(e.name+map[bool]string{false: "", true: ", over a file"}[old], func(t *testing.T) {
					t.Parallel()
					r.T, r.g = t, ftpGateway{g.ingestGateway, t}
					r.run(e.end, old, e.want, uint64(10*i+j))
				})
			}
		}
	})
	g.Settle(t)
	for _, r := range all {
		r.T = t
		r.once()
	}
}

// ending is one end of a STOR or APPE.
type ending struct {
	*testing.T
	g         ftpGateway
	c         *ftpClient
	dir, name string
	data      []byte // the new picture
	earlier   []byte // the one that stands there; nil: none
	owed      [][]byte
}

// outcome is what must come of an ending.
type outcome int

const (
	stored  outcome = iota // the new picture is there whole, and the earlier one beside it
	none                   // everything is as before, and nothing is kept
	broken                 // everything is as before; what is kept of it goes on
	kept                   // the same, and all that came is kept
	held                   // the half is there, is not sent, and gives way
	changed                // the earlier picture was written on, or refused that where data is nil
	empty                  // the same with nothing in it
	refused                // nothing is as asked for, and nothing has changed
)

var ftpEndings = []struct {
	name string
	end  func(r *ending)
	want outcome
}{
	{"clean", func(r *ending) { r.must(r.c.Put(r.name, r.data)) }, stored},
	{"reset", func(r *ending) {
		conn := r.half("STOR")
		r.must(r.c.reset(conn))
		r.reply(550)
	}, broken},
	{"ABOR", func(r *ending) {
		conn := r.half("STOR")
		defer conn.Close()
		r.c.must(r.T, 426, "ABOR")
		r.reply(226)
		r.c.must(r.T, 200, "NOOP")
	}, broken},
	{"ABOR in Telnet's way", func(r *ending) {
		conn := r.half("STOR")
		defer conn.Close()
		r.c.must(r.T, 426, "\xff\xf4\xff\xf2ABOR")
		r.reply(226)
	}, broken},
	{"control connection reset", func(r *ending) {
		conn := r.half("STOR")
		defer conn.Close()
		r.must(r.c.reset(r.c.conn))
		r.gone(conn)
	}, broken},
	{"control connection closed", func(r *ending) {
		conn := r.half("STOR")
		r.must(r.c.conn.Close())
		r.must(r.c.reset(conn))
	}, broken},
	{"both connections closed in mid-file", func(r *ending) {
		conn := r.half("STOR")
		control := r.c.conn.(*net.TCPConn)
		r.must(control.CloseWrite())
		r.must(conn.Close())
		io.Copy(io.Discard, control) //nolint:errcheck // until the door is through with it
	}, broken},
	{"both connections closed after the last byte", func(r *ending) {
		conn, err := r.c.begin("STOR %s", r.name)
		r.must(err)
		r.write(conn, r.data)
		r.must(conn.Close())
		r.must(r.c.conn.Close())
		r.sent(r.data) // nobody tells the client
		r.owed = r.owed[:len(r.owed)-1]
	}, stored},
	{"the control connection closed before the last byte", func(r *ending) {
		conn := r.half("STOR")
		r.must(r.c.conn.Close())
		r.write(conn, r.data[len(r.data)/2:])
		r.must(conn.Close())
		r.sent(r.data)
		r.owed = r.owed[:len(r.owed)-1]
	}, stored},
	{"stall", func(r *ending) {
		conn := r.half("STOR")
		defer conn.Close()
		r.reply(550)
		r.c.must(r.T, 200, "NOOP")
	}, kept},
	{"FIN in mid-file", func(r *ending) {
		r.must(r.half("STOR").Close())
		r.reply(226)
	}, held},
	{"less than ALLO said", func(r *ending) {
		r.c.must(r.T, 200, "ALLO %d", len(r.data))
		r.must(r.half("STOR").Close())
		r.reply(550)
	}, kept},
	{"STOR without PASV", func(r *ending) { r.c.must(r.T, 550, "STOR %s", r.name) }, none},
	{"a data connection that was closed before STOR", func(r *ending) {
		conn, err := r.c.data()
		r.must(err)
		r.must(r.c.reset(conn))
		r.c.must(r.T, 150, "STOR %s", r.name)
		r.reply(550)
	}, none},
	{"REST 0", func(r *ending) {
		r.c.must(r.T, 350, "REST 0")
		r.must(r.c.Put(r.name, r.data))
	}, stored},
	{"REST within", func(r *ending) {
		if r.earlier == nil {
			r.must(r.c.Put(r.name, r.data))
			return
		}
		if r.c.PutAt(r.name, 100, r.data[100:]) == nil {
			r.Error("the end of one picture is put after the head of another session's")
		}
		r.data = nil
	}, changed},
	{"REST beyond", func(r *ending) {
		r.c.must(r.T, 350, "REST %d", len(r.earlier)+1)
		r.c.must(r.T, 550, "STOR %s", r.name)
		r.c.must(r.T, 200, "NOOP")
	}, refused},
	{"REST that is no number", func(r *ending) {
		r.c.must(r.T, 501, "REST -5")
		r.c.must(r.T, 501, "REST many")
	}, refused},
	{"REST and a reset", func(r *ending) {
		if r.earlier == nil {
			r.must(r.c.reset(r.half("STOR")))
			r.reply(550)
			return
		}
		r.c.must(r.T, 350, "REST %d", len(r.earlier))
		conn, err := r.c.begin("STOR %s", r.name)
		r.must(err)
		r.write(conn, []byte("what is never stored"))
		r.must(r.c.reset(conn))
		r.reply(550)
	}, broken},
	{"APPE and a reset", func(r *ending) {
		r.must(r.c.reset(r.half("APPE")))
		r.reply(550)
	}, broken},
	{"APPE", func(r *ending) {
		if r.earlier == nil {
			r.must(r.c.send(bytes.NewReader(r.data), "APPE %s", r.name))
			return
		}
		r.must(r.c.send(bytes.NewReader([]byte("more")), "APPE %s", r.name))
		r.data = append(bytes.Clone(r.earlier), "more"...)
	}, changed},
	{"nothing", func(r *ending) { r.must(r.c.Put(r.name, nil)) }, empty},
}

func (r *ending) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *ending) reply(want int) {
	r.Helper()
	if _, _, err := r.c.reply(want); err != nil {
		r.Fatal(err)
	}
}

func (r *ending) write(conn net.Conn, data []byte) {
	r.Helper()
	_, err := conn.Write(data)
	r.must(err)
}

// half sends one half.
func (r *ending) half(verb string) net.Conn {
	r.Helper()
	conn, err := r.c.begin("%s %s", verb, r.name)
	r.must(err)
	r.write(conn, r.data[:len(r.data)/2])
	return conn
}

// gone waits until the door has closed a data connection.
func (r *ending) gone(conn net.Conn) {
	r.Helper()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		r.Error("the data connection goes on")
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		r.Error("the data connection stays open")
	}
}

// run puts the earlier picture, ends an upload, and looks at what came of it.
func (r *ending) run(end func(*ending), old bool, want outcome, seed uint64) {
	r.Helper()
	admin := r.g.dial()
	r.must(admin.Mkdir(r.dir))
	r.data = shot(1000 + seed)
	if old {
		r.earlier = shot(2000 + seed)
		r.must(r.g.dial().Put(r.name, r.earlier))
		r.sent(r.earlier)
	}
	r.c = r.g.dial()
	end(r)
	r.c.conn.Close() //nolint:errcheck // some endings have closed it
	r.c = r.g.dial()
	switch want {
	case stored:
		r.whole()
	case changed:
		if r.data == nil {
			r.unchanged()
			break
		}
		r.holds(r.name, r.data)
		r.sent(r.data)
		r.numbered(nil)
	case none, refused:
		r.unchanged()
	case broken:
		r.unchanged()
		r.goesOn()
	case kept:
		r.unchanged()
		half := int64(len(r.data) / 2)
		if size, err := r.c.size(r.name); r.earlier == nil && size != half {
			r.Errorf("SIZE of what was kept: %d of %d, %v", size, half, err)
		}
		r.must(r.c.PutAt(r.name, half, r.data[half:]))
		r.whole()
	case held, empty:
		came := map[outcome][]byte{held: r.data[:len(r.data)/2]}[want]
		r.holds(r.name, came)
		r.numbered(r.earlier)
		r.must(r.c.Put(r.name, r.data))
		r.whole()
	}
}

// whole looks at the new picture, as a client does right after 226, and at the
// earlier one.
func (r *ending) whole() {
	r.Helper()
	r.holds(r.name, r.data)
	r.sent(r.data)
	r.numbered(r.earlier)
	if size, err := r.c.size(r.name); err != nil || size != int64(len(r.data)) {
		r.Errorf("SIZE: %d, %v", size, err)
	}
	r.c.must(r.T, 213, "MFMT 20200102030405 %s", r.name)
	if got := r.c.must(r.T, 213, "MDTM %s", r.name); got != "20200102030405" {
		r.Errorf("MDTM: %s", got)
	}
	facts := strings.ToLower(r.c.must(r.T, 250, "MLST %s", r.name))
	if !strings.Contains(facts, fmt.Sprintf("size=%d;", len(r.data))) || !strings.Contains(facts, "modify=20200102030405;") {
		r.Errorf("MLST: %s", facts)
	}
}

// unchanged looks that nothing is other than before.
func (r *ending) unchanged() {
	r.Helper()
	if r.earlier != nil {
		r.holds(r.name, r.earlier)
	} else if data, err := r.c.Get(r.name); err == nil && len(data) > 0 {
		r.Errorf("there are %d bytes", len(data))
	}
	r.numbered(nil)
	names, err := r.c.List(r.dir)
	for _, name := range names {
		if r.earlier == nil && strings.HasPrefix(name, "DSC") {
			if size, err := r.c.size(r.dir + "/" + name); err != nil || size != 0 {
				r.Errorf("listed: %q of %d bytes", name, size)
			}
		}
	}
	r.must(err)
}

// goesOn sends the rest of what was kept, or all where nothing was.
func (r *ending) goesOn() {
	r.Helper()
	half := int64(len(r.data) / 2)
	size, err := r.c.size(r.name)
	switch {
	case r.earlier != nil:
		if err != nil || size != int64(len(r.earlier)) {
			r.Errorf("SIZE is not that of the earlier picture: %d, %v", size, err)
		}
		size = 0 // a new picture of that name begins at its beginning
	case errors.Is(err, fs.ErrNotExist):
		size = 0 // what was on its way was lost with the connection
	case err != nil || size < 1 || size > half:
		r.Fatalf("SIZE of what was kept: %d of %d, %v", size, half, err)
	}
	r.must(r.c.PutAt(r.name, size, r.data[size:]))
	r.whole()
}

func (r *ending) holds(name string, data []byte) {
	r.Helper()
	if got, err := r.c.Get(name); err != nil || !bytes.Equal(got, data) {
		r.Fatalf("%s has %d bytes (%v), want %d", name, len(got), err, len(data))
	}
}

// numbered looks for the earlier picture under its number, or that there is none.
func (r *ending) numbered(data []byte) {
	r.Helper()
	name := strings.Replace(r.name, ".", " (1).", 1)
	if data != nil {
		r.holds(name, data)
	} else if size, err := r.c.size(name); !errors.Is(err, fs.ErrNotExist) {
		r.Errorf("%s is there with %d bytes (%v)", name, size, err)
	}
}

// sent waits until the host has these bytes.
func (r *ending) sent(data []byte) {
	r.Helper()
	r.owed = append(r.owed, data)
	for end := time.Now().Add(patience); !slices.ContainsFunc(r.arrived(), func(b []byte) bool { return bytes.Equal(b, data) }); {
		if time.Now().After(end) {
			r.Fatalf("%s is not sent", r.name)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// arrived returns what the host has got from the folder.
func (r *ending) arrived() (all [][]byte) {
	for _, p := range r.g.site.Stored() {
		if strings.HasPrefix(p.Description, r.dir+"/") {
			all = append(all, p.Bytes)
		}
	}
	return all
}

// once looks that the host got each picture once, and nothing else.
func (r *ending) once() {
	r.Helper()
	if r.g.ingestGateway == nil {
		return // left out by -run
	}
	got, want := r.arrived(), r.owed
	slices.SortFunc(got, bytes.Compare)
	slices.SortFunc(want, bytes.Compare)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		r.Errorf("of %s the host has %d files, and should have %d", r.name, len(got), len(want))
	}
}
