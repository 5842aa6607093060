package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadme: the tests that README.md names for its guarantees are there, and so
// are the make targets.
func TestReadme(t *testing.T) {
	readme := read(t, "../README.md")
	declared := testNames(t)
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`").FindAllStringSubmatch(readme, -1)
	if len(named) < 15 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !slices.Contains(declared, m[1]) {
			t.Errorf("README.md names %s, and there is no such test", m[1])
		}
	}
	makefile := read(t, "../Makefile")
	for _, m := range regexp.MustCompile("`?make ([a-z]+)").FindAllStringSubmatch(readme, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("README.md names make %s, and there is no such target", m[1])
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// testNames returns what the module's tests are called.
func testNames(t *testing.T) (names []string) {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range declaration.FindAllStringSubmatch(read(t, path), -1) {
			names = append(names, m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
