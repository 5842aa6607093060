package strict

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretMax is the largest file in bytes that is taken for a secret.
const secretMax = 64 << 10

// Secret is a key, token or password of a configuration: "env:NAME" for the
// environment's variable NAME, "file:PATH" for the content of a file (relative to
// the configuration file, its last line end not counted), or the value itself. It
// prints as ***. The zero Secret is not set.
type Secret struct {
	text string
	at   Place
}

// NewSecret returns a secret that is text itself, for tests and defaults.
func NewSecret(text string) Secret { return Secret{text: text} }

// UnmarshalSetting reads one of the three forms. What they name is read by
// Resolve, so that a configuration can be decoded where it is not there.
func (s *Secret) UnmarshalSetting(value any, at Place) error {
	text, ok := value.(string)
	if !ok {
		return errors.New(`text is expected; write "env:NAME", "file:PATH" or the value itself in quotes`)
	}
	if name, ok := strings.CutPrefix(text, "env:"); ok && !isVariable(name) {
		return errors.New(`after env: the name of an environment variable is expected, as in "env:ANH_KEY"`)
	}
	if name, ok := strings.CutPrefix(text, "file:"); ok && strings.TrimSpace(name) == "" {
		return errors.New(`after file: the path of a file is expected, as in "file:anh.key"`)
	}
	*s = Secret{text: text, at: at}
	return nil
}

// isVariable reports whether name is a portable name of an environment variable
// (POSIX, Base Definitions §8.1, in letters of either case).
func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// IsZero reports whether the secret is not set or empty.
func (s Secret) IsZero() bool { return s.text == "" }

// Named reports whether the configuration names where the secret is ("env:" or
// "file:") rather than holding it.
func (s Secret) Named() bool {
	return strings.HasPrefix(s.text, "env:") || strings.HasPrefix(s.text, "file:")
}

// Place returns where in the configuration the secret stands.
func (s Secret) Place() Place { return s.at }

// Resolve returns the secret itself, reading the variable or file anew each time.
// getenv is os.LookupEnv but in tests. An empty secret is an error where it is
// Named, and "" otherwise. Errors are *Error and name the variable or the file.
func (s Secret) Resolve(getenv func(string) (string, bool)) (string, error) {
	if name, ok := strings.CutPrefix(s.text, "env:"); ok {
		value, set := getenv(name)
		if !set || value == "" {
			return "", s.fail("the environment variable %s is %s; set it before the program starts, as in export %s=…", name, emptyOrUnset(set), name)
		}
		return value, nil
	}
	if name, ok := strings.CutPrefix(s.text, "file:"); ok {
		return s.read(strings.TrimSpace(name))
	}
	return s.text, nil
}

func emptyOrUnset(set bool) string {
	if set {
		return "empty"
	}
	return "not set"
}

// read returns the content of the file name without its last line end.
func (s Secret) read(name string) (string, error) {
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(filepath.Dir(s.at.File), full)
	}
	f, err := os.Open(full)
	if err != nil {
		return "", s.unreadable(full, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, secretMax+1))
	if err != nil {
		return "", s.unreadable(full, err)
	}
	if len(text) > secretMax {
		return "", s.fail("the file %s is over %d KiB, too long for a secret; name another file", full, secretMax>>10)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", s.fail("the file %s is empty; put the secret into it", full)
	}
	return value, nil
}

// unreadable says why the file cannot be read and what to do.
func (s Secret) unreadable(full string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.fail("there is no file %s; make it, with the secret as its content, or correct the path (it is relative to the configuration file)", full)
	case errors.Is(err, fs.ErrPermission):
		return s.fail("the file %s may not be read by the user that runs this program; change its owner or mode", full)
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return s.fail("the file %s cannot be read: %v", full, err)
}

func (s Secret) fail(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if s.at.Key != "" {
		text = s.at.Key + ": " + text
	}
	return &Error{Place: s.at, Text: text}
}

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// Format hides the secret from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "***") } //nolint:errcheck // fmt keeps the error.

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// SettingExample shows the form in messages.
func (Secret) SettingExample() string { return `"env:NAME"` }
