package edis_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// ownClients are the HTTP clients that the package makes or completes.
func ownClients() []*http.Client { return []*http.Client{nil, {}, {Transport: edis.Transport()}} }

// The proxies of the environment are for https. Plain HTTP goes to loopback only, and a
// proxy would see the secrets in it; net/http exempts localhost, but not LOCALHOST. A proxy
// that refuses to connect is named, without its password: it was not the service.
func TestProxyOfEnvironment(t *testing.T) {
	t.Parallel()
	if loopback := os.Getenv("EDIS_TEST_LOOPBACK_URL"); loopback != "" {
		for _, httpClient := range ownClients() {
			var log bytes.Buffer
			change := func(o *edis.Options) {
				o.HTTPClient, o.MaxAttempts = httpClient, 3
				o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}
			if err := newClient(t, loopback, change).SetPTR(t.Context(), session(), onePTR); err != nil {
				t.Errorf("SetPTR on loopback = %v", err)
			}
			failed := wantFailure(t, newClient(t, "https://a.example", change).SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
			want := fmt.Sprintf("the proxy %s refused to connect (HTTP 407)", os.Getenv("EDIS_TEST_PROXY"))
			if !strings.Contains(failed.Error(), want) || failed.Attempts != 1 {
				t.Errorf("SetPTR through a proxy = %v, want %q after 1 attempt", failed, want)
			}
			walk(failed, func(cause error) { wantSafeText(t, cause) })
			if strings.Contains(log.String(), "s3cr3t") || !strings.Contains(log.String(), "refused to connect") {
				t.Errorf("log = %q, want the refusal without the password of the proxy", &log)
			}
		}
		return
	}
	service := serve(t, succeed)
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "a.example:443" || r.Header.Get("Proxy-Authorization") == "" {
			t.Errorf("proxy received %s %s, want CONNECT a.example:443 with the credentials of its URL", r.Method, r.Host)
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	host := strings.TrimPrefix(proxy.URL, "http://")
	withPassword := "http://user:s3cr3t-proxy@" + host
	runInChild(t, "HTTP_PROXY="+withPassword, "http_proxy="+withPassword, "HTTPS_PROXY="+withPassword, "https_proxy="+withPassword, "NO_PROXY=", "no_proxy=",
		"EDIS_TEST_PROXY="+host, "EDIS_TEST_LOOPBACK_URL="+strings.Replace(service.URL, "127.0.0.1", "LOCALHOST", 1))
	wantRequests(t, service, 3)
	wantRequests(t, proxy, 3)
}

// A proxy that the program sets on http.DefaultTransport is used for https only.
func TestProxyOfDefaultTransport(t *testing.T) {
	t.Parallel()
	if proxy := os.Getenv("EDIS_TEST_SET_PROXY"); proxy != "" {
		http.DefaultTransport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
		for _, httpClient := range ownClients() {
			use := func(o *edis.Options) { o.HTTPClient = httpClient }
			wantOutcome(t, newClient(t, "https://a.example", use).SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
			if err := newClient(t, os.Getenv("EDIS_TEST_LOOPBACK_URL"), use).SetPTR(t.Context(), session(), onePTR); err != nil {
				t.Errorf("SetPTR on loopback = %v", err)
			}
		}
		return
	}
	proxy, service := serve(t, respondWith(403, "", "")), serve(t, succeed)
	runInChild(t, "EDIS_TEST_SET_PROXY="+proxy.URL, "EDIS_TEST_LOOPBACK_URL="+service.URL)
	wantRequests(t, proxy, 3)
	wantRequests(t, service, 3)
}

// A program that sets no proxy on http.DefaultTransport has none, whatever its environment
// says.
func TestDefaultTransportWithoutProxy(t *testing.T) {
	t.Parallel()
	if service := os.Getenv("EDIS_TEST_DIRECT_URL"); service != "" {
		http.DefaultTransport.(*http.Transport).Proxy = nil
		for _, httpClient := range ownClients() {
			client := newClient(t, service, func(o *edis.Options) { o.HTTPClient = httpClient })
			wantOutcome(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		}
		return
	}
	proxy := serve(t, respondWith(403, "", ""))
	service := strings.Replace(unusedURL(t), "http://127.0.0.1", "https://LOCALHOST", 1) // net/http exempts localhost only
	runInChild(t, "EDIS_TEST_DIRECT_URL="+service, "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	wantRequests(t, proxy, 0)
}

// A proxy that connects is not named, and neither is its password if it breaks.
func TestProxyOfCaller(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"refuses": respondWith(407, "", ""), "breaks": drop} {
		target, err := url.Parse(strings.Replace(serve(t, handler).URL, "http://", "http://user:s3cr3t-proxy@", 1))
		if err != nil {
			t.Fatal(err)
		}
		gone := *target
		gone.Host = strings.TrimPrefix(unusedURL(t), "http://")
		for _, proxy := range []*url.URL{target, &gone} {
			var log bytes.Buffer
			client := newClient(t, "https://a.example", func(o *edis.Options) {
				o.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
				o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			failed := wantFailure(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
			walk(failed, func(cause error) { wantSafeText(t, cause) })
			if strings.Contains(log.String(), "s3cr3t") || log.Len() == 0 {
				t.Errorf("log of a proxy that %s = %q, want it without its password", name, &log)
			}
			if mayPass := proxy == &gone || name == "breaks"; failed.Retryable != mayPass {
				t.Errorf("SetPTR with a proxy that %s = %v with Retryable %v, want %v", name, failed, failed.Retryable, mayPass)
			}
		}
	}
}

// A proxy that accepts the connection is only a way to the service.
func TestProxyThatConnects(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_CONNECT") != "" {
		failed := wantFailure(t, newClient(t, "https://a.example").SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		if strings.Contains(failed.Error(), "refused") || !strings.Contains(failed.Error(), "EOF") {
			t.Errorf("SetPTR = %v, want that the connection broke", failed)
		}
		return
	}
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connected\r\n\r\n")
		_, _ = conn.Read(make([]byte, 16<<10)) // the beginning of the TLS handshake
		_ = conn.Close()
	})
	runInChild(t, "EDIS_TEST_CONNECT=yes", "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	wantRequests(t, proxy, 1)
}
