package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// reply is a reply that was read whole.
type reply struct {
	*http.Response
	body []byte
}

// where names a step in a message.
func (r *sequenceRun) where(s step) string {
	return fmt.Sprintf("%s.txt:%d: %s %s", r.family, s.line, s.method, r.fill(s.target))
}

// request makes a step's request, after what the run's fault does to it.
func (r *sequenceRun) request(s step) {
	r.Helper()
	if s.carriesBytes() {
		switch r.fault {
		case cutInBody:
			r.cut(s)
		case lostReply:
			r.lose(s)
			s = s.again()
		}
	}
	replies := make([]reply, s.times)
	done := make(chan error, s.times)
	for i := range replies {
		req := r.build(s)
		go func() {
			var err error
			replies[i], err = r.do(req)
			done <- err
		}()
	}
	for range replies {
		if err := <-done; err != nil {
			r.Fatalf("%s: %v", r.where(s), err)
		}
	}
	for _, got := range replies {
		r.check(s, got)
	}
}

// again is s for a client that did not hear that it succeeded: what it expects to
// find is no longer there, which is how it learns that. It asks for the rest with a
// HEAD.
func (s step) again() step {
	s.repeated = true
	s.status = append(slices.Clone(s.status), http.StatusNoContent)
	if slices.ContainsFunc(s.headers, func(f field) bool { return f.name == "If-Match" || f.name == "If-None-Match" }) {
		s.status = append(s.status, http.StatusPreconditionFailed)
	}
	return s
}

// build makes the request of a step.
func (r *sequenceRun) build(s step) *http.Request {
	r.Helper()
	data := r.bytes(s.body)
	if s.carriesBytes() {
		r.vars["size"], r.vars["sha1"], r.vars["md5"] = fmt.Sprint(len(data)), fmt.Sprintf("%x", sha1.Sum(data)), fmt.Sprintf("%x", md5.Sum(data))
	}
	var body io.Reader = bytes.NewReader(data)
	if s.chunked {
		body = struct{ io.Reader }{body}
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), s.method, r.vars["url"]+r.fill(s.target), body)
	r.must(err)
	for _, f := range slices.Concat(r.every, s.headers) {
		req.Header.Set(f.name, r.fill(f.value))
	}
	if s.waiting {
		req.Header.Set("Expect", "100-continue")
	}
	if !s.anonymous {
		req.SetBasicAuth(ingestUser, ingestPassword)
	}
	return req
}

func (r *sequenceRun) do(req *http.Request) (reply, error) {
	resp, err := r.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, body}, err
}

// dial sends the first bytes of a request: all of its head, and of its body the
// half or everything.
func (r *sequenceRun) dial(s step, all bool) *net.TCPConn {
	r.Helper()
	var wire bytes.Buffer
	r.must(r.build(s).Write(&wire))
	head := bytes.Index(wire.Bytes(), []byte("\r\n\r\n")) + 4
	if !all {
		wire.Truncate(head + (wire.Len()-head)/2)
	}
	conn, err := net.Dial("tcp", r.vars["host"])
	r.must(err)
	_, err = conn.Write(wire.Bytes())
	r.must(err)
	return conn.(*net.TCPConn)
}

// cut ends the connection in the middle of the body. What was there before must
// be there still.
func (r *sequenceRun) cut(s step) {
	r.Helper()
	name := strings.TrimPrefix(unescape(r.fill(s.target)), davPrefix)
	before, errBefore := r.plain.Get(name)
	conn := r.dial(s, false)
	defer conn.Close()
	r.must(conn.CloseWrite())
	r.must(conn.SetReadDeadline(time.Now().Add(patience)))
	answer, _ := io.ReadAll(conn) // its end says that the gateway is through with it
	answer = bytes.TrimPrefix(answer, []byte("HTTP/1.1 100 Continue\r\n\r\n"))
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
		r.Errorf("%s: cut, it is answered %q", r.where(s), answer)
	}
	after, errAfter := r.plain.Get(name)
	if !bytes.Equal(before, after) || (errBefore == nil) != (errAfter == nil) {
		r.Errorf("%s: cut, it changed the file from %d bytes (%v) to %d (%v)", r.where(s), len(before), errBefore, len(after), errAfter)
	}
}

// lose sends all and leaves at once. The gateway has the whole file then, and
// must store it.
func (r *sequenceRun) lose(s step) {
	r.Helper()
	r.must(r.dial(s, true).Close())
	name := strings.TrimPrefix(unescape(r.fill(s.target)), davPrefix)
	want := r.bytes(s.body)
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		data, err := r.plain.Get(name)
		if err == nil && bytes.Equal(data, want) {
			return
		}
		if time.Now().After(end) {
			r.Fatalf("%s: it was sent whole, and is %d bytes (%v)", r.where(s), len(data), err)
		}
	}
}

// check looks at a reply, and keeps of it what later steps need.
func (r *sequenceRun) check(s step, got reply) {
	r.Helper()
	if !slices.Contains(s.status, got.StatusCode) {
		r.Fatalf("%s: %d, want %v: %s", r.where(s), got.StatusCode, s.status, got.body)
	}
	if s.repeated && got.StatusCode == http.StatusPreconditionFailed {
		head, err := r.do(r.build(step{method: http.MethodHead, target: s.target}))
		r.must(err)
		got.Header = head.Header
		s.checks = slices.DeleteFunc(slices.Clone(s.checks), func(c check) bool { return c.kind != "keep" })
	}
	for _, c := range s.checks {
		if why := r.wrong(c, got); why != "" {
			r.Errorf("%s: %s", r.where(s), why)
		}
	}
}

// wrong says what is wrong with a reply, or "".
func (r *sequenceRun) wrong(c check, got reply) string {
	want, header := r.fill(c.value), got.Header.Get(c.name)
	switch c.kind {
	case "<":
		if header == "" || !strings.Contains(header, want) {
			return fmt.Sprintf("the header %s is %q, want %q", c.name, header, want)
		}
		return ""
	case "keep":
		if r.vars[c.name] = got.Header.Get(c.value); r.vars[c.name] == "" {
			return "the header " + c.value + " is missing"
		}
		return ""
	}
	m, err := parseMultistatus(got.body)
	if err != nil {
		return err.Error() + ": " + string(got.body)
	}
	href := got.Request.URL.Path
	switch value, ok := m.find(href, c.name); {
	case c.kind == "all":
		return m.failures()
	case c.kind == "no-prop" && ok:
		return fmt.Sprintf("there is a property %s: %s", c.name, value)
	case c.kind == "prop" && (!ok || !strings.Contains(value, want)):
		return fmt.Sprintf("the property %s is %q (%v), want %q in %s", c.name, value, ok, want, got.body)
	}
	return ""
}

// multistatus is the body of a 207 (RFC 4918 §14.16).
type multistatus struct {
	XMLName   xml.Name `xml:"DAV: multistatus"`
	Responses []struct {
		Href      string `xml:"DAV: href"`
		Propstats []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				All []property `xml:",any"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

type property struct {
	XMLName xml.Name
	Inner   string `xml:",innerxml"`
}

func parseMultistatus(text []byte) (m multistatus, err error) {
	return m, xml.Unmarshal(text, &m)
}

// find returns a property's content where its status is 200.
func (m multistatus) find(urlPath, name string) (string, bool) {
	for _, resp := range m.Responses {
		if unescape(resp.Href) != strings.TrimSuffix(urlPath, "/") {
			continue
		}
		for _, p := range resp.Propstats {
			for _, prop := range p.Prop.All {
				if prop.XMLName.Local == name && strings.Contains(p.Status, " 200 ") {
					return prop.Inner, true
				}
			}
		}
	}
	return "", false
}

func (m multistatus) of(urlPath, name string) string {
	value, _ := m.find(urlPath, name)
	return value
}

// failures names the properties whose status is not 200, or says that there is
// none at all.
func (m multistatus) failures() string {
	var bad []string
	count := 0
	for _, resp := range m.Responses {
		for _, p := range resp.Propstats {
			for _, prop := range p.Prop.All {
				if count++; !strings.Contains(p.Status, " 200 ") {
					bad = append(bad, prop.XMLName.Local+": "+p.Status)
				}
			}
		}
	}
	if count == 0 {
		return "no property is answered"
	}
	return strings.Join(bad, ", ")
}
