package edistest

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
)

// A memoryNetwork connects clients to the one server that accepts connections from it. It
// uses channels and timers only, which testing/synctest knows.
type memoryNetwork struct {
	dialed chan net.Conn
	closed chan struct{}
	close  func()
}

func newMemoryNetwork() *memoryNetwork {
	closed := make(chan struct{})
	return &memoryNetwork{
		dialed: make(chan net.Conn),
		closed: closed,
		close:  sync.OnceFunc(func() { close(closed) }),
	}
}

// dial connects to the server, whatever the address.
func (n *memoryNetwork) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := memoryPipe()
	select {
	case n.dialed <- server:
		return client, nil
	case <-n.closed:
		return nil, &net.OpError{Op: "dial", Net: memoryNet, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: memoryNet, Err: ctx.Err()}
	}
}

// Accept implements net.Listener.
func (n *memoryNetwork) Accept() (net.Conn, error) {
	select {
	case conn := <-n.dialed:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *memoryNetwork) Close() error {
	n.close()
	return nil
}

// Addr implements net.Listener. A URL with it passes for one on loopback. Nothing can
// listen on port 0 of a real network, so that other clients reach nobody by it.
func (n *memoryNetwork) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0"))
}

const memoryNet = "memory"

// A memoryConn is one end of a net.Pipe that fails as a TCP connection does.
type memoryConn struct {
	net.Conn
	reset *atomic.Bool // shared by both ends
}

func memoryPipe() (client, server memoryConn) {
	clientEnd, serverEnd := net.Pipe()
	reset := new(atomic.Bool)
	return memoryConn{clientEnd, reset}, memoryConn{serverEnd, reset}
}

// SetLinger makes Close abort the connection if seconds is 0, as that of net.TCPConn does.
func (c memoryConn) SetLinger(seconds int) error {
	c.reset.Store(seconds == 0)
	return nil
}

func (c memoryConn) Read(data []byte) (int, error) {
	count, err := c.Conn.Read(data)
	if err == io.EOF && c.reset.Load() { //nolint:errorlint // a pipe does not wrap it
		err = &net.OpError{Op: "read", Net: memoryNet, Err: syscall.ECONNRESET}
	}
	return count, err
}

func (c memoryConn) Write(data []byte) (int, error) {
	count, err := c.Conn.Write(data)
	if err == io.ErrClosedPipe { //nolint:errorlint // a pipe does not wrap it
		err = &net.OpError{Op: "write", Net: memoryNet, Err: syscall.EPIPE}
	}
	return count, err
}
