package webdav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"slipway/gateway/webdav/fault"
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
	switch q.depth() {
	case "", "infinity":
		l.Deep = true
	case "0":
	default:
		return fail(http.StatusBadRequest, "Depth must be 0 or infinity")
	}
	l.Root, l.User, l.Timeout = q.key(q.path), q.User(q.r), timeout
	l, created, err := q.grant(l)
	if err != nil {
		return err
	}
	q.w.Header().Set("Lock-Token", "<"+l.Token+">")
	q.writeLock(l, created)
	return nil
}

// grant creates l, and what it locks if nothing is there.
func (q *request) grant(l lock.Lock) (granted lock.Lock, created bool, err error) {
	if a, ok := q.fs.(admitter); ok { // whoever may not write has no use for a lock
		if err := a.Admit(q.path, 0); err != nil {
			return l, false, err
		}
	}
	defer q.gates.Enter(l.Root)()
	current, err := q.lookup(q.path)
	if err != nil {
		return l, false, err
	}
	if err := errors.Join(q.ifHolds(), q.preconditions(current)); err != nil {
		return l, false, err
	}
	if current == nil {
		if err := q.guard(target{q.path, lock.Binding}); err != nil {
			return l, false, err
		}
	}
	ctx, cancel := q.storing()
	defer cancel()
	if l, err = q.locks.Create(ctx, l); err != nil {
		return l, false, notLocked(err)
	}
	if current == nil {
		created, err = q.createEmpty()
		if err != nil {
			err = errors.Join(parentMissing(err), q.locks.Remove(ctx, l.Token, l.User))
		}
	}
	return l, created, err
}

// notLocked returns how an error of granting a lock is answered.
func notLocked(err error) error {
	switch {
	case errors.Is(err, lock.ErrLocked):
		return &answer{code: http.StatusLocked, text: "somebody has locked this", condition: "no-conflicting-lock"}
	case errors.Is(err, lock.ErrFull):
		return fail(http.StatusInsufficientStorage, "as many locks are held as there may be; try again later")
	case errors.Is(err, lock.ErrUserFull):
		return fail(http.StatusInsufficientStorage, "you hold as many locks as one user may; give some back, or wait until they end")
	case errors.Is(err, lock.ErrNoLock):
		return fail(http.StatusConflict, "somebody removed it meanwhile")
	}
	return err
}

// storeTime is the most that a change of locks may take.
const storeTime = 30 * time.Second

// storing returns the context under which locks change: a client that leaves
// does not undo half of it.
func (q *request) storing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(q.r.Context()), storeTime)
}

// ifHolds evaluates the If header alone.
func (q *request) ifHolds() error {
	h, err := q.ifHeader()
	if err == nil && h != nil && !h.Match(state{q}) {
		err = fail(http.StatusPreconditionFailed, "the If header does not hold")
	}
	return err
}

// createEmpty makes an empty file; created is false where another door has put
// something there meanwhile, which stays.
func (q *request) createEmpty() (created bool, err error) {
	f, err := q.fs.OpenFile(q.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if fault.Of(err) == fault.Exist {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
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
	if err := q.currently(); err != nil {
		return err
	}
	ctx, cancel := q.storing()
	defer cancel()
	for _, token := range h.Tokens() {
		l, ok := q.locks.Get(token)
		if !ok || !l.Covers(q.key(q.path)) {
			continue
		}
		l, err := q.locks.Refresh(ctx, token, q.User(q.r), timeout)
		if errors.Is(err, lock.ErrNoLock) {
			continue
		}
		if err == nil {
			q.writeLock(l, false)
		}
		return err
	}
	return &answer{code: http.StatusPreconditionFailed, text: "no such lock is held here",
		condition: "lock-token-matches-request-uri"}
}

// unlock ends a lock (RFC 4918 §9.11).
func (q *request) unlock() error {
	token, ok := parseLockToken(q.r.Header.Get("Lock-Token"))
	if !ok {
		return fail(http.StatusBadRequest, "the Lock-Token header is missing or malformed")
	}
	if err := errors.Join(q.ifHolds(), q.currently()); err != nil {
		return err
	}
	l, ok := q.locks.Get(token)
	if ok && l.Covers(q.key(q.path)) && l.User != q.User(q.r) {
		return fail(http.StatusForbidden, "the lock is somebody else's")
	}
	err := lock.ErrNoLock
	if ok && l.Covers(q.key(q.path)) {
		ctx, cancel := q.storing()
		defer cancel()
		err = q.locks.Remove(ctx, token, l.User)
	}
	switch {
	case errors.Is(err, lock.ErrNoLock):
		return &answer{code: http.StatusConflict, text: "no such lock is held here",
			condition: "lock-token-matches-request-uri"}
	case err != nil:
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// parseLockToken reads a Lock-Token header (RFC 4918 §10.5): a URI in angle
// brackets.
func parseLockToken(header string) (token string, ok bool) {
	token, ok = strings.CutPrefix(strings.TrimSpace(header), "<")
	token, ok2 := strings.CutSuffix(token, ">")
	return token, ok && ok2 && token != "" && !strings.ContainsAny(token, "<> \t")
}

// ended ends locks of which what they locked is gone, by one of the table's
// methods, and reports whether there was any. It cannot fail: the change that
// ended them is done, and the store is brought in line later.
func (q *request) ended(drop func(ctx context.Context, path string) (bool, error), name string) bool {
	ctx, cancel := q.storing()
	defer cancel()
	any, err := drop(ctx, q.key(name))
	if err != nil {
		q.Log.ErrorContext(ctx, "webdav: locks that ended could not be removed yet", "path", name, "error", err)
	}
	return any
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
	fmt.Fprintf(q.progressWriter(), `<?xml version="1.0" encoding="utf-8"?>`+"\n"+
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
