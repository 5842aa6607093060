package chevereto

import (
	"testing"

	"go.uber.org/goleak"

	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

const testKey = "chv_aY_0123456789abcdef"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	uploadertest.Run(t, uploadertest.Harness{
		Host: func(t *testing.T) uploadertest.Host {
			s := cheveretotest.New(cheveretotest.Config{Key: testKey})
			t.Cleanup(s.Close)
			return s
		},
		Driver: func(t *testing.T, address string, client *form.Client) uploader.Driver {
			d, err := New(Config{URL: address, Key: testKey}, client)
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
		Secret: testKey,
	})
}
