package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"slipway/gateway/api"
	"slipway/gateway/auth"
	"slipway/gateway/web"
	"slipway/uploader/whole/wholetest"
)

// testPicture returns the bytes of a picture.
func testPicture(seed uint64) []byte { return wholetest.JPEG(48, 48, seed) }

// sharexForm returns a form as ShareX writes it, and its type: fields in pairs of
// name and value, then the file.
func sharexForm(field, name string, data []byte, fields ...string) (body []byte, kind string) {
	const boundary = "--------------------8dd0ab1f2c3d4e5"
	var b bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, fields[i], fields[i+1])
	}
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: image/jpeg\r\n\r\n", boundary, field, name)
	b.Write(data)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return b.Bytes(), "multipart/form-data; boundary=" + boundary
}

// TestAPISessions: a browser's session reads by its cookie, and changes something
// only from a page of its own.
func TestAPISessions(t *testing.T) {
	g := startIngest(t, 50*time.Millisecond, nil)
	secret, _, err := g.app.tokens.Issue(t.Context(), ingestUser, auth.Grant{Kind: auth.SessionToken})
	if err != nil {
		t.Fatal(err)
	}
	root := "http://" + g.app.address("web")
	ask := func(method, target string, headers ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, root+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: web.CookieName(false), Value: secret})
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	_, page := ask("GET", "/drop/in")
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("the page has no proof: %.300s", page)
	}
	const made = "/api/v1/folders/in/made"
	for _, c := range []struct {
		name, method, target string
		headers              []string
		want                 int
	}{
		{"reading", "GET", "/api/v1/status", nil, 200},
		{"without proof", "PUT", made, nil, 403},
		{"with a wrong one", "PUT", made, []string{web.ProofHeader, "x" + token[1]}, 403},
		{"from elsewhere", "PUT", made, []string{web.ProofHeader, token[1], "Sec-Fetch-Site", "cross-site"}, 403},
		{"from the page", "PUT", made, []string{web.ProofHeader, token[1], "Sec-Fetch-Site", "same-origin"}, 201},
		{"PicGo's call", "POST", "/upload", nil, 403},
	} {
		if status, text := ask(c.method, c.target, c.headers...); status != c.want {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
	if err := g.app.tokens.RevokeSecret(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if status, text := ask("GET", "/api/v1/status"); status != 401 {
		t.Errorf("signed out: %d %s", status, text)
	}
}

// TestAPIExamples: the examples for other programs name what is there.
func TestAPIExamples(t *testing.T) {
	var sharex struct {
		RequestURL, FileFormName string
		URL                      string
		Headers                  map[string]string
	}
	if err := json.Unmarshal([]byte(read(t, "../examples/slipway.sxcu")), &sharex); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(sharex.RequestURL, api.Chevereto) || sharex.FileFormName != "source" || sharex.Headers["X-API-Key"] == "" || sharex.URL != "{json:image.url}" {
		t.Errorf("%+v", sharex)
	}
	var picgo struct {
		PicBed map[string]any
	}
	if err := json.Unmarshal([]byte(read(t, "../examples/picgo.json")), &picgo); err != nil {
		t.Fatal(err)
	}
	bed, _ := picgo.PicBed["web-uploader"].(map[string]any)
	if u, _ := bed["url"].(string); !strings.HasSuffix(u, api.Chevereto) || bed["paramName"] != "source" || bed["jsonPath"] != "image.url" {
		t.Errorf("%+v", bed)
	}
}

// TestAPILimits: a user's requests to the API count as those to WebDAV do.
func TestAPILimits(t *testing.T) {
	g := startIngest(t, 50*time.Millisecond, nil)
	c := newAPIClient(t, g.app, ingestUser)
	limit := g.app.limits.of(ingestUser)
	for range userRequests {
		limit.turns <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", c.root+"/api/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", c.token)
	if resp, err := c.http.Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("one more than may be is answered %s at once", resp.Status)
	}
	limit.turns.give()
	if _, err := c.do("GET", c.root+"/api/v1/status", nil); err != nil {
		t.Error(err)
	}
}
