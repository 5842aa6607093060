package webdav

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLitmus runs the suite of that name (Debian's package litmus, 0.13) where
// it is installed. Dead properties are not kept yet: only what needs them, and
// is named here, may fail.
func TestLitmus(t *testing.T) {
	if _, err := exec.LookPath("litmus"); err != nil {
		t.Skip("litmus is not installed: apt-get install litmus")
	}
	failed := regexp.MustCompile(`(?m)(\w+)\.+ (?:FAIL|WARNING)(.*)`)
	for suite, needsDeadProperties := range map[string][]string{
		"basic":    nil,
		"copymove": nil,
		"http":     nil,
		"locks":    {"owner_modify"},
		"props":    {"propset", "propmanyns", "propget"},
	} {
		t.Run(suite, func(t *testing.T) {
			d := open(t)
			cmd := exec.Command("litmus", "-k", d.url+"/dav/")
			cmd.Dir = t.TempDir()
			cmd.Env = append(cmd.Environ(), "TESTS="+suite)
			out, err := cmd.CombinedOutput()
			if text := string(out); err != nil || !strings.Contains(text, "summary for `"+suite+"'") {
				t.Fatalf("%v\n%s", err, text)
			}
			for _, m := range failed.FindAllStringSubmatch(string(out), -1) {
				if !slices.Contains(needsDeadProperties, m[1]) {
					t.Errorf("%s", m[0])
				}
			}
		})
	}
}
