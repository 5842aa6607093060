package main

import (
	"strings"
	"testing"
)

// TestCheckTellsWhoCannotCome: users who must use TLS are named where FTP has none.
func TestCheckTellsWhoCannotCome(t *testing.T) {
	for _, tt := range []struct {
		tls, listen string
		told        bool
	}{{ftpPlain, "127.0.0.1:21", true}, {ftpPlain, "", false}, {ftpOptional, "127.0.0.1:21", false}} {
		c := &Config{FTP: FTPConfig{TLS: tt.tls, Listen: tt.listen}, Users: []UserConfig{{Name: "ann", RequireTLS: true}, {Name: "bob"}}}
		a := &app{}
		a.settings.Store(&settings{config: c})
		notes := strings.Join(a.checkFTP(t.Context()).Notes, "\n")
		if strings.Contains(notes, "ann") != tt.told || strings.Contains(notes, "bob") {
			t.Errorf("%+v: %q", tt, notes)
		}
	}
}
