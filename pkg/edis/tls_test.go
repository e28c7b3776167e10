package edis_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A server that does not prove its identity receives nothing, and is not asked again.
func TestUntrustedServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		client func(*httptest.Server) *tls.Config
		server *tls.Config
		cause  any // that errors.As finds
	}{
		"certificate of an unknown authority": {func(*httptest.Server) *tls.Config { return &tls.Config{} }, nil, new(x509.UnknownAuthorityError)},
		"certificate for another name": {func(s *httptest.Server) *tls.Config {
			return &tls.Config{RootCAs: certPool(s), ServerName: "other.example.org"}
		}, nil, new(x509.HostnameError)},
		"certificate that is not valid yet": {func(s *httptest.Server) *tls.Config {
			return &tls.Config{RootCAs: certPool(s), Time: func() time.Time { return time.Unix(-1e9, 0) }}
		}, nil, new(x509.CertificateInvalidError)},
		"TLS 1.1": {func(s *httptest.Server) *tls.Config {
			return &tls.Config{RootCAs: certPool(s)}
		}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, new(*net.OpError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests, conns atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
			s.TLS = test.server
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.Config.ConnState = countConnections(&conns)
			s.StartTLS()
			t.Cleanup(s.Close)
			client := newClient(t, s.URL, func(o *edis.Options) {
				o.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: test.client(s)}}
				o.MaxAttempts = 0
			})
			for operation, api := range apiCalls() {
				failed := wantFailure(t, api.call(t.Context(), client), edis.OutcomeNotSent)
				if failed.Retryable || failed.Attempts != 1 || !errors.As(failed, test.cause) {
					t.Errorf("%s = %v with Retryable %v, want a failure that does not pass, with a %T in it", operation, failed, failed.Retryable, test.cause)
				}
			}
			if requests.Load() != 0 || conns.Load() != int64(len(apiCalls())) {
				t.Errorf("server received %d requests on %d connections, want 0 on %d", requests.Load(), conns.Load(), len(apiCalls()))
			}
		})
	}
}

// A server that speaks plain HTTP where TLS is due receives nothing.
func TestPlainHTTPOnTLSPort(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	for _, httpClient := range []*http.Client{nil, {}, {Transport: edis.Transport()}} {
		client := newClient(t, strings.Replace(s.URL, "http:", "https:", 1), func(o *edis.Options) { o.MaxAttempts, o.HTTPClient = 0, httpClient })
		failed := wantFailure(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		if !errors.Is(failed, http.ErrSchemeMismatch) || failed.Retryable || failed.Attempts != 1 || !strings.Contains(failed.Error(), `Post "https://127.0.0.1`) {
			t.Errorf("SetPTR = %v with Retryable %v, want http.ErrSchemeMismatch with the URL, that does not pass", failed, failed.Retryable)
		}
	}
	wantRequests(t, s, 0)
}

// A connection that breaks within the TLS handshake carried nothing, and the next one may
// not break.
func TestBrokenHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		go func() {
			for conn, err := network.Accept(); err == nil; conn, err = network.Accept() {
				_, _ = conn.Read(make([]byte, 16<<10))
				_ = conn.Close()
			}
		}()
		client := newClient(t, "https://a.example", func(o *edis.Options) {
			o.HTTPClient, o.MaxAttempts = &http.Client{Transport: &http.Transport{DialContext: network.dial}}, 0
		})
		failed := wantFailure(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		if network.dials.Load() != 3 || !failed.Retryable {
			t.Errorf("SetPTR = %v with Retryable %v after %d connections, want 3", failed, failed.Retryable, network.dials.Load())
		}
		_ = network.Close()
	})
	reset := listen(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	failed := wantFailure(t, newClient(t, "https"+strings.TrimPrefix(reset, "http")).SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
	if !failed.Retryable {
		t.Errorf("SetPTR = %v, want a failure that may pass", failed)
	}
}

// A server that never takes part in the TLS handshake is given up after Options.Timeout.
func TestSilentHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		go func() {
			for conn, err := network.Accept(); err == nil; conn, err = network.Accept() {
				go func() { _, _ = io.Copy(io.Discard, conn) }()
			}
		}()
		// net/http lets a handshake continue for this long after its request has ended,
		// and the bubble must wait for it.
		const handshake = 40 * time.Second
		transport := &http.Transport{DialContext: network.dial, TLSHandshakeTimeout: handshake}
		client := newClient(t, "https://a.example", func(o *edis.Options) { o.HTTPClient, o.MaxAttempts = &http.Client{Transport: transport}, 0 })
		started := time.Now()
		failed := wantFailure(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		var timeout net.Error
		if !errors.As(failed, &timeout) || !timeout.Timeout() || errors.Is(failed, context.DeadlineExceeded) {
			t.Errorf("SetPTR = %v, want a net.Error with Timeout and no error of a context", failed)
		}
		if took := time.Since(started); took < 90*time.Second || took > 92*time.Second || network.dials.Load() != 3 {
			t.Errorf("%d attempts took %v, want 3 of 30s each", network.dials.Load(), took)
		}
		time.Sleep(handshake)
		_ = network.Close()
	})
}

// The errors of package net and its like are behind those of a call.
func TestCausesAreReachable(t *testing.T) {
	t.Parallel()
	reset := listen(t, func(conn net.Conn) {
		_ = readRequest(conn)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	calls := apiCalls()
	calls["Account"] = apiCall{call: func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, c.Account(credentials), onePTR) }}
	for name, api := range calls {
		for fault, baseURL := range map[string]string{"no connection": unusedURL(t), "a reset connection": reset} {
			err := api.call(t.Context(), newClient(t, baseURL))
			if !errors.As(err, new(*net.OpError)) || !errors.As(err, new(*url.Error)) {
				t.Errorf("%s with %s = %v, want *net.OpError and *url.Error in it", name, fault, err)
			}
		}
	}
}
