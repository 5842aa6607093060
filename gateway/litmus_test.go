package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
)

// TestLitmus runs each suite of litmus (Debian's package litmus, 0.13) against the
// program, and demands it whole: no failure, no warning, no test left out.
func TestLitmus(t *testing.T) {
	if _, err := exec.LookPath("litmus"); err != nil {
		t.Skip("litmus is not installed: apt-get install litmus")
	}
	g := startIngest(t, 300*time.Millisecond, nil)
	url := "http://" + g.app.address("web") + davPrefix + ingesttest.Folder + "/"
	summary := regexp.MustCompile("summary for `(\\w+)': of (\\d+) tests run: (\\d+) passed, 0 failed\\. 100\\.0%")
	for _, suite := range []string{"basic", "copymove", "props", "locks", "http"} {
		cmd := exec.CommandContext(t.Context(), "litmus", "-k", url, ingestUser, ingestPassword)
		cmd.Dir = t.TempDir()
		cmd.Env = append(cmd.Environ(), "TESTS="+suite)
		out, err := cmd.CombinedOutput()
		text := string(out)
		m := summary.FindStringSubmatch(text)
		if err != nil || m == nil || m[1] != suite || m[2] != m[3] || m[2] == "0" ||
			strings.Contains(text, "WARNING") || strings.Contains(strings.ToLower(text), "skipped") {
			t.Errorf("%s is not perfect: %v\n%s", suite, err, text)
		}
	}
}
