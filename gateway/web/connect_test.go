package web

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// TestConnect: the addresses, ports and fingerprints are this gateway's.
func TestConnect(t *testing.T) {
	s := newSite(t)
	s.desk.me.Name = "ann o'neil; *"
	text := html.UnescapeString(s.get("/connect"))
	for _, want := range []string{
		"https://pictures.example:8443/dav/", `net use S: \\pictures.example@SSL@8443\dav /user:"ann o'neil; *" *`, "davs://pictures.example:8443/dav/", "webdavs://pictures.example:8443/dav/",
		"mount -t davfs https://pictures.example:8443/dav/ /mnt", "AB:CD:EF:00:11:22", "2121", "FTPS (explicit TLS)",
		`lftp -e 'set ftp:ssl-force yes; set ssl:verify-certificate no; ' -u 'ann o'\''neil; *' ftp://pictures.example:2121/`, `-u 'ann o'\''neil; *' -T photo.jpg`, `{"X-API-Key": "TOKEN"}`, "/upload?key=TOKEN",
		"rclone config create slipway webdav url=https://pictures.example:8443/dav/ vendor=other", "/api/1/upload",
		"It worked", "Microsoft-WebDAV-MiniRedir/10.0", "It did not work", "the name or the password is wrong", "Nobody has signed in",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if _, reg := s.do(http.MethodGet, "/connect/slipway.reg", nil); strings.Contains(reg, "BasicAuthLevel") || !strings.Contains(reg, "\"FileSizeLimitInBytes\"=dword:ffffffff\r\n") {
		t.Errorf("the registry file over https: %q", reg)
	}
	s.desk.ways = []operate.Way{{Connection: operate.Connection{Door: operate.WebDAVDoor, URL: "http://192.0.2.1:8080/dav/", Host: "192.0.2.1", Port: 8080, Security: operate.NoTLS}}}
	if _, reg := s.do(http.MethodGet, "/connect/slipway.reg", nil); !strings.Contains(reg, "\"BasicAuthLevel\"=dword:00000002\r\n") {
		t.Errorf("the registry file over http: %q", reg)
	}
	if text := html.UnescapeString(s.get("/connect")); !strings.Contains(text, `\\192.0.2.1@8080\dav`) || strings.Contains(text, "lftp") {
		t.Error("without FTP, over http, the page says something else")
	}
}

// TestConnectHere: an address of this machine alone is no use to a phone, and the page
// says so.
func TestConnectHere(t *testing.T) {
	s := newSite(t)
	s.desk.ways[0].URL, s.desk.ways[0].Host = "http://127.0.0.1:8080/dav/", "127.0.0.1"
	s.desk.ways[1].Host, s.desk.ways[2].Host = "localhost", "::1"
	text := s.get("/connect")
	if strings.Contains(text, "/connect/code/") || strings.Contains(text, "Scan it") || !strings.Contains(text, "A phone does not get to this gateway yet") || !strings.Contains(text, "No other machine gets to this gateway by FTP") {
		t.Error("the page offers a phone what only this machine gets to")
	}
	s.handler.Public = func() string { return "https://pictures.example" }
	if text = s.get("/connect"); !strings.Contains(text, "/connect/code/site") || strings.Contains(text, "/connect/code/0") {
		t.Error("the page has an address for others, and shows it no code")
	}
}

// TestFingerprintBreaks between its bytes alone.
func TestFingerprintBreaks(t *testing.T) {
	s := newSite(t)
	s.desk.ways[0].Fingerprint = strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	if text := s.get("/connect"); strings.Count(text, `<code class="print">AB:<wbr>AB`) != 3 { // its card, Windows and phones
		t.Errorf("%d of them do", strings.Count(text, `<code class="print">AB:<wbr>AB`))
	}
}

// FuzzShellWord: what a shell reads is the name.
func FuzzShellWord(f *testing.F) {
	for _, name := range []string{"ann", "ann o'neil", "$(reboot)", "'", "", "-x", "a`b", "Ü"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		word := shellWord(name)
		if !strings.Contains(word, "'") {
			if word != name || strings.ContainsAny(word, " \t\n\"$`\\*?[]<>|&;(){}~#!=%") {
				t.Errorf("%q is written %q", name, word)
			}
			return
		}
		if len(word) < 2 || strings.ReplaceAll(word[1:len(word)-1], `'\''`, "'") != name || strings.Count(word, "'") != 2+3*strings.Count(name, "'") {
			t.Errorf("%q is written %q", name, word)
		}
	})
}

// TestCode: codes are drawn, of ways that there are.
func TestCode(t *testing.T) {
	s := newSite(t)
	for number, want := range map[string]int{"0": 200, "site": 200, "9": 404, "x": 404, "-1": 404} {
		resp, text := s.do(http.MethodGet, "/connect/code/"+number, nil)
		if resp.StatusCode != want || want == 200 && !strings.HasPrefix(text, "<svg ") {
			t.Errorf("%s: %s %.40s", number, resp.Status, text)
		}
	}
}

// TestTokens: a secret is shown once, to the one who made it.
func TestTokens(t *testing.T) {
	s := newSite(t)
	resp, text := s.post("/tokens", url.Values{"name": {"<b>ShareX"}, "rights": {"drop"}, "days": {"30"}, "folder": {"inbox/x/"}})
	if resp.StatusCode != http.StatusOK || strings.Count(text, "slip_verysecret") != 2 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("made: %s %s", resp.Status, resp.Header.Get("Cache-Control"))
	}
	harmless(t, "/tokens", text)
	if text := s.get("/tokens"); strings.Contains(text, "slip_verysecret") || !strings.Contains(text, "&lt;b&gt;ShareX") || !strings.Contains(text, "into /inbox/x<") {
		t.Error("it is shown again, or not listed")
	}
	for _, form := range []url.Values{
		{"name": {""}, "rights": {"full"}}, {"name": {strings.Repeat("n", 101)}, "rights": {"full"}}, {"name": {"x"}, "rights": {"root"}}, {"name": {"x"}, "rights": {"full"}, "days": {"99999"}},
	} {
		if resp, _ := s.post("/tokens", form); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %s", form, resp.Status)
		}
	}
	s.desk.me.Rights = "drop"
	if resp, _ := s.post("/tokens", url.Values{"name": {"more"}, "rights": {"full"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("more rights than the user has: %s", resp.Status)
	}
	if resp, _ := s.post("/tokens", url.Values{"do": {"revoke"}, "id": {"t1"}}); resp.Header.Get("Location") != "/tokens" || strings.Contains(s.get("/tokens"), "&lt;b&gt;ShareX") {
		t.Error("it was not revoked")
	}
}
