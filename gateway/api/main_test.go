package api_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks for goroutines that the API leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

type tests struct{ *testing.M }

// Run runs the tests, and lets go of the connections that their client keeps.
func (t tests) Run() int {
	defer http.DefaultClient.CloseIdleConnections()
	return t.M.Run()
}
