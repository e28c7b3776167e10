package edis

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/transport"
)

// Options of a [Client]. Nil and zero fields mean the defaults. NewClient
// copies them, nothing in them is changed.
type Options struct {
	// HTTPClient sends the requests; its Timeout and Jar stay in force, but
	// redirects are never followed, whatever its CheckRedirect says. Its
	// Transport should not repeat requests by itself: what an attempt that it
	// hides has done cannot be told. Default: a client of this package with a
	// connection pool that all its Clients share, and proxies from the
	// environment.
	HTTPClient *http.Client

	// RDNSURL is the base URL of the reverse DNS service: https, or http on
	// loopback. Default: the server that the API document names for the
	// operation, https://dns-api.edisglobal.com.
	RDNSURL string

	// AuthURL is the base URL of the service that logs in, with the same
	// restrictions. Default: the server that the API document names for the
	// operation, https://session.edisglobal.com.
	AuthURL string

	// Timeout bounds one attempt, from the dial to the last byte of the answer.
	// Negative is refused. Default: 30 seconds.
	Timeout time.Duration

	// MaxAttempts is how often a call is tried in all. SetPTR, GetPTR and
	// DeletePTR are tried again after failures that may pass: no connection, no
	// answer, status 429 or 5xx; a login only if it was not sent. The pauses are
	// at random up to 0.5 seconds, then 1 second and so on, or what the service
	// asks for, up to 30 seconds. All calls of a Client share a budget of 50
	// retries, of which ten successes give one back. After a 401, a call with
	// the new session of a LoginSource counts anew. Negative is refused.
	// Default: 3.
	MaxAttempts int

	// MaxResponseBytes bounds the body of an answer, after decompression; a
	// larger one fails with [ErrResponseTooLarge]. Default: 64 KiB for SetPTR and
	// DeletePTR, 16 MiB for calls that read. Negative is refused.
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
	options Options // with the defaults filled in
	http    transport.Doer

	prepared sync.Map // by operation id
	retries  retryBudget
}

// NewClient returns a client with these options; nil means the defaults. Its
// error matches [ErrInvalidInput].
func NewClient(options *Options) (*Client, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if err := o.check().err(); err != nil {
		return nil, err
	}
	o.RDNSURL, o.AuthURL = contract.WithSlash(o.RDNSURL), contract.WithSlash(o.AuthURL)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 3)
	return &Client{options: o, http: transport.WithoutRedirects(o.HTTPClient)}, nil
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
//   - [ErrInvalidInput] or [ErrNotSent]: nothing was sent;
//   - [ErrOutcomeUnknown]: some or all records may have changed;
//   - none of these: the service refused the call, an [*APIError], and nothing
//     changed.
func (c *Client) SetPTR(ctx context.Context, src SessionSource, ptrs map[netip.Addr]string) error {
	records, bad := canonicalPTRs(ptrs, c.options.AllowUnderscore)
	return c.callPTR(ctx, setPTR, src, records, bad, nil)
}

// DeletePTR removes the PTR records of the addresses, all in one call
// (operation deletePTR, POST /del/ptr). Addresses and errors are as in
// [Client.SetPTR]. Whether the service takes the deletion of a record that is
// not there for an error is not documented.
func (c *Client) DeletePTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) error {
	records, bad := canonicalAddresses(addrs)
	return c.callPTR(ctx, deletePTR, src, records, bad, nil)
}

// GetPTR returns the PTR records of the addresses (operation getPTR, POST
// /get/ptr). The keys are the addresses in canonical form, an IPv4-mapped one as
// IPv4; an address without a record is absent. The names are in the form in
// which SetPTR sends them, or as the service has them where that is no host
// name.
//
// A read straight after a write may show what was there before: see
// [Client.ConfirmPTR]. The errors are those of [Client.SetPTR], but never
// [ErrOutcomeUnknown]. An answer for an address that was not asked for, twice
// for one, or for none, fails with [ErrContract].
func (c *Client) GetPTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) (map[netip.Addr]string, error) {
	records, bad := canonicalAddresses(addrs)
	var ptrs map[netip.Addr]string
	err := c.callPTR(ctx, getPTR, src, records, bad, func(body map[string]any) (mismatch string) {
		ptrs, mismatch = readPTRs(body, addrs)
		return mismatch
	})
	return ptrs, err
}

// ConfirmPTR reads the records of want, once and then again with pauses of up to
// 5 seconds, until the service shows all of them as wanted. It returns
// the addresses whose records differ, with what the service shows, which is
// empty for no record; on success there are none, and err is nil.
//
// It ends with the first read that fails, or when ctx ends, with the error of
// the one or the other. want is checked as in [Client.SetPTR].
func (c *Client) ConfirmPTR(ctx context.Context, src SessionSource, want map[netip.Addr]string) (differing map[netip.Addr]string, err error) {
	records, bad := canonicalPTRs(want, c.options.AllowUnderscore)
	if err := bad.err(); err != nil {
		return nil, err
	}
	addrs := slices.Collect(maps.Keys(want))
	pauses := newPauses()
	for {
		ptrs, err := c.GetPTR(ctx, src, addrs...)
		if err != nil {
			return differing, err
		}
		differing = make(map[netip.Addr]string)
		for _, r := range records.List {
			if ptrs[r.Address] != r.Name {
				differing[r.Address] = ptrs[r.Address]
			}
		}
		if len(differing) == 0 {
			return nil, nil
		}
		if err := sleep(ctx, pauses.NextBackOff()); err != nil {
			return differing, fmt.Errorf("edis: %d records are not as wanted: %w", len(differing), err)
		}
	}
}

// check refuses options that would send secrets in the clear, or make no sense.
func (o *Options) check() (bad refusals) {
	for field, given := range map[string]string{"Options.RDNSURL": o.RDNSURL, "Options.AuthURL": o.AuthURL} {
		shown, reason := transport.CheckBaseURL(given)
		bad.add(field, shown, reason)
	}
	if min(int64(o.Timeout), int64(o.MaxAttempts), o.MaxResponseBytes) < 0 {
		values := fmt.Sprintf("%v, %d, %d", o.Timeout, o.MaxAttempts, o.MaxResponseBytes)
		bad.add("Options.Timeout, MaxAttempts, MaxResponseBytes", values, "one is negative")
	}
	return bad
}
