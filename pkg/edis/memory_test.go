package edis_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A memoryNetwork connects an http.Transport with an http.Server without sockets, so
// that both can run in the synthetic time of testing/synctest. It is also the
// server's net.Listener.
type memoryNetwork struct {
	conns     chan net.Conn
	closed    chan struct{}
	dials     atomic.Int64
	dialError func(dial int64) error // if not nil, returns the error of the nth dial
}

func newMemoryNetwork() *memoryNetwork {
	return &memoryNetwork{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *memoryNetwork) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	dial := n.dials.Add(1)
	if n.dialError != nil {
		if err := n.dialError(dial); err != nil {
			return nil, err
		}
	}
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *memoryNetwork) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *memoryNetwork) Close() error   { close(n.closed); return nil }
func (n *memoryNetwork) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

// A memoryService is an HTTP server on a memoryNetwork, and a client for it. It must
// be used in a synctest bubble.
type memoryService struct {
	*memoryNetwork
	client   *edis.Client
	requests atomic.Int64
}

func serveInMemory(t *testing.T, handler http.HandlerFunc, change ...func(*edis.Options)) *memoryService {
	t.Helper()
	s := &memoryService{memoryNetwork: newMemoryNetwork()}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	})}
	go func() { _ = server.Serve(s.memoryNetwork) }()
	transport := &http.Transport{DialContext: s.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
	defaults := func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: transport}
		o.MaxAttempts = 0
	}
	s.client = newClient(t, "http://127.0.0.1", append([]func(*edis.Options){defaults}, change...)...)
	return s
}

// inOrder returns a handler that uses the next of the handlers for each request, and
// keeps using the last.
func inOrder(handlers ...http.HandlerFunc) http.HandlerFunc {
	var served atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(served.Add(1)), len(handlers))-1](w, r)
	}
}

// drop closes the connection without a response.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// serverError sends the documented response of a service that fails.
func serverError(w http.ResponseWriter, r *http.Request) { respondWith(500, jsonType, errorBody)(w, r) }
