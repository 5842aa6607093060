package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// postTime is how long one attempt may take, dialTime to connect.
	postTime = 20 * time.Second
	dialTime = 10 * time.Second
	// answerMost is how much of an answer is read, so that the connection can be used
	// again.
	answerMost = 64 << 10
)

// client posts messages.
type client struct {
	*http.Client
	agent string
}

// newClient returns a client that follows nobody elsewhere and keeps no cookies.
func newClient(version string) client {
	return client{
		Client: &http.Client{
			Timeout: postTime,
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DialContext:           (&net.Dialer{Timeout: dialTime}).DialContext,
				TLSHandshakeTimeout:   dialTime,
				ResponseHeaderTimeout: postTime,
				MaxConnsPerHost:       2 * atOnce,
				MaxIdleConnsPerHost:   atOnce,
				IdleConnTimeout:       time.Minute,
				ForceAttemptHTTP2:     true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		agent: "Slipway/" + cmp.Or(version, "devel"),
	}
}

// post makes one attempt.
func (c client) post(ctx context.Context, w Config, m Message) answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(m.Body))
	if err != nil {
		return answer{text: "the address is not one: " + plainly(err)}
	}
	now := time.Now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", c.agent)
	r.Header.Set("Webhook-Id", m.Key)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", w.Secret.Sign(m.Key, now, m.Body))
	resp, err := c.Do(r)
	if err != nil {
		return answer{text: "the site could not be reached: " + plainly(err)}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, answerMost)) //nolint:errcheck // its status is what counts
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return answer{ok: true}
	}
	return refusal(resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"), now))
}

// retryAfter returns how long a site wants to be left alone (RFC 9110 §10.2.3); 0:
// it does not say.
func retryAfter(field string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(field), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if t, err := http.ParseTime(field); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// plainly returns err without the address, in which a token may stand.
func plainly(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return err.Error()
}

// CheckURL reports what is wrong with the address of a webhook.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New(`it is no address of a site, as in "https://example.com/slipway"`)
	}
	return nil
}

// Reach connects to the site of an address, with TLS where it is https, and asks
// nothing.
func Reach(ctx context.Context, raw string) error {
	if err := CheckURL(raw); err != nil {
		return err
	}
	u, _ := url.Parse(raw) //nolint:errcheck // CheckURL has
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	dialer := &net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err == nil && u.Scheme == "https" {
		conn, err = handshake(ctx, conn, u.Hostname())
	}
	if err != nil {
		return err
	}
	return conn.Close()
}
