package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// Without RDNSURL, calls go to the server that the document names for the path, not
// to that of the whole document.
func TestDefaultServer(t *testing.T) {
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
		t.Errorf("SetPTR sent %q, want %q", got, want)
	}
	// The transport reports no connections, so it cannot prove that nothing was sent.
	wantErrorIs(t, err, edis.ErrOutcomeUnknown)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("errors.Is(%v, io.ErrUnexpectedEOF) = false, want true", err)
	}
}

func TestHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	requests := 0
	httpClient := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		requests++
		return http.DefaultTransport.RoundTrip(r)
	})}
	s := serve(t, succeed)
	if err := setPTR(t, s, onePTR, func(o *edis.Options) { o.HTTPClient = httpClient }); err != nil {
		t.Fatal(err)
	}
	if requests != 1 || httpClient.CheckRedirect != nil || httpClient.Timeout != 0 {
		t.Errorf("HTTPClient sent %d requests and is now %+v, want 1 request and no change", requests, httpClient)
	}
}

// The client follows no redirect, even if the caller's http.Client would or the
// location is not a URL.
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
			t.Errorf("SetPTR = %v, want an error that names the location %s", err, location)
		}
	}
	wantRequests(t, other, 0)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices a disconnect only after this
			<-r.Context().Done()
		}, func(o *edis.Options) { o.Timeout, o.MaxAttempts = 50*time.Millisecond, 1 })
		started := time.Now()
		err := s.client.SetPTR(t.Context(), session(), onePTR)
		wantErrorIs(t, err, edis.ErrOutcomeUnknown)
		if took := time.Since(started); took != 50*time.Millisecond || !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("SetPTR = %v after %v, want an error with %q after 50ms", err, took, "deadline exceeded")
		}
	})
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
			t.Errorf("Retry-After %q: err = %v, want an APIError with RetryAfter %v", value, err, want)
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		respondWith(429, jsonType, "{}")(w, r)
	})
	var api *edis.APIError
	if err := setPTR(t, s, onePTR); !errors.As(err, &api) || api.RetryAfter < 59*time.Minute || api.RetryAfter > time.Hour {
		t.Errorf("Retry-After a date in an hour: err = %v, want an APIError with RetryAfter 1h", err)
	}
}

// testEcho is row F71: a response that echoes the signature, in any encoding, does
// not leak it.
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
		for _, handler := range []http.HandlerFunc{
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
			s := serve(t, handler)
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
				t.Errorf("Body = %q, want at most 512 bytes without the signature", contract.Body)
			}
			if contract != nil && strings.Contains(contract.Reason, "s3cr3t") {
				t.Errorf("Reason = %q, want it without the signature", contract.Reason)
			}
			if log.Len() == 0 || strings.Contains(log.String(), "s3cr3t") {
				t.Errorf("log = %q, want a record without the signature", log.String())
			}
		}
	}
}

// The errors of net/http quote what it cannot parse.
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
		t.Errorf("SetPTR = %v, want an error with %q", err, "text withheld")
	}
	walk(err, func(cause error) { wantSafeText(t, cause) })
}

// Plain HTTP to loopback never goes through a proxy. net/http exempts localhost, but
// not LOCALHOST.
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

// runInChild runs the test again in another process with these environment
// variables: net/http reads the proxy variables only once.
func runInChild(t *testing.T, environment ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), environment...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

func TestProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_PROXY") != "" {
		_ = newClient(t, "https://a.example").SetPTR(t.Context(), session(), onePTR) // fails: the proxy refuses
		return
	}
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "a.example:443" {
			t.Errorf("proxy received %s %s, want CONNECT a.example:443", r.Method, r.Host)
		}
		w.WriteHeader(http.StatusForbidden)
	})
	runInChild(t, "EDIS_TEST_PROXY=yes", "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	wantRequests(t, proxy, 1)
}

// A proxy that the program sets on http.DefaultTransport is used for HTTPS only, also for
// a caller's client without a Transport.
func TestProxyOfDefaultTransport(t *testing.T) {
	t.Parallel()
	if proxy := os.Getenv("EDIS_TEST_SET_PROXY"); proxy != "" {
		http.DefaultTransport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
		for _, httpClient := range []*http.Client{nil, {}} {
			use := func(o *edis.Options) { o.HTTPClient = httpClient }
			_ = newClient(t, "https://a.example", use).SetPTR(t.Context(), session(), onePTR) // fails: the proxy refuses
			if err := newClient(t, os.Getenv("EDIS_TEST_LOOPBACK_URL"), use).SetPTR(t.Context(), session(), onePTR); err != nil {
				t.Error(err)
			}
		}
		return
	}
	proxy, service := serve(t, respondWith(403, "", "")), serve(t, succeed)
	runInChild(t, "EDIS_TEST_SET_PROXY="+proxy.URL, "EDIS_TEST_LOOPBACK_URL="+service.URL)
	wantRequests(t, proxy, 2)
	wantRequests(t, service, 2)
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
	runInChild(t, "EDIS_TEST_TRANSPORT_URL="+serve(t, succeed).URL)
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

// walk calls visit for err and every error that it unwraps to.
func walk(err error, visit func(error)) {
	visit(err)
	switch err := err.(type) { //nolint:errorlint // walks the tree of errors
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

// Text from the service cannot control the terminal.
func TestMessagesHaveNoControlCharacters(t *testing.T) {
	t.Parallel()
	s := serve(t, respondWith(400, jsonType, `{"status":"error","error":"\u001b[2Jcleared\u0007\n"}`))
	var api *edis.APIError
	if err := setPTR(t, s, onePTR); !errors.As(err, &api) || api.Message != " [2Jcleared  " {
		t.Errorf("SetPTR = %v, want an APIError with the message %q", err, " [2Jcleared  ")
	}
}

func TestSessionNeverShowsItsSignature(t *testing.T) {
	t.Parallel()
	s := session()
	texts := []string{s.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, []edis.Session{s}), fmt.Sprintf(verb, struct{ S edis.Session }{s}))
	}
	encoded, err := json.Marshal(map[string]any{"a": s, "b": &s})
	if err != nil {
		t.Fatal(err)
	}
	inXML, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	texts = append(texts, string(inXML))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "session", s, "pointer", &s)
	texts = append(texts, string(encoded), log.String())
	for _, text := range texts {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, fmt.Sprintf("%x", "s3cr3t")) {
			t.Errorf("%q shows the signature", text)
		}
	}
	if goSyntax := fmt.Sprintf("%#v", s); !strings.Contains(fmt.Sprint(s), s.KVMID) || !strings.Contains(goSyntax, s.KVMID) {
		t.Errorf("String() = %q, %%#v = %q, want the KVM ID in both", fmt.Sprint(s), goSyntax)
	}
}

func TestInvalidOptions(t *testing.T) {
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
		if input := new(edis.InputError); !errors.As(err, &input) || input.Field != field {
			t.Errorf("NewClient(%+v) = %v, want an InputError of %s", options, err, field)
		}
	}
}

// If the SessionSource fails, nothing is sent and its error is kept.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	errNoSession := errors.New("no session")
	s := serve(t, succeed)
	err := newClient(t, s.URL).SetPTR(t.Context(), sourceFunc(func(context.Context) (edis.Session, error) {
		return edis.Session{}, errNoSession
	}), onePTR)
	wantErrorIs(t, err, edis.ErrNotSent)
	if !errors.Is(err, errNoSession) {
		t.Errorf("errors.Is(%v, errNoSession) = false, want true", err)
	}
	wantRequests(t, s, 0)
}

// If the context is canceled while the SessionSource runs, nothing is sent.
func TestContextCanceledInSource(t *testing.T) {
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

// Only localhost itself is this machine.
func TestNotLocalhost(t *testing.T) {
	t.Parallel()
	wantInvalidURLs(t, "http://notlocalhost", "http://localhost.example", "http://127.0.0.1.example")
}
