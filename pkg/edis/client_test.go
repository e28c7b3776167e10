package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// Without RDNSURL calls go where the document says: to the server of the path,
// not to that of the whole document.
func TestDefaultServerIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	var got string
	client := newClient(t, "", func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.Method + " " + r.URL.String()
			return nil, io.ErrUnexpectedEOF
		})}
	})
	err := client.SetPTR(t.Context(), session(), onePTR)
	if want := "POST https://dns-api.edisglobal.com/set/ptr"; got != want {
		t.Errorf("SetPTR made the request %q, want %q", got, want)
	}
	// A transport that does not report its connections proves nothing.
	wantErrorIs(t, err, edis.ErrOutcomeUnknown)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("errors.Is(%v, io.ErrUnexpectedEOF) = false, want the cause to be reachable", err)
	}
}

func TestHTTPClientIsUsedAndNotChanged(t *testing.T) {
	t.Parallel()
	used := 0
	own := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		used++
		return http.DefaultTransport.RoundTrip(r)
	})}
	s := serve(t, succeed)
	if err := setPTR(t, s, onePTR, func(o *edis.Options) { o.HTTPClient = own }); err != nil {
		t.Fatal(err)
	}
	if used != 1 || own.CheckRedirect != nil || own.Timeout != 0 {
		t.Errorf("the client was used %d times and is now %+v, want once and unchanged", used, own)
	}
}

// Whatever the caller's client would follow, and wherever a redirect leads, even if
// that is not a URL, the secret is not sent along.
func TestCallersRedirectPolicyIsNotUsed(t *testing.T) {
	t.Parallel()
	other := serve(t, succeed)
	for _, location := range []string{other.URL + "/set/ptr", "https://a.example/%zz", "://"} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		err := setPTR(t, s, onePTR, func(o *edis.Options) {
			o.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		})
		wantErrorIs(t, err, edis.ErrRedirect, edis.ErrOutcomeUnknown)
		if !strings.Contains(err.Error(), location) {
			t.Errorf("SetPTR = %v, want the location %s", err, location)
		}
	}
	wantRequests(t, other, 0)
}

func TestNotSentIsProved(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	wantErrorIs(t, newClient(t, url).SetPTR(t.Context(), session(), onePTR), edis.ErrNotSent)
}

func TestTimeoutIsKept(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before s closes
	err := setPTR(t, s, onePTR, func(o *edis.Options) { o.Timeout = 50 * time.Millisecond })
	wantErrorIs(t, err, edis.ErrOutcomeUnknown)
	if err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("%v does not tell of the deadline", err)
	}
}

// What an answer of 400 or above means for the records.
func TestStatusDecidesTheOutcome(t *testing.T) {
	t.Parallel()
	twoPTRs := map[netip.Addr]string{addr("192.0.2.1"): "a.example", addr("192.0.2.2"): "b.example"}
	documented := `{"status":"error","error":"because"}`
	for _, test := range []struct {
		status      int
		contentType string
		body        string
		ptrs        map[netip.Addr]string
		want        []error
	}{
		{400, jsonType, documented, onePTR, nil},
		{400, jsonType, documented, twoPTRs, []error{edis.ErrOutcomeUnknown}},
		{400, "text/html", "<html>", onePTR, []error{edis.ErrContract}},
		{401, jsonType, documented, twoPTRs, []error{edis.ErrUnauthorized}},
		{403, jsonType, documented, onePTR, []error{edis.ErrContract}},
		{404, "text/html", "<html>", twoPTRs, []error{edis.ErrContract, edis.ErrOutcomeUnknown}},
		{408, "text/plain", "slow", onePTR, []error{edis.ErrContract, edis.ErrOutcomeUnknown}},
		{429, "text/plain", "", twoPTRs, []error{edis.ErrContract, edis.ErrRateLimited}},
		{500, jsonType, documented, onePTR, []error{edis.ErrServer, edis.ErrOutcomeUnknown}},
		{500, jsonType, `{"status":`, onePTR, []error{edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown}},
		{503, "text/html", "<html>", onePTR, []error{edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown}},
	} {
		s := serve(t, respondWith(test.status, test.contentType, test.body))
		err := setPTR(t, s, test.ptrs)
		wantErrorIs(t, err, test.want...)
		var api *edis.APIError
		if !errors.As(err, &api) || api.Status != test.status || api.Op != "setPTR" {
			t.Errorf("answer %d: %v keeps no status", test.status, err)
		}
		if strings.Contains(test.body, "because") && test.status != 403 && api.Message != "because" {
			t.Errorf("answer %d: message %q, want %q", test.status, api.Message, "because")
		}
		if t.Failed() {
			t.Fatalf("the answer was %+v", test)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"315360000":                     315360000 * time.Second,
		"4294967296":                    4294967296 * time.Second,
		"99999999999999999999":          1 << 33 * time.Second,
		"soon":                          0,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", value)
			respondWith(429, jsonType, "{}")(w, r)
		})
		var api *edis.APIError
		if err := setPTR(t, s, onePTR); !errors.As(err, &api) || api.RetryAfter != want {
			t.Errorf("Retry-After %q gives %v, want RetryAfter %v", value, err, want)
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		respondWith(429, jsonType, "{}")(w, r)
	})
	var api *edis.APIError
	if err := setPTR(t, s, onePTR); !errors.As(err, &api) || api.RetryAfter < 59*time.Minute || api.RetryAfter > time.Hour {
		t.Errorf("a Retry-After of a date in an hour gives %v", err)
	}
}

// testEcho is in the fault table as F71: an answer that echoes the signature, in
// whatever form, is not a way out.
func testEcho(t *testing.T) {
	t.Helper()
	quoted, err := json.Marshal(signature)
	if err != nil {
		t.Fatal(err)
	}
	for _, echo := range []string{
		string(quoted[1 : len(quoted)-1]),
		url.QueryEscape(signature),
		strings.ToLower(url.QueryEscape(signature)),
		url.QueryEscape(url.QueryEscape(signature)),
		url.QueryEscape(string(quoted[1 : len(quoted)-1])),
	} {
		for _, answer := range []http.HandlerFunc{
			respondWith(200, jsonType, `{"status":"`+echo+`"}`),
			respondWith(400, jsonType, `{"status":"error","error":"`+echo+`"}`),
			respondWith(400, jsonType, `{"status":"error","error":5,"`+echo+`":1}`),
			respondWith(500, "text/html", strings.Repeat("x", 500)+echo),
			respondWith(200, echo, "x"),
			respondWith(200, "text/html", "<p>"+html.EscapeString(signature)+"</p>"),
			respondWith(200, "text/html", strings.ReplaceAll(html.EscapeString(echo), "&#34;", "&quot;")),
			respondWith(200, "text/html", strings.Repeat(echo+" ", 2000)),
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://a.example/"+echo)
				w.WriteHeader(302)
			},
		} {
			var log bytes.Buffer
			s := serve(t, answer)
			err := setPTR(t, s, onePTR, func(o *edis.Options) {
				o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			if err == nil {
				t.Fatal("SetPTR succeeded")
			}
			wantSafeText(t, err)
			walk(err, func(cause error) { wantSafeText(t, cause) })
			var contract *edis.ContractError
			if errors.As(err, &contract) && (bytes.Contains(contract.Body, []byte("s3cr3t")) || len(contract.Body) > 512) {
				t.Errorf("Body is %q", contract.Body)
			}
			if contract != nil && strings.Contains(contract.Reason, "s3cr3t") {
				t.Errorf("Reason is %q", contract.Reason)
			}
			if log.Len() == 0 || strings.Contains(log.String(), "s3cr3t") {
				t.Errorf("the log is %q, want a record without the signature", log.String())
			}
		}
	}
}

// net/http quotes what it cannot parse.
func TestMalformedResponseIsWithheld(t *testing.T) {
	t.Parallel()
	url := listen(t, func(conn net.Conn) {
		_ = readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 xx"+signature+"\r\n\r\n")
		_ = conn.Close()
	})
	err := newClient(t, url).SetPTR(t.Context(), session(), onePTR)
	wantErrorIs(t, err, edis.ErrOutcomeUnknown)
	if err == nil || !strings.Contains(err.Error(), "text withheld") {
		t.Errorf("SetPTR = %v, want its text withheld", err)
	}
	walk(err, func(cause error) { wantSafeText(t, cause) })
}

// Plain http to loopback goes to loopback, whatever proxy the environment names:
// net/http exempts localhost, but not LOCALHOST. The environment is read once in
// a process, so the test runs itself in another.
func TestLoopbackUsesNoProxy(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("EDIS_TEST_LOOPBACK_URL"); url != "" {
		if err := newClient(t, url).SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Error(err)
		}
		return
	}
	service, proxy := serve(t, succeed), serve(t, succeed)
	runInChild(t, "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL,
		"EDIS_TEST_LOOPBACK_URL="+strings.Replace(service.URL, "127.0.0.1", "LOCALHOST", 1))
	wantRequests(t, service, 1)
	wantRequests(t, proxy, 0)
}

// runInChild runs the test again in a process of its own with these variables, since
// net/http reads some of them once.
func runInChild(t *testing.T, environment ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), environment...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

// Another machine is reached through the proxy of the environment.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_PROXY") != "" {
		_ = newClient(t, "https://a.example").SetPTR(t.Context(), session(), onePTR) // the proxy refuses
		return
	}
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "a.example:443" {
			t.Errorf("the proxy got %s %s, want CONNECT a.example:443", r.Method, r.Host)
		}
		w.WriteHeader(http.StatusForbidden)
	})
	runInChild(t, "EDIS_TEST_PROXY=yes", "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	wantRequests(t, proxy, 1)
}

// A program that has put its own transport into http.DefaultTransport wants it to
// be used.
func TestDefaultTransportOfTheProgram(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("EDIS_TEST_TRANSPORT_URL"); url != "" {
		used, standard := 0, http.DefaultTransport
		http.DefaultTransport = roundTripper(func(r *http.Request) (*http.Response, error) {
			used++
			return standard.RoundTrip(r)
		})
		if err := newClient(t, url).SetPTR(t.Context(), session(), onePTR); err != nil || used != 1 {
			t.Errorf("SetPTR = %v, and the transport was used %d times, want once", err, used)
		}
		return
	}
	runInChild(t, "EDIS_TEST_TRANSPORT_URL="+serve(t, succeed).URL)
}

// Many a RoundTripper changes the request that it gets, which must not reach the
// next call.
func TestCallsShareNoRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	client := newClient(t, s.URL, func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Header.Add("X-Own", "a"); len(r.Header["X-Own"]) != 1 || r.URL.RawQuery != "" {
				t.Errorf("the request has what the call before it added: %s %v", r.URL, r.Header)
			}
			r.URL.RawQuery = "own=a"
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	for range 2 {
		if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Fatal(err)
		}
	}
}

// Waves of concurrent calls use the connections of the first.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const atOnce = 16
	var wave atomic.Pointer[sync.WaitGroup]
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wave.Load().Done()
		wave.Load().Wait() // until all are here
		succeed(w, r)
	}))
	server.Config.ConnState = countConnections(&connections)
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	for range 3 {
		var here sync.WaitGroup
		here.Add(atOnce)
		wave.Store(&here)
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

// walk visits err and everything that it unwraps to.
func walk(err error, visit func(error)) {
	visit(err)
	switch err := err.(type) { //nolint:errorlint // walks the tree itself
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			walk(inner, visit)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			walk(inner, visit)
		}
	}
}

// Text from the service cannot steer a terminal.
func TestMessagesAreShownWithoutControlCharacters(t *testing.T) {
	t.Parallel()
	s := serve(t, respondWith(400, jsonType, `{"status":"error","error":"\u001b[2Jcleared\u0007\n"}`))
	var api *edis.APIError
	if err := setPTR(t, s, onePTR); !errors.As(err, &api) || api.Message != " [2Jcleared  " {
		t.Errorf("the message is %q", api.Message)
	}
}

func TestSessionNeverShowsItsSignature(t *testing.T) {
	t.Parallel()
	s := session()
	texts := []string{s.String(), s.GoString(), s.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, []edis.Session{s}), fmt.Sprintf(verb, struct{ S edis.Session }{s}))
	}
	encoded, err := json.Marshal(map[string]any{"a": s, "b": &s})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "session", s, "pointer", &s)
	texts = append(texts, string(encoded), log.String())
	for _, text := range texts {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, fmt.Sprintf("%x", "s3cr3t")) {
			t.Errorf("shows the signature: %s", text)
		}
	}
	if !strings.Contains(s.String(), s.KVMID) || !strings.Contains(s.GoString(), s.KVMID) {
		t.Errorf("%s and %s do not show the KVM id", s.String(), s.GoString())
	}
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for field, options := range map[string]edis.Options{
		"Options.Timeout":          {Timeout: -1},
		"Options.MaxAttempts":      {MaxAttempts: -1},
		"Options.MaxResponseBytes": {MaxResponseBytes: -1},
		"Options.RDNSURL":          {RDNSURL: "http://a.example"},
		"Options.AuthURL":          {AuthURL: "https://user@a.example"},
	} {
		_, err := edis.NewClient(&options)
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if bad := new(edis.InputError); !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("NewClient(%+v) = %v, want an error about %s", options, err, field)
		}
	}
}

// A failing source ends the call before anything is sent, its error reachable.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	errNoSession := errors.New("no session")
	s := serve(t, succeed)
	err := newClient(t, s.URL).SetPTR(t.Context(), sourceFunc(func(context.Context) (edis.Session, error) {
		return edis.Session{}, errNoSession
	}), onePTR)
	wantErrorIs(t, err, edis.ErrNotSent)
	if !errors.Is(err, errNoSession) {
		t.Errorf("errors.Is(%v, errNoSession) = false", err)
	}
	wantRequests(t, s, 0)
}

// A context that ends while the session is fetched ends the call before anything
// is sent.
func TestContextEndsInTheSource(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	ctx, cancel := context.WithCancel(t.Context())
	err := newClient(t, s.URL).SetPTR(ctx, sourceFunc(func(context.Context) (edis.Session, error) {
		cancel()
		return session(), nil
	}), onePTR)
	wantErrorIs(t, err, edis.ErrNotSent)
	wantRequests(t, s, 0)
}
