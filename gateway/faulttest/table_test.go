package faulttest

// want is what is to become of a file.
type want struct {
	state string   // while the fault lasts: "state/reason"
	says  string   // in its receipt then
	more  []string // likewise
	end   string   // once the fault is gone; "": done
	// copies is how many pictures the host has of it in the end; 0: one.
	copies int
}

// scenario is one fault.
type scenario struct {
	name  string
	fault *Fault
	// url is a wrong address, instead of a fault; it is put right and reloaded.
	url func(c *trial) string
	// refuse: the site itself does not accept the account.
	refuse bool
	large  bool // a file that does not fit into the kernel's buffers
	// Lines of the configuration, in which %s is the proxy's address.
	destination, route string
	chev, cms          *want // nil: the host does not do this
}

// Ways to stand while a fault lasts.
const (
	backoff   = "settling/backoff"
	slowDown  = "settling/host-paused"
	paused    = "settling/destination-paused"
	ambiguous = "ambiguous/lost-reply"
	failed    = "failed"
)

// Ways to end.
const (
	done      = "done"
	noURL     = "done/no-url"
	heldReply = "held/lost-reply"
)

const (
	whole   = "after the whole picture had been sent"
	quickly = `timeout = "2s"`
)

// both wants the same of both hosts.
func both(s scenario, w want) scenario {
	s.chev, s.cms = &w, &w
	return s
}

// scenarios is the table: what DESIGN §4 says of each fault.
func scenarios() []scenario {
	all := append(unreachable(), broken()...)
	all = append(all, silent()...)
	all = append(all, answers()...)
	return append(all, lostReplies()...)
}

// unreachable is what happens before a request.
func unreachable() []scenario {
	return []scenario{
		both(scenario{name: "connection refused", url: func(*trial) string { return "http://127.0.0.1:1" }},
			want{state: backoff, says: "refused the connection"}),
		both(scenario{name: "no such name", url: func(*trial) string { return "http://pictures.invalid" }},
			want{state: backoff, says: "name could not be looked up"}),
		both(scenario{name: "certificate of nobody", url: func(c *trial) string { return c.table.selfSigned }},
			want{state: backoff, says: "signed by nobody"}),
		both(scenario{name: "no TLS", url: func(c *trial) string { return "https://" + c.site.Listener.Addr().String() }},
			want{state: backoff, says: "does not speak TLS"}),
	}
}

// broken is connections that end.
func broken() []scenario {
	return []scenario{
		both(scenario{name: "reset before the body", large: true, fault: &Fault{Do: Reset}},
			want{state: backoff, says: "broke off"}),
		both(scenario{name: "reset in the body", large: true, fault: &Fault{Read: 1 << 20, Do: Reset}},
			want{state: backoff, says: "broke off"}),
		both(scenario{name: "closed in the body", large: true, fault: &Fault{Read: 1 << 20, Do: Close}},
			want{state: backoff, says: "broke off"}),
		{name: "reset after the body", fault: &Fault{Read: Whole, Do: Reset},
			chev: &want{state: ambiguous, says: whole}, cms: &want{state: backoff, says: whole}},
		{name: "closed after the body", fault: &Fault{Read: Whole, Do: Close},
			chev: &want{state: ambiguous, says: whole}, cms: &want{state: backoff, says: whole}},
	}
}

// silent is hosts that stop in the middle.
func silent() []scenario {
	return []scenario{
		both(scenario{name: "takes nothing", large: true, destination: quickly, fault: &Fault{Do: Stall}},
			want{state: backoff, says: "stopped taking bytes"}),
		both(scenario{name: "takes no more", large: true, destination: quickly, fault: &Fault{Read: 1 << 20, Do: Stall}},
			want{state: backoff, says: "stopped taking bytes"}),
		{name: "never answers", destination: quickly, fault: &Fault{Read: Whole, Do: Stall},
			chev: &want{state: ambiguous, says: "did not answer in time", more: []string{whole}},
			cms:  &want{state: backoff, says: "did not answer in time"}},
		{name: "stores and never answers", destination: quickly, fault: &Fault{Reached: true, Do: Stall},
			chev: &want{state: ambiguous, says: "did not answer in time", end: noURL},
			cms:  &want{state: backoff, says: "did not answer in time"}},
	}
}

// answers is replies that are no success.
func answers() []scenario {
	after := func(status int, headers ...string) *Fault {
		return &Fault{Read: Whole, Do: Answer, Reply: Page(status, headers...)}
	}
	return []scenario{
		{name: "500", fault: after(500),
			chev: &want{state: ambiguous, says: "failed without saying why"}, cms: &want{state: backoff, says: "the site failed"}},
		{name: "502", fault: after(502),
			chev: &want{state: ambiguous, says: "failed without saying why"}, cms: &want{state: backoff, says: "the site failed"}},
		{name: "503", fault: after(503),
			chev: &want{state: ambiguous, says: "HTTP 503"}, cms: &want{state: backoff, says: "HTTP 503"}},
		{name: "503 with Retry-After", fault: after(503, "Retry-After: 120"),
			chev: &want{state: ambiguous, says: "HTTP 503"}, cms: &want{state: slowDown, says: "come back later"}},
		{name: "500 before the body", large: true, fault: &Fault{Do: Answer, Reply: Page(500)},
			chev: &want{state: backoff, says: "HTTP 500"}, cms: &want{state: backoff, says: "HTTP 500"}},
		{name: "413 before the body", large: true, fault: &Fault{Do: Answer, Reply: Page(413)},
			chev: &want{state: failed, says: "over the limit"}, cms: &want{state: failed, says: "over the limit"}},
		{name: "413", fault: after(413),
			chev: &want{state: failed, says: "over the limit"}, cms: &want{state: failed, says: "over the limit"}},
		{name: "429 with Retry-After", fault: after(429, "Retry-After: 90"),
			chev: &want{state: slowDown, says: "slow down"}, cms: &want{state: slowDown, says: "limit of requests"}},
		{name: "429", fault: after(429),
			chev: &want{state: slowDown, says: "slow down"}, cms: &want{state: slowDown, says: "limit of requests"}},
		{name: "200 HTML", fault: after(200),
			chev: &want{state: paused, says: "web page"}, cms: &want{state: backoff, says: "not one of AnQiCMS"}},
		{name: "200 and nothing", fault: &Fault{Read: Whole, Do: Answer, Reply: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
			chev: &want{state: ambiguous, says: "could not be understood"}, cms: &want{state: backoff, says: "answered nothing"}},
		{name: "no HTTP", fault: &Fault{Read: Whole, Do: Answer, Reply: "220 mail.example ESMTP\r\n"},
			chev: &want{state: ambiguous, says: "not HTTP"}, cms: &want{state: backoff, says: "not HTTP"}},
		{name: "403", fault: after(403),
			chev: &want{state: backoff, says: "refused the upload"}, cms: &want{state: paused, says: "lets nobody in"}},
		{name: "404", fault: after(404),
			chev: &want{state: paused, says: "no Chevereto"}, cms: &want{state: paused, says: "no AnQiCMS"}},
		{name: "301 that repeats the secrets", fault: after(301, "Location: https://other.example/upload?token="+secret+"&key="+secret),
			chev: &want{state: paused, says: "elsewhere"}, cms: &want{state: paused, says: "elsewhere"}},
		{name: "the account is refused", refuse: true,
			chev: &want{state: paused, says: "does not accept the key"}, cms: &want{state: paused, says: "token"}},
		{name: "an error that repeats the secrets", fault: &Fault{Read: Whole, Do: Answer, Reply: json400},
			chev: &want{state: backoff, says: "what is"}, cms: &want{state: backoff, says: "HTTP 400"}},
	}
}

// secret stands in replies for that of the account.
const secret = "{secret}"

// json400 is a refusal that nobody knows.
const json400 = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"status_code":400,"error":{"code":999,"message":"what is {secret}?"},"code":-1,"msg":"what is {secret}?"}`

// lostReplies is pictures that the host has, and nobody was told.
func lostReplies() []scenario {
	lost := func(do Action) *Fault { return &Fault{Reached: true, Do: do} }
	return []scenario{
		{name: "reset instead of the reply", fault: lost(Reset),
			chev: &want{state: ambiguous, says: whole, end: noURL}, cms: &want{state: backoff, says: whole}},
		{name: "closed instead of the reply", fault: lost(Close),
			chev: &want{state: ambiguous, says: whole, end: noURL}, cms: &want{state: backoff, says: whole}},
		{name: "reply cut", fault: lost(CutReply),
			chev: &want{state: ambiguous, says: whole, end: noURL}, cms: &want{state: backoff, says: whole}},
		{name: "half of the JSON", fault: lost(HalfReply),
			chev: &want{state: ambiguous, says: "could not be understood", end: noURL}, cms: &want{state: backoff, says: "not one of AnQiCMS"}},
		{name: "reply lost, hold", fault: lost(Reset), route: `on_lost_reply = "hold"`,
			chev: &want{state: ambiguous, says: whole, end: heldReply}},
		{name: "reply lost, new copy", fault: lost(Reset), route: `on_lost_reply = "new-copy"`,
			chev: &want{state: ambiguous, says: whole, copies: 2}},
		{name: "reply lost, public album", fault: lost(Reset), route: `album_id = "Zf1"`, destination: `album_page = "http://%s/album/Zf1"`,
			chev: &want{state: ambiguous, says: whole}},
	}
}
