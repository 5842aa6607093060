//go:build unix

package front

import (
	"errors"
	"net"
	"testing"
	"time"
)

func TestPending(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, socket := connected(t, l)
	until := func(wantEnded, wantSome bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			ended, some := pending(socket)
			if ended == wantEnded && some == wantSome {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("ended %v, some %v; want %v, %v", ended, some, wantEnded, wantSome)
			}
		}
	}
	until(false, false)
	if _, err := client.Write([]byte("N")); err != nil {
		t.Fatal(err)
	}
	until(false, true)
	if _, err := socket.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	until(false, false)
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	until(true, false)
	socket.Close()
	until(false, false)
	client, socket = connected(t, l)
	if err := errors.Join(client.(*net.TCPConn).SetLinger(0), client.Close()); err != nil {
		t.Fatal(err)
	}
	until(true, false)
}

// connected returns both ends of a connection to l.
func connected(t *testing.T, l net.Listener) (client, socket net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if socket, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return client, socket
}
