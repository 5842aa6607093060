package anqicms

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/anqicms/anqicmstest"
)

// replacing starts a site that lets pictures be replaced, or not, and its driver.
func replacing(t *testing.T, cfg anqicmstest.Config) (*anqicmstest.Server, *Driver) {
	cfg.Token = testToken
	s := anqicmstest.New(cfg)
	l := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); l.Close() })
	return s, newDriver(t, Config{URL: l.URL, Replace: true})
}

// other returns another picture that the site takes.
func other(n int) []byte {
	return bytes.Replace(jpegLike, []byte("xxxx"), fmt.Appendf(nil, "%04d", n), 1)
}

// sent sends and has to work.
func sent(t *testing.T, d *Driver, data []byte, replaces string) uploader.Result {
	t.Helper()
	p := picture("a.jpg", data)
	p.Replaces = replaces
	r, err := d.Send(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplaceKeepsTheAddress(t *testing.T) {
	s, d := replacing(t, anqicmstest.Config{Replaces: true})
	if !d.Properties().Replaces {
		t.Error("its properties do not say so")
	}
	old := sent(t, d, jpegLike, "")
	r := sent(t, d, other(1), old.ID)
	if !r.Replaced || r.Existing || r.ID != old.ID || r.URL != old.URL || len(r.Notes) != 0 {
		t.Errorf("%+v, was %+v", r, old)
	}
	if all := s.Stored(); len(all) != 1 || all[0].Replaced != 1 || s.Uploads() != 2 {
		t.Errorf("%+v after %d uploads", all, s.Uploads())
	}
	if again := sent(t, d, other(1), old.ID); !again.Replaced || again.URL != old.URL { // as after a lost reply
		t.Errorf("again: %+v", again)
	}
}

// TestReplaceFallsBack: what cannot be replaced is a new picture, and says so.
func TestReplaceFallsBack(t *testing.T) {
	s, d := replacing(t, anqicmstest.Config{})
	old := sent(t, d, jpegLike, "")
	r := sent(t, d, other(1), old.ID)
	if r.Replaced || r.ID == old.ID || r.URL == old.URL || !slices.Contains(r.Notes, notReplaced) {
		t.Errorf("%+v, was %+v", r, old)
	}
	if len(s.Stored()) != 2 || s.Uploads() != 3 {
		t.Errorf("%d files after %d uploads", len(s.Stored()), s.Uploads())
	}
	s, d = replacing(t, anqicmstest.Config{Replaces: true})
	a, b := sent(t, d, jpegLike, ""), sent(t, d, other(2), "")
	for name, id := range map[string]string{"gone": "77", "no id": "abc", "none": "0", "beyond": "99999999999999999999", "taken": a.ID} {
		r := sent(t, d, other(2), id) // other(2) has a row of its own
		if r.Replaced || r.ID != b.ID || !slices.Contains(r.Notes, notReplaced) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if all := s.Stored(); len(all) != 2 || all[0].Replaced+all[1].Replaced != 0 {
		t.Errorf("%+v", all)
	}
}

// TestReplaceNotAskedFor: without replace = true no id goes out.
func TestReplaceNotAskedFor(t *testing.T) {
	s, d := site(t, anqicmstest.Config{Replaces: true})
	old := sent(t, d, jpegLike, "")
	if r := sent(t, d, other(1), old.ID); r.Replaced || r.ID == old.ID || len(r.Notes) != 0 || len(s.Stored()) != 2 || d.Properties().Replaces {
		t.Errorf("%+v", r)
	}
}

// TestReplaceFailures: only what concerns replacing is sent again.
func TestReplaceFailures(t *testing.T) {
	for mode, uploads := range map[anqicmstest.Mode]int{
		anqicmstest.Page500: 1, anqicmstest.DatabaseDown: 1, anqicmstest.Limited: 1, anqicmstest.TokenError: 1, anqicmstest.LostReset: 1,
	} {
		s, d := replacing(t, anqicmstest.Config{Replaces: true})
		old := sent(t, d, jpegLike, "")
		s.FailNext(mode)
		p := picture("a.jpg", other(1))
		p.Replaces = old.ID
		if _, err := d.Send(t.Context(), p); err == nil || uploader.AsError(err).Kind == uploader.Permanent || s.Uploads() != 1+uploads {
			t.Errorf("%s: %v after %d uploads", mode, err, s.Uploads())
		}
		if r := sent(t, d, other(1), old.ID); !r.Replaced || r.URL != old.URL || len(s.Stored()) != 1 {
			t.Errorf("%s, once more: %+v", mode, r)
		}
	}
}

// TestReplaceUnproven: a reply to a replacement that names other bytes, or another
// file, is not believed.
func TestReplaceUnproven(t *testing.T) {
	sum := md5.Sum(jpegLike)
	own := hex.EncodeToString(sum[:])
	for name, reply := range map[string]struct {
		md5 string
		id  int
	}{"other bytes": {strings.Repeat("0", 32), 5}, "another file": {own, 6}} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := receive(t, r)
			requests++
			id, sum := 7, own
			if got.fields["id"] == "5" {
				id, sum = reply.id, reply.md5
			}
			fmt.Fprintf(w, `{"code":0,"data":{"id":%d,"file_md5":%q,"file_size":%d,"is_image":1,"logo":"https://h/%d.jpg","file_location":"%d.jpg","created_time":1}}`,
				id, sum, len(jpegLike), id, id)
		}))
		r := sent(t, newDriver(t, Config{URL: server.URL, Replace: true}), jpegLike, "5")
		if r.Replaced || r.ID != "7" || requests != 2 || !slices.Contains(r.Notes, notReplaced) {
			t.Errorf("%s: %+v after %d requests", name, r, requests)
		}
		server.Close()
	}
}

// TestReplaceRefusals: in both languages, and as older versions say it.
func TestReplaceRefusals(t *testing.T) {
	for _, said := range []string{
		"Unable to modify the image", "无法修改图片", "需要替换的图片资源不存在", "The image resource to be replaced does not exist",
		"替换失败，当前上传的资源已经存在", "image: unknown format", // of an id that is no picture's
	} {
		var ids []string
		sum := md5.Sum(jpegLike)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := receive(t, r)
			if ids = append(ids, got.fields["id"]); got.fields["id"] != "" {
				fmt.Fprintf(w, `{"code":-1,"msg":%q}`, said)
				return
			}
			fmt.Fprintf(w, `{"code":0,"data":{"id":9,"file_md5":"%x","file_size":3,"is_image":1,"logo":"https://h/9.jpg","created_time":1}}`, sum)
		}))
		r := sent(t, newDriver(t, Config{URL: server.URL, Replace: true}), jpegLike, "5")
		if r.ID != "9" || r.Replaced || len(r.Notes) != 1 || strings.Join(ids, "|") != "5|" {
			t.Errorf("%s: %+v, ids %q", said, r, ids)
		}
		server.Close()
	}
}
