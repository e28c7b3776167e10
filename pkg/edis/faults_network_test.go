package edis_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// networkFaults are faults between client and service. Those that take time use a
// network in memory. Those that need a real socket use loopback, mostly with a single
// attempt.
var networkFaults = []fault{
	{id: "F30-connection-refused", run: func(t *testing.T) {
		wantErrorIs(t, newClient(t, unusedURL(t)).SetPTR(t.Context(), session(), onePTR), edis.ErrNotSent)
		testDialErrors(t, connectionRefused, 3, edis.ErrNotSent)
		synctest.Test(t, func(t *testing.T) { // the third attempt succeeds
			s := serveInMemory(t, succeed)
			s.dialError = func(dial int64) error {
				if dial < 3 {
					return connectionRefused(dial)
				}
				return nil
			}
			if err := s.client.SetPTR(t.Context(), session(), onePTR); err != nil || s.dials.Load() != 3 {
				t.Errorf("SetPTR = %v after %d dials, want nil after 3", err, s.dials.Load())
			}
		})
	}},
	{id: "F31-unknown-host", run: func(t *testing.T) {
		testDialErrors(t, func(int64) error { return lookupError(&net.DNSError{Err: "no such host", IsNotFound: true}) }, 1, edis.ErrNotSent)
	}},
	{id: "F32-resolver-fails", run: func(t *testing.T) {
		testDialErrors(t, func(int64) error { return lookupError(&net.DNSError{Err: "server misbehaving", IsTemporary: true}) }, 3, edis.ErrNotSent)
		testDialErrors(t, func(int64) error { return lookupError(&net.DNSError{Err: "i/o timeout", IsTimeout: true}) }, 3, edis.ErrNotSent)
	}},
	{id: "F33-untrusted-certificate", run: func(t *testing.T) {
		testTLSFailure(t, func(*httptest.Server) *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }, nil)
	}},
	{id: "F34-certificate-for-another", run: func(t *testing.T) {
		testTLSFailure(t, func(s *httptest.Server) *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: certPool(s), ServerName: "other.example.org"}
		}, nil)
	}},
	{id: "F35-old-tls", run: func(t *testing.T) {
		testTLSFailure(t, func(s *httptest.Server) *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: certPool(s)}
		}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	}},
	{id: "F36-no-tls-response", run: func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			network := newMemoryNetwork()
			go acceptAndDiscard(network)
			// net/http lets a handshake continue for this long after its request
			// has ended, and the bubble must wait for it.
			const handshake = 40 * time.Second
			transport := &http.Transport{DialContext: network.dial, TLSHandshakeTimeout: handshake}
			client := newClient(t, "https://a.example", func(o *edis.Options) {
				o.HTTPClient, o.MaxAttempts = &http.Client{Transport: transport}, 0
			})
			started := time.Now()
			err := client.SetPTR(t.Context(), session(), onePTR)
			wantErrorIs(t, err, edis.ErrNotSent)
			wantDeadline(t, err)
			if took := time.Since(started); took < 90*time.Second || took > 92*time.Second || network.dials.Load() != 3 {
				t.Errorf("%d attempts took %v, want 3 of 30s each", network.dials.Load(), took)
			}
			time.Sleep(handshake)
			_ = network.Close()
		})
	}},
	{id: "F37-plain-http-on-tls-port", run: func(t *testing.T) {
		s := serve(t, succeed)
		for _, httpClient := range []*http.Client{nil, {}} {
			client := newClient(t, strings.Replace(s.URL, "http:", "https:", 1), func(o *edis.Options) {
				o.MaxAttempts, o.HTTPClient = 0, httpClient
			})
			err := client.SetPTR(t.Context(), session(), onePTR)
			wantErrorIs(t, err, edis.ErrNotSent)
			if !errors.Is(err, http.ErrSchemeMismatch) || !strings.Contains(err.Error(), "Post \"https://127.0.0.1") {
				t.Errorf("SetPTR = %v, want http.ErrSchemeMismatch and the URL", err)
			}
		}
		wantRequests(t, s, 0)
	}},
	{id: "F38-reset", run: func(t *testing.T) {
		var requests atomic.Int64
		url := listen(t, func(conn net.Conn) {
			_, _ = readRequest(conn), requests.Add(1)
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		})
		wantErrorIs(t, newClient(t, url).SetPTR(t.Context(), session(), onePTR), edis.ErrOutcomeUnknown)
		if got := requests.Load(); got != 1 {
			t.Errorf("service received %d requests, want 1", got)
		}
		wantUnknownAfterRetries(t, drop)
	}},
	{id: "F39-closed", run: func(t *testing.T) {
		url := listen(t, func(conn net.Conn) {
			_ = readRequest(conn)
			_ = conn.Close()
		})
		wantErrorIs(t, newClient(t, url).SetPTR(t.Context(), session(), onePTR), edis.ErrOutcomeUnknown)
		wantUnknownAfterRetries(t, drop)
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, inOrder(drop, drop, succeed))
			if err := s.client.SetPTR(t.Context(), session(), onePTR); err != nil || s.requests.Load() != 3 {
				t.Errorf("SetPTR = %v after %d requests, want nil after 3", err, s.requests.Load())
			}
		})
	}},
	{id: "F40-silence", run: func(t *testing.T) {
		wantUnknownAfterRetries(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
	}},
	{id: "F41-drip", run: func(t *testing.T) {
		wantUnknownAfterRetries(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", jsonType)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(time.Second):
				}
			}
		})
	}},
	{id: "F42-idle-connection-closed", run: testIdleConnectionClosed},
	{id: "F42-unseen", run: testBrokenIdleConnection},
	{id: "F43-cancelled-in-a-pause", run: func(t *testing.T) {
		for _, test := range []struct {
			handler http.HandlerFunc
			want    []error
		}{
			{serverError, []error{edis.ErrServer, edis.ErrOutcomeUnknown}},
			{drop, []error{edis.ErrOutcomeUnknown}},
			{tooManyRequests("20"), []error{edis.ErrRateLimited, edis.ErrContract}},
		} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
					time.AfterFunc(time.Millisecond, cancel)
					test.handler(w, r)
				})
				started := time.Now()
				err := s.client.SetPTR(ctx, session(), onePTR)
				wantErrorIs(t, err, test.want...)
				if !errors.Is(err, context.Canceled) || time.Since(started) > time.Millisecond {
					t.Errorf("SetPTR = %v after %v, want context.Canceled within 1ms", err, time.Since(started))
				}
			})
		}
	}},
	{id: "F44-proxy-refuses", run: func(t *testing.T) {
		proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusProxyAuthRequired) })
		target, err := url.Parse(strings.Replace(proxy.URL, "http://", "http://user:s3cr3t-proxy@", 1))
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		for _, proxyURL := range []*url.URL{target, {Scheme: "http", User: target.User, Host: strings.TrimPrefix(unusedURL(t), "http://")}} {
			client := newClient(t, "https://a.example", func(o *edis.Options) {
				o.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}
				o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			err = client.SetPTR(t.Context(), session(), onePTR)
			wantErrorIs(t, err, edis.ErrNotSent)
			walk(err, func(cause error) { wantSafeText(t, cause) })
		}
		if strings.Contains(logged.String(), "s3cr3t") {
			t.Errorf("log shows the password of the proxy: %s", &logged)
		}
	}},
}

func TestContextDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		err := s.client.SetPTR(ctx, session(), onePTR)
		wantErrorIs(t, err, edis.ErrOutcomeUnknown)
		wantDeadline(t, err)
		if took := time.Since(started); took != time.Second || s.requests.Load() != 1 {
			t.Errorf("%d requests in %v, want 1 in 1s", s.requests.Load(), took)
		}
	})
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

func connectionRefused(int64) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

func lookupError(err *net.DNSError) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

// testDialErrors makes a call on a network whose dials fail, in synthetic time.
func testDialErrors(t *testing.T, dialError func(int64) error, dials int64, want ...error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, succeed)
		s.dialError = dialError
		wantErrorIs(t, s.client.SetPTR(t.Context(), session(), onePTR), want...)
		if got := s.dials.Load(); got != dials {
			t.Errorf("%d dials, want %d", got, dials)
		}
	})
}

// testTLSFailure makes a call for which client and server cannot agree on TLS.
func testTLSFailure(t *testing.T, client func(*httptest.Server) *tls.Config, server *tls.Config) {
	t.Helper()
	var requests atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	s.TLS = server
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	var conns atomic.Int64
	s.Config.ConnState = countConnections(&conns)
	s.StartTLS()
	t.Cleanup(s.Close)
	err := newClient(t, s.URL, func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: client(s)}}
		o.MaxAttempts = 0
	}).SetPTR(t.Context(), session(), onePTR)
	wantErrorIs(t, err, edis.ErrNotSent)
	if requests.Load() != 0 || conns.Load() != 1 {
		t.Errorf("server received %d requests on %d connections, want 0 on 1", requests.Load(), conns.Load())
	}
}

func certPool(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// acceptAndDiscard accepts connections and never writes to them.
func acceptAndDiscard(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
}

// wantUnknownAfterRetries fails the test unless a call to a service with this handler
// fails with ErrOutcomeUnknown after 3 attempts.
func wantUnknownAfterRetries(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, handler)
		started := time.Now()
		err := s.client.SetPTR(t.Context(), session(), onePTR)
		wantErrorIs(t, err, edis.ErrOutcomeUnknown)
		if got := s.requests.Load(); got != 3 || !strings.Contains(err.Error(), "after 3 attempts") {
			t.Errorf("SetPTR = %v after %d requests, want an error with %q after 3", err, got, "after 3 attempts")
		}
		if took := time.Since(started); took > 92*time.Second {
			t.Errorf("SetPTR took %v, want at most 3 timeouts of 30s and 2 pauses", took)
		}
	})
}

func wantDeadline(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is(%v, context.DeadlineExceeded) = false, want true", err)
	}
}

// testIdleConnectionClosed is row F42. The server closes the connection between two
// calls.
func testIdleConnectionClosed(t *testing.T) {
	t.Helper()
	requests, closed := make(chan string, 2), make(chan struct{}, 2)
	url := listen(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(request.Body)
		requests <- string(body)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"status\":\"success\"}")
		_ = conn.Close()
	})
	client := newClient(t, url, func(o *edis.Options) { o.HTTPClient = clientReportingClose(t, closed) })
	for range 2 {
		if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Fatal(err)
		}
		<-closed
	}
	if len(requests) != 2 {
		t.Errorf("service received %d requests for 2 calls", len(requests))
	}
}

// clientReportingClose returns a client that sends on closed when it has closed a
// connection. Until then it may not have noticed that the server closed it.
func clientReportingClose(t *testing.T, closed chan<- struct{}) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return closeReportingConn{conn, sync.OnceFunc(func() { closed <- struct{}{} })}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type closeReportingConn struct {
	net.Conn
	closed func()
}

func (c closeReportingConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// testBrokenIdleConnection is row F42-unseen. The client does not notice that the
// connection is closed until it writes to it.
func testBrokenIdleConnection(t *testing.T) {
	t.Helper()
	bodies := make(chan string, 3)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		succeed(w, r)
	})
	var broken atomic.Bool // whether writes to the first connection fail
	var dials atomic.Int64
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if dials.Add(1) == 1 {
			return brokenConn{conn, &broken}, err
		}
		return conn, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	client, session := newClient(t, s.URL, func(o *edis.Options) { o.HTTPClient = &http.Client{Transport: transport} }), session()
	for range 2 {
		if err := client.SetPTR(t.Context(), session, onePTR); err != nil {
			t.Fatal(err)
		}
		broken.Store(true)
	}
	wantRequests(t, s, 2)
	if first, second := <-bodies, <-bodies; first != second || dials.Load() != 2 {
		t.Errorf("%d connections carried %q and %q, want 2 with the same request", dials.Load(), first, second)
	}
}

type brokenConn struct {
	net.Conn
	broken *atomic.Bool
}

func (c brokenConn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

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
