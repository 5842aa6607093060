package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdPictures starts a site that shows the files of a folder, and sets a variable to
// its address.
func cmdPictures(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "pictures NAME folder")
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[1]))))
	ts.Defer(func() {
		server.CloseClientConnections()
		server.Close()
	})
	ts.Setenv(args[0], server.URL)
}
