package edis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// checkBaseURL returns an error unless secrets may be sent to the URL. It also returns
// the URL as it may be shown: user info or a query can hold a password. An empty URL
// stands for the default of the document.
func checkBaseURL(baseURL string) (shown string, err error) {
	parsed, err := url.Parse(baseURL)
	switch {
	case baseURL == "":
		return "", nil
	case strings.ContainsAny(baseURL, "@?#"):
		return redact.Mark, errors.New("has user info, a query or a fragment; remove it")
	case err != nil || parsed.Hostname() == "":
		return baseURL, errors.New("is not an absolute URL, such as https://dns-api.edisglobal.com")
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return baseURL, errors.New("is neither https nor http")
	case parsed.Scheme == "http" && !canonical.IsLoopback(parsed.Hostname()):
		return baseURL, errors.New("would expose secrets to the network; use https")
	}
	return baseURL, nil
}

// newHTTPClient returns a copy of given, or a new client if it is nil, that does not
// follow redirects: they would pass on the secrets in the form.
func newHTTPClient(given *http.Client) *http.Client {
	var client http.Client
	if given != nil {
		client = *given
	}
	if client.Transport == nil {
		client.Transport = Transport()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// Transport returns the RoundTripper that a [Client] uses by default. A program can wrap
// it, for example in one that traces requests, and set the result as the Transport of
// [Options.HTTPClient].
//
// It speaks HTTP/1.1. It takes the proxies of [http.DefaultTransport], for https only.
// All callers share its connection pool. If the program has replaced
// http.DefaultTransport with a type of its own, Transport returns that.
func Transport() http.RoundTripper { return sharedTransport() }

// An opaqueTransport can be used and wrapped, but not changed.
type opaqueTransport struct{ transport *http.Transport }

// RoundTrip sends one request.
func (o opaqueTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return o.transport.RoundTrip(r)
}

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (o opaqueTransport) CloseIdleConnections() { o.transport.CloseIdleConnections() }

// sharedTransport serves all clients that have none: a Client has no Close, so a
// connection pool of its own would outlive it.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program wants its own to be used
	}
	transport := standard.Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme != "https" || standard.Proxy == nil {
			return nil, nil // plain http goes to loopback only, and a proxy would see the secret
		}
		return standard.Proxy(r)
	}
	transport.OnProxyConnectResponse = refusedByProxy
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true) // see prepare
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = nil // has HTTP/2 if standard was used before
	}
	transport.MaxIdleConnsPerHost = 64 // the default of 2 is too few for concurrent calls
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.WriteBufferSize = 64 << 10 // 1,000 records in one write
	return opaqueTransport{transport}
})

// refusedByProxy names a proxy that refuses to connect. The text of net/http is only that
// of the status, which looks like a response of the service.
func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("the proxy %s refused to connect (HTTP %d)", proxy.Host, response.StatusCode)
}
