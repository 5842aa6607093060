package custom

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"slipway/uploader"
)

// How requests are signed, and the names of the secrets for it.
const (
	signAWS      = "aws-v4"
	accessKey    = "access_key"
	secretKey    = "secret_key"
	sessionToken = "session_token"

	// unsignedPayload leaves the body to TLS.
	unsignedPayload = "UNSIGNED-PAYLOAD"
	// emptyPayload is the SHA-256 of nothing.
	emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// sign adds the headers of AWS Signature Version 4 for a body of the picture's bytes,
// or none where length is 0. The body is covered by its SHA-256; by TLS alone where
// that is not known.
func (a *attempt) sign(ctx context.Context, method string, u *url.URL, header http.Header, length int64) error {
	payload := emptyPayload
	if length > 0 {
		if payload = a.sha256; payload == "" {
			payload = unsignedPayload
		}
	}
	service := orElse(a.config.Service, "s3")
	header.Set("X-Amz-Content-Sha256", payload)
	r := &http.Request{Method: method, URL: u, Host: u.Host, Header: header, ContentLength: length}
	keys := aws.Credentials{AccessKeyID: a.secret(accessKey), SecretAccessKey: a.secret(secretKey), SessionToken: a.secret(sessionToken)}
	err := v4.NewSigner().SignHTTP(ctx, keys, r, payload, service, a.config.Region, a.now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = service == "s3"
	})
	if err != nil { // Its text may hold what was signed.
		return &uploader.Error{Kind: uploader.Refused, Message: "the request could not be signed", Remedy: "check the secrets access_key and secret_key"}
	}
	// The signature is no secret for long, but nobody needs to see it.
	_, signature, _ := strings.Cut(header.Get("Authorization"), "Signature=")
	a.secrets = append(a.secrets, signature)
	return nil
}

// strictPath escapes a path as S3 compares it: each byte but unreserved ones and
// slashes (Signature Version 4, UriEncode).
func strictPath(u *url.URL) {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(u.Path) {
		c := u.Path[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("/-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		}
	}
	u.RawPath = b.String()
}
