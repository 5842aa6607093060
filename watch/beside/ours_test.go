package beside

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecognise tells ours from people's.
func TestRecognise(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.jpg", "picture")
	receipt := `{"version":1,"path":"/in/a.jpg","size":7,"sha256":"` + strings.Repeat("0", 64) + `","modified":"","uploads":[{"destination":"home","state":"done"}],"previous":[]}` + "\n"
	for _, test := range []struct {
		name, text, companion string
		ours                  bool
	}{
		{"a.jpg.url", shortcut(one), "a.jpg", true},
		{"a.jpg.slipway.url", shortcut(one), "a.jpg", true},
		{"b.jpg.url", shortcut(one), "", false},
		{"a.jpg.url", shortcut(one) + "IconIndex=0\r\n", "", false},
		{"a.jpg.url", "[InternetShortcut]\nURL=" + one + "\n", "", false},
		{"a.jpg.txt", one + "\n" + two + "\n", "a.jpg", true},
		{"a.jpg.txt", "The sea at noon\n", "", false},
		{"a.jpg.md", "![a.jpg](" + one + ")\n", "a.jpg", true},
		{"a.jpg.md", "# The sea\n", "", false},
		{"a.jpg.html", `<img src="` + one + `" alt="a.jpg">` + "\n", "a.jpg", true},
		{"a.jpg.html", "<p>The sea</p>\n", "", false},
		{"a.jpg.bbcode", "[img]" + one + "[/img]\n", "a.jpg", true},
		{"a.jpg.bbcode", "[b]sea[/b]\n", "", false},
		{"a.jpg.json", receipt, "", true},
		{"b.jpg.json", receipt, "", true},
		{"a.jpg.json", `{"title":"The sea"}`, "", false},
		{"a.jpg.json", `{"version":1,"path":"x"}`, "", false},
		{"a.jpg.error.txt", "a.jpg\n\nhome: not sent; given up after 3 tries.\n  What happened: it is gone\n", "", true},
		{"b.jpg.slipway.error.txt", "b.jpg\n\nhome: not sent yet, after 1 try.\n", "", true},
		{"a.jpg.error.txt", "c.jpg\n\nhome: not sent.\n", "", false},
		{"a.jpg.error.txt", "my own log\n", "", false},
		{"_links.csv", "file,destination,url,viewer_url,thumbnail_url,size,sha256,sent_at\r\n", "", true},
		{"_links.csv", "file,url\r\n", "", false},
		{"_links.md", "# Links\n\n- [a.jpg](" + one + ")\n", "", true},
		{"_links.md", "# Links\n\nMy own.\n", "", false},
		{"_links.html", "<!DOCTYPE html>\n<html><title>My links</title>", "", false},
		{"notes.txt", one + "\n", "", false},
		{"a.jpg", shortcut(one), "", false},
		{"a.jpg.url", "", "", false},
		{".url", shortcut(one), "", false},
	} {
		before, err := os.ReadFile(filepath.Join(root, test.name))
		write(test.name, test.text)
		if companion, ours := Recognise(root, test.name); companion != test.companion || ours != test.ours {
			t.Errorf("%s, %q: %q, %v", test.name, test.text, companion, ours)
		}
		if err == nil {
			write(test.name, string(before))
		} else if err := os.Remove(filepath.Join(root, test.name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ours := Recognise(root, "none.jpg.url"); ours {
		t.Error("what is not there is ours")
	}
}

// FuzzRecognise reads what anybody may have written.
func FuzzRecognise(f *testing.F) {
	f.Add("a.jpg.url", shortcut(one))
	f.Add("a.jpg.json", `{"version":1,"uploads":[]}`)
	f.Add("a.jpg.error.txt", "a.jpg\n\nhome: not sent.\n")
	f.Add("_links.md", "# x\n\n- [a](http://x)\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		stem, suffix := parse(name)
		if suffix == "" {
			return
		}
		if stem+suffix != name || stem == "" {
			t.Errorf("%q is %q and %q", name, stem, suffix)
		}
		size := int64(len(text))
		folderText(suffix, []byte(text))
		strongText(suffix, stem, []byte(text), size)
		strongText(suffix, stem, []byte(text), size+1)
		if weakText(suffix, []byte(text), size) && !strings.Contains(text, "http") {
			t.Errorf("%q says %q, which is no link", name, text)
		}
	})
}
