package edis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
		return redact.Mark, errors.New("has user info, a query or a fragment")
	case err != nil || parsed.Hostname() == "":
		return baseURL, errors.New("not an absolute URL, such as https://dns-api.edisglobal.com")
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return baseURL, errors.New("neither https nor http")
	case parsed.Scheme == "http" && !canonical.IsLoopback(parsed.Hostname()):
		return baseURL, errors.New("http to another machine would expose the session to the network; use https")
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
		client.Transport = sharedTransport()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

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
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true) // see guard
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = nil // has HTTP/2 if standard was used before
	}
	transport.MaxIdleConnsPerHost = 64 // the default of 2 is too few for concurrent calls
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.WriteBufferSize = 64 << 10 // 1,000 records in one write
	return transport
})

// A connectionTrace watches whether a request got a connection. Without one it
// cannot have reached the service.
type connectionTrace struct{ wanted, obtained, http2 atomic.Bool }

// watch returns the context to send the request with.
func (t *connectionTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.obtained.Store(true) },
		WroteHeaderField: func(name string, _ []string) {
			if name == ":method" {
				t.http2.Store(true)
			}
		},
	})
}

// guard wraps getBody, with which net/http can send a request again by itself. Over
// HTTP/1.1 it does so if nothing was sent. Over HTTP/2 it also repeats requests that the
// service may have carried out, without limit, and the outcomes of all but the last are
// lost.
func (t *connectionTrace) guard(getBody func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if t.http2.Load() {
			return nil, fmt.Errorf("HTTP/2 stream or connection broke: %w", io.ErrUnexpectedEOF)
		}
		return getBody()
	}
}

// maybeSent reports whether the request may have reached the service. A transport
// that reports nothing to the trace proves nothing.
func (t *connectionTrace) maybeSent() bool { return !t.wanted.Load() || t.obtained.Load() }

// retryAfter parses the Retry-After header: seconds or a date (RFC 9110, section 10.2.3).
// An absent, malformed or past value is zero.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	const longest = 1 << 33 // seconds that a Duration holds
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), longest)) * time.Second
	}
	at, _ := http.ParseTime(value) // zero, and so long past, if it is not a date
	return max(0, at.Sub(now))
}
