package dialogue

import (
	"regexp"
	"strconv"
	"time"
)

// Replies to those who must use TLS.
const (
	replyNeedsTLS    = "530 This account needs FTPS: switch on explicit TLS (AUTH TLS) in the client"
	replyNoTLS       = "530 This account may come by FTPS only, which is switched off here; the gateway's operator can switch it on"
	replyUnprotected = "521 This account needs protected data connections: switch on PROT P in the client" // RFC 4217 §9
)

// security answers the commands of RFC 2228 and RFC 4217.
func (d *Dialogue) security(verb, argument string) *exchange {
	switch {
	case verb == "AUTH":
		return d.auth(argument)
	case !d.Secure:
		return answer("503 AUTH TLS comes before %s", verb)
	case verb == "CCC":
		return answer("534 The control connection stays protected")
	case verb == "PBSZ":
		d.sized = true
		return answer("200 PBSZ=0")
	}
	return d.prot(argument)
}

// auth answers AUTH; the handshake follows the reply. TLS-C is another name of TLS;
// SSL and TLS-P are of clients that expect their data to be protected without PROT.
func (d *Dialogue) auth(mechanism string) *exchange {
	switch {
	case !d.opt.TLS:
		return answer("502 TLS is not offered here")
	case d.Secure:
		return answer("503 TLS is on already")
	case d.SignedIn:
		return answer("503 AUTH comes before USER")
	}
	var x *exchange
	switch mechanism {
	case "TLS", "TLS-C", "SSL", "TLS-P":
		x = answer("234 Begin the TLS handshake")
	default:
		return answer("504 Only AUTH TLS is offered here")
	}
	x.done = func(replyLine, *Outcome) {
		d.Upgrade = true
		if mechanism == "SSL" || mechanism == "TLS-P" {
			d.implicit = true
			d.protect()
		}
	}
	return x
}

// prot answers PROT (RFC 2228 §3, RFC 4217 §9).
func (d *Dialogue) prot(level string) *exchange {
	switch {
	case !d.sized && !d.implicit:
		return answer("503 PBSZ 0 comes before PROT")
	case level == "S", level == "E":
		return answer("536 TLS offers PROT P and PROT C only")
	case level != "P" && level != "C":
		return answer("504 There is no such level of protection")
	case level == "C" && (d.needsTLS || d.opt.TLSRequired):
		return answer("534 This account needs protected data connections")
	}
	x := pass("PROT", level)
	x.done = func(r replyLine, _ *Outcome) {
		if r.code == "200" {
			d.protected = level == "P"
		}
	}
	return x
}

// dataPort answers the commands that agree on a data connection (RFC 959 §4.1.2,
// RFC 2428).
func (d *Dialogue) dataPort(verb, argument string) *exchange {
	active := verb == "PORT" || verb == "EPRT"
	switch {
	case verb == "EPSV" && argument == "ALL":
		d.epsvOnly = true
		return answer("200 Only EPSV from now on")
	case d.SignedIn && d.needsTLS && !d.protected:
		return answer(replyUnprotected)
	case d.epsvOnly && verb != "EPSV":
		return answer("503 EPSV ALL was said")
	case active && !d.opt.Active:
		return answer("502 Active mode is off: switch on passive mode in the client")
	case verb == "PASV" && d.ipv6:
		return answer("502 PASV has no form for IPv6: use EPSV")
	case verb == "EPSV":
		return d.extendedPassive(argument)
	case active:
		x := pass(verb, argument)
		x.done = func(r replyLine, o *Outcome) {
			o.Active = r.code == "200"
			d.active = d.active || o.Active
		}
		return x
	}
	return d.passive(verb, PortTries)
}

// A passive port that others have may be free soon.
const (
	PortTries = 12                     // how often one is asked for
	PortPause = 250 * time.Millisecond // between two of these
)

// ReplyNoPort ends a wait for a passive port. The library's 421 would mean that the
// control connection is closed (RFC 959 §5.4).
const ReplyNoPort = "425 All ports for data connections are in use; try again in a minute"

// passive asks for a passive port, up to tries times.
func (d *Dialogue) passive(verb string, tries int) *exchange {
	full := func(r replyLine) bool { return r.code == "421" }
	x := pass(verb, "")
	x.edit = func(r replyLine) []string {
		switch {
		case !full(r):
			return []string{r.text}
		case tries > 1:
			return nil
		}
		return []string{ReplyNoPort}
	}
	x.done = func(r replyLine, o *Outcome) {
		if full(r) && tries > 1 {
			d.follow, d.Pause = d.passive(verb, tries-1), true
			return
		}
		o.Port = portOf(r.text)
		d.active = d.active && o.Port == 0
	}
	return x
}

// passivePort finds the port in the replies to PASV (RFC 959 §4.1.2) and EPSV (RFC
// 2428 §3).
var passivePort = regexp.MustCompile(`^227 .*,(\d{1,3}),(\d{1,3})\)|^229 .*\(\|\|\|(\d{1,5})\|\)`)

// portOf returns the passive port that a reply tells, or 0.
func portOf(reply string) int {
	m := passivePort.FindStringSubmatch(reply)
	if m == nil {
		return 0
	}
	// The expression lets numbers through alone; a part that is not there is 0.
	high, _ := strconv.Atoi(m[1]) //nolint:errcheck // As above.
	low, _ := strconv.Atoi(m[2])  //nolint:errcheck // As above.
	port, _ := strconv.Atoi(m[3]) //nolint:errcheck // As above.
	return high<<8 + low + port
}

// extendedPassive answers EPSV, with or without the number of a network protocol.
func (d *Dialogue) extendedPassive(protocol string) *exchange {
	own, other := "1", "2"
	if d.ipv6 {
		own, other = other, own
	}
	switch protocol {
	case "", own:
		return d.passive("EPSV", PortTries)
	case other:
		return answer("522 This connection has another network protocol, use (%s)", own)
	}
	return answer("522 There is no such network protocol, use (%s)", own)
}
