package main

import (
	"errors"
	"net"
	"testing"
	"time"
)

func TestOneConnectionTooManyWaitsUntilAnotherIsClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener = limit(listener, 1)
	accepted, ended := make(chan net.Conn), make(chan error)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- connection
		}
	}()
	for range 2 {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Error("one too many")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // which lets one in, not two
	defer (<-accepted).Close()
	listener.Close()
	listener.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
