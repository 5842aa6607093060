package cli

import (
	"bytes"
	"encoding/pem"
	"testing"
)

// TestCertificates: the certificates come out, and the key stays.
func TestCertificates(t *testing.T) {
	var text bytes.Buffer
	for _, b := range []pem.Block{{Type: "CERTIFICATE", Bytes: []byte("leaf")}, {Type: "PRIVATE KEY", Bytes: []byte("secret")}, {Type: "CERTIFICATE", Bytes: []byte("root")}} {
		if err := pem.Encode(&text, &b); err != nil {
			t.Fatal(err)
		}
	}
	got, err := certificates(text.Bytes(), false)
	if err != nil || bytes.Count(got, []byte("BEGIN CERTIFICATE")) != 2 || bytes.Contains(got, []byte("KEY")) {
		t.Errorf("%s %v", got, err)
	}
	if got, err := certificates(text.Bytes(), true); err != nil || string(got) != "root" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := certificates([]byte("nothing"), false); err == nil {
		t.Error("no certificate is no error")
	}
}
