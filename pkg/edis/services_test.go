package edis_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// What services respond.

const (
	jsonType    = "application/json"
	successBody = `{"status":"success","message":"done"}`
	errorBody   = `{"status":"error","error":"some reason"}`
	htmlBody    = "<html>"
)

// loginResponse returns the body of a successful login. fields is added to its session.
func loginResponse(fields string) string {
	return `{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1","signature":"s3cr3t-new","api_host":"1.edis.example","valid_until":4102444800` + fields + `}}}`
}

// respondWith returns a handler that sends the same response to every request.
// Without a content type the response has no such header.
func respondWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // keeps net/http from detecting one
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func succeed(w http.ResponseWriter, r *http.Request) { respondWith(200, jsonType, successBody)(w, r) }

// drop closes the connection without a response.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// stayAway reads the request and never responds.
func stayAway(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // net/http notices a disconnect only after this
	<-r.Context().Done()
}

// slowBody sends the headers of a response, and nothing of its body.
func slowBody(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(200)
	_ = http.NewResponseController(w).Flush()
	stayAway(w, r)
}

// dripBody sends a byte of a response each second, without end.
func dripBody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(time.Second):
		}
	}
}

// serverError sends the documented response of a service that fails.
func serverError(w http.ResponseWriter, r *http.Request) { respondWith(500, jsonType, errorBody)(w, r) }

// tooManyRequests returns a handler that responds with status 429. If retryAfter is
// not empty, the response has it as Retry-After.
func tooManyRequests(retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		respondWith(429, "text/plain", "slow down")(w, r)
	}
}

// redirectTo returns a handler that redirects.
func redirectTo(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}
}

// cutShort returns a handler whose response is shorter than it says.
func cutShort(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		respondWith(status, jsonType, body)(w, r)
	}
}

// inOrder returns a handler that uses the next of the handlers for each request, and
// keeps using the last.
func inOrder(handlers ...http.HandlerFunc) http.HandlerFunc {
	var served atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(served.Add(1)), len(handlers))-1](w, r)
	}
}

// Services on loopback.

// A service is an HTTP server that counts its requests.
type service struct {
	*httptest.Server
	requests atomic.Int64
}

func serve(t *testing.T, handler http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// setPTR sets ptrs on the service.
func setPTR(t *testing.T, s *service, ptrs map[netip.Addr]string, change ...func(*edis.Options)) error {
	t.Helper()
	return newClient(t, s.URL, change...).SetPTR(t.Context(), session(), ptrs)
}

// fakeEDIS starts an edistest server and returns it with a client for it.
func fakeEDIS(t *testing.T) (*edistest.Server, *edis.Client) {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	return server, newClient(t, server.URL)
}

// unusedURL returns a URL that nothing listens on.
func unusedURL(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

// listen accepts connections on loopback, calls serve with each, and returns the URL.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + listener.Addr().String()
}

// readRequest reads one HTTP request and returns it as it was sent.
func readRequest(conn net.Conn) string {
	var raw bytes.Buffer
	request, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &raw)))
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, request.Body)
	return raw.String()
}

func certPool(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// countConnections returns a ConnState hook that counts new connections.
func countConnections(connections *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
}

// Services in memory.

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

// A memoryService is a server on a memoryNetwork, and a client for it. It must be used in
// a synctest bubble.
type memoryService struct {
	*memoryNetwork
	client   *edis.Client
	requests atomic.Int64
}

// serveInMemory starts an HTTP server. Its client makes the usual number of attempts.
func serveInMemory(t *testing.T, handler http.HandlerFunc, change ...func(*edis.Options)) *memoryService {
	t.Helper()
	s := newMemoryService(t, change...)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	})}
	go func() { _ = server.Serve(s.memoryNetwork) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// acceptInMemory calls serve with each connection, and closes it then.
func acceptInMemory(t *testing.T, serve func(net.Conn), change ...func(*edis.Options)) *memoryService {
	t.Helper()
	inPieces := func(o *edis.Options) { o.HTTPClient.Transport.(*http.Transport).WriteBufferSize = 64 } // so that a request can be half written
	s := newMemoryService(t, append([]func(*edis.Options){inPieces}, change...)...)
	go func() {
		for {
			conn, err := s.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				s.requests.Add(1)
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newMemoryService(t *testing.T, change ...func(*edis.Options)) *memoryService {
	t.Helper()
	s := &memoryService{memoryNetwork: newMemoryNetwork()}
	transport := &http.Transport{DialContext: s.dial, MaxResponseHeaderBytes: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	defaults := func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: transport}
		o.MaxAttempts = 0
	}
	s.client = newClient(t, "http://127.0.0.1", append([]func(*edis.Options){defaults}, change...)...)
	return s
}

func connectionRefused(int64) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// afterFirst returns a dial function whose first dial succeeds and whose other dials
// return the error of dial.
func afterFirst(dial func(int64) error) func(int64) error {
	return func(n int64) error {
		if n > 1 {
			return dial(n)
		}
		return nil
	}
}

// A roundTripper is a function used as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
