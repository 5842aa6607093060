package local

import (
	"testing"

	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

func TestConformance(t *testing.T) {
	uploadertest.Run(t, uploadertest.Harness{
		Driver: func(*testing.T, string, *form.Client) uploader.Driver {
			return New(Config{}, Options{PublicURL: publicURL("http://127.0.0.1:8080")})
		},
	})
}
