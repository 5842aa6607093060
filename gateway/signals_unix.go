//go:build unix

package main

import (
	"os"
	"syscall"
)

// reloadSignals make a running gateway reload.
var reloadSignals = []os.Signal{syscall.SIGHUP}

// stopSignals end it.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}
