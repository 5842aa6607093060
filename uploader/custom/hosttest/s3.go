package hosttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const (
	// s3Max is the largest object of one PUT: 5 GB.
	s3Max = 5 << 30
	// s3Skew is how far a request's clock may be from the host's.
	s3Skew = 15 * time.Minute
)

// S3 is an object store that speaks Amazon's S3, at its own address (path style,
// /BUCKET/KEY) and, where Config.Domain is set, at BUCKET.DOMAIN (virtual-host style).
// Folders are its buckets, Config.User is the access key id and Config.Key the secret.
// Every request but a GET must be signed by AWS Signature Version 4: the signature is
// made anew from what arrived and compared, over the path as S3 encodes it, and with
// host, content-type and every x-amz- header signed.
func S3(c Config) *Server {
	objects := s3mem.New()
	for _, bucket := range c.Folders {
		if err := objects.CreateBucket(bucket); err != nil {
			panic(err) // of a name that is none
		}
	}
	h := gofakes3.New(objects, gofakes3.WithTimeSkewLimit(0)).Server()
	return newServer(c, func(s *Server, w http.ResponseWriter, r *http.Request) { s.s3(w, r, h) })
}

func (s *Server) s3(w http.ResponseWriter, r *http.Request, h http.Handler) {
	c := s.config()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.ContentLength >= 0 && int64(len(b)) != r.ContentLength {
		return
	}
	if r.Method != http.MethodGet {
		if e := c.signed(r, b); e != nil {
			e.answer(w)
			return
		}
	}
	switch {
	case r.Method != http.MethodPut:
	case s.tooMany(c):
		(&s3Error{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."}).answer(w)
		return
	case int64(len(b)) > s3Max, c.MaxSize > 0 && int64(len(b)) > c.MaxSize:
		(&s3Error{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."}).answer(w)
		return
	}
	if bucket := c.bucket(r.Host); bucket != "" {
		r.URL.Path = "/" + bucket + r.URL.Path
	}
	r.URL.RawPath = ""
	r.Header.Set("Content-Length", fmt.Sprint(len(b)))
	r.Body = io.NopCloser(bytes.NewReader(b))
	seen := &status{ResponseWriter: w}
	h.ServeHTTP(seen, r)
	switch path := r.URL.Path; {
	case r.Method == http.MethodPut && (seen.code == 0 || seen.code == http.StatusOK):
		u := newUpload(path[strings.LastIndex(path, "/")+1:], r.Header.Get("Content-Type"), b, nil)
		s.replace(u.ownHeaders(r.Header, "x-amz-acl", "x-amz-meta-", "cache-control"), c, path)
	case r.Method == http.MethodDelete && seen.code == http.StatusNoContent:
		s.remove(func(p *Picture) bool { return p.Path == path })
	}
}

// bucket returns the bucket that a host name stands for, or "".
func (c Config) bucket(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	bucket, ok := strings.CutSuffix(host, "."+c.Domain)
	if c.Domain == "" || !ok {
		return ""
	}
	return bucket
}

// s3Error is a refusal as S3 writes it.
type s3Error struct {
	status        int
	Code, Message string
}

func (e *s3Error) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	io.WriteString(w, xml.Header)
	b, err := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
		RequestId     string
	}{Code: e.Code, Message: e.Message, RequestId: "4442587FB7D0A2F9"})
	if err != nil {
		panic(err) // of two texts
	}
	w.Write(b)
}

// authorization is the header of that name, taken apart.
type authorization struct {
	user, date, region, service string
	headers                     []string
	signature                   string
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func parseAuthorization(s string) (a authorization, ok bool) {
	rest, ok := strings.CutPrefix(s, "AWS4-HMAC-SHA256 ")
	if !ok {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return a, false
			}
			a.user, a.date, a.region, a.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.user != "" && len(a.headers) > 0 && a.signature != ""
}

// signs reports whether a header is among those that were signed.
func (a authorization) signs(name string) bool {
	for _, h := range a.headers {
		if h == strings.ToLower(name) {
			return true
		}
	}
	return false
}

// signed says what is wrong with a request's signature, or nil.
func (c Config) signed(r *http.Request, body []byte) *s3Error {
	a, ok := parseAuthorization(r.Header.Get("Authorization"))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	region := c.Region
	if region == "" {
		region = "us-east-1"
	}
	sum := sha256.Sum256(body)
	payload := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case r.Header.Get("Authorization") == "":
		return &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	case !ok:
		return &s3Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid."}
	case a.user != c.User:
		return &s3Error{http.StatusForbidden, "InvalidAccessKeyId", "The AWS access key ID that you provided does not exist in our records."}
	case a.region != region || a.service != "s3":
		return &s3Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", a.region, region)}
	case err != nil || at.Format("20060102") != a.date:
		return &s3Error{http.StatusForbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"}
	case c.now().Sub(at).Abs() > s3Skew:
		return &s3Error{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large."}
	case payload == "":
		return &s3Error{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"}
	case payload != "UNSIGNED-PAYLOAD" && payload != hex.EncodeToString(sum[:]):
		return &s3Error{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); (strings.HasPrefix(lower, "x-amz-") || lower == "content-type") && !a.signs(lower) {
			return &s3Error{http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed"}
		}
	}
	if !a.signs("host") || c.signature(r, a, at, payload) != a.signature {
		return &s3Error{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature that we calculated does not match the signature that you provided. Check your AWS secret access key and signing method."}
	}
	return nil
}

// signature makes the signature that a request ought to have: of its method, the
// path decoded and encoded as S3 does it, the query and the headers that are said to
// be signed.
func (c Config) signature(r *http.Request, a authorization, at time.Time, payload string) string {
	again := &http.Request{
		Method: r.Method, Host: r.Host, Header: http.Header{},
		URL: &url.URL{Scheme: "http", Host: r.Host, Opaque: "//" + r.Host + s3Path(r.URL.Path), RawQuery: r.URL.RawQuery},
	}
	for _, name := range a.headers {
		switch values := r.Header.Values(name); {
		case name == "host":
		case name == "content-length":
			again.ContentLength = r.ContentLength
		case len(values) > 0:
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err := signer.SignHTTP(r.Context(), aws.Credentials{AccessKeyID: c.User, SecretAccessKey: c.Key}, again, payload, a.service, a.region, at)
	if err != nil {
		return ""
	}
	made, _ := parseAuthorization(again.Header.Get("Authorization"))
	return made.signature
}

// s3Path encodes a path as the canonical request has it: every byte but A-Z a-z 0-9 - . _ ~ and the slash.
func s3Path(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
