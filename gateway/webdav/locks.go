package webdav

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"slipway/gateway/webdav/lock"
)

// lock grants or refreshes a write lock (RFC 4918 §9.10). On a path where
// nothing stands it makes an empty file (§7.3).
func (q *request) lock() error {
	body, err := q.readAll()
	if err != nil {
		return err
	}
	timeout := q.timeout()
	if len(body) == 0 {
		return q.refresh(timeout)
	}
	l, err := parseLockInfo(body)
	if err != nil {
		return err
	}
	switch q.r.Header.Get("Depth") {
	case "", "infinity":
		l.Deep = true
	case "0":
	default:
		return fail(http.StatusBadRequest, "Depth must be 0 or infinity")
	}
	l.Root, l.User, l.Timeout = q.key(q.path), q.User(q.r), timeout
	return q.grant(l)
}

// grant creates l, and what it locks if nothing is there.
func (q *request) grant(l lock.Lock) error {
	if a, ok := q.fs.(admitter); ok { // whoever may not write has no use for a lock
		if err := a.Admit(q.path, 0); err != nil {
			return err
		}
	}
	current, err := q.lookup(q.path)
	if err != nil {
		return err
	}
	if err := errors.Join(q.ifHolds(), q.preconditions(current)); err != nil {
		return err
	}
	if current == nil {
		if err := q.guard(target{q.path, lock.Binding}); err != nil {
			return err
		}
	}
	l, err = q.locks.Create(l)
	switch {
	case errors.Is(err, lock.ErrLocked):
		return &answer{code: http.StatusLocked, text: "somebody has locked this", condition: "no-conflicting-lock"}
	case err != nil:
		return fail(http.StatusInsufficientStorage, "too many locks are held; try again later")
	}
	if current == nil {
		if err := q.createEmpty(); err != nil {
			q.locks.Remove(l.Token)
			return parentMissing(err)
		}
	}
	q.w.Header().Set("Lock-Token", "<"+l.Token+">")
	q.writeLock(l, current == nil)
	return nil
}

// ifHolds evaluates the If header alone.
func (q *request) ifHolds() error {
	h, err := q.ifHeader()
	if err == nil && h != nil && !h.Match(state{q}) {
		err = fail(http.StatusPreconditionFailed, "the If header does not hold")
	}
	return err
}

func (q *request) createEmpty() error {
	f, err := q.fs.OpenFile(q.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	return f.Close()
}

// refresh starts the time of a lock anew (RFC 4918 §9.10.2): the first of the If
// header's tokens that locks the path.
func (q *request) refresh(timeout time.Duration) error {
	h, err := q.ifHeader()
	if err != nil {
		return err
	}
	if h == nil {
		return fail(http.StatusBadRequest, "a LOCK without a body refreshes, and needs the token in an If header")
	}
	for _, token := range h.Tokens() {
		l, ok := q.locks.Get(token)
		if !ok || !l.Covers(q.key(q.path)) {
			continue
		}
		if l, ok = q.locks.Refresh(token, q.User(q.r), timeout); ok {
			q.writeLock(l, false)
			return nil
		}
	}
	return &answer{code: http.StatusPreconditionFailed, text: "no such lock is held here",
		condition: "lock-token-matches-request-uri"}
}

// unlock ends a lock (RFC 4918 §9.11).
func (q *request) unlock() error {
	token, ok := strings.CutPrefix(strings.TrimSpace(q.r.Header.Get("Lock-Token")), "<")
	token, ok2 := strings.CutSuffix(token, ">")
	if !ok || !ok2 {
		return fail(http.StatusBadRequest, "the Lock-Token header is missing or malformed")
	}
	l, ok := q.locks.Get(token)
	if !ok || !l.Covers(q.key(q.path)) {
		return &answer{code: http.StatusConflict, text: "no such lock is held here",
			condition: "lock-token-matches-request-uri"}
	}
	if l.User != q.User(q.r) {
		return fail(http.StatusForbidden, "the lock is somebody else's")
	}
	q.locks.Remove(token)
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// timeout reads the first usable value of the Timeout header (RFC 4918 §10.7),
// never longer than LockTimeout, which also stands for none and for Infinite.
func (q *request) timeout() time.Duration {
	return parseTimeout(q.r.Header.Get("Timeout"), q.LockTimeout)
}

func parseTimeout(header string, most time.Duration) time.Duration {
	for v := range strings.SplitSeq(header, ",") {
		v = strings.TrimSpace(v)
		if strings.EqualFold(v, "infinite") {
			return most
		}
		digits, ok := strings.CutPrefix(strings.ToLower(v), "second-")
		if n, err := strconv.ParseUint(digits, 10, 32); ok && err == nil {
			return min(max(time.Duration(n)*time.Second, time.Second), most)
		}
	}
	return most
}

// writeLock answers LOCK.
func (q *request) writeLock(l lock.Lock, created bool) {
	q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	if created {
		q.w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprintf(q.w, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+
		`<D:prop xmlns:D="DAV:"><D:lockdiscovery>%s</D:lockdiscovery></D:prop>`+"\n", q.activeLock(l))
}

// activeLock describes l (RFC 4918 §14.1); the prefix D must be declared.
func (q *request) activeLock(l lock.Lock) string {
	scope, depth := "exclusive", "0"
	if l.Shared {
		scope = "shared"
	}
	if l.Deep {
		depth = "infinity"
	}
	owner := ""
	if l.Owner != "" {
		owner = "<D:owner>" + l.Owner + "</D:owner>"
	}
	left := max(l.Expires.Sub(q.Now())+time.Second-1, 0)
	return fmt.Sprintf(`<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:%s/></D:lockscope>`+
		`<D:depth>%s</D:depth>%s<D:timeout>Second-%d</D:timeout><D:locktoken><D:href>%s</D:href></D:locktoken>`+
		`<D:lockroot><D:href>%s</D:href></D:lockroot></D:activelock>`,
		scope, depth, owner, int64(left/time.Second), escape(l.Token), escape(q.href(q.unkey(l.Root), false)))
}

// unkey is the inverse of key. The root of a lock from above the user's own root
// is shown as that root.
func (q *request) unkey(key string) string {
	if q.root == "/" {
		return key
	}
	if rest, ok := strings.CutPrefix(key, q.root); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return "/"
}
