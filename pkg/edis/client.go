package edis

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a [Client]. Nil and zero fields mean the defaults. NewClient
// copies them, nothing in them is changed.
type Options struct {
	// HTTPClient sends the requests, but redirects are never followed, whatever
	// its CheckRedirect says. Default: a client of this package with a
	// connection pool that all its Clients share, and proxies from the
	// environment.
	HTTPClient *http.Client

	// RDNSURL is the base URL of the reverse DNS service: https, or http on
	// loopback. Default: the server that the API document names for the
	// operation, https://dns-api.edisglobal.com.
	RDNSURL string

	// Timeout bounds one attempt, from the dial to the last byte of the answer.
	// Default: 30 seconds.
	Timeout time.Duration

	// MaxResponseBytes bounds the body of an answer, after decompression; a
	// larger one fails with [ErrResponseTooLarge]. Default: 64 KiB.
	MaxResponseBytes int64

	// AllowUnderscore permits underscores in host names. RFC 1123 does not,
	// but some networks name hosts so.
	AllowUnderscore bool

	// Logger receives a debug record for each attempt: operation, duration,
	// status. Secrets are never logged. Default: none.
	Logger *slog.Logger
}

// Client calls the reverse DNS service. Make one with [NewClient] and share it:
// it is safe for concurrent use and keeps connections open for the next call.
type Client struct {
	http             *http.Client
	rdnsURL          string // empty: as the API document says
	timeout          time.Duration
	maxResponseBytes int64
	allowUnderscore  bool
	logger           *slog.Logger
}

const (
	defaultTimeout          = 30 * time.Second
	defaultMaxResponseBytes = 64 << 10
)

// NewClient returns a client with these options; nil means the defaults. Its
// error matches [ErrInvalidInput].
func NewClient(options *Options) (*Client, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{
		http:             withoutRedirects(o.HTTPClient),
		timeout:          defaultTimeout,
		maxResponseBytes: defaultMaxResponseBytes,
		allowUnderscore:  o.AllowUnderscore,
		logger:           slog.New(slog.DiscardHandler),
	}
	if o.RDNSURL != "" {
		c.rdnsURL = withSlash(o.RDNSURL)
	}
	if o.Timeout > 0 {
		c.timeout = o.Timeout
	}
	if o.MaxResponseBytes > 0 {
		c.maxResponseBytes = o.MaxResponseBytes
	}
	if o.Logger != nil {
		c.logger = o.Logger
	}
	return c, nil
}

// SetPTR sets the PTR record of each address to its host name, all in one call
// (operation setPTR, POST /set/ptr).
//
// Addresses may be IPv4, IPv6 or IPv4-mapped; host names may be upper case,
// internationalised or end in a dot. They are sent in canonical form: RFC 5952
// text, lower-case A-labels. ptrs is read before SetPTR waits for anything.
//
// Nil means that the service confirmed the call with an answer that is valid
// against the API document. If the error matches
//   - [ErrInvalidInput], [ErrSessionExpired] or [ErrNotSent], or the error of
//     ctx where no request was made: nothing was sent;
//   - [ErrOutcomeUnknown]: some or all records may have changed;
//   - neither: the service refused the call, an [*APIError], and nothing
//     changed.
func (c *Client) SetPTR(ctx context.Context, src SessionSource, ptrs map[netip.Addr]string) error {
	if err := notNil(ctx, src); err != nil {
		return err
	}
	records, err := canonicalRecords(ptrs, c.allowUnderscore)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, setPTR, src, len(records), func(s Session) []byte {
		return setPTRForm(s, records)
	})
	return err
}

func notNil(ctx context.Context, src SessionSource) error {
	var bad inputErrors
	if ctx == nil {
		bad = append(bad, &InputError{Field: "ctx", Value: "nil", Reason: "a call needs a context"})
	}
	if src == nil {
		bad = append(bad, &InputError{Field: "src", Value: "nil", Reason: "a call needs a session"})
	}
	return bad.orNil()
}

func (c *Client) baseURL(spec *specOperation) string {
	if c.rdnsURL != "" {
		return c.rdnsURL
	}
	return spec.baseURL
}

// check refuses options that would send secrets in the clear, or make no sense.
func (o *Options) check() error {
	var bad inputErrors
	refuse := func(field, value, reason string) {
		bad = append(bad, &InputError{Field: "Options." + field, Value: value, Reason: reason})
	}
	if o.RDNSURL != "" {
		if shown, reason := checkBaseURL(o.RDNSURL); reason != "" {
			refuse("RDNSURL", shown, reason)
		}
	}
	if o.Timeout < 0 {
		refuse("Timeout", o.Timeout.String(), "negative")
	}
	if o.MaxResponseBytes < 0 {
		refuse("MaxResponseBytes", strconv.FormatInt(o.MaxResponseBytes, 10), "negative")
	}
	return bad.orNil()
}

// checkBaseURL returns the reason for which a base URL is refused, and the URL
// as it may be shown: user info can hold a password.
func checkBaseURL(given string) (shown, refused string) {
	base, err := url.Parse(given)
	if err != nil || strings.Contains(given, "@") {
		return redacted, "not a plain URL: user info, or a syntax error"
	}
	switch {
	case base.Host == "" || base.Opaque != "":
		return given, "not an absolute URL, such as https://dns-api.edisglobal.com"
	case base.RawQuery != "" || base.ForceQuery || strings.Contains(given, "#"):
		return given, "has a query or a fragment"
	case base.Scheme == "https":
		return given, ""
	case base.Scheme != "http":
		return given, "neither https nor http"
	case !isLoopback(base.Hostname()):
		return given, "http to another machine would show the session to the network; use https"
	}
	return given, ""
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

// withoutRedirects returns a client that hands redirects back in place of
// following them. The caller's client stays as it is.
func withoutRedirects(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	} else {
		client.Transport = sharedTransport()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// sharedTransport is one for all clients without an HTTPClient: a Client has no
// Close, so a pool of its own would outlive it.
var sharedTransport = sync.OnceValue(func() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    64, // net/http keeps 2, too few for concurrent calls
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
})
