//go:build unix

package main

import "syscall"

// clean syncs what earlier measurements left to be written, which would slow the next.
func clean() { syscall.Sync() } //nolint:errcheck // Some systems return an error, which is always nil.
