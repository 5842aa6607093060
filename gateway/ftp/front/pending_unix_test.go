//go:build unix

package front

import (
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
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	socket, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
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
}
