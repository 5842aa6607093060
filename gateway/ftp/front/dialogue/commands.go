package dialogue

import (
	"cmp"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decide returns what the library gets for a command.
func (d *Dialogue) decide(verb, argument string) *exchange {
	if takesPath(verb) {
		return d.decidePath(verb, argument)
	}
	if verb == "PASS" {
		return d.pass(argument)
	}
	argument = strings.TrimSpace(argument)
	switch verb {
	case "USER":
		return d.userName(argument)
	case "AUTH", "PBSZ", "PROT", "CCC":
		return d.security(verb, strings.ToUpper(argument))
	case "PASV", "EPSV", "PORT", "EPRT":
		return d.dataPort(verb, strings.ToUpper(argument))
	case "TYPE", "STRU", "MODE":
		return format(verb, strings.ToUpper(argument))
	case "OPTS":
		return options(argument)
	case "ALLO":
		return allocate(argument)
	case "HELP":
		return answer(help)
	case "FEAT":
		return &exchange{line: verb, edit: d.features}
	case "XCUP":
		return pass("CDUP", "")
	case "ABOR":
		if d.transfer == nil {
			return answer("226 There is no transfer to abort")
		}
		d.transfer.aborting = true
		return pass(verb, "")
	case "QUIT":
		return &exchange{line: verb, done: func(_ replyLine, o *Outcome) { o.Quit = true }}
	case "NOOP", "SYST", "PWD", "XPWD", "CDUP":
		return pass(verb, "")
	case "REST":
		return d.restart(argument)
	case "CLNT", "AVBL":
		return pass(verb, argument)
	case "ACCT":
		return answer("202 No account is needed")
	case "SITE":
		if verb, _, _ := strings.Cut(argument, " "); strings.EqualFold(verb, "CHMOD") {
			return answer("200 Taken; a mode means nothing here") // lftp ends a mirror in failure without it
		}
		return answer("502 SITE is not offered here")
	case "MFCT":
		return answer("504 No creation time is kept here; MFMT sets the time of the last change")
	case "REIN":
		return answer("502 Close the connection to sign in as somebody else")
	case "ADAT", "CONF", "ENC", "MIC", "LANG", "HOST", "SMNT", "LPRT", "LPSV", "CSID", "COMB":
		return answer("502 %s is not offered here", verb)
	}
	return answer("500 This command is not known; HELP lists what is")
}

// help is the answer to HELP (RFC 959 §4.1.3).
const help = `214-The following commands are known:
 ABOR ACCT ALLO APPE AUTH AVBL CDUP CLNT CWD DELE EPRT EPSV FEAT
 HASH HELP LIST MDTM MFF MFMT MKD MLSD MLST MODE NLST NOOP OPTS
 PASS PASV PBSZ PORT PROT PWD QUIT REST RETR RMD RNFR RNTO SIZE
 STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD XPWD XRMD
 XSHA256
214 End`

// takesPath reports whether a command's argument is, or ends in, a name, whose
// spaces count (RFC 3659 §2.2).
func takesPath(verb string) bool {
	switch verb {
	case "STOR", "APPE", "STOU", "RETR", "LIST", "NLST", "MLSD", "MLST", "STAT",
		"CWD", "XCWD", "MKD", "XMKD", "RMD", "XRMD", "DELE", "RNFR", "RNTO", "SIZE",
		"MDTM", "MFMT", "MFF", "HASH", "XCRC", "MD5", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512":
		return true
	}
	return false
}

// decidePath returns what the library gets for a command with a name.
func (d *Dialogue) decidePath(verb, argument string) *exchange {
	if names(verb) && hasControl(argument) {
		return answer("553 A name cannot have control characters here")
	}
	switch verb {
	case "STOR", "APPE", "RETR", "MLSD":
		d.Glob = ""
		x := d.transferring(pass(verb, argument))
		x.unwatched = d.active && verb == "MLSD"
		return x
	case "LIST", "NLST":
		x := d.transferring(pass(verb, d.listed(argument)))
		x.unwatched = d.active
		return x
	case "STOU":
		return d.transferring(storeUnique(argument))
	case "STAT":
		if argument == "" {
			return answer("%s", d.status())
		}
		_, argument = listOptions(argument)
		return &exchange{line: verb + " " + cmp.Or(argument, "."), edit: unformatted}
	case "MDTM":
		return d.modified(argument)
	case "MFF":
		return modifyFacts(argument)
	case "MFMT":
		return modify(argument)
	case "RNFR":
		x := pass(verb, argument)
		x.done = func(r replyLine, _ *Outcome) { d.renaming = r.code == "350" }
		return x
	case "RNTO":
		if !d.renaming {
			return answer("503 RNFR comes right before RNTO")
		}
	}
	return pass(verb, argument)
}

// hasControl reports whether a name has control characters. The bytes below 0x20
// are such in every character set; others only where they are UTF-8.
func hasControl(name string) bool {
	ascii := func(r rune) bool { return r < ' ' || r == 0x7F }
	return strings.ContainsFunc(name, ascii) || utf8.ValidString(name) && strings.ContainsFunc(name, unicode.IsControl)
}

// names reports whether a command may give something its name.
func names(verb string) bool {
	switch verb {
	case "STOR", "APPE", "STOU", "MKD", "XMKD", "RNTO":
		return true
	}
	return false
}

// transferring makes x a transfer, where a data connection may be had.
func (d *Dialogue) transferring(x *exchange) *exchange {
	if d.SignedIn && d.needsTLS && !d.protected {
		return answer(replyUnprotected)
	}
	x.transfers = true
	return x
}

// userName answers USER. A user who must use TLS learns it before the password is
// sent.
func (d *Dialogue) userName(user string) *exchange {
	d.same = false
	switch {
	case user == "":
		return answer("501 USER needs a name")
	case d.SignedIn && user == d.user:
		d.same = true
		return answer("331 You are signed in already; any password will do")
	case d.SignedIn:
		return answer("530 You are signed in already; close the connection to sign in as somebody else")
	}
	d.user, d.needsTLS = "", d.opt.needsTLS(user)
	if d.needsTLS && !d.Secure {
		if !d.opt.TLS {
			return answer(replyNoTLS)
		}
		return answer(replyNeedsTLS)
	}
	d.user = user
	x := pass("USER", user)
	x.done = func(r replyLine, o *Outcome) { o.Refused = r.code == "530" }
	return x
}

// pass answers PASS, whose argument is kept to the byte.
func (d *Dialogue) pass(password string) *exchange {
	switch {
	case d.same:
		return answer("230 You are signed in already")
	case d.SignedIn:
		return answer("503 You are signed in already")
	case d.user == "":
		return answer("503 USER comes before PASS")
	}
	d.Checking = true
	return &exchange{line: "PASS " + password, edit: d.tries, done: d.checked}
}

// tries makes the last refusal that is allowed an end.
func (d *Dialogue) tries(r replyLine) []string {
	if r.code == "530" && d.failures+1 >= d.opt.MaxFailures {
		if r.last {
			return []string{replyFailures}
		}
		return nil
	}
	return []string{r.text}
}

// replyFailures is the last refusal that a connection gets.
const replyFailures = "421 Too many wrong passwords; check the name and the password, then connect again"

// checked takes the reply to PASS. After a refusal USER comes first again.
func (d *Dialogue) checked(r replyLine, o *Outcome) {
	d.Checking = false
	switch r.code {
	case "230":
		d.SignedIn, o.SignedIn = true, true
	default:
		d.user = ""
		d.failures++
		o.Refused = r.code == "530"
		o.Quit = d.failures >= d.opt.MaxFailures
	}
}

// format answers TYPE, STRU and MODE. All files are stored as they come, so that
// every common form of TYPE is accepted (RFC 959 §3.1.1, with or without its space).
func format(verb, argument string) *exchange {
	argument = strings.ReplaceAll(argument, " ", "")
	switch verb + " " + argument {
	case "TYPE I", "TYPE IN", "TYPE L8", "TYPE B":
		return pass(verb, "I")
	case "TYPE A", "TYPE AN", "TYPE AT", "TYPE AC":
		return pass(verb, "A")
	case "STRU F":
		return answer("200 Files have no structure, as asked")
	case "MODE S":
		return pass(verb, "S")
	case "TYPE ", "STRU ", "MODE ":
		return answer("501 %s needs a letter", verb)
	}
	return answer("504 %s cannot be that here", verb)
}

// options answers OPTS. The facts of MLST are always the library's three, which
// the reply says, as RFC 3659 §7.9 has it; a client ignores what it did not ask for.
func options(argument string) *exchange {
	name, value, _ := strings.Cut(argument, " ")
	switch strings.ToUpper(name) {
	case "UTF8", "UTF-8":
		return pass("OPTS", strings.TrimSpace("UTF8 "+value))
	case "MLST":
		return answer("200 MLST OPTS Type;Size;Modify;")
	case "HASH":
		if value = strings.ToUpper(strings.TrimSpace(value)); value != "" && value != "SHA-256" {
			return answer("504 Only SHA-256 is known here")
		}
		return answer("200 SHA-256")
	}
	return answer("501 There is no such option")
}

var offset = regexp.MustCompile(`^\d{1,18}$`)

// restart answers REST, whose number the library does not look at (RFC 3659 §5.3).
func (d *Dialogue) restart(argument string) *exchange {
	if !offset.MatchString(argument) {
		return answer("501 REST needs a number of bytes")
	}
	x := pass("REST", argument)
	x.done = func(r replyLine, _ *Outcome) {
		if r.code == "350" {
			d.offset, d.lost = strings.Trim(argument, "0") != "", false
		}
	}
	return x
}

var allocation = regexp.MustCompile(`^(\d{1,18})(?i:\s+R\s+\d+)?$`)

// allocate answers ALLO, whose record size means nothing here (RFC 959 §4.1.3).
func allocate(argument string) *exchange {
	m := allocation.FindStringSubmatch(argument)
	if m == nil {
		return answer("501 ALLO needs a number of bytes")
	}
	return pass("ALLO", m[1])
}

// features corrects the list of FEAT: no EPRT where active mode is off, the facts
// of MLST (RFC 3659 §7.8), TVFS (§6), and of the hashes the one that is known without
// reading the file (draft-bryan-ftpext-hash-02 §3.1).
func (d *Dialogue) features(r replyLine) []string {
	switch strings.TrimSpace(r.text) {
	case "EPRT":
		if !d.opt.Active {
			return nil
		}
	case "MLST":
		return []string{" MLST Type*;Size*;Modify*;"}
	case "AUTH TLS", "PBSZ", "PROT":
		if !d.opt.TLS {
			return nil
		}
	case "XCRC", "MD5", "XMD5", "XSHA", "XSHA1", "XSHA512":
		return nil
	}
	if strings.Contains(r.text, "SHA-256") {
		return []string{" HASH SHA-256*"}
	}
	if r.last && r.code == "211" {
		return []string{" TVFS", r.text}
	}
	return []string{r.text}
}

// listed returns the argument of LIST or NLST without options, which change
// nothing here, and keeps its pattern for Session.Glob. Only * and ? in the last
// name make a pattern, because cameras put brackets into names.
func (d *Dialogue) listed(argument string) string {
	d.Glob = ""
	_, argument = listOptions(argument)
	if dir, name := path.Split(argument); strings.ContainsAny(name, "*?") {
		d.Glob = name
		return dir
	}
	return argument
}

// listOption is one that ls has; a directory of such a name is reached as ./-a.
var listOption = regexp.MustCompile(`^-[1AaCdFGghLlnRrSstTu]+(?: +|$)`)

// listOptions returns what follows options like "-la ", so that the library does
// not take it for one.
func listOptions(argument string) (options bool, rest string) {
	rest = argument
	for {
		found := listOption.FindString(rest)
		if found == "" {
			break
		}
		options, rest = true, rest[len(found):]
	}
	if strings.HasPrefix(rest, "-") {
		rest = "./" + rest
	}
	return options, rest
}

// unformatted removes a stray %s with which the library begins the lines of STAT.
func unformatted(r replyLine) []string {
	if rest, found := strings.CutPrefix(r.text, " %s"); found {
		return []string{" " + rest}
	}
	return []string{r.text}
}
