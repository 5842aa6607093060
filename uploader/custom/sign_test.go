package custom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/vfs/blob"
)

func bucket(w *wire, change func(*Config)) (*Driver, error) {
	c := Config{
		Method: "PUT", URL: "https://b.s3.r-1.example/a+b(c)/{file:sha256}/{filename}", Body: "binary", Sign: signAWS, Region: "r-1",
		Headers: map[string]string{"X-Amz-Meta-Name": "{filename}"}, Idempotent: true, KeepsBytes: true, DeleteMethod: "DELETE",
		Secrets: map[string]uploader.Secret{accessKey: "AKID0123456789", secretKey: "very/secret+key"},
		Result:  Result{URL: "{responseurl}", Deletion: "{responseurl}", Identical: "{header:ETag}"},
	}
	if change != nil {
		change(&c)
	}
	d, err := New(c, wired(w))
	if err != nil {
		return nil, err
	}
	return fixed(d), nil
}

// verify checks the signature of r as a server does (AWS General Reference, Signature
// Version 4), from what is on the wire alone.
func verify(r *http.Request, secret, region string) error {
	auth := r.Header.Get("Authorization")
	var credential, signed, signature string
	if _, err := fmt.Sscanf(strings.ReplaceAll(auth, ",", ""), "AWS4-HMAC-SHA256 Credential=%s SignedHeaders=%s Signature=%s", &credential, &signed, &signature); err != nil {
		return fmt.Errorf("%q: %w", auth, err)
	}
	names := strings.Split(signed, ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-content-sha256") || !slices.Contains(names, "x-amz-date") {
		return fmt.Errorf("signed are %q", names)
	}
	// UriEncode: a server decodes the path and encodes it again, all but unreserved characters.
	path := strings.Split(r.URL.Path, "/")
	for i := range path {
		path[i] = strings.ReplaceAll(url.QueryEscape(path[i]), "+", "%20")
	}
	canonical := r.Method + "\n" + strings.Join(path, "/") + "\n" + r.URL.RawQuery + "\n"
	for _, n := range names {
		value := r.Header.Get(n)
		switch n {
		case "host":
			value = r.URL.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical += n + ":" + strings.Join(strings.Fields(value), " ") + "\n"
	}
	canonical += "\n" + signed + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	date := r.Header.Get("X-Amz-Date")
	scope := date[:8] + "/" + region + "/s3/aws4_request"
	sum := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	if got := hex.EncodeToString(key); got != signature || !strings.HasSuffix(credential, scope) {
		return fmt.Errorf("signature %s, and %s of\n%s", signature, got, canonical)
	}
	return nil
}

func TestSign(t *testing.T) {
	etag := `"` + "d9fe8e7c51df19e72f5d7e0dc7b8b8a4" + `"`
	for _, name := range []string{"a.jpg", "a b+c!(d)*'ä&=;:@$,.jpg", "%41.jpg", "日本.jpg"} {
		w := &wire{t: t, status: 200, headers: map[string]string{"ETag": etag}}
		d, err := bucket(w, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Send(t.Context(), picture(name, ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(w.request, "very/secret+key", "r-1"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		sum := sha256.Sum256(content)
		if w.request.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
			t.Errorf("payload %q", w.request.Header.Get("X-Amz-Content-Sha256"))
		}
		if r.Identical {
			t.Error("a wrong ETag proves nothing")
		}
		if err := d.Delete(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := verify(w.request, "very/secret+key", "r-1"); err != nil || w.request.Method != "DELETE" || w.request.URL.String() != r.URL {
			t.Errorf("%q: %s %s: %v", name, w.request.Method, w.request.URL, err)
		}
	}
}

// TestSignUnknownSum: without a known SHA-256 the body is left to TLS, and read once
// beforehand where there is none.
func TestSignUnknownSum(t *testing.T) {
	sum := sha256.Sum256(content)
	for scheme, want := range map[string]string{"https": "UNSIGNED-PAYLOAD", "http": hex.EncodeToString(sum[:])} {
		w := &wire{t: t, status: 200}
		d, err := bucket(w, func(c *Config) { c.URL = scheme + "://b.s3.example/{filename}" })
		if err != nil {
			t.Fatal(err)
		}
		p := picture("", "")
		p.SHA256 = blob.Sum{}
		if _, err := d.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if got := w.request.Header.Get("X-Amz-Content-Sha256"); got != want {
			t.Errorf("%s: %s", scheme, got)
		}
		if err := verify(w.request, "very/secret+key", "r-1"); err != nil {
			t.Error(err)
		}
	}
}
