package main

import (
	"path/filepath"
	"strings"
	"testing"

	"slipway/gateway/cli"
	"slipway/uploader"
	"slipway/uploader/local"
)

// TestCheckRaisesNoFalseAlarm: with what serve starts with and works, check does not end
// with an error, nor warns.
func TestCheckRaisesNoFalseAlarm(t *testing.T) {
	certificate := func(a *app) cli.CheckLine { return a.checkCertificate(t.Context()) }
	for name, tt := range map[string]struct {
		config Config
		opened bool
	}{
		"no TLS":  {Config{Web: WebConfig{Listen: "127.0.0.1:0"}, FTP: FTPConfig{Listen: "127.0.0.1:0", TLS: ftpPlain}}, false},
		"no door": {Config{Web: WebConfig{Listen: "127.0.0.1:0"}, FTP: FTPConfig{TLS: ftpOptional}}, false},
		"FTP":     {Config{FTP: FTPConfig{Listen: "127.0.0.1:0", TLS: ftpOptional}}, true},
		"page":    {Config{Web: WebConfig{Listen: "127.0.0.1:0", TLS: true}, FTP: FTPConfig{TLS: ftpPlain}}, true},
	} {
		c := tt.config
		c.file, c.TLS = filepath.Join(t.TempDir(), "config.toml"), TLSConfig{CertFile: "gone.pem", KeyFile: "gone.key"}
		line := checked(t, &c, certificate)
		if told := line.Text + strings.Join(line.Notes, " "); line.OK == tt.opened || !strings.Contains(told, "no such file") ||
			strings.Contains(told, "no door that is open shows it") == tt.opened {
			t.Errorf("%s: %+v", name, line)
		}
	}
	for address, want := range map[string]bool{"localhost:80": true, "[::1]:80": true, "127.0.0.1:80": true, ":80": false, "192.0.2.1:80": false, "localhost.example:80": false} {
		if here(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

// TestCheckWithAPortOfTheSystem: what pictures hosted here are called is not known
// before serve listens, and no mistake.
func TestCheckWithAPortOfTheSystem(t *testing.T) {
	d := uploader.Destination{Name: "home", Driver: local.New(local.Config{}, local.Options{Name: "home", PublicURL: func() string { return "" }})}
	for _, chosen := range []bool{true, false} {
		if line := checkDestination(t.Context(), d, nil, chosen); line.OK != chosen {
			t.Errorf("%v: %+v", chosen, line)
		}
	}
}
