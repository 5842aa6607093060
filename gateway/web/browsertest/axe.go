package browsertest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// axe is axe-core 4.14.1, of Deque Systems (MPL-2.0; see axe.LICENSE).
//
//go:embed axe.min.js
var axe string

// look runs axe over the page, by the rules of WCAG 2.0 to 2.2, A and AA, and its own
// of best practice.
const look = `const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(
	(r) => done({violations: r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html + " " + (n.any[0]?.message ?? ""))}))}),
	(e) => done({error: String(e)}));`

// Accessible fails the test for each rule that the page breaks.
func (b *Browser) Accessible(where string) {
	b.t.Helper()
	// The page's policy lets nobody's script in but its own; the driver's is not the page's.
	b.Run(nil, axe+"; return true")
	var found struct {
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
		Error string
	}
	var reply json.RawMessage
	b.call(http.MethodPost, "/execute/async", map[string]any{"script": look, "args": []any{}}, &reply)
	if err := json.Unmarshal(reply, &found); err != nil || found.Error != "" {
		b.t.Fatalf("axe: %v %s", err, found.Error)
	}
	for _, v := range found.Violations {
		b.t.Error(fmt.Sprintf("%s: %s (%s):\n  ", where, v.Help, v.ID) + strings.Join(v.Nodes[:min(4, len(v.Nodes))], "\n  "))
	}
}
