package anqicms

import (
	"slices"
	"testing"

	"slipway/uploader"
	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

// judged is a test site as the suite asks it.
type judged struct{ *anqicmstest.Server }

func (j judged) Count() int { return len(j.Stored()) }

func (j judged) Has(sums uploadertest.Sums) bool {
	return slices.ContainsFunc(j.Stored(), func(f anqicmstest.File) bool { return f.MD5 == sums.MD5 })
}

func TestConformance(t *testing.T) {
	const token = "t0kenOfTheSuite"
	h := uploadertest.Harness{
		Secret: token,
		Host: func(t *testing.T) uploadertest.Host {
			s := anqicmstest.New(anqicmstest.Config{Token: token})
			t.Cleanup(s.Close)
			return judged{s}
		},
		Driver: func(t *testing.T, address string, client *form.Client) uploader.Driver {
			d, err := New(Config{URL: address, Token: token}, client)
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
	}
	t.Run("Image", func(t *testing.T) { uploadertest.Run(t, h) })
	h.Head, h.Tail, h.Type = "%PDF-1.4\n", "%%EOF", "application/pdf"
	t.Run("Other", func(t *testing.T) { uploadertest.Run(t, h) })
	driver := func(t *testing.T, address string, client *form.Client) uploader.Driver {
		d, err := New(Config{URL: address, Token: token, Replace: true}, client)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, lets := range map[string]bool{"Replacing": true, "ReplacingRefused": false} {
		r := h
		r.Driver, r.Only = driver, []string{"Properties", "Replaces", "Progress", "Ledger", "ShownSecrets"}
		r.Host = func(t *testing.T) uploadertest.Host {
			s := anqicmstest.New(anqicmstest.Config{Token: token, Replaces: lets})
			t.Cleanup(s.Close)
			return judged{s}
		}
		t.Run(name, func(t *testing.T) { uploadertest.Run(t, r) })
	}
}
