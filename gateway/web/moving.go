package web

import (
	"net/http"
	"time"
)

// bodyIdle is how long a connection may stand still while bytes come or go.
const bodyIdle = 2 * time.Minute

// moving ends a reply that its client takes nothing of any more.
type moving struct{ http.ResponseWriter }

// Write gives each piece its time.
func (m moving) Write(p []byte) (int, error) {
	http.NewResponseController(m.ResponseWriter).SetWriteDeadline(time.Now().Add(bodyIdle)) //nolint:errcheck // where there are none, there are none
	return m.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (m moving) Unwrap() http.ResponseWriter { return m.ResponseWriter }
