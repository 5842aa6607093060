package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/uploader/whole/wholetest"
)

// ftpGateway is a gateway whose FTP door is under test.
type ftpGateway struct {
	*ingestGateway
	t *testing.T
}

// startFTP starts one, with more of config.toml, which begins within [ftp]. What
// lands in ingesttest.Folder goes to one host.
func startFTP(t *testing.T, more string) ftpGateway {
	t.Helper()
	return ftpGateway{startIngestWith(t, 50*time.Millisecond, more, nil), t}
}

// dial signs in as the user of full rights, or another one.
func (g ftpGateway) dial(user ...string) *ftpClient {
	g.t.Helper()
	return dialFTP(g.t, g.app.address("ftp"), append(user, ingestUser)[0], ingestPassword)
}

// sent settles and compares what reached the host, by path.
func (g ftpGateway) sent(want ...string) {
	g.t.Helper()
	g.Settle(g.t)
	var got []string
	for _, u := range g.Sent() {
		got = append(got, u.Path)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		g.t.Errorf("the host got %q, want %q", got, want)
	}
}

// put stores data, and get compares what stands there.
func (g ftpGateway) put(c *ftpClient, name string, data []byte) {
	g.t.Helper()
	if err := c.Put(name, data); err != nil {
		g.t.Fatal(err)
	}
}

func (g ftpGateway) holds(c *ftpClient, name string, data []byte) {
	g.t.Helper()
	if got, err := c.Get(name); err != nil || !bytes.Equal(got, data) {
		g.t.Errorf("%s has %d bytes (%v), want %d", name, len(got), err, len(data))
	}
}

// shot returns a picture that differs from others by its seed.
func shot(seed uint64) []byte { return wholetest.JPEG(48, 48, seed) }

const dsc = ingesttest.Folder + "/DSC_0001.JPG"

// TestFTPAfter226: what clients ask and do after an upload works, and sends nothing
// again.
func TestFTPAfter226(t *testing.T) {
	g := startFTP(t, "")
	c := g.dial()
	data := shot(1)
	g.put(c, dsc, data)
	if size, err := c.size(dsc); err != nil || size != int64(len(data)) {
		t.Errorf("SIZE: %d, %v", size, err)
	}
	c.must(t, 213, "MDTM %s", dsc)
	c.must(t, 250, "MLST %s", dsc)
	c.must(t, 213, "MFMT 20200102030405 %s", dsc)
	if got := c.must(t, 213, "MDTM %s", dsc); got != "20200102030405" {
		t.Errorf("MDTM: %s", got)
	}
	g.sent(dsc)
	c.must(t, 213, "MFMT 20210102030405 %s", dsc)
	g.put(c, dsc, data)
	g.sent(dsc)
}

// TestFTPSameName: a name that a camera uses again is another picture. The earlier
// one keeps its bytes and its upload under a number.
func TestFTPSameName(t *testing.T) {
	g := startFTP(t, "")
	one, two, three := shot(1), shot(2), shot(3)
	g.put(g.dial(), dsc, one)
	g.sent(dsc)
	c := g.dial()
	g.put(c, dsc, two)
	numbered := strings.Replace(dsc, ".", " (1).", 1)
	g.holds(c, dsc, two)
	g.holds(c, numbered, one)
	g.sent(dsc, dsc)

	// The same bytes again are the same picture.
	g.put(g.dial(), dsc, two)
	if _, err := c.size(strings.Replace(dsc, ".", " (2).", 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the same bytes got a number: %v", err)
	}
	// RNTO, REST and APPE replace.
	g.put(c, ingesttest.Folder+"/camera_tmp.jpg", three)
	if err := c.Rename(ingesttest.Folder+"/camera_tmp.jpg", dsc); err != nil {
		t.Fatal(err)
	}
	g.holds(c, dsc, three)
	if _, err := c.size(strings.Replace(dsc, ".", " (2).", 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a rename got a number: %v", err)
	}
	g.sent(dsc, dsc, dsc)
}

// numbered returns dsc as the picture n before the present one is called.
func numbered(n int) string { return strings.Replace(dsc, ".", fmt.Sprintf(" (%d).", n), 1) }

// TestFTPSameNameAtOnce: two cameras that send two pictures of one name at the same
// time lose none, whichever comes first, and whatever stood there before.
func TestFTPSameNameAtOnce(t *testing.T) {
	one, two := shot(1), shot(2)
	for name, before := range map[string][]byte{"free": nil, "half": shot(3)[:500], "whole": shot(3)} {
		t.Run(name, func(t *testing.T) {
			g := startFTP(t, "")
			if before != nil {
				g.put(g.dial(), dsc, before)
			}
			slow, fast := g.dial(), g.dial()
			conn, err := slow.begin("STOR %s", dsc)
			if err != nil {
				t.Fatal(err)
			}
			g.put(fast, dsc, one)
			if _, err := conn.Write(two); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if _, _, err := slow.reply(226); err != nil {
				t.Fatal(err)
			}
			g.holds(fast, dsc, two)
			if name == "whole" {
				g.holds(fast, numbered(1), before)
				g.holds(fast, numbered(2), one)
				g.sent(dsc, dsc, dsc)
			} else {
				g.holds(fast, numbered(1), one)
				g.sent(dsc, dsc)
			}
		})
	}
}

// TestFTPSameNameResumed: a picture that was cut and goes on leaves alone what has
// its name, also what came in between from somebody else.
func TestFTPSameNameResumed(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'other'\npassword = 'env:PASSWORD'")
	one, two, three := shot(1), shot(2), shot(3)
	g.put(g.dial(), dsc, one)
	c, half := g.dial(), len(two)/2
	c.must(t, 200, "ALLO %d", len(two))
	if err := c.Put(dsc, two[:half]); err == nil {
		t.Fatal("half a picture was taken")
	}
	g.put(g.dial("other"), dsc, three)
	c = g.dial()
	if err := c.PutAt(dsc, int64(half), two[half:]); err != nil {
		t.Fatal(err)
	}
	g.holds(c, dsc, two)
	g.holds(c, numbered(1), one)
	g.holds(c, numbered(2), three)
	g.sent(dsc, dsc, dsc)
}

// TestFTPSameSession: a session that stores again at once replaces what it stored,
// as scanners do for each page, but by what is whole only.
func TestFTPSameSession(t *testing.T) {
	one, two := shot(1), shot(2)
	for name, tt := range map[string]struct {
		next  []byte
		stays bool // what was stored first
	}{
		"whole": {two, false}, "half": {two[:len(two)/2], true}, "empty": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := ftpGateway{startIngestWith(t, time.Minute, "", nil), t}
			c := g.dial()
			g.put(c, dsc, one)
			g.put(c, dsc, tt.next)
			g.holds(c, dsc, tt.next)
			if tt.stays {
				g.holds(c, numbered(1), one)
				g.put(c, dsc, two) // what is not whole gives way
				g.holds(c, dsc, two)
			}
			last := 1
			if tt.stays {
				last = 2
			}
			if _, err := c.size(numbered(last)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there: %v", numbered(last), err)
			}
		})
	}
}

// TestFTPNotWhole: a picture that ended early without an error (FIN in mid-file)
// is held, and gives way to the next of its name.
func TestFTPNotWhole(t *testing.T) {
	for name, next := range map[string]func(g ftpGateway, c *ftpClient, data []byte) error{
		"STOR": func(_ ftpGateway, c *ftpClient, data []byte) error { return c.Put(dsc, data) },
		"REST": func(_ ftpGateway, c *ftpClient, data []byte) error {
			return c.PutAt(dsc, int64(len(data)/2), data[len(data)/2:])
		},
		"APPE": func(_ ftpGateway, c *ftpClient, data []byte) error {
			return c.send(bytes.NewReader(data[len(data)/2:]), "APPE %s", dsc)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := startFTP(t, "")
			data := shot(1)
			g.put(g.dial(), dsc, data[:len(data)/2])
			g.sent()
			c := g.dial()
			if err := next(g, c, data); err != nil {
				t.Fatal(err)
			}
			g.holds(c, dsc, data)
			g.sent(dsc)
			if _, err := c.size(strings.Replace(dsc, ".", " (1).", 1)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what broke off got a number: %v", err)
			}
		})
	}
}

// TestFTPPartial: what was cut is kept for its user alone, goes on by REST in
// another session, and is never sent before.
func TestFTPPartial(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'other'\npassword = 'env:PASSWORD'")
	data := shot(1)
	c := g.dial()
	c.must(t, 200, "ALLO %d", len(data))
	half := len(data) / 2
	if err := c.Put(dsc, data[:half]); err == nil || !strings.Contains(err.Error(), "550") {
		t.Fatalf("a STOR shorter than ALLO said: %v", err)
	}
	g.sent()
	c = g.dial()
	if size, err := c.size(dsc); err != nil || size != int64(half) {
		t.Errorf("SIZE: %d, %v", size, err)
	}
	if names, err := c.List(ingesttest.Folder); err != nil || len(names) != 0 {
		t.Errorf("listed: %q, %v", names, err)
	}
	if _, err := g.dial("other").size(dsc); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another user sees it: %v", err)
	}
	if err := c.PutAt(dsc, int64(len(data)+1), []byte("x")); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("REST beyond: %v", err)
	}
	if err := c.PutAt(dsc, int64(half), data[half:]); err != nil {
		t.Fatal(err)
	}
	g.holds(c, dsc, data)
	g.sent(dsc)
}

// TestFTPDrop: two cameras of one account behind one address count alike. Nothing
// is overwritten, nothing is read, and each sees its own.
func TestFTPDrop(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'guest'\npassword = 'env:PASSWORD'\nrights = 'drop'")
	g.put(g.dial(), dsc, shot(1))
	g.sent(dsc)
	one, two := g.dial("guest"), g.dial("guest")
	if _, err := one.size(dsc); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a guest sees others' files: %v", err)
	}
	g.put(one, dsc, shot(2))
	g.put(two, dsc, shot(3))
	if size, err := two.size(dsc); err != nil || size != int64(len(shot(3))) {
		t.Errorf("SIZE: %d, %v", size, err)
	}
	if names, err := two.List(ingesttest.Folder); err != nil || len(names) != 1 {
		t.Errorf("the guest's own: %q, %v", names, err)
	}
	if _, err := one.Get(dsc); err == nil {
		t.Error("a guest can read")
	}
	g.Settle(t)
	if n := len(g.Sent()); n != 3 {
		t.Errorf("%d pictures were sent", n)
	}
	names, err := g.dial().List(ingesttest.Folder)
	if n := strings.Count(strings.Join(names, "\n")+"\n", ".JPG\n"); err != nil || n != 3 {
		t.Errorf("%d pictures are there: %q, %v", n, names, err)
	}
}

// TestFTPDropFolders: a guest who makes a folder cannot tell a name that another's
// file has from one that nobody has, and what is put below it arrives.
func TestFTPDropFolders(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'guest'\npassword = 'env:PASSWORD'\nrights = 'drop'")
	g.put(g.dial(), ingesttest.Folder+"/sec.jpg", shot(1))
	g.put(g.dial(), ingesttest.Folder+"/more.jpg", shot(2))
	c := g.dial("guest")
	talk := func(name string) (said []string) {
		name = ingesttest.Folder + "/" + name
		for _, line := range []string{"SIZE %s", "CWD %s", "RNFR %s", "MLST %s/x", "MKD %s", "MKD %s", "CWD %s", "CWD /"} {
			if strings.Contains(line, "%s") {
				line = fmt.Sprintf(line, name)
			}
			code, text, err := c.do(0, "%s", line)
			said = append(said, fmt.Sprint(code, strings.ReplaceAll(text, name, "NAME"), err))
		}
		g.put(c, name+"/a.jpg", shot(3))
		names, err := c.List(name)
		return append(said, fmt.Sprint(names, err))
	}
	free, taken := talk("free"), talk("sec.jpg")
	for i := range free {
		if free[i] != taken[i] {
			t.Errorf("of a free name: %s; of another's: %s", free[i], taken[i])
		}
	}
	g.put(c, ingesttest.Folder+"/more.jpg/b.jpg", shot(4)) // makes the folder
	g.holds(g.dial(), ingesttest.Folder+"/sec (1).jpg/a.jpg", shot(3))
	g.holds(g.dial(), ingesttest.Folder+"/more (1).jpg/b.jpg", shot(4))
}

// TestFTPRefusals: codes and words, before and after the bytes.
func TestFTPRefusals(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'small'\npassword = 'env:PASSWORD'\nquota = '10kB'\n[[user]]\nname = 'reader'\npassword = 'env:PASSWORD'\nrights = 'read'")
	for _, tt := range []struct {
		user, allo, name, want string
		size                   int
	}{
		{ingestUser, "", "/elsewhere/deep/a.jpg", "553", 10},
		{ingestUser, "", "/a.jpg", "553", 10},
		{"small", "20000", dsc, "552", 0},
		{"small", "", dsc, "552", 20000},
		{"reader", "", dsc, "550", 10},
	} {
		c := g.dial(tt.user)
		if tt.allo != "" {
			c.must(t, 200, "ALLO %s", tt.allo)
		}
		err := c.Put(tt.name, bytes.Repeat([]byte("x"), tt.size))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), g.app.settings.Load().config.dataDir()) {
			t.Errorf("%s stores %s: %v, want %s", tt.user, tt.name, err, tt.want)
		}
	}
	if _, err := g.dial().size("/elsewhere"); err == nil || !strings.Contains(err.Error(), "no such") {
		t.Errorf("a refused file made folders: %v", err)
	}
}

// TestFTPSignIn: who may not come in does not, and a few wrong passwords keep
// nobody else out.
func TestFTPSignIn(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'careful'\npassword = 'env:PASSWORD'\nrequire_tls = true\n[[user]]\nname = 'gone'\npassword = 'env:PASSWORD'\nexpires = 2001-01-01T00:00:00Z")
	g.dial() // the right user is known at this address
	c := &ftpClient{addr: g.app.address("ftp")}
	c.connect(t)
	c.must(t, 530, "USER careful")
	for range 20 {
		c := &ftpClient{addr: g.app.address("ftp")}
		c.connect(t)
		c.must(t, 331, "USER nobody")
		c.must(t, 530, "PASS wrong")
	}
	c = &ftpClient{addr: g.app.address("ftp")}
	c.connect(t)
	c.must(t, 331, "USER gone")
	c.must(t, 530, "PASS %s", ingestPassword)
	g.dial()
	c = &ftpClient{addr: g.app.address("ftp")}
	c.connect(t)
	c.startTLS(t, &tls.Config{InsecureSkipVerify: true, ServerName: "x", ClientSessionCache: tls.NewLRUClientSessionCache(1)})
	c.login(t, "careful", ingestPassword)
	g.put(c, dsc, shot(1))
	c.must(t, 534, "PROT C")
	g.sent(dsc)
}

// TestFTPReload: sessions go on over a reload, and resume their TLS.
func TestFTPReload(t *testing.T) {
	g := startFTP(t, "")
	c := &ftpClient{addr: g.app.address("ftp")}
	c.connect(t)
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "x", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	c.startTLS(t, config)
	c.login(t, ingestUser, ingestPassword)
	g.put(c, dsc, shot(1))
	done, err := g.app.reload(t.Context())
	if err != nil || len(done.Restart) > 0 {
		t.Fatalf("%+v %v", done, err)
	}
	conn, err := c.begin("STOR %s", dsc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(shot(2)); err != nil {
		t.Fatal(err)
	}
	if !conn.(*tls.Conn).ConnectionState().DidResume {
		t.Error("the reload broke resumption")
	}
	conn.Close()
	if _, _, err := c.reply(226); err != nil {
		t.Error(err)
	}
}

// TestFTPAccountChanged: an account that a reload takes away, or changes, does no
// more in sessions that are open, but for the transfer under way.
func TestFTPAccountChanged(t *testing.T) {
	const ann = "[[user]]\nname = 'ann'\npassword = 'env:PASSWORD'\n"
	for _, next := range []string{"", ann + "rights = 'read'\n", ann + "home = '/in'\n", ann + "expires = 2001-01-01T00:00:00Z\n"} {
		g := startFTP(t, ann)
		file := g.app.settings.Load().config.file
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, other, conn := g.dial("ann"), g.dial(), (net.Conn)(nil)
		if conn, err = c.begin("STOR %s", dsc); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(ann), []byte(next), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := g.app.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(shot(1)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, _, err := c.reply(226); err != nil {
			t.Error(err)
		}
		c.must(t, 530, "DELE %s", dsc)
		g.holds(other, dsc, shot(1))
	}
}

// TestFTPPartialLife: what broke off is let go after its time.
func TestFTPPartialLife(t *testing.T) {
	g := startFTP(t, "")
	c := g.dial()
	c.must(t, 200, "ALLO 100")
	if err := c.Put(dsc, []byte("half")); err == nil {
		t.Fatal("it was taken")
	}
	for _, tt := range []struct {
		after time.Duration
		gone  bool
	}{{23 * time.Hour, false}, {25 * time.Hour, true}} {
		if err := g.app.expire(t.Context(), time.Now().Add(tt.after)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.size(dsc); errors.Is(err, fs.ErrNotExist) != tt.gone {
			t.Errorf("after %s: %v", tt.after, err)
		}
	}
}

// TestFTPCertificate: the certificate that devices are given is the one shown.
func TestFTPCertificate(t *testing.T) {
	g := startFTP(t, "")
	p := program{version: "test", stderr: testWriter{t}, getenv: os.LookupEnv}
	text, err := p.certificate(t.Context(), g.app.settings.Load().config.file)
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(g.app.settings.Load().config.dataDir(), "cert.pem"))
	if err != nil || !bytes.Equal(text, own) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestFTPWays: the start says how to connect, and addresses.json where.
func TestFTPWays(t *testing.T) {
	g := startFTP(t, "")
	var all []string
	for _, w := range g.app.ways() {
		all = append(all, w.url)
	}
	want := fmt.Sprintf("[http://%s/dav/ ftp://%s/ ftps://%s/]", g.app.address("web"), g.app.address("ftp"), g.app.address("ftps"))
	if fmt.Sprint(all) != want {
		t.Errorf("%s, want %s", all, want)
	}
}
