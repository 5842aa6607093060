package webdav

import (
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway/gateway/webdav/ifheader"
	"slipway/gateway/webdav/lock"
	"slipway/gateway/webdav/precondition"
)

// target is one path that a request changes, and how much of it.
type target struct {
	path  string
	scope lock.Scope
}

// guard lets a change pass that its If header allows (412) and no lock forbids
// (423), in that order: a client whose token is stale must learn so.
func (q *request) guard(targets ...target) error {
	header, err := q.ifHeader()
	if err != nil {
		return err
	}
	if header != nil && !header.Match(state{q}) {
		return fail(http.StatusPreconditionFailed, "the If header does not hold")
	}
	return q.unlocked(header.Tokens(), targets...)
}

// namedMax is how many locked paths an answer names.
const namedMax = 100

// unlocked fails with 423 where a lock forbids to change one of targets, and
// names what is locked. It does so for the whole request also where only a member
// of a folder is locked (RFC 4918 §9.9.4 allows it): a change is one transaction,
// so there is no result in part for a 207 to tell of, and clients that take every
// 2xx for success would believe that the folder is gone.
func (q *request) unlocked(tokens []string, targets ...target) error {
	holder := lock.Holder{User: q.User(q.r), Tokens: tokens}
	for _, t := range targets {
		locks := q.locks.Blocking(q.key(t.path), t.scope, holder)
		if len(locks) == 0 {
			continue
		}
		a := &answer{code: http.StatusLocked, text: "somebody has locked this", condition: "lock-token-submitted"}
		for _, l := range locks[:min(len(locks), namedMax)] {
			a.hrefs = append(a.hrefs, q.href(q.unkey(l.Root), false))
		}
		return a
	}
	return nil
}

// ifHeader returns the If header, nil if there is none.
func (q *request) ifHeader() (ifheader.Header, error) {
	values := q.r.Header.Values("If")
	if len(values) == 0 {
		return nil, nil
	}
	h, err := ifheader.Parse(strings.Join(values, " "))
	if err != nil {
		return nil, fail(http.StatusBadRequest, err.Error())
	}
	return h, nil
}

// state is what an If header's conditions are evaluated against.
type state struct{ q *request }

// resource returns the path that a resource of the If header means. Its scheme
// and host are not looked at: a proxy may have changed them.
func (s state) resource(uri string) (string, bool) {
	if uri == "" {
		return s.q.path, true
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "", false
	}
	return s.q.within(u.Path)
}

// Locked says what held when the request was first asked about: a lock that ended
// during its owner's long upload spoils nothing by itself.
func (s state) Locked(resource, token string) bool {
	asked := [2]string{resource, token}
	held, known := s.q.held[asked]
	if !known {
		if s.q.held == nil {
			s.q.held = map[[2]string]bool{}
		}
		held = s.lockedNow(resource, token)
		s.q.held[asked] = held
	}
	return held
}

func (s state) lockedNow(resource, token string) bool {
	p, ok := s.resource(resource)
	return ok && s.q.holds(token, p)
}

// holds reports whether token is that of a live lock on path p.
func (q *request) holds(token, p string) bool {
	l, ok := q.locks.Get(token)
	return ok && l.Covers(q.key(p))
}

func (s state) Tagged(resource, etag string) bool {
	p, ok := s.resource(resource)
	if !ok {
		return false
	}
	info, err := s.q.lookup(p)
	return err == nil && precondition.StrongMatch(s.q.etag(info), etag)
}

// conditional reports whether preconditions has anything to look at.
func (q *request) conditional() bool { return precondition.Any(q.r.Header) }

// preconditions evaluates those of RFC 9110 §13.1 for a change of current (nil:
// nothing stands there).
func (q *request) preconditions(current fs.FileInfo) error {
	var at time.Time
	if current != nil {
		at = current.ModTime()
	}
	if precondition.Hold(q.r.Header, current != nil, q.etag(current), at) {
		return nil
	}
	return fail(http.StatusPreconditionFailed, "it is not in the state the request expects")
}
