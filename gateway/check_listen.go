package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"

	"slipway/gateway/control"
)

// listenable returns a note for each of the addresses ("": none) that no door could
// listen on now. What has one may be about to go, so that it is no mistake; and what
// the gateway of dataDir has itself, where one runs, is its own.
func listenable(ctx context.Context, dataDir string, addresses ...string) (notes []string) {
	own := portsOf(ctx, dataDir)
	for _, address := range addresses {
		_, port, err := net.SplitHostPort(address)
		if err != nil || slices.Contains(own, port) {
			continue
		}
		if err := tryListen(ctx, address); errors.Is(err, fs.ErrPermission) {
			notes = append(notes, fmt.Sprintf("this user may not listen on %s (%v); the one that serve runs as has to", address, err))
		} else if err != nil {
			notes = append(notes, fmt.Sprintf("serve could not listen on %s now (%v): choose another address or port, or end what has it", address, err))
		}
	}
	return notes
}

// tryListen listens on address for a moment.
func tryListen(ctx context.Context, address string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return call.Err
	}
	if err != nil {
		return err
	}
	return l.Close()
}

// portsOf returns the ports of the gateway that runs in dataDir; nothing where none
// does. Its addresses may be written in another way than the configuration's.
func portsOf(ctx context.Context, dataDir string) (ports []string) {
	client, err := control.Dial(ctx, dataDir)
	if err != nil {
		return nil
	}
	client.Close()
	all, err := control.ReadAddresses(dataDir)
	if err != nil {
		return nil
	}
	for _, address := range all {
		if _, port, err := net.SplitHostPort(address); err == nil {
			ports = append(ports, port)
		}
	}
	return ports
}
