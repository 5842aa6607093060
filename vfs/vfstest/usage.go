package vfstest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// testUsage makes many changes of all kinds, and compares the sums that are kept
// with those of the files that are there.
func testUsage(t *testing.T, _ *Bench, f *vfs.FS) {
	random := rand.New(rand.NewPCG(1, 2))
	homes := []string{"/", "/a", "/b", "/b/c"}
	for i := range 300 {
		for _, home := range homes {
			f.MkdirAll(home, 0o777) // a file may be there
		}
		f.SetPolicy(always(random.IntN(4)))
		err := changeAtRandom(f, random)
		var pe *fs.PathError
		if err != nil && !errors.As(err, &pe) {
			t.Fatal(err)
		}
		if i < 20 {
			continue // the first to ask finds files
		}
		wantUsage(t, f, homes[i%len(homes)])
		if t.Failed() {
			t.Fatalf("after %d changes", i+1)
		}
	}
}

// always is a Policy with one rule for same names.
type always vfs.SameName

func (always) Admit(string, int64) error              { return nil }
func (a always) SameName(string) (vfs.SameName, bool) { return vfs.SameName(a), true }

// changeAtRandom makes one change of few names, so that they often meet.
func changeAtRandom(f *vfs.FS, random *rand.Rand) error {
	name := func() string {
		dir := []string{"", "/a", "/b", "/b/c", "/a/d", "/b/c/d"}[random.IntN(6)]
		return dir + []string{"/x", "/y", "/y.part", "/d", "/c"}[random.IntN(5)]
	}
	from, to := name(), name()
	switch random.IntN(8) {
	case 0:
		return f.RemoveAll(from)
	case 1:
		return f.MkdirAll(from, 0o777)
	case 2:
		_, err := f.Move(from, to, true)
		return err
	case 3:
		if strings.Count(from, "/") > 1 { // or it doubles without end
			_, err := f.Copy(from, to, true, random.IntN(2) == 0)
			return err
		}
	case 4: // onto what may stand there, from another directory
		from, to = "/a/y.part", strings.TrimSuffix(to, ".part")
		_, err := f.Move(from, to, true)
		return errors.Join(err, afero.WriteFile(f, from, make([]byte, random.IntN(100)), 0o666))
	}
	return afero.WriteFile(f, from, make([]byte, random.IntN(100)), 0o666)
}

func wantUsage(t *testing.T, f *vfs.FS, home string) {
	t.Helper()
	if _, err := f.Stat(home); errors.Is(err, fs.ErrNotExist) {
		return
	}
	var want int64
	err := afero.Walk(f, home, func(_ string, info os.FileInfo, err error) error {
		if err == nil {
			want += info.Size()
		}
		return err
	})
	got, _, usageErr := f.Sub(vfs.View{Root: home}).Usage()
	if err := errors.Join(err, usageErr); err != nil || got != want {
		t.Errorf("%s has %d bytes, want %d (%v)", home, got, want, err)
	}
}
