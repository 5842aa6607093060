package cli_test

import (
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
)

func TestToken(t *testing.T) {
	w := newWorld()
	w.shows(t, "token list", 0, "", "There is no token. Make one with `slipway token add USER`.\n")
	w.fake.tokens = []operate.Token{
		{ID: "abc", User: "anna", Kind: "token", Name: "ShareX", Rights: "drop", Folder: "/in", From: "192.0.2.1", Created: noon, Used: noon},
		{ID: "def", User: "ben", Kind: "session", Created: noon, Expires: noon.Add(time.Hour)},
	}
	w.shows(t, "token list --user anna --json", 0, `{"id":"abc","user":"anna","kind":"token","name":"ShareX","rights":"drop","folder":"/in","from":"192.0.2.1","created":"`+
		noon.Format(time.RFC3339Nano)+`","used":"`+noon.Format(time.RFC3339Nano)+`"}`+"\n", "")
	code, out, _ := w.run(t.Context(), "token", "list", "--sessions")
	for _, want := range []string{"abc", "ShareX", "drop", "/in", "def", "(signed in on the page)"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d, no %q: %s", code, want, out)
		}
	}
	w.shows(t, "token add anna --name ShareX --rights drop --folder in/ --expires 2d", 0, "slip_x\n", "This is shown once. To end it: slipway token revoke abc\n")
	w.shows(t, "token revoke abc def --user anna", 0, "abc: revoked.\ndef: revoked.\n", "")
	w.asks(t, "tokens ", "tokens anna", "tokens ", "add {User:anna Name:ShareX Rights:drop Folder:/in Life:48h0m0s}", `revoke "anna" abc`, `revoke "anna" def`)
	w.fake.tokens = []operate.Token{{ID: "abc", User: "anna", Kind: "token"}, {ID: "ghi", User: "anna", Kind: "session"}}
	w.shows(t, "token revoke --user anna --all", 0, "abc: revoked.\nghi: revoked.\n", "")
	for _, wrong := range []string{"token", "token add", "token add a --rights x", "token add a --expires soon", "token revoke", "token revoke --user anna", "token revoke --all", "token revoke --all --user anna abc", "token list x"} {
		if code, _, _ := w.run(t.Context(), strings.Fields(wrong)...); code != 2 {
			t.Errorf("%s ends with %d", wrong, code)
		}
	}
}
