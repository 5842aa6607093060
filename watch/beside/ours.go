package beside

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
)

// Recognise reports whether the file at rel below the folder root looks like a sidecar
// that was written for another file there, whatever is remembered of it: by its name
// and by what it says. companion is the file that it is about; where that is
// remembered, what was written for it is known better. It is "" where the text itself
// leaves no doubt.
//
// It reads at most 64 KiB of files whose name is a sidecar's, and nothing of others.
func Recognise(root, rel string) (companion string, ours bool) {
	if _, suffix := parse(path.Base(rel)); suffix == "" {
		return "", false
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return "", false
	}
	defer r.Close()
	return recognise(r, rel)
}

// recognise is Recognise below r.
func recognise(r *os.Root, rel string) (companion string, ours bool) {
	stem, suffix := parse(path.Base(rel))
	if suffix == "" {
		return "", false
	}
	info, err := r.Lstat(rel)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > maxText {
		return "", false
	}
	f, err := r.Open(rel)
	if err != nil {
		return "", false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", false
	}
	if strings.TrimSuffix(stem, yielding) == folderStem {
		return "", folderText(suffix, text)
	}
	for _, name := range []string{stem, strings.TrimSuffix(stem, yielding)} {
		if suffix == ".json" || suffix == errorSuffix {
			if strongText(suffix, name, text, info.Size()) {
				return "", true
			}
			continue
		}
		companion = path.Join(path.Dir(rel), name)
		if c, err := r.Lstat(companion); err == nil && c.Mode().IsRegular() && weakText(suffix, text, info.Size()) {
			return companion, true
		}
	}
	return "", false
}

// parse splits the name of a sidecar; suffix is "" where it is none's.
func parse(name string) (stem, suffix string) {
	if stem, ok := strings.CutSuffix(name, errorSuffix); ok && stem != "" {
		return stem, errorSuffix
	}
	for _, k := range kinds {
		if stem, ok := strings.CutSuffix(name, k.suffix); ok && stem != "" {
			return stem, k.suffix
		}
	}
	return "", ""
}

// folderText reports whether text is as a folder's sidecar begins.
func folderText(suffix string, text []byte) bool {
	switch suffix {
	case ".html":
		return bytes.HasPrefix(text, []byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>")) &&
			bytes.Contains(text, []byte("</style>\n</head>\n<body>\n<h1>"))
	case ".csv":
		return bytes.HasPrefix(text, []byte("file,destination,url,viewer_url,thumbnail_url,size,sha256,sent_at\r\n"))
	case ".md":
		return folderMarkdown.Match(text)
	}
	return false
}

var folderMarkdown = regexp.MustCompile(`^# [^\n]*\n\n- \[[^\n]*\]\(https?://[^\n ]+\)`)

// strongText reports whether text can be nothing but the sidecar of the file name.
func strongText(suffix, name string, text []byte, size int64) bool {
	if suffix == errorSuffix {
		first, rest, _ := strings.Cut(string(text), "\n\n")
		return first == name && errorLine.MatchString(rest)
	}
	if int64(len(text)) < size {
		return bytes.HasPrefix(text, []byte(`{"version":1,"path":"`)) && bytes.Contains(text, []byte(`,"uploads":[{"destination":"`))
	}
	var receipt struct {
		Version *int    `json:"version"`
		Path    *string `json:"path"`
		Size    *int64  `json:"size"`
		SHA256  string  `json:"sha256"`
		Uploads *[]struct {
			Destination *string `json:"destination"`
			State       *string `json:"state"`
		} `json:"uploads"`
		Previous *[]json.RawMessage `json:"previous"`
	}
	if json.Unmarshal(text, &receipt) != nil {
		return false
	}
	return receipt.Version != nil && receipt.Path != nil && receipt.Size != nil && len(receipt.SHA256) == 64 && receipt.Uploads != nil && receipt.Previous != nil
}

// errorLine is how what is said of one destination begins.
var errorLine = regexp.MustCompile(`^[^\n]+: [^\n]+\.\n(  (What happened|What to do|Next try): |\n|$)`)

// weakText reports whether text is as a sidecar with links is, which a person could have
// written too.
func weakText(suffix string, text []byte, size int64) bool {
	return int64(len(text)) == size && weak[suffix] != nil && weak[suffix].Match(text)
}

// weak are whole sidecars by their suffixes.
var weak = map[string]*regexp.Regexp{
	".url":    regexp.MustCompile(`^\[InternetShortcut\]\r\nURL=https?://[^\r\n]+\r\n$`),
	".txt":    regexp.MustCompile(`^(https?://[^\s]+\n)+$`),
	".md":     regexp.MustCompile(`^(!?\[[^\n]*\]\(https?://[^\s]+\)\n)+$`),
	".html":   regexp.MustCompile(`^((<img src="https?://[^"\n]+" alt="[^"\n]*">|<a href="https?://[^"\n]+">[^\n]*</a>)\n)+$`),
	".bbcode": regexp.MustCompile(`^((\[img\]https?://[^\n\[]+\[/img\]|\[url\]https?://[^\n\[]+\[/url\])\n)+$`),
}
