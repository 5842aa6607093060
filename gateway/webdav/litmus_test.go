package webdav

import (
	"os/exec"
	"regexp"
	"testing"
)

// TestLitmus runs each suite of litmus (Debian's package litmus, 0.13) where it is
// installed, and demands it whole: no failure, no warning, no test left out.
func TestLitmus(t *testing.T) {
	if _, err := exec.LookPath("litmus"); err != nil {
		t.Skip("litmus is not installed: apt-get install litmus")
	}
	for _, suite := range []string{"basic", "copymove", "props", "locks", "http"} {
		t.Run(suite, func(t *testing.T) {
			d := open(t)
			cmd := exec.Command("litmus", "-k", d.url+"/dav/")
			cmd.Dir = t.TempDir()
			cmd.Env = append(cmd.Environ(), "TESTS="+suite)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if wrong := litmusComplaint(suite, string(out)); wrong != "" {
				t.Errorf("%s\n%s", wrong, out)
			}
		})
	}
}

var (
	litmusTest    = regexp.MustCompile(`(?m)^ *\d+\. (\w+)\.* *(.*)$`)
	litmusSummary = regexp.MustCompile("summary for `(\\w+)': of (\\d+) tests run: (\\d+) passed, 0 failed\\. 100\\.0%")
)

// litmusComplaint returns what is not perfect in the output of a suite.
func litmusComplaint(suite, out string) string {
	m := litmusSummary.FindStringSubmatch(out)
	if m == nil || m[1] != suite || m[2] != m[3] || m[2] == "0" {
		return "there is no perfect summary of " + suite
	}
	for _, warning := range []string{"WARNING", "FAIL", "SKIPPED", "skipped"} {
		for _, line := range litmusTest.FindAllStringSubmatch(out, -1) {
			if regexp.MustCompile(warning).MatchString(line[2]) {
				return line[0]
			}
		}
		if regexp.MustCompile(warning).MatchString(out) {
			return "it says " + warning
		}
	}
	return ""
}
