package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

const module = "slipway"

// direction says what the packages in a folder and below it may import of ours,
// beside each other. The longest folder that a package lies in decides. "/*" at
// its end stands for each folder below by itself, and "/…" at the end of an import
// for all below.
type direction struct {
	folder string
	may    []string
	alone  bool // what lies below the folder has a line of its own
	door   bool // of others' packages it may import doors alone
}

// directions is the plan: bytes, names, uploads, and then the program. Nobody
// imports what stands above him.
var directions = []direction{
	{folder: ".", alone: true},
	{folder: "vfs/blob"},
	{folder: "vfs", may: []string{"vfs/blob"}, alone: true},
	{folder: "vfs/index", may: []string{"vfs", "vfs/blob"}},
	{folder: "vfs/sidecar", may: []string{"vfs", "vfs/blob"}},
	{folder: "vfs/elsewhere", may: []string{"vfs", "vfs/blob"}},

	{folder: "uploader", may: []string{"vfs", "vfs/blob"}, alone: true},
	{folder: "uploader/ledger", may: []string{"uploader", "vfs", "vfs/blob"}},
	{folder: "uploader/form", may: []string{"uploader"}},
	{folder: "uploader/*", may: []string{"uploader", "uploader/form", "vfs/blob"}}, // the drivers
	{folder: "uploader/route", may: []string{"uploader", "uploader/metadata", "uploader/route/…", "vfs"}},
	{folder: "uploader/route/settings"},
	{folder: "uploader/route/filetype"},
	{folder: "uploader/route/template", may: []string{"uploader/route/settings"}},
	{folder: "uploader/route/pattern", may: []string{"uploader/route/settings", "vfs"}},
	{folder: "uploader/route/keys", may: []string{"uploader/route/settings", "uploader/route/template"}},
	{folder: "uploader/whole"},
	{folder: "uploader/link"},
	{folder: "uploader/metadata"},
	{folder: "uploader/splice"},
	{folder: "uploader/variant", may: []string{"uploader/splice", "uploader/whole"}},
	{folder: "uploader/strip", may: []string{"uploader/splice", "uploader/metadata", "uploader/whole", "uploader/strip/…"}},
	{folder: "uploader/strip/exif", may: []string{"uploader/splice"}},
	{folder: "uploader/strip/film", may: []string{"uploader/splice", "uploader/strip/exif"}},
	{folder: "uploader/rotate", may: []string{"uploader/splice", "uploader/strip/exif"}},

	{folder: "gateway/webdav", door: true},
	{folder: "gateway/ftp", door: true},
	{folder: "gateway/web", may: []string{"gateway/operate", "gateway/webdav/fault", "gateway/web/qr"}, door: true},
	{folder: "gateway/web/qr"},
	{folder: "gateway/api", may: []string{"gateway/operate", "gateway/webdav/fault", "gateway/webdav/gate"}, door: true},
	{folder: "gateway/album", door: true},
	{folder: "gateway/thumbnail"},
	{folder: "gateway/fetch"},
	{folder: "gateway/metrics"},
	{folder: "gateway/webhook"},
	{folder: "watch", door: true},
	{folder: "gateway/auth"},
	{folder: "gateway/certs"},
	{folder: "gateway/forwarded"},
	{folder: "gateway/control"},
	{folder: "gateway/progress"},
	{folder: "gateway/strict", may: []string{"uploader/route/settings"}},
	{folder: "gateway/operate", may: []string{"gateway/control"}},
	{folder: "gateway/cli", may: []string{"gateway/operate", "gateway/control", "gateway/progress", "gateway/auth", "gateway/strict"}},
	{folder: "gateway", may: []string{".", "vfs/…", "uploader/…", "watch/…", "gateway/…"}, alone: true},
}

// doors lists the foreign packages that every door may import.
var doors = []string{"github.com/spf13/afero", "golang.org/x/net/…", "github.com/fclairamb/ftpserverlib", "github.com/pires/go-proxyproto", "github.com/fsnotify/fsnotify", "golang.org/x/sys/…"}

// goPackage is what `go list` says about a package of ours.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// TestImports fails on an import against the direction. Tests of a package, and
// packages that are for tests alone, may import more, but not what is above their
// own level.
func TestImports(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 20 {
		t.Fatalf("go list found %d packages only", len(packages))
	}
	for _, p := range packages {
		for _, wrong := range p.wrong() {
			t.Error(wrong)
		}
	}
}

// TestImportsFail makes sure that the rules say no.
func TestImportsFail(t *testing.T) {
	for _, tt := range []struct{ from, to, how string }{
		{"vfs/blob", "vfs", "import"},
		{"vfs", "uploader", "import"},
		{"vfs", "vfs/index", "import"},
		{"vfs", "vfs/vfstest", "import"},
		{"vfs/newcomer", "vfs", "import"},
		{"uploader", "uploader/newcomer", "import"},
		{"uploader/newcomer", "uploader/local", "import"},
		{"gateway/newcomer", "vfs", "import"},
		{"vfs/index", "uploader", "test"},
		{"vfs/index/indextest", "uploader", "import"},
		{"uploader", "uploader/ledger", "import"},
		{"uploader/ledger", "vfs/index", "import"},
		{"uploader/local", "uploader/chevereto", "import"},
		{"uploader/chevereto", "gateway/strict", "import"},
		{"uploader/route", "uploader/ledger", "import"},
		{"uploader/route/settings", "uploader", "import"},
		{"uploader/route", "gateway/strict", "test"},
		{"gateway/webdav", "vfs", "import"},
		{"gateway/webdav", "gateway/auth", "import"},
		{"gateway/webdav/lock", "uploader", "import"},
		{"gateway/auth", "gateway/strict", "import"},
		{"gateway/operate", "vfs", "import"},
		{"gateway", "uploader/uploadertest", "import"},
		{"vfs/newcomer/of/vfstest", "gateway/webdav", "import"},
		{"elsewhere", "vfs", "import"},
	} {
		p := goPackage{ImportPath: module + "/" + tt.from}
		if tt.how == "test" {
			p.TestImports = []string{module + "/" + tt.to}
		} else {
			p.Imports = []string{module + "/" + tt.to}
		}
		if len(p.wrong()) == 0 {
			t.Errorf("%s (%s) may import %s", tt.from, tt.how, tt.to)
		}
	}
	door := goPackage{ImportPath: module + "/gateway/webdav", Imports: []string{"github.com/jackc/pgx/v5"}}
	if len(door.wrong()) == 0 {
		t.Error("a door may import a database driver")
	}
}

func listPackages(t *testing.T) (all []goPackage) {
	t.Helper()
	out := goList(t, "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// goList runs `go list` in the module's folder.
func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	return out
}

// wrong returns a sentence for each import of p against the direction.
func (p goPackage) wrong() (wrong []string) {
	name := ours(p.ImportPath)
	d, ok := directionOf(name)
	if !ok && !forTests(name) {
		return []string{name + " has no place in directions: add it there"}
	}
	say := func(how, to string) { wrong = append(wrong, name+how+to) }
	for _, to := range p.Imports {
		if !d.allows(name, to) {
			say(" imports ", to)
		}
	}
	for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
		if !below(name, to) {
			say("'s tests import ", to)
		}
	}
	return wrong
}

// ours returns the folder of a package of this module, or "".
func ours(importPath string) string {
	if importPath == module {
		return "."
	}
	rest, _ := strings.CutPrefix(importPath, module+"/")
	if rest == importPath {
		return ""
	}
	return rest
}

// directionOf returns the direction of the package in folder name.
func directionOf(name string) (best direction, ok bool) {
	for _, d := range directions {
		if d.has(name) && (!ok || len(d.folder) > len(best.folder)) {
			best, ok = d, true
		}
	}
	return best, ok
}

// has reports whether d is about the package in folder name.
func (d direction) has(name string) bool {
	each, all := strings.CutSuffix(d.folder, "/*")
	return name == d.folder || !d.alone && inside(name, d.folder) || all && strings.HasPrefix(name, each+"/")
}

// home returns the folder whose packages import each other, of which name is one.
func (d direction) home(name string) string {
	each, all := strings.CutSuffix(d.folder, "/*")
	if !all {
		return d.folder
	}
	own, _, _ := strings.Cut(strings.TrimPrefix(name, each+"/"), "/")
	return each + "/" + own
}

// inside reports whether name is folder or below it.
func inside(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

// allows reports whether the package in folder name may import the package to.
func (d direction) allows(name, to string) bool {
	dep := ours(to)
	switch {
	case dep == "":
		standard := !strings.Contains(strings.Split(to, "/")[0], ".")
		return !d.door || standard || matches(doors, to)
	case forTests(name):
		return below(name, to)
	case forTests(dep):
		return false
	}
	other, _ := directionOf(dep)
	return matches(d.may, dep) || other.folder == d.folder && inside(dep, d.home(name))
}

// forTests reports whether a package is there for tests alone.
func forTests(name string) bool {
	return strings.HasSuffix(path.Base(name), "test") || name == "gateway/bench"
}

// matches reports whether one of patterns is name, or has it below it.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		folder, all := strings.CutSuffix(p, "/…")
		return name == p || all && inside(name, folder)
	})
}

// below reports whether to, where it is ours, is on the level of the package in
// folder name, or on a lower one: names and bytes, uploads, the program.
func below(name, to string) bool {
	level := func(name string) int {
		return slices.Index([]string{"vfs", "uploader", "watch", "gateway"}, strings.Split(name, "/")[0])
	}
	dep := ours(to)
	return dep == "" || dep == "." || level(dep) <= level(name)
}

// TestVersions asserts what only works together: SQLite's driver with the C
// library that it was built with, and an SQLite without the WAL defect that was
// repaired in 3.51.3.
func TestVersions(t *testing.T) {
	if got := strings.TrimSpace(string(goList(t, "-m", "-f", "{{.Version}}", "modernc.org/libc"))); got != "v1.77.1" {
		t.Errorf("modernc.org/libc is %s; modernc.org/sqlite v1.60.0 was built with v1.77.1", got)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version string
	if err := db.QueryRowContext(t.Context(), "SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if slices.Compare(numbers(t, version), []int{3, 51, 3}) < 0 {
		t.Errorf("SQLite is %s, and must be 3.51.3 or newer", version)
	}
}

// numbers returns the parts of a version.
func numbers(t *testing.T, version string) (parts []int) {
	t.Helper()
	for s := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%q is no version", version)
		}
		parts = append(parts, n)
	}
	return parts
}
