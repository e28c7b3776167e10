// Package transport is how requests that hold secrets travel: over https or
// loopback, without redirects, and so that what was not sent can be proved.
package transport

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// CheckBaseURL returns the reason for which a base URL is refused, and the URL
// as it may be shown: user info or a query can hold a password. An empty one is
// none, and not refused.
func CheckBaseURL(given string) (shown, refused string) {
	base, err := url.Parse(given)
	switch {
	case given == "": // left to the document
	case strings.ContainsAny(given, "@?#"):
		return redact.Mark, "has user info, a query or a fragment"
	case err != nil:
		refused = "does not parse as a URL"
	case base.Hostname() == "":
		refused = "not an absolute URL, such as https://dns-api.edisglobal.com"
	case base.Scheme != "https" && base.Scheme != "http":
		refused = "neither https nor http"
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		refused = "http to another machine would show the session to the network; use https"
	}
	return given, refused
}

// isLoopback knows localhost by name (RFC 6761, section 6.3), and looks up
// nothing.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// A Doer sends a request and returns the answer, as *http.Client does.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// WithoutRedirects returns a Doer that follows no redirects: the given client, or
// if that is nil, one of this package. The given client stays as it is.
func WithoutRedirects(given *http.Client) Doer {
	if own := shared(); own != nil && given == nil {
		return direct{noRedirects{own}}
	}
	var client http.Client
	if given != nil {
		client = *given
	}
	client.Transport = noRedirects{cmp.Or(client.Transport, http.DefaultTransport)}
	return apart{&client}
}

// apart gives to a client a request of its own, since many a RoundTripper changes
// what it gets, which may be shared here.
type apart struct{ client *http.Client }

func (a apart) Do(r *http.Request) (*http.Response, error) {
	return a.client.Do(r.Clone(r.Context())) //nolint:gosec // CheckBaseURL says where to
}

// direct sends without an http.Client, which would copy the header of each
// request lest it has to follow a redirect: seven allocations. Its errors are
// those of an http.Client.
type direct struct{ http.RoundTripper }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	response, err := d.RoundTrip(r)
	if err == nil {
		return response, nil
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		err = http.ErrSchemeMismatch
	}
	return nil, &url.Error{Op: "Post", URL: r.URL.Redacted(), Err: err} // as all requests are
}

// WithForm gives a form to a request, which is sent again by itself if the
// connection turns out to have been closed before.
func WithForm(form []byte, request *http.Request) *http.Request {
	request.ContentLength = int64(len(form))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(form)), nil }
	request.Body, _ = request.GetBody() // never fails
	return request
}

// IsRedirect tells whether an answer of this status leads elsewhere.
func IsRedirect(status int) bool { return status >= 300 && status <= 399 }

// RefusedLocation is the header field in which a client of WithoutRedirects
// returns where a redirect leads.
const RefusedLocation = "Refused-Location"

// noRedirects hides from http.Client where a redirect leads. CheckRedirect would
// come too late for a target that does not parse.
type noRedirects struct{ http.RoundTripper }

func (t noRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil && IsRedirect(response.StatusCode) {
		response.Header = response.Header.Clone()
		response.Header.Set(RefusedLocation, response.Header.Get("Location"))
		response.Header.Del("Location")
	}
	return response, err
}

// shared is one transport for all clients that bring none: they have no Close,
// so a pool of connections of their own would outlive them. It is nil if the
// program has put another into http.DefaultTransport.
var shared = sync.OnceValue(func() *http.Transport {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil
	}
	transport := standard.Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme != "https" {
			return nil, nil // to loopback, and a proxy would see the secret
		}
		return http.ProxyFromEnvironment(r)
	}
	transport.MaxIdleConnsPerHost = 64 // not 2, too few for concurrent calls
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.WriteBufferSize = 64 << 10 // not 4: 1,000 records in one write
	return transport
})

// A Trace watches whether a request got a connection. Without one it cannot have
// reached the service; this proves it where the text of an error would be a
// guess.
type Trace struct{ wanted, obtained atomic.Bool }

// Watch returns the context to make the request with.
func (t *Trace) Watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.obtained.Store(true) },
	})
}

// NotSent tells whether it is proved that there was no connection. A transport
// that reports nothing to the trace proves nothing.
func (t *Trace) NotSent() bool { return t.wanted.Load() && !t.obtained.Load() }

// RetryAfter reads the header of that name, seconds or a date (RFC 9110, section
// 10.2.3). What is absent, malformed or past is zero.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	const longest = 1 << 33 // seconds that a Duration holds
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), longest)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
