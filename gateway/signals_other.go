//go:build !unix

package main

import "os"

// reloadSignals make a running gateway reload; there are none here.
var reloadSignals []os.Signal

// stopSignals end it.
var stopSignals = []os.Signal{os.Interrupt}
