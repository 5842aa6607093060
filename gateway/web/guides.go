package web

import (
	"strconv"
	"strings"
	"unicode"

	"slipway/gateway/operate"
)

// guide is how one kind of program connects.
type guide struct {
	ID, Name, Hint string
	Steps          []step
	Ways           []*way // that it uses; their last use is shown
	Registry       bool   // Windows' file is offered
	Client         string // what the program calls itself, in part
}

// step is a sentence, and what is to be typed or copied.
type step struct{ Text, Value string }

// guides returns what to do with each kind of program, given how this gateway is
// reached.
func guides(p connectPage) (list []guide) {
	if p.DAV != nil {
		list = append(list, windows(p.User, p.DAV), macOS(p.DAV), linux(p.DAV))
	}
	list = append(list, phones(p))
	if ftp := firstOf(p.FTP, p.Plain); ftp != nil {
		list = append(list, cameras(p, ftp), lftp(p.User, ftp))
	}
	if p.DAV != nil {
		list = append(list, rclone(p.User, p.DAV), curl(p.User, p.DAV))
	}
	return append(list, programs(p))
}

// toListen is what to do about a gateway that only its own machine gets to.
const toListen = "Whoever runs it can have it listen for others: listen = \"0.0.0.0:8443\" and tls = true in [web]."

// shellWord writes s as one word of a POSIX shell.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, unplain) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// windowsWord writes s as one word of a command window; what cannot be written there
// has to be typed.
func windowsWord(s string) string {
	switch {
	case strings.ContainsAny(s, `"%`):
		return "YOURNAME"
	case s != "" && !strings.ContainsFunc(s, unplain):
		return s
	}
	return `"` + s + `"`
}

// unplain reports whether a shell may take r for more than itself.
func unplain(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@+", r)
}

func firstOf(ways ...*way) *way {
	for _, w := range ways {
		if w != nil {
			return w
		}
	}
	return nil
}

func windows(user string, w *way) guide {
	g := guide{ID: "windows", Name: "Windows", Hint: "Explorer, as a network drive", Ways: []*way{w}, Registry: true, Client: "Microsoft-WebDAV"}
	g.Steps = append(g.Steps, step{Text: "Once, as an administrator: open the registry file below, then restart the service WebClient or the machine. Without it " +
		basicHint(w) + "files over 50 MB are refused by Windows."})
	if w.Fingerprint != "" {
		g.Steps = append(g.Steps, step{Text: "The certificate is self-signed: install it for the local machine under Trusted Root Certification Authorities, because Explorer asks nobody. " +
			"`slipway certificate` writes it. Its fingerprint is", Value: w.Fingerprint})
	}
	return g.then("In Explorer choose This PC → Map network drive, tick “Connect using different credentials”, and enter", w.URL).
		then("Or in a command window", `net use S: `+w.Windows()+` /user:`+windowsWord(user)+` *`)
}

func basicHint(w *way) string {
	if w.Secure() {
		return ""
	}
	return "Windows sends no password over http, and "
}

func macOS(w *way) guide {
	return guide{ID: "macos", Name: "macOS", Hint: "Finder", Ways: []*way{w}, Client: "WebDAVFS"}.
		then("In Finder choose Go → Connect to Server (⌘K) and enter", w.URL).
		then("Sign in as a registered user, with the name and password that you use here.", "")
}

func linux(w *way) guide {
	return guide{ID: "linux", Name: "Linux", Hint: "GNOME, KDE, davfs2", Ways: []*way{w}, Client: "gvfs"}.
		then("GNOME Files: Other Locations → Connect to Server", w.With("dav")).
		then("KDE Dolphin: type into the address bar", w.With("webdav")).
		then("davfs2, as root", "mount -t davfs "+w.URL+" /mnt")
}

func phones(p connectPage) guide {
	g := guide{ID: "phones", Name: "iOS and Android", Hint: "PhotoSync, FolderSync, Documents, or this page"}
	if p.Here {
		g = g.then("A phone does not get to this gateway yet: its address is one of this machine alone. "+toListen, "")
	} else {
		g = g.then("Quickest: open this page on the phone by the code, sign in, and choose Drop.", p.Site)
	}
	if p.DAV != nil && !p.DAV.Local() {
		g.Ways = append(g.Ways, p.DAV)
		g = g.then("PhotoSync (iOS, Android): Configure → WebDAV. Server", p.DAV.Host).
			then("Port", strconv.Itoa(p.DAV.Port)).then("Path", p.DAV.Path()).
			then("FolderSync (Android) and Documents (iOS): add a WebDAV account with the address", p.DAV.URL)
		if p.DAV.Fingerprint != "" {
			g = g.then("The certificate is self-signed; the app asks whether to accept it. Its fingerprint has to be", p.DAV.Fingerprint)
		}
	}
	return g
}

func cameras(p connectPage, w *way) guide {
	g := guide{ID: "cameras", Name: "Cameras and scanners", Hint: "FTP", Ways: present(p.FTP, p.Plain)}
	if w.Local() {
		g = g.then("No other machine gets to this gateway by FTP yet. Whoever runs it can have it listen for others: listen = \"0.0.0.0:2121\" in [ftp].", "")
	}
	g = g.then("Server", w.Host).then("Port", strconv.Itoa(w.Port)).then("Mode: passive. Protocol", security(w)).
		then("Folder on the server: one that a route takes, such as", "/inbox")
	if w.Fingerprint != "" {
		g = g.then("Some cameras import the certificate, which `slipway certificate` writes; its fingerprint is", w.Fingerprint)
	}
	if p.Plain != nil && p.FTP != nil {
		g = g.then("A device without TLS uses plain FTP at", p.Plain.HostPort())
	}
	return g
}

func security(w *way) string {
	switch w.Security {
	case operate.ExplicitTLS:
		return "FTPS (explicit TLS)"
	case operate.ImplicitTLS:
		return "FTPS (implicit TLS)"
	}
	return "FTP"
}

func lftp(user string, w *way) guide {
	open, set := w.Address(), ""
	if w.Secure() {
		set = "set ftp:ssl-force yes; "
	}
	if w.Fingerprint != "" {
		set += "set ssl:verify-certificate no; "
	}
	return guide{ID: "lftp", Name: "lftp", Ways: []*way{w}, Client: "lftp"}.
		then("Connect", `lftp -e '`+set+`' -u `+shellWord(user)+` `+open).
		then("Then send a folder", "mirror -R pictures inbox")
}

func rclone(user string, w *way) guide {
	create := "rclone config create slipway webdav url=" + w.URL + " vendor=other user=" + shellWord(user) + " pass=YOURPASSWORD --obscure"
	g := guide{ID: "rclone", Name: "rclone", Ways: []*way{w}, Client: "rclone"}.
		then("Once", create).then("Then (copy, not sync, which would want to remove the .url files)", "rclone copy pictures slipway:inbox")
	if w.Fingerprint != "" {
		g = g.then("The certificate is self-signed: add to each command", "--no-check-certificate")
	}
	return g
}

func curl(user string, w *way) guide {
	k := ""
	if w.Fingerprint != "" {
		k = "-k "
	}
	return guide{ID: "curl", Name: "curl", Ways: []*way{w}, Client: "curl"}.
		then("Send a file", "curl "+k+"-u "+shellWord(user)+" -T photo.jpg "+w.URL+"inbox/").
		then("Read its address", "curl "+k+"-u "+shellWord(user)+" "+w.URL+"inbox/photo.jpg.url")
}

// programs are those that talk to an image host's API.
func programs(p connectPage) guide {
	return guide{ID: "programs", Name: "ShareX, PicGo and others", Hint: "as if this were the image host"}.
		then("Make a token for the program first, under Tokens, and put it where TOKEN stands.", "").
		then("PicGo, with the plug-in web-uploader: API address", p.Site+"api/1/upload").
		then("POST parameter name", "source").
		then("JSON path", "image.url").
		then("Custom request header", `{"X-API-Key": "TOKEN"}`).
		then("A program that speaks PicGo's server instead, such as an editor", p.Site+"upload?key=TOKEN").
		then("ShareX, Chevereto: POST with the file in the field “source” and the token in the header X-API-Key, to", p.Site+"api/1/upload").
		then("Own scripts: the document of the API is at", p.Site+"api/v1/openapi.json")
}

func present(ways ...*way) (list []*way) {
	for _, w := range ways {
		if w != nil {
			list = append(list, w)
		}
	}
	return list
}

// then returns the guide with one more step.
func (g guide) then(text, value string) guide {
	g.Steps = append(g.Steps, step{text, value})
	return g
}
