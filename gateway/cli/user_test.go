package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"slipway/gateway/auth"
	"slipway/gateway/cli"
	"slipway/gateway/control"
	"slipway/gateway/operate"
)

func TestPasswd(t *testing.T) {
	for input, want := range map[string]string{"geheim\n": "geheim", "geheim": "geheim", "a b \r\nmore": "a b "} {
		w := newWorld()
		w.env.Stdin = strings.NewReader(input)
		code, out, err := w.run(t.Context(), "passwd", "--stdin")
		if code != 0 || err != "" || strings.Count(out, "\n") != 1 || verify(t, strings.TrimSuffix(out, "\n"), []byte(want)) != nil {
			t.Errorf("%q: %d, %q, %q", input, code, out, err)
		}
	}
	w := newWorld()
	w.shows(t, "passwd --stdin", 1, "", "slipway: an empty password is not accepted\n")
	w.env.Stdin = strings.NewReader(strings.Repeat("x", 5000))
	w.shows(t, "passwd --stdin", 1, "", "slipway: a password of more than 1024 bytes is not accepted\n")
}

func TestPasswdAsksTwice(t *testing.T) {
	w := newWorld()
	var prompts []string
	answers := []string{"one", "one"}
	w.env.Ask = func(_ context.Context, prompt string) ([]byte, error) {
		prompts = append(prompts, prompt)
		if len(answers) == 0 {
			return nil, errors.New("no terminal")
		}
		a := answers[0]
		answers = answers[1:]
		return []byte(a), nil
	}
	code, out, _ := w.run(t.Context(), "passwd")
	if code != 0 || verify(t, strings.TrimSpace(out), []byte("one")) != nil || strings.Join(prompts, "") != "Password: Again: " {
		t.Errorf("%d, %q, %q", code, out, prompts)
	}
	answers = []string{"one", "two"}
	w.shows(t, "passwd", 1, "", "slipway: the two are not the same; try again\n")
	answers = []string{"one"}
	w.shows(t, "passwd", 1, "", "slipway: no terminal\n")
}

// config is a configuration file with text.
func config(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// users are a file's [[user]]s.
func users(t *testing.T, file string) []map[string]any {
	t.Helper()
	var c struct{ User []map[string]any }
	if _, err := toml.DecodeFile(file, &c); err != nil {
		t.Fatal(err)
	}
	return c.User
}

// noAdmin is what whoever adds the first user is told.
const noAdmin = "As there is a user now, admin, which is made where there is none, cannot sign in any more."

func TestUserAdd(t *testing.T) {
	for _, before := range []string{"", "# mine\ndata_dir = \"d\" # keep\n[web]\nlisten = \"\"", "[[user]]\nname = \"ann\"\n\n", "[web]\r\nlisten = \"\"\r\n"} {
		file := config(t, before)
		w := newWorld()
		began := time.Now().Truncate(time.Second)
		code, out, errs := w.run(t.Context(), "user", "add", `gü"est`, "--home", "wedding/", "--rights", "drop", "--expires", "30d", "--quota", "20GB", "--config", file)
		known := "The running gateway knows the user.\n"
		if !strings.Contains(before, "[[user]]") {
			known += noAdmin + " Add one with full rights for yourself, as in: slipway user add NAME\n"
		}
		if code != 0 || errs != known {
			t.Fatalf("%d, %s", code, errs)
		}
		after := read(t, file)
		if !strings.HasPrefix(after, before) || strings.Contains(before, "\r\n") != strings.Contains(strings.TrimPrefix(after, before), "\r\n") {
			t.Errorf("%q became %q", before, after)
		}
		all := users(t, file)
		u := all[len(all)-1]
		expires := u["expires"].(time.Time)
		if d := expires.Sub(began); u["name"] != `gü"est` || u["home"] != "/wedding" || u["rights"] != "drop" || u["quota"] != "20GB" || d < 30*24*time.Hour || d > 31*24*time.Hour {
			t.Errorf("%v", u)
		}
		shown := strings.Fields(out)
		if shown[2] != "password" || verify(t, u["password"].(string), []byte(shown[3])) != nil || strings.Contains(after, shown[3]) {
			t.Errorf("%s\n%s", out, after)
		}
		if fi, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o640 {
			t.Errorf("%v, %v", fi.Mode(), err)
		}
		if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		if w.opened[0] != file+" 2" || w.closed != 1 || w.asked[0] != "reload" {
			t.Errorf("%v, %v", w.opened, w.asked)
		}
	}
}

func TestUserAddShowsNoPasswordThatIsKnown(t *testing.T) {
	file := config(t, "")
	w := newWorld()
	w.env.Stdin = strings.NewReader("geheim\n")
	w.shows(t, "user add guest --password-stdin --config "+file, 0, "user    guest\nhome    /\nrights  full\n", "The running gateway knows the user.\n"+noAdmin+"\n")
	u := users(t, file)[0]
	if verify(t, u["password"].(string), []byte("geheim")) != nil || len(u) != 4 {
		t.Errorf("%v", u)
	}
	w.shows(t, "user add guest --config "+file, 1, "", "slipway: the user \"guest\" is in "+file+" already; change or remove that one there\n")
	code, out, _ := w.run(t.Context(), "user", "add", "other", "--json", "--config", file)
	var shown map[string]any
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != 0 || shown["name"] != "other" || verify(t, users(t, file)[1]["password"].(string), []byte(shown["password"].(string))) != nil {
		t.Errorf("%d, %s, %v", code, out, err)
	}
}

func TestUserAddWithoutAGateway(t *testing.T) {
	file := config(t, "")
	w := newWorld()
	w.env.Open = func(context.Context, string, cli.Need) (operate.Gateway, func() error, error) {
		return nil, nil, control.ErrNotRunning
	}
	code, out, errs := w.run(t.Context(), "user", "add", "a", "--config", file)
	if code != 0 || out == "" || errs != "No gateway runs; the next start knows the user.\n"+noAdmin+"\n" {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	w = newWorld()
	w.err = errors.New("line 3 is wrong")
	code, out, errs = w.run(t.Context(), "user", "add", "b", "--config", file)
	if code != 1 || !strings.Contains(out, "password") || errs != "slipway: the user is in "+file+", but the running gateway did not take it over: line 3 is wrong\n" {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
}

func TestUserAddChangesNothingThatItCannotChange(t *testing.T) {
	for before, c := range map[string]struct {
		code int
		text string
	}{
		"user = [{name = \"ann\"}]\n":         {1, "put it in by hand"},
		"user = []\n":                         {1, "put it in by hand"},
		"[web\n":                              {2, "slipway: "},
		"[[user]]\nname = \"gu\u0065\u0301\"": {1, "already"},
		"text = '''\nopen":                    {2, "slipway: "},
	} {
		file := config(t, before)
		w := newWorld()
		code, out, errs := w.run(t.Context(), "user", "add", "gué", "--config", file)
		if code != c.code || out != "" || !strings.Contains(errs, c.text) || read(t, file) != before || len(w.opened) > 0 {
			t.Errorf("%q: %d, %s, %s, became %q", before, code, out, errs, read(t, file))
		}
	}
	missing := filepath.Join(t.TempDir(), "c.toml")
	newWorld().shows(t, "user add x --config "+missing, 2, "", "slipway: there is no configuration at "+missing+"; make one with `slipway init`, or name another with --config\n")
}

func TestUserAddKeepsALink(t *testing.T) {
	file := config(t, "")
	link := filepath.Join(t.TempDir(), "link.toml")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	if code, _, errs := newWorld().run(t.Context(), "user", "add", "x", "--config", link); code != 0 {
		t.Fatal(errs)
	}
	if fi, err := os.Lstat(link); err != nil || fi.Mode()&os.ModeSymlink == 0 || len(users(t, file)) != 1 {
		t.Errorf("%v, %v", fi, err)
	}
}

// TestEventAccount: a write-only login that ends, and the card for those who get it.
func TestEventAccount(t *testing.T) {
	file := config(t, "")
	w := newWorld()
	w.status.Connect = []operate.Connection{{Door: operate.FTPDoor, Host: "drop.example", Port: 2121, Security: operate.ExplicitTLS}}
	code, out, errs := w.run(t.Context(), "user", "add", "guests", "--drop", "--home", "/event/{name}", "--expires", "48h", "--quota", "20GB", "--config", file)
	u := users(t, file)[0]
	if code != 0 || u["rights"] != "drop" || u["home"] != "/event/guests" || u["quota"] != "20GB" {
		t.Fatalf("%d, %v, %s", code, u, errs)
	}
	if !strings.Contains(out, "  server      drop.example\n") || !strings.Contains(out, "█") {
		t.Errorf("the card:\n%s", out)
	}
	w.explanation.Refused = "no route takes it"
	if code, _, errs := w.run(t.Context(), "user", "add", "g3", "--drop", "--home", "/event", "--config", file); code != 0 || !strings.HasSuffix(errs, "But a picture in /event would be refused: no route takes it\n") {
		t.Errorf("%d, %s", code, errs)
	}
	w.shows(t, "user add g2 --drop --rights full --config "+file, 2, "", "slipway: --drop and --rights full contradict each other\n")
	w.shows(t, "user add a/b --home /{name} --config "+file, 2, "", "slipway: --home: {name} stands for one folder, and \"a/b\" cannot be one\n")
}

// verify reports by an error that a hash is not the password's, as signing in would.
func verify(t *testing.T, hash string, password []byte) error {
	t.Helper()
	p, err := auth.HashedPassword(hash)
	if err != nil {
		return err
	}
	table, err := auth.New([]auth.User{{Name: "x", Rights: auth.Full, Password: p}}, auth.Options{})
	if err != nil {
		return err
	}
	_, err = table.Check(t.Context(), "x", string(password), netip.MustParseAddr("127.0.0.1"))
	return err
}
