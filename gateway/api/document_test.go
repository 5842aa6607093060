package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"slipway/gateway/api"
)

// spec reads the document that the API serves, once, and checks it.
var spec = sync.OnceValues(func() (*openapi3.T, error) {
	w := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(w, httptest.NewRequest("GET", api.Prefix+"openapi.json", nil))
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(w.Body.Bytes())
	if err == nil {
		err = doc.Validate(context.Background())
	}
	return doc, err
})

// TestDocument: the document is valid, and names exactly what is served.
func TestDocument(t *testing.T) {
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]bool)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			described[method+" "+path] = true
			if op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s has no name", method, path)
			}
		}
	}
	for _, r := range api.Routes() {
		if !described[r] {
			t.Errorf("%s is served and not described", r)
		}
		delete(described, r)
	}
	for r := range described {
		t.Errorf("%s is described and not served", r)
	}
}

// parameter is a place in a path of the document.
var parameter = regexp.MustCompile(`\{(\w+)\}`)

// routeOf finds the operation of a request.
func routeOf(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	for path, item := range doc.Paths.Map() {
		op := item.GetOperation(r.Method)
		if op == nil {
			continue
		}
		pattern := parameter.ReplaceAllString(path, "(?P<$1>[^/]+)")
		pattern = strings.Replace(pattern, "(?P<path>[^/]+)", "(?P<path>.*)", 1)
		names := regexp.MustCompile("^" + pattern + "$")
		if m := names.FindStringSubmatch(r.URL.Path); m != nil {
			values := make(map[string]string)
			for i, name := range names.SubexpNames()[1:] {
				values[name] = m[i+1]
				if name == "path" && m[i+1] == "" {
					values[name] = "/" // the home; a parameter of the path may not be empty there
				}
			}
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op}, values
		}
	}
	return nil, nil
}

// reply is an answer that fits the document.
type reply struct {
	*http.Response
	body []byte
}

// into decodes it.
func (r reply) into(t testing.TB, to any) {
	t.Helper()
	if err := json.Unmarshal(r.body, to); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// says returns the detail of a problem.
func (r reply) says() string {
	var p struct{ Detail string }
	json.Unmarshal(r.body, &p) //nolint:errcheck // then it says nothing
	return p.Detail
}

// ask makes a request that fits the document, as somebody who is signed in, and
// checks that the answer does.
func (w *world) ask(method, target string, body any, headers ...string) reply {
	w.Helper()
	return w.send(yes, method, target, body, headers...)
}

// askWrong makes one that does not fit it.
func (w *world) askWrong(method, target string, body any, headers ...string) reply {
	w.Helper()
	return w.send(no, method, target, body, headers...)
}

// Whether a request is to fit the document.
const (
	no = iota
	yes
	either
)

func (w *world) send(fits int, method, target string, body any, headers ...string) reply {
	w.Helper()
	doc, err := spec()
	if err != nil {
		w.Fatal(err)
	}
	var text []byte
	kind := ""
	switch b := body.(type) {
	case nil:
	case []byte:
		text, kind = b, "application/octet-stream"
	case string:
		text, kind = []byte(b), "application/json"
	}
	r, err := http.NewRequest(method, w.server.URL+target, bytes.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("X-API-Key", rightKey)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	input := w.checkRequest(doc, r, text, fits)
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	if input != nil {
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: filterOptions(resp.Header)}
		if err := openapi3filter.ValidateResponse(w.Context(), out.SetBodyBytes(got)); err != nil {
			w.Errorf("%s %s: the answer %d does not fit the document: %v\n%s", method, target, resp.StatusCode, err, got)
		}
	}
	return reply{resp, got}
}

// checkRequest checks a request, and returns nil where the document has no such
// call.
func (w *world) checkRequest(doc *openapi3.T, r *http.Request, body []byte, fits int) *openapi3filter.RequestValidationInput {
	w.Helper()
	route, values := routeOf(doc, r)
	if route == nil {
		if fits == yes {
			w.Errorf("%s %s is not in the document", r.Method, r.URL.Path)
		}
		return nil
	}
	probe := r.Clone(w.Context())
	probe.Body = io.NopCloser(bytes.NewReader(body))
	u, _ := url.Parse(r.URL.String())
	probe.URL = u
	input := &openapi3filter.RequestValidationInput{Request: probe, PathParams: values, Route: route, Options: filterOptions(r.Header)}
	if err := openapi3filter.ValidateRequest(w.Context(), input); fits != either && (err == nil) != (fits == yes) {
		w.Errorf("%s %s fits the document: %v: %v", r.Method, r.URL, err == nil, err)
	}
	return input
}

// filterOptions leave bodies alone that are no JSON: the document says of them that
// they are bytes.
func filterOptions(h http.Header) *openapi3filter.Options {
	js := strings.Contains(h.Get("Content-Type"), "json")
	return &openapi3filter.Options{
		IncludeResponseStatus: true, ExcludeRequestBody: !js, ExcludeResponseBody: !js,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
	}
}
