package main

import (
	"net"
	"sync"
)

// limited accepts so many connections at once; others wait in the queue of the system. The listener of
// golang.org/x/net/netutil does so too, but would be a module more to keep for these lines.
type limited struct {
	net.Listener
	open   chan struct{}
	closed chan struct{}
	close  func() error
}

func limit(listener net.Listener, connections int) net.Listener {
	closed := make(chan struct{})
	return &limited{listener, make(chan struct{}, connections), closed, sync.OnceValue(func() error {
		close(closed)
		return listener.Close()
	})}
}

// Accept waits until there are few enough connections, and for the next one.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	connection, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &leaving{connection, sync.OnceFunc(func() { <-l.open })}, nil
}

// Close ends the waiting.
func (l *limited) Close() error { return l.close() }

// leaving is a connection that lets another in when it is closed.
type leaving struct {
	net.Conn
	leave func()
}

func (l *leaving) Close() error {
	defer l.leave()
	return l.Conn.Close()
}
