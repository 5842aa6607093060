package dialogue

import (
	"bytes"
	"cmp"
	"net"
	"regexp"
	"strings"
	"testing"
)

var (
	ipv4 = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21}
	ipv6 = &net.TCPAddr{IP: net.IPv6loopback, Port: 21}
)

// talk is a dialogue with a client and a library on paper.
type talk struct {
	Dialogue
	after Outcome
}

func newTalk(opt Options, local net.Addr) *talk {
	opt.MaxFailures = cmp.Or(opt.MaxFailures, 5)
	return &talk{Dialogue: New(&opt, local == ipv6)}
}

// says returns what the library gets for a line of the client's.
func (d *talk) says(line string) string { return d.Command(Parse([]byte(line), nil)) }

// answers returns what the client gets for lines of the library's.
func (d *talk) answers(lines ...string) string {
	d.after = Outcome{}
	var out []byte
	for _, line := range lines {
		out = d.Reply(out, line, &d.after)
	}
	return strings.TrimSuffix(strings.ReplaceAll(string(out), "\r\n", "|"), "|")
}

// signIn makes name the user.
func (d *talk) signIn(name string) {
	d.says("USER " + name)
	d.answers("331 OK")
	d.says("PASS secret")
	d.answers("230 OK")
}

// TestRewriting: what the library gets for a command of a user who has signed in,
// and what the client gets for the library's reply.
func TestRewriting(t *testing.T) {
	for _, tt := range []struct{ client, library, reply, want string }{
		{"noop", "NOOP", "200 OK", "200 OK"},
		{"  NOOP  ", "NOOP", "200 OK", "200 OK"},
		{"stru f", "NOOP", "200 OK", "200 Files have no structure, as asked"},
		{"STRU P", "NOOP", "200 OK", "504 STRU cannot be that here"},
		{"STRU", "NOOP", "200 OK", "501 STRU needs a letter"},
		{"mode s ", "MODE S", "200 OK", "200 OK"},
		{"MODE Z", "NOOP", "200 OK", "504 MODE cannot be that here"},
		{"MODE B", "NOOP", "200 OK", "504 MODE cannot be that here"},
		{"TYPE L 8", "TYPE I", "200 OK", "200 OK"},
		{"TYPE L8", "TYPE I", "200 OK", "200 OK"},
		{"type i", "TYPE I", "200 OK", "200 OK"},
		{"TYPE I N", "TYPE I", "200 OK", "200 OK"},
		{"TYPE A N", "TYPE A", "200 OK", "200 OK"},
		{"TYPE A T ", "TYPE A", "200 OK", "200 OK"},
		{"TYPE E", "NOOP", "200 OK", "504 TYPE cannot be that here"},
		{"XCUP", "CDUP", "250 OK", "250 OK"},
		{"XPWD", "XPWD", "257 \"/\"", "257 \"/\""},
		{"CWD", "CWD", "250 OK", "250 OK"},
		{"CWD //x", "CWD //x", "250 OK", "250 OK"},
		{"ALLO 12 R 4", "ALLO 12", "200 OK", "200 OK"},
		{"ALLO 12", "ALLO 12", "200 OK", "200 OK"},
		{"ALLO x", "NOOP", "200 OK", "501 ALLO needs a number of bytes"},
		{"ACCT x", "NOOP", "200 OK", "202 No account is needed"},
		{"SITE RMDIR /", "NOOP", "200 OK", "502 SITE is not offered here"},
		{"SITE chmod 700 a b", "NOOP", "200 OK", "200 Taken; a mode means nothing here"},
		{"SMNT /", "NOOP", "200 OK", "502 SMNT is not offered here"},
		{"REIN", "NOOP", "200 OK", "502 Close the connection to sign in as somebody else"},
		{"MFCT 20200102030405 a", "NOOP", "200 OK", "504 No creation time is kept here; MFMT sets the time of the last change"},
		{"MFF Modify=20200102030405; a b", "MFMT 20200102030405 a b", "213 Modify=20200102030405; a b", "213 Modify=20200102030405; a b"},
		{"MFF UNIX.mode=0644; a", "NOOP", "200 OK", "504 Only the fact Modify can be set"},
		{"OPTS MLST size;", "NOOP", "200 OK", "200 MLST OPTS Type;Size;Modify;"},
		{"opts utf8 on", "OPTS UTF8 on", "200 OK", "200 OK"},
		{"OPTS UTF8", "OPTS UTF8", "200 OK", "200 OK"},
		{"OPTS x", "NOOP", "200 OK", "501 There is no such option"},
		{"XFOO", "NOOP", "200 OK", "500 This command is not known; HELP lists what is"},
		{"XXQUIT", "NOOP", "200 OK", "500 This command is not known; HELP lists what is"},
		{"PORT 1,2,3,4,5,6", "NOOP", "200 OK", "502 Active mode is off: switch on passive mode in the client"},
		{"EPRT |1|1.2.3.4|99|", "NOOP", "200 OK", "502 Active mode is off: switch on passive mode in the client"},
		{"EPSV 1", "EPSV", "229 (|||9|)", "229 (|||9|)"},
		{"EPSV 2", "NOOP", "200 OK", "522 This connection has another network protocol, use (1)"},
		{"CCC", "NOOP", "200 OK", "503 AUTH TLS comes before CCC"},
		{"PBSZ 0", "NOOP", "200 OK", "503 AUTH TLS comes before PBSZ"},
		{"AUTH TLS", "NOOP", "200 OK", "502 TLS is not offered here"},
		{"USER u", "NOOP", "200 OK", "331 You are signed in already; any password will do"},
		{"USER other", "NOOP", "200 OK", "530 You are signed in already; close the connection to sign in as somebody else"},
		{"STOR  two spaces ", "STOR  two spaces ", "150 Using", "150 Using"},
		{"STOR \xe9t\xe9\xff.jpg", "STOR \xe9t\xe9\xff.jpg", "550 \xe9t\xe9\xff.jpg", "550 \xe9t\xe9\xff.jpg"},
		{"STOR \xff\xff.jpg", "STOR \xff.jpg", "150 Using", "150 Using"},
		{"\xff\xf4\xff\xf2ABOR", "NOOP", "200 OK", "226 There is no transfer to abort"},
		{"\xff\xf4\xf2ABOR", "NOOP", "200 OK", "226 There is no transfer to abort"},
		{"\xff\xf4\xffABOR", "NOOP", "200 OK", "226 There is no transfer to abort"},
		{"\xff\xfd\x06NOOP", "NOOP", "200 OK", "200 OK"},
		{"PW\x00D\r", "PWD", "257 OK", "257 OK"},
		{"CWD a\rDELE b", "NOOP", "200 OK", "501 A carriage return cannot be part of a command"},
		{"LIST -la", "LIST", "150 x", "150 x"},
		{"LIST -l -a photos", "LIST photos", "150 x", "150 x"},
		{"LIST -aLR photos", "LIST photos", "150 x", "150 x"},
		{"LIST -photos", "LIST ./-photos", "150 x", "150 x"},
		{"NLST a/*.JPG", "NLST a/", "150 x", "150 x"},
		{"STAT -l", "STAT .", " %s-rw a", " -rw a"},
		{"STAT", "NOOP", "200 OK", "211-Slipway| Signed in as u|211 End"},
		{"STOR a\ab.jpg", "NOOP", "200 OK", "553 A name cannot have control characters here"},
		{"MKD a\x7f", "NOOP", "200 OK", "553 A name cannot have control characters here"},
		{"RNTO a\xc2\x80", "NOOP", "200 OK", "553 A name cannot have control characters here"},
		{"STOR a\xc2\x80\xb0\xa1", "STOR a\xc2\x80\xb0\xa1", "150 x", "150 x"}, // GBK
		{"RETR a\ab.jpg", "RETR a\ab.jpg", "550 x", "550 x"},
		{"RNTO a", "NOOP", "200 OK", "503 RNFR comes right before RNTO"},
		{"MFMT 20200102030405 a b", "MFMT 20200102030405 a b", "213 x", "213 x"},
		{"MFMT 20201302030405 a", "NOOP", "200 OK", "501 MFMT needs a time in UTC and a name, as in MFMT 20260131235959 a.jpg"},
		{"MFF Modify=20201302030405; a", "NOOP", "200 OK", "501 MFMT needs a time in UTC and a name, as in MFMT 20260131235959 a.jpg"},
		{"MLST a", "MLST a", "250 x", "250 x"},
		{"RETR a\nb", "RETR a\nb", "550 a\nb", "550 a?b"}, // no reader lets LF through
		{"STOR " + strings.Repeat("x", MaxLine-len("STOR ")-2), "STOR " + strings.Repeat("x", MaxLine-len("STOR ")-2), "550 x", "550 x"},
		{"STOR " + strings.Repeat("x", MaxLine-len("STOR ")-1), "NOOP", "200 OK", "500 The line is longer than 4096 bytes"},
		{"STOU " + strings.Repeat("x", MaxLine-len("STOU ")-2), "NOOP", "200 OK", "500 The line is longer than 4096 bytes"},
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		if got := d.says(tt.client); got != tt.library {
			t.Errorf("%.60q: the library gets %.60q, and should get %.60q", tt.client, got, tt.library)
			continue
		}
		if got := d.answers(tt.reply); got != tt.want {
			t.Errorf("%.60q: the client gets %q, and should get %q", tt.client, got, tt.want)
		}
	}
}

func TestEmptyLinesAreIgnored(t *testing.T) {
	d := newTalk(Options{}, ipv4)
	for _, line := range []string{"", "\r", "   ", "\x00", "\xff\xf1", "\t\r\r"} {
		if got := d.says(line); got != "" {
			t.Errorf("%q: the library gets %q", line, got)
		}
	}
}

func TestGlob(t *testing.T) {
	d := newTalk(Options{}, ipv4)
	for _, tt := range []struct{ line, library, glob string }{
		{"NLST *.jpg", "NLST", "*.jpg"},
		{"LIST -l /a b/IMG?.jpg", "LIST /a b/", "IMG?.jpg"},
		{"LIST [M][0@0].jpg", "LIST [M][0@0].jpg", ""},
		{"NLST /", "NLST /", ""},
		{"NLST *", "NLST", "*"},
		{"MLSD", "MLSD", ""},
	} {
		if got := d.says(tt.line); got != tt.library || d.Glob != tt.glob {
			t.Errorf("%q: %q with %q, should be %q with %q", tt.line, got, d.Glob, tt.library, tt.glob)
		}
		d.answers("150 x", "226 x")
	}
}

func TestSetTime(t *testing.T) {
	d := newTalk(Options{}, ipv4)
	d.signIn("u")
	if got := d.says("MDTM 20200102030405 a b.jpg"); got != "MDTM 20200102030405 a b.jpg" {
		t.Error(got)
	}
	if got := d.answers("550 no such file"); got != "" {
		t.Errorf("the refusal of the plain form was seen: %q", got)
	}
	if got := d.Next(); got != "MFMT 20200102030405 a b.jpg" {
		t.Error(got)
	}
	if got := d.answers("213 Modify=20200102030405; a b.jpg"); got != "213 Modify=20200102030405; a b.jpg" {
		t.Error(got)
	}
	if got := d.Next(); got != "" {
		t.Error("again", got)
	}
	d.says("MDTM 20200102030405 a b.jpg")
	if got := d.answers("213 20210101000000"); got != "213 20210101000000" || d.Next() != "" {
		t.Errorf("a file of that very name: %q", got)
	}
}

func TestStoreUnique(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"STOU", `^STOR upload-[a-z0-9]{10}$`},
		{"STOU scan.pdf", `^STOR scan-[a-z0-9]{10}\.pdf$`},
		{"STOU /a/b c.jpg", `^STOR /a/b c-[a-z0-9]{10}\.jpg$`},
		{"STOU .jpg", `^STOR upload\.jpg-|^STOR upload-`},
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		library := d.says(tt.line)
		if !regexp.MustCompile(tt.want).MatchString(library) {
			t.Errorf("%q: the library gets %q", tt.line, library)
			continue
		}
		name := strings.TrimPrefix(library, "STOR ")
		if got, want := d.answers("150 Using transfer connection", "226 Closing"), "150 FILE: "+name+"|226 Stored as "+name; got != want {
			t.Errorf("%q: the client gets %q, and should get %q", tt.line, got, want)
		}
	}
	a, b := storeUnique("x").line, storeUnique("x").line
	if a == b {
		t.Error("two names are the same: " + a)
	}
}

func TestFeatures(t *testing.T) {
	lines := []string{"211- These are my features", " CLNT", " EPRT", " EPSV", " MLSD", " MLST", " AUTH TLS", " PBSZ", " PROT", "211 end"}
	for _, tt := range []struct {
		opt  Options
		want string
	}{
		{Options{TLS: true, Active: true}, "211- These are my features| CLNT| EPRT| EPSV| MLSD| MLST Type*;Size*;Modify*;| AUTH TLS| PBSZ| PROT| TVFS|211 end"},
		{Options{}, "211- These are my features| CLNT| EPSV| MLSD| MLST Type*;Size*;Modify*;| TVFS|211 end"},
	} {
		d := newTalk(tt.opt, ipv4)
		d.says("feat")
		if got := d.answers(lines...); got != tt.want {
			t.Errorf("%s\nshould be\n%s", got, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	d := newTalk(Options{}, ipv4)
	d.says("HELP")
	got := d.answers("200 OK")
	if !strings.HasPrefix(got, "214-") || !strings.HasSuffix(got, "|214 End") {
		t.Error(got)
	}
	for verb := range strings.FieldsSeq(strings.Join(strings.Split(got, "|")[1:5], " ")) {
		d := newTalk(Options{TLS: true}, ipv4)
		d.says(verb)
		if reply := d.answers("200 OK"); strings.HasPrefix(reply, "500") {
			t.Errorf("HELP lists %s, whose answer is %q", verb, reply)
		}
	}
}

// TestSecurity walks through RFC 2228 and RFC 4217.
func TestSecurity(t *testing.T) {
	opt := Options{TLS: true, RequireTLS: func(user string) bool { return user == "studio" }}
	type step struct{ client, library, reply, want string }
	for name, tt := range map[string]struct {
		opt   Options
		steps []step
	}{
		"explicit": {opt, []step{
			{"PROT P", "NOOP", "200 OK", "503 AUTH TLS comes before PROT"},
			{"AUTH GSSAPI", "NOOP", "200 OK", "504 Only AUTH TLS is offered here"},
			{"AUTH TLS", "NOOP", "200 OK", "234 Begin the TLS handshake"},
			{"handshake", "", "", ""},
			{"AUTH TLS", "NOOP", "200 OK", "503 TLS is on already"},
			{"PROT P", "NOOP", "200 OK", "503 PBSZ 0 comes before PROT"},
			{"PBSZ 0", "NOOP", "200 OK", "200 PBSZ=0"},
			{"PROT S", "NOOP", "200 OK", "536 TLS offers PROT P and PROT C only"},
			{"PROT X", "NOOP", "200 OK", "504 There is no such level of protection"},
			{"prot p", "PROT P", "200 OK", "200 OK"},
			{"PROT C", "PROT C", "200 OK", "200 OK"},
			{"CCC", "NOOP", "200 OK", "534 The control connection stays protected"},
		}},
		"user who needs it": {opt, []step{
			{"USER studio", "NOOP", "200 OK", replyNeedsTLS},
			{"PASS x", "NOOP", "200 OK", "503 USER comes before PASS"},
			{"USER camera", "USER camera", "331 OK", "331 OK"},
			{"USER studio", "NOOP", "200 OK", replyNeedsTLS},
			{"PASS x", "NOOP", "200 OK", "503 USER comes before PASS"},
			{"AUTH TLS", "NOOP", "200 OK", "234 Begin the TLS handshake"},
			{"handshake", "", "", ""},
			{"USER studio", "USER studio", "331 OK", "331 OK"},
			{"PASS x", "PASS x", "230 OK", "230 OK"},
			{"PASV", "NOOP", "200 OK", replyUnprotected},
			{"EPSV", "NOOP", "200 OK", replyUnprotected},
			{"STOR a", "NOOP", "200 OK", replyUnprotected},
			{"STOU", "NOOP", "200 OK", replyUnprotected},
			{"LIST", "NOOP", "200 OK", replyUnprotected},
			{"PBSZ 0", "NOOP", "200 OK", "200 PBSZ=0"},
			{"PROT C", "NOOP", "200 OK", "534 This account needs protected data connections"},
			{"PROT P", "PROT P", "200 OK", "200 OK"},
			{"PASV", "PASV", "227 x", "227 x"},
			{"STOR a", "STOR a", "150 x", "150 x"},
		}},
		"USER before the handshake counts for nothing": {opt, []step{
			{"USER camera", "USER camera", "331 OK", "331 OK"},
			{"AUTH TLS-C", "NOOP", "200 OK", "234 Begin the TLS handshake"},
			{"handshake", "", "", ""},
			{"PASS x", "NOOP", "200 OK", "503 USER comes before PASS"},
		}},
		"AUTH after the password": {opt, []step{
			{"USER camera", "USER camera", "331 OK", "331 OK"},
			{"PASS x", "PASS x", "230 OK", "230 OK"},
			{"AUTH TLS", "NOOP", "200 OK", "503 AUTH comes before USER"},
			{"PASV", "PASV", "227 x", "227 x"},
		}},
		"AUTH SSL protects data": {opt, []step{
			{"AUTH SSL", "NOOP", "200 OK", "234 Begin the TLS handshake"},
			{"handshake", "PROT P", "200 OK", ""},
			{"USER studio", "USER studio", "331 OK", "331 OK"},
			{"PASS x", "PASS x", "230 OK", "230 OK"},
			{"STOR a", "STOR a", "150 x", "150 x"},
		}},
		"everybody needs it": {Options{TLS: true, TLSRequired: true}, []step{
			{"USER camera", "NOOP", "200 OK", replyNeedsTLS},
		}},
		"implicit": {Options{TLS: true, Implicit: true, TLSRequired: true}, []step{
			{"handshake", "PROT P", "200 OK", ""},
			{"USER camera", "USER camera", "331 OK", "331 OK"},
			{"PASS x", "PASS x", "230 OK", "230 OK"},
			{"PASV", "PASV", "227 x", "227 x"},
			{"PROT P", "PROT P", "200 OK", "200 OK"},
			{"PROT C", "NOOP", "200 OK", "534 This account needs protected data connections"},
		}},
	} {
		d := newTalk(tt.opt, ipv4)
		for _, s := range tt.steps {
			got := ""
			if s.client == "handshake" {
				if !tt.opt.Implicit {
					if !d.Upgrade {
						t.Errorf("%s: no handshake is due", name)
					}
					d.Upgrade = false
					d.Secured()
				}
				got = d.Next()
			} else {
				got = d.says(s.client)
			}
			if got != s.library {
				t.Errorf("%s: %s: the library gets %q, and should get %q", name, s.client, got, s.library)
			}
			if s.library == "" {
				continue
			}
			if got := d.answers(s.reply); got != s.want {
				t.Errorf("%s: %s: the client gets %q, and should get %q", name, s.client, got, s.want)
			}
		}
	}
}

func TestEPSVAll(t *testing.T) {
	d := newTalk(Options{Active: true}, ipv4)
	for _, tt := range []struct{ client, library string }{
		{"PASV", "PASV"}, {"PORT 1,2,3,4,5,6", "PORT 1,2,3,4,5,6"}, {"EPSV ALL", "NOOP"},
		{"EPSV", "EPSV"}, {"PASV", "NOOP"}, {"PORT 1,2,3,4,5,6", "NOOP"}, {"EPRT |1|1.2.3.4|99|", "NOOP"},
	} {
		if got := d.says(tt.client); got != tt.library {
			t.Errorf("%s: %q", tt.client, got)
		}
	}
	d = newTalk(Options{}, ipv6)
	for client, library := range map[string]string{"PASV": "NOOP", "EPSV": "EPSV", "EPSV 2": "EPSV", "EPSV 1": "NOOP"} {
		if got := d.says(client); got != library {
			t.Errorf("IPv6: %s: %q", client, got)
		}
	}
}

func TestWrongPasswords(t *testing.T) {
	d := newTalk(Options{MaxFailures: 3}, ipv4)
	for try := 1; try <= 3; try++ {
		d.says("USER u")
		d.answers("331 OK")
		if got := d.says("PASS  wrong "); got != "PASS  wrong " {
			t.Errorf("the password becomes %q", got)
		}
		if !d.Checking {
			t.Error("the password is not being checked")
		}
		got, quit := d.answers("530 no"), d.after.Quit
		if want := map[bool]string{false: "530 no", true: replyFailures}[try == 3]; got != want || quit != (try == 3) || !d.after.Refused || d.Checking || d.SignedIn {
			t.Errorf("try %d: %q, quit %v", try, got, quit)
		}
		if got := d.says("PASS again"); got != "NOOP" {
			t.Errorf("PASS without USER becomes %q", got)
		}
		d.answers("200 OK")
	}
}

// TestTransferReplies: the last reply of a transfer is found whatever is said meanwhile.
func TestTransferReplies(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile string
		replies   []string
		want      string
	}{
		"clean":              {"", []string{"150 x", "226 done"}, "150 FILE|226 Stored"},
		"refused":            {"", []string{"553 no"}, "553 no"},
		"no data connection": {"", []string{"425 no"}, "425 no"},
		"ABOR":               {"ABOR", []string{"150 x", "426 gone", "226 ABOR"}, "150 FILE|426 gone|226 ABOR"},
		"ABOR just too late": {"ABOR", []string{"150 x", "226 done", "226 ABOR"}, "150 FILE|226 done|226 ABOR"},
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.says("STOU")
		if !d.Waits(Command{Verb: "ABOR"}) || !d.Waits(Command{Verb: "CWD"}) {
			t.Errorf("%s: a command does not wait for the transfer to begin", name)
		}
		var begin string
		if tt.meanwhile != "" {
			begin = d.answers(tt.replies[0]) + "|"
			tt.replies = tt.replies[1:]
			if d.Waits(Parse([]byte(tt.meanwhile), nil)) {
				t.Errorf("%s has to wait", tt.meanwhile)
			}
			d.says(tt.meanwhile)
		}
		if !d.Waits(Command{Verb: "CWD"}) {
			t.Errorf("%s: CWD does not wait for the transfer", name)
		}
		got := regexp.MustCompile(`(FILE|Stored)[^|]*`).ReplaceAllString(begin+d.answers(tt.replies...), "$1")
		if got != tt.want {
			t.Errorf("%s: %q, should be %q", name, got, tt.want)
		}
		if d.transfer != nil || !d.after.Transferred {
			t.Errorf("%s: the transfer is not over", name)
		}
	}
}

// TestLater: what passes has a code that says so, of the transfer that it is about and
// of no other command, and clients try it again.
func TestLater(t *testing.T) {
	for name, tt := range map[string]struct{ replies, want []string }{
		"not begun":     {[]string{"550 away"}, []string{"450 away"}},
		"a name":        {[]string{"553 away"}, []string{"450 away"}},
		"in lines":      {[]string{"550-away", "550 is in it", " and 550", "550 end"}, []string{"450-away", "450 is in it", " and 550", "450 end"}},
		"begun":         {[]string{"150 x", "550 away"}, []string{"150 x", "451 away"}},
		"no connection": {[]string{"425 no"}, []string{"425 no"}},
		"all is well":   {[]string{"150 x", "226 done"}, []string{"150 x", "226 done"}},
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.Later() // there is no transfer
		d.says("RETR a")
		d.Later()
		if got := d.answers(tt.replies...); got != strings.Join(tt.want, "|") {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		d.says("RETR b")
		if got := d.answers("550 not there"); got != "550 not there" {
			t.Errorf("%s: the next one: %q", name, got)
		}
	}
}

func TestClean(t *testing.T) {
	d := newTalk(Options{Clean: func(line string) string { return strings.ReplaceAll(line, "/var/data", "") }}, ipv4)
	d.says("SIZE a")
	if got := d.answers("550-open /var/data/a:", "550 no such file"); got != "550-open /a:|550 no such file" {
		t.Error(got)
	}
}

// FuzzCommand: no line of bytes makes a panic, a second line, or a line that is too
// long, of a command or of the reply that names it.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{"STOU a.jpg", "MDTM 20200102030405 a", "\xff\xf4\xff\xf2ABOR", "CWD a\r\x00b", "LIST -la *", "MFF Modify=20200102030405; a", "PROT P", "AUTH SSL", "ALLO 1 R 2", "PASS x\xff", "\xffPASS x"} {
		f.Add([]byte(line), byte(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, kind byte) {
		opt := Options{TLS: true, Implicit: kind&1 != 0, Active: kind&2 != 0}
		d := newTalk(opt, ipv4)
		if kind&4 != 0 {
			d.Next()
			d.answers("200 OK")
			d.signIn("u")
		}
		var lines Lines
		r := bytes.NewReader(in)
		for {
			line, err := lines.Next(r)
			if err != nil && line == nil && err != ErrLong {
				break
			}
			if bytes.IndexByte(line, '\n') >= 0 || len(line) >= MaxLine {
				t.Fatalf("%q is no line", line)
			}
			for library := d.says(string(line)); library != ""; library = d.Next() {
				if strings.ContainsAny(library, "\r\n\x00") || len(library)+2 > MaxLine {
					t.Fatalf("the library gets %q", library)
				}
				for reply := range strings.SplitSeq(d.answers("550 Couldn't: "+library), "|") {
					if strings.ContainsAny(reply, "\r\n\x00") {
						t.Fatalf("the client gets %q", reply)
					}
				}
			}
		}
	})
}

// FuzzReply: no reply makes a panic, or more than one line out of a line.
func FuzzReply(f *testing.F) {
	f.Add("226-a\r\n226 b", "STOU")
	f.Add("150 x\r\n211-a\r\n b\r\n211 c\r\n226 x", "STAT")
	f.Fuzz(func(t *testing.T, replies, verb string) {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.says(verb)
		var after Outcome
		for line := range strings.SplitSeq(replies, "\r\n") {
			out := d.Reply(nil, line, &after)
			for l := range strings.SplitSeq(strings.TrimSuffix(string(out), "\r\n"), "\r\n") {
				if strings.ContainsAny(l, "\r\n\x00") {
					t.Fatalf("%q became %q", line, out)
				}
			}
		}
	})
}

// TestLines: however the bytes arrive, the lines are the same.
func TestLines(t *testing.T) {
	long := strings.Repeat("y", MaxLine)
	in := "NOOP\r\nPWD\n\r\n" + long + "\r\nQUIT\r\n" + strings.Repeat("z", 3*MaxLine) + "\nSYST\r\nrest"
	want := []string{"NOOP\r", "PWD", "\r", "<long>", "QUIT\r", "<long>", "SYST\r"}
	for _, step := range []int{1, 7, 4096, 1 << 20} {
		var got []string
		var l Lines
		r := &stepReader{in, step}
		for {
			line, err := l.Next(r)
			if err == ErrLong {
				got = append(got, "<long>")
				continue
			}
			if err != nil {
				break
			}
			got = append(got, string(line))
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("in steps of %d: %.80q", step, got)
		}
	}
}

// stepReader gives a string in steps.
type stepReader struct {
	rest string
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, net.ErrClosed
	}
	n := copy(p, r.rest[:min(r.step, len(r.rest))])
	r.rest = r.rest[n:]
	return n, nil
}

// TestOffset: what REST gave is for the transfer that follows, and for no other
// (RFC 3659 §5.3).
func TestOffset(t *testing.T) {
	for between, forgotten := range map[string]bool{
		"": false, "PASV": false, "TYPE I": false, "NOOP": false, "SIZE a": false, "REST 7": false, "PWD": false, "CWD /": false, "MKD x": false,
		"LIST": true, "DELE a": true, "RETR b": true, "STOU": true, "XFOO": true, "REST x": true, "RNFR a": true,
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.says("REST 100")
		d.answers("350 OK")
		if between != "" {
			got := d.says(between)
			if got == "REST 0" {
				if reply := d.answers("350 OK"); reply != "" {
					t.Errorf("%s: the client gets %q", between, reply)
				}
				d.Next()
				if !forgotten {
					t.Errorf("%s: the offset is forgotten", between)
				}
			} else if forgotten && between != "RETR b" {
				t.Errorf("%s: the library gets %q", between, got)
			}
			switch between {
			case "REST 7":
				d.answers("350 OK")
			case "LIST", "RETR b", "STOU":
				d.answers("150 x", "226 x")
			default:
				d.answers("250 OK")
			}
		}
		if forgotten && between != "RETR b" {
			// The client may be about to send the rest of a file: not as a whole one.
			if got := d.says("STOR a"); got != "NOOP" {
				t.Errorf("%s: the library gets %q", between, got)
			}
			if reply := d.answers("200 OK"); !strings.HasPrefix(reply, "503 REST") {
				t.Errorf("%s: the client gets %q", between, reply)
			}
		}
		if got := d.says("STOR a"); got != "STOR a" || d.offset {
			t.Errorf("%s: the library gets %q; %v", between, got, d.offset)
		}
	}
}

// TestOffsetAnew: REST again, also of 0, makes good what another command forgot.
func TestOffsetAnew(t *testing.T) {
	for _, again := range []string{"REST 100", "REST 0"} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.says("REST 100")
		d.answers("350 OK")
		d.says("DELE a") // REST 0 before it
		d.answers("350 OK")
		d.Next()
		d.answers("250 OK")
		d.says(again)
		d.answers("350 OK")
		if got := d.says("STOR a"); got != "STOR a" {
			t.Errorf("%s: the library gets %q", again, got)
		}
	}
}

// TestRefusedTransferForgetsOffset: a transfer that the front refuses is not left
// with an offset for the next.
func TestRefusedTransferForgetsOffset(t *testing.T) {
	d := newTalk(Options{}, ipv4)
	d.signIn("u")
	d.says("REST 100")
	d.answers("350 OK")
	d.needsTLS = true
	if got := d.says("STOR a"); got != "REST 0" {
		t.Errorf("the library gets %q", got)
	}
}

// TestRenaming: RNTO follows an RNFR that went well, and nothing else.
func TestRenaming(t *testing.T) {
	for _, tt := range []struct {
		reply, between, library string
	}{
		{"350 OK", "", "RNTO b"},
		{"350 OK", "NOOP", "RNTO b"},
		{"550 no", "", "NOOP"},
		{"350 OK", "LIST", "NOOP"},
		{"350 OK", "RNTO /c", "NOOP"},
	} {
		d := newTalk(Options{}, ipv4)
		d.signIn("u")
		d.says("RNFR x")
		d.answers("350 OK")
		if tt.reply != "350 OK" {
			d.says("RNFR a")
			d.answers(tt.reply)
		}
		if tt.between != "" {
			d.says(tt.between)
			d.answers("150 x", "226 x")
		}
		if got := d.says("RNTO b"); got != tt.library {
			t.Errorf("%v: the library gets %q", tt, got)
		}
	}
}

// TestNoTLSToOffer: a user who must use TLS is not told to switch on what is not
// there.
func TestNoTLSToOffer(t *testing.T) {
	d := newTalk(Options{TLSRequired: true}, ipv4)
	d.says("USER u")
	if got := d.answers("200 OK"); got != replyNoTLS {
		t.Error(got)
	}
}
