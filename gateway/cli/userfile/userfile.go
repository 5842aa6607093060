// Package userfile adds users to a configuration file, which keeps all else that
// it holds.
package userfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/unicode/norm"

	"slipway/gateway/operate"
)

// User is a [[user]] as it is written.
type User struct {
	Name     string    `toml:"name"`
	Password string    `toml:"password"` // its hash
	Home     string    `toml:"home"`
	Rights   string    `toml:"rights"`
	Expires  time.Time `toml:"expires,omitempty"`
	Quota    string    `toml:"quota,omitempty"`
}

// Append writes u at the end of a configuration file, whole or not at all. A
// name that is there already is an error. A file that is a link stays one.
// It reports whether u is the first user there.
func Append(file string, u User) (first bool, err error) {
	named := file
	file, err = filepath.EvalSymlinks(named)
	if errors.Is(err, os.ErrNotExist) {
		return false, operate.Errorf(operate.Usage, "there is no configuration at %s; make one with `slipway init`, or name another with --config", named)
	}
	if err != nil {
		return false, err
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	users, err := userNames(old)
	if err != nil {
		return false, operate.Errorf(operate.Usage, "%s: %v", file, err)
	}
	for _, name := range users {
		if norm.NFC.String(name) == norm.NFC.String(u.Name) {
			return false, fmt.Errorf("the user %q is in %s already; change or remove that one there", u.Name, file)
		}
	}
	text, err := withUser(old, u)
	if err != nil {
		return false, err
	}
	if after, err := userNames(text); err != nil || len(after) != len(users)+1 {
		return false, fmt.Errorf("a [[user]] cannot be added at the end of %s, because of how users are written there; put it in by hand", file)
	}
	return len(users) == 0, swap(file, old, text)
}

// userNames reads the users' names and looks at nothing else.
func userNames(text []byte) ([]string, error) {
	var c struct {
		User []struct {
			Name string `toml:"name"`
		} `toml:"user"`
	}
	if err := toml.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	names := make([]string, len(c.User))
	for i, u := range c.User {
		names[i] = u.Name
	}
	return names, nil
}

// withUser returns the file with u at its end, with the line ends that it has.
func withUser(old []byte, u User) ([]byte, error) {
	var block bytes.Buffer
	e := toml.NewEncoder(&block)
	e.Indent = ""
	if err := e.Encode(map[string][]User{"user": {u}}); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.Write(old)
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		text.WriteByte('\n')
	}
	text.WriteByte('\n')
	text.Write(bytes.TrimLeft(block.Bytes(), "\n"))
	out := text.Bytes()
	if bytes.Contains(old, []byte("\r\n")) {
		tail := bytes.ReplaceAll(out[len(old):], []byte("\n"), []byte("\r\n"))
		out = append(bytes.Clone(old), tail...)
	}
	return out, nil
}

// swap puts text in the place of old, with the file's mode and owner. Somebody
// else's change in the meantime is an error.
func swap(file string, old, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone once it is renamed
	_, err = f.Write(text)
	// The owner before the mode: a change of owner may take bits of the mode away.
	if err := errors.Join(err, keepOwner(f, info), f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err != nil {
		return err
	}
	now, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return fmt.Errorf("%s was changed meanwhile; run this again", file)
	}
	return os.Rename(f.Name(), file)
}
