package dialogue

import "strings"

// Beginning reports whether a transfer was asked for and has no data connection yet.
func (d *Dialogue) Beginning() bool { return d.transfer != nil && !d.transfer.begun }

// Unwatched reports whether a transfer is under way of which nothing else limits how
// long the client may take no data.
func (d *Dialogue) Unwatched() bool {
	return d.transfer != nil && d.transfer.begun && d.transfer.unwatched
}

// Meanwhile returns the reply, with its line ends, to a command that is answered
// without the library because a transfer is under way, or "". If it is not for now,
// it is for after the transfer's last one.
//
// The library would answer while it answers the transfer. NOOP's reply comes in the
// order of the commands, because a client may take what comes before the transfer's
// for that. STAT is about the transfer, and answered at once when that has begun (RFC
// 959 §4.1.3).
func (d *Dialogue) Meanwhile(c Command) (reply string, now bool) {
	switch {
	case d.transfer == nil || c.err != nil:
	case c.Verb == "NOOP":
		reply = "200 OK\r\n"
	case c.Verb == "STAT" && c.Argument == "":
		reply = strings.ReplaceAll(d.status(), "\n", "\r\n") + "\r\n"
		now = d.transfer.begun && d.multi == ""
	}
	return reply, now
}

// status answers STAT. The library's own answer would come while it may be at
// another reply, and says that clients connect to nowhere.
func (d *Dialogue) status() string {
	lines := []string{"211-Slipway", " Nobody is signed in"}
	if d.SignedIn {
		lines[1] = " Signed in as " + OneLine(d.user)
	}
	if d.transfer != nil {
		lines = append(lines, " A transfer is under way")
	}
	return strings.Join(append(lines, "211 End"), "\n")
}
