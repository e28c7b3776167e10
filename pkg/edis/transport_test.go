package edis_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// Without URLs in the Options, calls go to the servers that the API document names for
// their paths.
func TestDefaultServers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"SetPTR":    "POST https://dns-api.edisglobal.com/set/ptr",
		"GetPTR":    "POST https://dns-api.edisglobal.com/get/ptr",
		"DeletePTR": "POST https://dns-api.edisglobal.com/del/ptr",
		"Login":     "POST https://session.edisglobal.com/kvm/v2/get/auth",
	} {
		var got string
		client := newClient(t, "", func(o *edis.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = r.Method + " " + r.URL.String()
				return nil, io.ErrUnexpectedEOF
			})}
		})
		if _ = apiCalls()[name].call(t.Context(), client); got != want {
			t.Errorf("%s sent %q, want %q", name, got, want)
		}
	}
}

// A redirect is never followed, even if the caller's http.Client would: the signature or
// the password in the request is for one server only.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := serve(t, succeed)
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, location := range []string{other.URL + "/set/ptr", "/set/ptr", "https://a.example/%zz", "://"} {
			s := serve(t, redirectTo(status, location))
			for _, httpClient := range []*http.Client{nil, {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}} {
				err := setPTR(t, s, onePTR, func(o *edis.Options) { o.HTTPClient = httpClient })
				wantOutcome(t, err, edis.OutcomeUnknown, edis.ErrRedirect)
				if !strings.Contains(err.Error(), location) {
					t.Errorf("SetPTR with a redirect %d = %v, want an error that names the location %s", status, err, location)
				}
			}
			wantRequests(t, s, 2)
		}
	}
	secure := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusPermanentRedirect))
	t.Cleanup(secure.Close)
	for name, api := range apiCalls() { // from TLS to plain HTTP
		err := api.call(t.Context(), newClient(t, secure.URL, func(o *edis.Options) { o.HTTPClient = secure.Client() }))
		if wantErrorIs(t, err, edis.ErrRedirect); edis.OutcomeOf(err) == edis.OutcomeNotSent {
			t.Errorf("%s with a redirect = %v, want that it was sent", name, err)
		}
	}
	wantRequests(t, other, 0)
}

// A caller's http.Client is used with its Timeout and Jar, and not changed.
func TestCallersHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("a"); err != nil || cookie.Value != "1" {
			t.Errorf("request has the cookies %v, want that of the Jar", r.Cookies())
		}
		succeed(w, r)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "a", Value: "1"}})
	requests := 0
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		requests++
		return http.DefaultTransport.RoundTrip(r)
	})
	given, bare := &http.Client{Jar: jar, Transport: transport}, &http.Client{Jar: jar}
	for _, httpClient := range []*http.Client{given, bare} {
		if err := setPTR(t, s, onePTR, func(o *edis.Options) { o.HTTPClient = httpClient }); err != nil {
			t.Errorf("SetPTR = %v", err)
		}
		if httpClient.CheckRedirect != nil || httpClient.Timeout != 0 {
			t.Errorf("HTTPClient is now %+v, want no change", httpClient)
		}
	}
	if requests != 1 || bare.Transport != nil {
		t.Errorf("the caller's Transport sent %d requests and none is now %v, want 1 request and no change", requests, bare.Transport)
	}
}

// Some RoundTrippers modify their request. That must not affect the next call.
func TestCallsShareNoRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	client := newClient(t, s.URL, func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Header.Add("X-Added", "a"); len(r.Header["X-Added"]) != 1 || r.URL.RawQuery != "" {
				t.Errorf("request has what the previous call added: %s %v", r.URL, r.Header)
			}
			r.URL.RawQuery = "added=a"
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	for range 2 {
		if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Fatal(err)
		}
	}
}

// A RoundTripper that wraps Transport sees each request, and the calls are those of the
// default client: same outcomes, same bounds, same connections.
func TestTransportCanBeWrapped(t *testing.T) {
	t.Parallel()
	if _, open := edis.Transport().(*http.Transport); open {
		t.Error("Transport returns an *http.Transport, which a program could change for all clients")
	}
	var traced atomic.Int64
	httpClient := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		traced.Add(1)
		return edis.Transport().RoundTrip(r)
	})}
	traceOnly := func(o *edis.Options) { o.HTTPClient = httpClient }
	wantOutcome(t, newClient(t, unusedURL(t), traceOnly).SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
	wantOutcome(t, setPTR(t, serve(t, drop), onePTR, traceOnly), edis.OutcomeUnknown)
	large := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 128<<10))
		succeed(w, r)
	})
	wantOutcome(t, setPTR(t, large, onePTR, traceOnly), edis.OutcomeUnknown)
	if traced.Load() != 3 {
		t.Errorf("the wrapper saw %d requests, want 3", traced.Load())
	}
	var reused atomic.Bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused.Store(info.Reused) }})
	s := serve(t, succeed)
	for i, change := range []func(*edis.Options){func(*edis.Options) {}, traceOnly, traceOnly} {
		if i == 2 {
			httpClient = &http.Client{Transport: edis.Transport()}
			httpClient.CloseIdleConnections()
		}
		if err := newClient(t, s.URL, change).SetPTR(ctx, session(), onePTR); err != nil || reused.Load() != (i == 1) {
			t.Errorf("SetPTR %d = %v on a reused connection: %v, want the connection of the first until it is closed", i, err, reused.Load())
		}
	}
}

// Later waves of concurrent calls reuse the connections of the first.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	const atOnce = 16
	var wave atomic.Pointer[sync.WaitGroup]
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wave.Load().Done()
		wave.Load().Wait() // until all requests of the wave are here
		succeed(w, r)
	}))
	server.Config.ConnState = countConnections(&connections)
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	for range 3 {
		var arriving sync.WaitGroup
		arriving.Add(atOnce)
		wave.Store(&arriving)
		concurrently(atOnce, atOnce, func() {
			if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
				t.Error(err)
			}
		})
	}
	if got := connections.Load(); got != atOnce {
		t.Errorf("%d connections, want %d", got, atOnce)
	}
}

// The server closes the connection between two calls. The second one succeeds, with one
// request.
func TestIdleConnectionClosedByServer(t *testing.T) {
	t.Parallel()
	requests, closed := make(chan string, 3), make(chan struct{}, 3)
	url := listen(t, func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
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

// The client does not notice that a connection is closed until it writes to it. It sends
// the whole request on another one.
func TestIdleConnectionThatCannotBeWritten(t *testing.T) {
	t.Parallel()
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

// A program that replaces http.DefaultTransport expects it to be used.
func TestReplacedDefaultTransport(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("EDIS_TEST_TRANSPORT_URL"); url != "" {
		requests, original := 0, http.DefaultTransport
		http.DefaultTransport = roundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			return original.RoundTrip(r)
		})
		if err := newClient(t, url).SetPTR(t.Context(), session(), onePTR); err != nil || requests != 1 {
			t.Errorf("SetPTR = %v after %d requests, want nil after 1", err, requests)
		}
		return
	}
	s := serve(t, succeed)
	runInChild(t, "EDIS_TEST_TRANSPORT_URL="+s.URL)
	wantRequests(t, s, 1)
}
