package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/custom/hosttest"
	"slipway/uploader/uploadertest"
)

// TestExamplesSend: whatever a file is called, everybody finds its bytes at the
// address that came back.
func TestExamplesSend(t *testing.T) {
	names := []string{
		"DSC_0001.JPG", "a b.jpg", "Köln 日本 😀.jpg", `quote"s 'n' more.jpg`, "100%.jpg", "50%25 off?x=1#top.jpg", "a+b&c=d;e.jpg",
		"(1) [2] {3}.jpg", "noext", "~*!$@,.jpg", strings.Repeat("long", 70) + ".jpg",
	}
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			w := e.world(t, exampleKey)
			urls := map[string]string{}
			for i, name := range names {
				content := jpegOf(fmt.Sprint("number ", i))
				r := w.send(examplePicture(name, content, uploader.Keys{}))
				if other := urls[r.URL]; other != "" {
					t.Errorf("%q and %q have the same address %s", name, other, r.URL)
				}
				urls[r.URL] = name
				if status, body := w.get(r.URL); status != 200 || body != content {
					t.Errorf("%q: %s gives %d and %d bytes", name, r.URL, status, len(body))
				}
				for what, address := range map[string]string{"thumbnail": r.ThumbnailURL, "viewer": r.ViewerURL} {
					wanted := what == "thumbnail" && e.thumbnail || what == "viewer" && e.viewer
					if wanted != (address != "") {
						t.Errorf("%s %q, want one: %v", what, address, wanted)
					}
				}
				if r.ThumbnailURL != "" {
					if status, _ := w.get(r.ThumbnailURL); status != 200 {
						t.Errorf("thumbnail %s: %d", r.ThumbnailURL, status)
					}
				}
			}
			p := w.Stored()[0]
			if p.Type != "image/jpeg" || !maps.Equal(p.Told, e.alwaysTold()) {
				t.Errorf("type %q, told %v, want %v", p.Type, p.Told, e.alwaysTold())
			}
		})
	}
}

// alwaysTold is what the host hears of an upload of which nothing is said.
func (e example) alwaysTold() map[string]string {
	if e.always == nil {
		return map[string]string{}
	}
	return e.always
}

// TestExamplesKeys: what can be said of an upload reaches the host, as it is meant,
// and nothing else does; and the driver says which those keys are.
func TestExamplesKeys(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			w := e.world(t, exampleKey)
			p := w.driver.Properties()
			if got := slices.Sorted(slices.Values(p.Keys)); !slices.Equal(got, e.keys) {
				t.Errorf("keys %q, want %q", got, e.keys)
			}
			if p.Deletes != e.deletes || p.Idempotent != e.idempotent || p.Driver != "custom" {
				t.Errorf("%+v", p)
			}
			w.send(examplePicture("a.jpg", jpegOf("1"), exampleKeys))
			want := maps.Clone(e.alwaysTold())
			maps.Copy(want, e.told)
			if got := w.Stored()[0].Told; !maps.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// TestExamplesRefused: each host's own way to say no ends in the right kind of error,
// in the host's words.
func TestExamplesRefused(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			wrong := e.world(t, "not-the-key")
			refused := wrong.refuse(examplePicture("a.jpg", jpegOf("1"), uploader.Keys{}), uploader.Refused)
			if refused.Remedy == "" {
				t.Errorf("nobody is told what to do about %v", refused)
			}
			w := e.world(t, exampleKey)
			w.Configure(func(c *hosttest.Config) { c.MaxSize = 1000 })
			w.refuse(examplePicture("large.jpg", jpegOf(strings.Repeat("x", 1000)), uploader.Keys{}), e.large)
			if !e.anyType {
				w.refuse(examplePicture("text.txt", "no picture at all", uploader.Keys{}), e.text)
			}
			w.send(examplePicture("a.jpg", jpegOf("1"), uploader.Keys{}))
			w.Configure(func(c *hosttest.Config) { c.PerHour = 1 })
			w.refuse(examplePicture("b.jpg", jpegOf("2"), uploader.Keys{}), uploader.RetryAfter)
			if w.Count() != 1 || wrong.Count() != 0 {
				t.Errorf("%d and %d pictures were taken", w.Count(), wrong.Count())
			}
		})
	}
}

// TestExamplesWords: people read what the host said.
func TestExamplesWords(t *testing.T) {
	for file, words := range map[string][]string{
		"imgbb.toml":          {"Invalid API v1 key", "too big", "Rate limit reached"},
		"lsky.toml":           {"Unauthenticated", "图片大小超出限制", "最多可以上传"},
		"imgur.toml":          {"Invalid client_id", "over the size limit", "uploading too fast"},
		"zipline.toml":        {"Invalid token", "too large", "Rate limit exceeded"},
		"zipline-3.toml":      {"authorization incorrect", "size too big", "ratelimited"},
		"zipline-sharex.toml": {"Invalid token", "too large", "Rate limit exceeded"},
		"s3.toml":             {"request signature", "maximum allowed object size", "reduce your request rate"},
		"s3-path.toml":        {"request signature", "maximum allowed object size", "reduce your request rate"},
	} {
		t.Run(file, func(t *testing.T) {
			e := examples[slices.IndexFunc(examples, func(e example) bool { return e.file == file })]
			small, wrong := e.world(t, exampleKey), e.world(t, "not-the-key")
			small.Configure(func(c *hosttest.Config) { c.MaxSize = 1000 })
			full := e.world(t, exampleKey)
			full.send(examplePicture("a.jpg", jpegOf("1"), uploader.Keys{}))
			full.Configure(func(c *hosttest.Config) { c.PerHour = 1 })
			for i, got := range []*uploader.Error{
				wrong.refuse(examplePicture("a.jpg", jpegOf("1"), uploader.Keys{}), uploader.Refused),
				small.refuse(examplePicture("large.jpg", jpegOf(strings.Repeat("x", 1000)), uploader.Keys{}), e.large),
				full.refuse(examplePicture("b.jpg", jpegOf("2"), uploader.Keys{}), uploader.RetryAfter),
			} {
				if !strings.Contains(got.Error(), words[i]) {
					t.Errorf("%v does not say %q", got, words[i])
				}
			}
		})
	}
}

// TestExamplesDelete: what was sent is deleted, once and again, by who has the key.
func TestExamplesDelete(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			w := e.world(t, exampleKey)
			d, ok := w.driver.(uploader.Deleter)
			if !ok {
				t.Fatal("the driver is no Deleter")
			}
			r, other := w.send(examplePicture("a b ä%.jpg", jpegOf("1"), uploader.Keys{})), w.send(examplePicture("b.jpg", jpegOf("2"), uploader.Keys{}))
			if !e.deletes {
				if err := d.Delete(t.Context(), r); uploader.AsError(err).Kind != uploader.Permanent || w.Count() != 2 {
					t.Errorf("%v, %d pictures", err, w.Count())
				}
				return
			}
			thief := e.open(t, w.address, "not-the-key", newClient(t)).(uploader.Deleter)
			if err := thief.Delete(t.Context(), r); err == nil || uploader.AsError(err).Kind != uploader.Refused || w.Count() != 2 {
				t.Errorf("with a wrong key: %v, %d pictures", err, w.Count())
			}
			for range 2 {
				if err := d.Delete(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			if status, _ := w.get(r.URL); status != 404 {
				t.Errorf("%s is still there: %d", r.URL, status)
			}
			if status, _ := w.get(other.URL); status != 200 {
				t.Errorf("%s went with it: %d", other.URL, status)
			}
		})
	}
}

// TestExamplesLostReply: where the reply is lost, the file is sent again only where
// that makes no second copy.
func TestExamplesLostReply(t *testing.T) {
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			w := e.world(t, exampleKey)
			w.FailNext(uploadertest.LoseReply)
			p := examplePicture("a.jpg", jpegOf("1"), uploader.Keys{})
			_, err := w.driver.Send(t.Context(), p)
			if got := uploader.AsError(err); err == nil || !got.BodySent || got.Kind != uploader.Ambiguous {
				t.Errorf("%v", err)
			}
			first, second := w.send(p), w.send(p)
			if same := first.URL == second.URL && w.Count() == 1; same != e.idempotent {
				t.Errorf("%s and %s, %d pictures; idempotent: %v", first.URL, second.URL, w.Count(), e.idempotent)
			}
			if e.file == "s3.toml" && (!first.Identical || !w.driver.Properties().KeepsBytes) {
				t.Errorf("the store's ETag is the content's MD5: %+v", first)
			}
		})
	}
}

// TestExamplesTable: the README's table says of each destination what is so.
func TestExamplesTable(t *testing.T) {
	rows := map[string][]string{}
	for line := range strings.Lines(read(t, "../README.md")) {
		cells := strings.Split(line, " | ")
		for _, e := range examples {
			if len(cells) == 5 && strings.Contains(cells[0], "`"+e.file+"`") {
				rows[e.file] = cells
			}
		}
	}
	for _, e := range examples {
		row := rows[e.file]
		if row == nil {
			t.Errorf("README.md has no row for %s", e.file)
			continue
		}
		if got := strings.HasPrefix(row[2], "yes"); got != e.deletes {
			t.Errorf("%s: the table says of deleting %q", e.file, row[2])
		}
		for _, key := range []string{"album_id", "category_id", "title", "description", "tags", "nsfw", "expiration", "width", "use_file_date"} {
			if strings.Contains(row[3], "`"+key+"`") != slices.Contains(e.keys, key) {
				t.Errorf("%s: the table says of %s %q", e.file, key, row[3])
			}
		}
		if got := strings.HasPrefix(row[4], "the same file") || strings.HasPrefix(row[4], "the same object"); got != e.idempotent {
			t.Errorf("%s: the table says of repeats %q", e.file, row[4])
		}
	}
}
