package show

import "testing"

// TestSentences: what follows a full stop begins with a capital, but for what is written
// as it is.
func TestSentences(t *testing.T) {
	for _, tt := range []struct{ text, remedy, want string }{
		{"the key was refused.", "put in a new one", "the key was refused. Put in a new one"},
		{"no album", "wait.", "no album. Wait."},
		{"no album", "écris-en un", "no album. Écris-en un"},
		{"no address", "public_url of [web] says it", "no address. public_url of [web] says it"},
		{"no address", `strip = "none" lets it go`, `no address. strip = "none" lets it go`},
		{"no address", "config.toml names it", "no address. config.toml names it"},
		{"", "", ""}, {"alone", "", "alone"}, {"", "alone", "alone"},
	} {
		if got := Sentences(tt.text, tt.remedy); got != tt.want {
			t.Errorf("%q and %q: %q, want %q", tt.text, tt.remedy, got, tt.want)
		}
	}
	for text, want := range map[string]string{"": "", "it is there": "It is there.", "anh.im is away!": "anh.im is away!"} {
		if got := Sentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
