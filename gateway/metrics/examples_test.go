package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// names returns every name that a query may use.
func names(t *testing.T) map[string]bool {
	t.Helper()
	families, err := counted().Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for _, f := range families {
		all[f.GetName()] = true
		if f.GetType().String() == "HISTOGRAM" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				all[f.GetName()+suffix] = true
			}
		}
	}
	return all
}

var (
	metricName = regexp.MustCompile(`\b(?:slipway|go|process)_[a-z0-9_]+`)
	matcher    = regexp.MustCompile(`([a-z]+)(?:=~|!~|!=|=)"`)
)

// labels are those that metrics of ours have, and the one that Prometheus adds.
var labels = "check destination door host instance kind reason result state webhook window"

// checkQuery fails on metrics and labels that there are not.
func checkQuery(t *testing.T, known map[string]bool, query string) {
	t.Helper()
	found := metricName.FindAllString(query, -1)
	if len(found) == 0 {
		t.Errorf("%s asks for nothing", query)
	}
	for _, name := range found {
		if !known[name] {
			t.Errorf("%s asks for %s, which there is not", query, name)
		}
	}
	for _, m := range matcher.FindAllStringSubmatch(query, -1) {
		if !strings.Contains(" "+labels+" ", " "+m[1]+" ") {
			t.Errorf("%s asks for the label %s, which there is not", query, m[1])
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(query, pair[:1]) != strings.Count(query, pair[1:]) {
			t.Errorf("%s: %s do not match", query, pair)
		}
	}
}

// TestDashboard: the example is what Grafana reads, and shows metrics that exist.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../examples/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title, UID    string
		SchemaVersion int
		Panels        []struct {
			ID          int
			Type, Title string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr, LegendFormat string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	known, ids, shown := names(t), make(map[int]bool), strings.Builder{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %q has %d queries", p.Title, len(p.Targets))
		}
		for _, q := range p.Targets {
			checkQuery(t, known, q.Expr)
			shown.WriteString(q.Expr + "\n")
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			checkQuery(t, known, v.Definition)
		}
	}
	if d.Title == "" || d.UID == "" || d.SchemaVersion == 0 || len(d.Panels) < 10 {
		t.Errorf("%+v", d)
	}
	for name := range known { // nothing that we count is forgotten
		plain := regexp.MustCompile(`_(sum|count|bucket)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "slipway_") && !strings.Contains(shown.String(), plain) && !unseen[plain] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// unseen are metrics for alerts and for looking closer.
var unseen = map[string]bool{
	"slipway_build_info": true, "slipway_counted_timestamp_seconds": true, "slipway_partial_bytes": true, "slipway_webhook_oldest_age_seconds": true,
}

// TestAlerts: each rule has what an alert needs, and asks for metrics that exist.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../examples/prometheus-alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	known := names(t)
	_, body, ok := strings.Cut(string(text), "\ngroups:\n  - name: slipway\n    rules:\n")
	if !ok || strings.Contains(body, "\t") {
		t.Fatal("this is no file of rules")
	}
	rules := strings.Split("\n"+body, "\n      - alert: ")[1:]
	if len(rules) < 8 {
		t.Errorf("%d rules", len(rules))
	}
	line := regexp.MustCompile(`^ {8}(?:(for): \d+[smhd]|(expr): \S.*|(labels|annotations):|  (severity): (?:info|warning|critical)|  (summary|description): ".*")$`)
	for _, rule := range rules {
		name, rest, _ := strings.Cut(strings.TrimSuffix(rule, "\n"), "\n")
		has := make(map[string]bool)
		for _, l := range strings.Split(rest, "\n") {
			m := line.FindStringSubmatch(l)
			if m == nil {
				t.Errorf("%s: %q is not as it should be", name, l)
				continue
			}
			has[strings.Join(m[1:], "")] = true
			if m[2] != "" {
				checkQuery(t, known, strings.TrimPrefix(strings.TrimSpace(l), "expr: "))
			}
		}
		for _, key := range []string{"expr", "labels", "severity", "annotations", "summary", "description"} {
			if !has[key] {
				t.Errorf("%s has no %s", name, key)
			}
		}
	}
}
