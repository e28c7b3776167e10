package edis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// Options configure a [Client]. Nil and zero fields mean the defaults. NewClient
// copies the Options and changes nothing in them.
type Options struct {
	// HTTPClient sends the requests. Its Timeout and Jar apply, but redirects are never
	// followed, whatever its CheckRedirect says. Its Transport must not repeat requests
	// by itself: the outcome of a hidden retry cannot be determined. An http.Transport
	// does so over HTTP/2, except for the requests of this package. Default: a client
	// that speaks HTTP/1.1, takes proxies from the environment, and has a connection pool
	// that all Clients share.
	HTTPClient *http.Client

	// RDNSURL is the base URL of the reverse DNS service: https, or http on
	// loopback. Default: the server that the API document names for the
	// operation, https://dns-api.edisglobal.com.
	RDNSURL string

	// AuthURL is the base URL of the login service, with the same restrictions.
	// Default: the server that the API document names for the operation,
	// https://session.edisglobal.com.
	AuthURL string

	// Timeout limits one attempt, from the dial to the last byte of the response.
	// It must not be negative. Default: 30 seconds.
	Timeout time.Duration

	// MaxAttempts is the maximum number of attempts per call, including the first. Reads
	// and writes are retried after failures that may be transient: no connection, no
	// response, status 429 or 5xx. A login is retried only if it was not sent. The pause
	// before a retry is random, up to 0.5 seconds at first, doubling up to 5 seconds; or
	// as long as the service asks for. There is no retry if the service asks for more
	// than 30 seconds, or if the context would end during the pause. All calls of a
	// Client share a budget of 50 retries; ten successes restore one. After a 401, a call
	// with the new session of a Renewer starts over. MaxAttempts must not be negative.
	// Default: 3.
	MaxAttempts int

	// MaxResponseBytes limits the body of a response, after decompression; a larger one
	// fails with ErrResponseTooLarge. It must not be negative. Default: 64 KiB for SetPTR
	// and DeletePTR, 16 MiB for other calls.
	MaxResponseBytes int64

	// AllowUnderscore permits underscores in host names. RFC 1123 does not, but
	// some networks have such hosts.
	AllowUnderscore bool

	// Logger receives a debug record for each attempt: the operation, the base URL, the
	// KVM ID, the number of the attempt, the duration, the error, and either the status
	// and size of the response or whether the request may have been sent. It receives a
	// warning if a response is accepted although its content type is not JSON. It never
	// receives a secret. Default: no logging.
	Logger *slog.Logger
}

// A Client calls the reverse DNS service. Use [NewClient] to create one, and share it: it
// is safe for concurrent use and reuses connections.
type Client struct {
	options Options // with defaults
	http    *http.Client
	retries retryBudget
}

// NewClient returns a client with the given options; nil means the defaults. Its error
// matches [ErrInvalidInput].
func NewClient(options *Options) (*Client, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if err := o.check().err(); err != nil {
		return nil, err
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 3)
	return &Client{options: o, http: newHTTPClient(o.HTTPClient)}, nil
}

// check returns an error for each option that makes no sense or would send secrets in the
// clear.
func (o *Options) check() (bad inputErrors) {
	for field, baseURL := range map[string]string{"Options.RDNSURL": o.RDNSURL, "Options.AuthURL": o.AuthURL} {
		shown, err := checkBaseURL(baseURL)
		bad.add(field, shown, err)
	}
	numbers := map[string]int64{"Timeout": int64(o.Timeout), "MaxAttempts": int64(o.MaxAttempts), "MaxResponseBytes": o.MaxResponseBytes}
	for field, number := range numbers {
		if number < 0 {
			bad.add("Options."+field, "", fmt.Errorf("%d is negative", number))
		}
	}
	return bad
}

// SetPTR sets the PTR record of each address to its host name, all in one call
// (operation setPTR, POST /set/ptr).
//
// Addresses may be IPv4, IPv6 or IPv4-mapped; host names may be in upper case,
// internationalized, or end in a dot. They are sent in canonical form: RFC 5952
// text, lower-case A-labels. ptrs is read before SetPTR waits for anything.
//
// A nil error means that the service confirmed the call with a response that is
// valid against the API document. If the error matches
//   - [ErrInvalidInput] or [ErrNotSent], nothing was sent;
//   - [ErrOutcomeUnknown], some or all records may have changed;
//   - neither, the service refused the call with an [*APIError], and nothing
//     changed.
func (c *Client) SetPTR(ctx context.Context, src SessionSource, ptrs map[netip.Addr]string) error {
	ip, bad := canonicalPTRs(ptrs, c.options.AllowUnderscore)
	return c.write(ctx, src, bad, func(s Session, as caller) error {
		form := gen.SetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: s.Signature, ValidUntil: s.validUntil()}
		return setPTR.call(ctx, c, form, len(ip), as, nil)
	})
}

// DeletePTR removes the PTR records of the addresses, all in one call (operation
// deletePTR, POST /del/ptr). Addresses and errors are as for [Client.SetPTR]. It is
// not documented whether removing a record that does not exist is an error.
func (c *Client) DeletePTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) error {
	ip, bad := canonicalAddresses(addrs)
	return c.write(ctx, src, bad, func(s Session, as caller) error {
		form := gen.DeletePTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: s.Signature, ValidUntil: s.validUntil()}
		return deletePTR.call(ctx, c, form, len(ip), as, nil)
	})
}

// write is withSession for a call whose error says what it changed.
func (c *Client) write(ctx context.Context, src SessionSource, bad inputErrors, send func(Session, caller) error) error {
	err := c.withSession(ctx, src, bad, send)
	var failed *callError
	if errors.As(err, &failed) {
		failed.write = true
	}
	return err
}

// GetPTR returns the PTR records of the addresses (operation getPTR, POST /get/ptr). The
// keys are in canonical form, with IPv4-mapped addresses as IPv4. An address without a
// record is absent, as is one whose record is its own reverse name. The names are in the
// canonical form of SetPTR, or as the service returned them if they are not host names.
//
// A read right after a write may return the old records; see [Client.ConfirmPTR]. The
// error matches [ErrInvalidInput] or [ErrNotSent] if nothing was sent, and never
// [ErrOutcomeUnknown]. A response with an unexpected, duplicate or invalid address fails
// with [ErrContract].
func (c *Client) GetPTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) (map[netip.Addr]string, error) {
	ip, bad := canonicalAddresses(addrs)
	return c.read(ctx, src, bad, ip)
}

// ListPTR returns all PTR records that the service has for the KVM server, in the form of
// [Client.GetPTR] (operation getPTR with no address, POST /get/ptr).
//
// The API document does not mention listing: the provider once published responses to
// such calls, but removed them. If the service refuses to list, the error is an
// [*APIError] with status 400. Other errors are those of GetPTR.
func (c *Client) ListPTR(ctx context.Context, src SessionSource) (map[netip.Addr]string, error) {
	ptrs, err := c.read(ctx, src, nil, nil)
	var refused *APIError
	if errors.As(err, &refused) && refused.Op == getPTR.id && refused.Status == http.StatusBadRequest {
		err = newCallError(nil, err, errMayNotList)
	}
	return ptrs, err
}

var errMayNotList = errors.New("the service may not support listing, which its API document does not mention; read records by address")

// read returns the records of the addresses, or all of the server if there are none.
func (c *Client) read(ctx context.Context, src SessionSource, bad inputErrors, ip []string) (ptrs map[netip.Addr]string, err error) {
	err = c.withSession(ctx, src, bad, func(s Session, as caller) error {
		form := gen.GetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: s.Signature, ValidUntil: s.validUntil()}
		return getPTR.call(ctx, c, form, 0, as, func(response gen.GetPTRSuccess) (err error) {
			ptrs, err = ptrsOf(response, ip)
			return err
		})
	})
	return ptrs, err
}

// ptrsOf returns the records in a response to a request for these sorted addresses, or
// for all if there are none. An address whose host name is its own reverse name has no
// record.
func ptrsOf(response gen.GetPTRSuccess, requested []string) (map[netip.Addr]string, error) {
	records := response.Records
	for ip, name := range response.Data.PTR {
		records = append(records, gen.GetPTRRecord{IP: ip, PTRRecord: name})
	}
	if response.Records == nil && response.Data.PTR == nil {
		return nil, errors.New("neither /records nor /data/ptr")
	}
	ptrs := make(map[netip.Addr]string)
	for _, record := range records {
		address, err := netip.ParseAddr(record.IP)
		if err == nil {
			address, err = canonical.Address(address)
		}
		_, expected := slices.BinarySearch(requested, address.String())
		if _, duplicate := ptrs[address]; err != nil || !expected && len(requested) > 0 || duplicate {
			return nil, fmt.Errorf("%q is an unexpected, duplicate or invalid address", record.IP)
		}
		ptrs[address] = record.PTRRecord
		if name, err := canonical.Name(record.PTRRecord, true); err == nil {
			ptrs[address] = name
		}
	}
	maps.DeleteFunc(ptrs, func(address netip.Addr, name string) bool {
		return name == "" || name == canonical.ReverseName(address)
	})
	return ptrs, nil
}

// ConfirmPTR polls the records in want, with pauses of up to 5 seconds, until all of them
// match or ctx is done; give ctx a deadline. It returns the addresses whose records still
// differ, with the names that the service reports, empty for no record. On success there
// are none, and err is nil.
//
// It stops at the first read that fails and returns its error. want is validated as by
// [Client.SetPTR].
func (c *Client) ConfirmPTR(ctx context.Context, src SessionSource, want map[netip.Addr]string) (differing map[netip.Addr]string, err error) {
	wanted, bad := canonicalPTRs(want, c.options.AllowUnderscore)
	if err := bad.err(); err != nil {
		return nil, err
	}
	addrs := slices.Collect(maps.Keys(want))
	for reads := 1; ; reads++ {
		ptrs, err := c.GetPTR(ctx, src, addrs...)
		if err != nil {
			return differing, err
		}
		differing = make(map[netip.Addr]string)
		for text, name := range wanted {
			if address := netip.MustParseAddr(text); ptrs[address] != name {
				differing[address] = ptrs[address]
			}
		}
		if len(differing) == 0 {
			return nil, nil
		}
		if err := sleep(ctx, backOff(reads)); err != nil {
			return differing, fmt.Errorf("edis: %d of %d records differ: %w", len(differing), len(wanted), err)
		}
	}
}
