package main

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/gateway/web"
)

// TestPageTokensOfGuests: the guests of an account that only adds files see, make and
// end no tokens on the page; whoever runs the gateway does.
func TestPageTokensOfGuests(t *testing.T) {
	g := startIngestWith(t, time.Second, `
[[user]]
name = "guests"
password = "env:PASSWORD"
rights = "drop"
home = "/in"
`, nil)
	made, err := operations{g.app}.AddToken(t.Context(), operate.NewToken{User: "guests", Name: "camera"})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/tokens", nil)
	r.RemoteAddr = "127.0.0.1:1"
	page := pageTokens{g.app}
	if list, err := page.Tokens(r, "guests"); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if secret, err := page.Make(r, "guests", web.Token{Name: "mine", Rights: "drop"}, 0); err == nil || secret != "" || !strings.Contains(err.Error(), "slipway token") {
		t.Errorf("%q %v", secret, err)
	}
	if err := page.Revoke(r, "guests", made.ID); err == nil {
		t.Error("a guest ends another's token")
	}
	if _, err := page.Make(r, ingestUser, web.Token{Name: "mine", Rights: "full"}, 0); err != nil {
		t.Errorf("somebody's own: %v", err)
	}
	if _, _, err := g.app.tokens.Check(t.Context(), auth.ProgramToken, made.Secret, netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Error(err)
	}
}
