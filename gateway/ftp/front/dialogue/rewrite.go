package dialogue

import (
	"crypto/rand"
	"path"
	"regexp"
	"strings"
	"time"
)

// storeUnique makes STOU a STOR to a name that nobody has: the hint that some
// clients send, or "upload", with 50 random bits. The name is in the reply 150, as
// RFC 1123 §4.1.2.9 wants it, and in the last one.
func storeUnique(hint string) *exchange {
	dir, base := path.Split(strings.TrimSpace(hint))
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if stem == "" {
		stem, ext = "upload"+strings.TrimSuffix(ext, "."), ""
	}
	name := dir + stem + "-" + strings.ToLower(rand.Text()[:10]) + ext
	return &exchange{line: "STOR " + name, edit: func(r replyLine) []string {
		switch r.code {
		case "150":
			return []string{"150 FILE: " + name}
		case "226":
			return []string{"226 Stored as " + name}
		}
		return []string{r.text}
	}}
}

// setTime is MDTM's form that sets a time: of FTP clients older than MFMT.
var setTime = regexp.MustCompile(`^(\d{14})(?:\.\d+)? +(.+)$`)

// modified answers MDTM. With a time before the name it becomes MFMT, unless there
// is a file whose name begins like that.
func (d *Dialogue) modified(argument string) *exchange {
	x := pass("MDTM", argument)
	m := setTime.FindStringSubmatch(argument)
	if m == nil {
		return x
	}
	failed := func(r replyLine) bool { return r.code == "550" }
	x.edit = func(r replyLine) []string {
		if failed(r) {
			return nil
		}
		return []string{r.text}
	}
	x.done = func(r replyLine, _ *Outcome) {
		if failed(r) {
			d.follow = modify(m[1] + " " + m[2])
		}
	}
	return x
}

// modifyFact is an argument of MFF with nothing but the time of the last change
// (draft-somers-ftp-mfxx-04 §5).
var modifyFact = regexp.MustCompile(`^(?i:modify)=(\d{14})(?:\.\d+)?; (.+)$`)

// modifyFacts answers MFF.
func modifyFacts(argument string) *exchange {
	m := modifyFact.FindStringSubmatch(argument)
	if m == nil {
		return answer("504 Only the fact Modify can be set")
	}
	return modify(m[1] + " " + m[2])
}

// modify answers MFMT (draft-somers-ftp-mfxx-04 §3). A time that is none would get
// the library's error to see.
func modify(argument string) *exchange {
	when, name, _ := strings.Cut(argument, " ")
	if _, err := time.Parse("20060102150405", when); err != nil || name == "" {
		return answer("501 MFMT needs a time in UTC and a name, as in MFMT 20260131235959 a.jpg")
	}
	return pass("MFMT", argument)
}
