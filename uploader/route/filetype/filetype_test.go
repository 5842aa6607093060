package filetype

import "testing"

func TestTakes(t *testing.T) {
	tests := []struct {
		rule, name, media string
		want              bool
	}{
		{"image/jpeg", "a", "image/jpeg", true},
		{"Image/JPG", "a", "IMAGE/JPEG", true},
		{"image/jpeg", "a.jpg", "image/png", false},
		{"image/*", "a", "image/webp", true},
		{"image/*", "a", "image/", false},
		{"image/*", "a", "imagery/x", false},
		{"*/*", "a", "", true},
		{".jpg", "a.JPG", "text/plain", true},
		{".jpg", ".jpg", "", false},
		{"jpg", "a.jpg", "", true},
		{"jpg", "a.jpeg", "", false},
		{"IMG_*.jp*g", "img_5.JPEG", "", true},
		{"IMG_*.jp*g", "dsc_5.jpg", "", false},
	}
	for _, tt := range tests {
		r, err := Parse(tt.rule)
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		if got := r.Takes(tt.name, tt.media); got != tt.want {
			t.Errorf("%s takes %q of %q: %v", tt.rule, tt.name, tt.media, got)
		}
		again, err := Parse(r.String())
		if err != nil || again != r {
			t.Errorf("%s is shown as %s, which is %v, %v", tt.rule, r, again, err)
		}
	}
	if !Any(nil, "a", "") {
		t.Error("no rules take nothing")
	}
}

func TestParseErrors(t *testing.T) {
	for _, s := range []string{"", ".", "image", "image/", "/jpeg", "image/jp*", "*/jpeg", "a/b/c", "[a", "xyz", "image/j peg"} {
		if r, err := Parse(s); err == nil {
			t.Errorf("%q is taken as %v", s, r)
		}
	}
}

func TestExtension(t *testing.T) {
	for name, want := range map[string]string{"a.JPG": ".JPG", "a.tar.gz": ".gz", "a": "", ".profile": "", "a.": "", "": ""} {
		if got := Extension(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for ext, want := range map[string]string{".JPG": "image/jpeg", ".mov": "video/quicktime", ".what": "", "": ""} {
		if got := Of(ext); got != want {
			t.Errorf("%q: %q, want %q", ext, got, want)
		}
	}
	for s, want := range map[string]string{"image/JPEG; q=1": "image/JPEG", "image/pjpeg": "image/jpeg", "": ""} {
		if got := Plain(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
