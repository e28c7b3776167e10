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
)

// Options configure a [Client]. Nil and zero fields mean the defaults. NewClient copies
// the Options and changes nothing in them.
type Options struct {
	// HTTPClient sends the requests. See HTTP client in the package documentation for
	// the rules. The default is a client with the RoundTripper that Transport returns.
	HTTPClient *http.Client

	// RDNSURL is the base URL of the reverse DNS service. It must be https, or http on
	// loopback, and it must be set if AuthURL is. The default is the server that the API
	// document names for the operation, https://dns-api.edisglobal.com.
	RDNSURL string

	// AuthURL is the base URL of the login service. It must be https, or http on
	// loopback, and it must be set if RDNSURL is. The default is the server that the API
	// document names for the operation, https://session.edisglobal.com.
	AuthURL string

	// Timeout limits one attempt, from the dial to the last byte of the response. It must
	// not be negative. The default is 30 seconds.
	Timeout time.Duration

	// MaxAttempts is the maximum number of attempts per call, including the first. A call
	// with a renewed session starts over, as Retries in the package documentation says.
	// It must not be negative, and the default is 3.
	MaxAttempts int

	// MaxResponseBytes limits the body of a response, after decompression. A larger one
	// fails with ErrResponseTooLarge. It must not be negative, and the default is 64 KiB
	// for SetPTR and DeletePTR and 16 MiB for other calls.
	MaxResponseBytes int64

	// AllowUnderscore permits underscores in host names. RFC 1123 does not, but some
	// networks have such hosts.
	AllowUnderscore bool

	// Logger receives a debug record for each attempt. See Logging in the package
	// documentation for what it contains. The default is no logging.
	Logger *slog.Logger
}

// A Client calls the reverse DNS service. Use [NewClient] to create one. A Client is safe
// for concurrent use and reuses connections, so share it.
type Client struct {
	options Options // with defaults
	http    *http.Client
}

// NewClient returns a client with the given options. If options is nil, the client has
// the defaults. An error matches [ErrInvalidInput]. It is not a [CallError], since
// nothing was called.
func NewClient(options *Options) (*Client, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if err := o.check().err(); err != nil {
		return nil, fmt.Errorf("edis: %w", err)
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 3)
	return &Client{options: o, http: newHTTPClient(o.HTTPClient)}, nil
}

// check returns an error for each option that makes no sense or would send secrets in the
// clear, or to another service than the one that was meant.
func (o *Options) check() (bad inputErrors) {
	for field, baseURL := range map[string]string{"Options.RDNSURL": o.RDNSURL, "Options.AuthURL": o.AuthURL} {
		shown, err := checkBaseURL(baseURL)
		bad.add(field, shown, err)
		if baseURL == "" && o.RDNSURL != o.AuthURL {
			bad.add(field, "", errors.New("is empty although the other URL is set; set both or neither"))
		}
	}
	numbers := map[string]int64{"Timeout": int64(o.Timeout), "MaxAttempts": int64(o.MaxAttempts), "MaxResponseBytes": o.MaxResponseBytes}
	for field, number := range numbers {
		if number < 0 {
			bad.add("Options."+field, "", fmt.Errorf("is negative: %d", number))
		}
	}
	return bad
}

// SetPTR sets the PTR record of each address to its host name, all in one call (operation
// setPTR, POST /set/ptr).
//
// Addresses may be IPv4, IPv6 or IPv4-mapped. Host names may be in upper case, be
// internationalized, or end in a dot. SetPTR sends addresses as RFC 5952 text and names
// as lower-case A-labels. It refuses an address's own reverse name, which stands for no
// record. It reads ptrs before it waits for anything.
//
// A nil error means that the service confirmed the call with a response that is valid
// against the API document. Any other error is a [*CallError], whose Outcome says what
// happened to the records.
func (c *Client) SetPTR(ctx context.Context, src SessionSource, ptrs map[netip.Addr]string) error {
	ip, bad := c.canonicalPTRs(ptrs, false)
	return c.withSession(ctx, src, setPTR.op, bad, func(s Session) call {
		form := gen.SetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: string(s.Signature), ValidUntil: s.validUntil()}
		return setPTR.with(form, len(ip), nil)
	})
}

// DeletePTR removes the PTR records of the addresses, all in one call (operation
// deletePTR, POST /del/ptr). Addresses and errors are as for [Client.SetPTR]. It is
// not documented whether removing a record that does not exist is an error.
func (c *Client) DeletePTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) error {
	ip, bad := canonicalAddresses(addrs)
	return c.withSession(ctx, src, deletePTR.op, bad, func(s Session) call {
		form := gen.DeletePTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: string(s.Signature), ValidUntil: s.validUntil()}
		return deletePTR.with(form, len(ip), nil)
	})
}

// GetPTR returns the PTR records of the addresses (operation getPTR, POST /get/ptr). The
// keys are in canonical form, with IPv4-mapped addresses as IPv4. Addresses without a
// record are omitted, and so are those whose record is just their reverse name. The names
// are in the canonical form of SetPTR, or as the service returned them if they are not
// host names.
//
// A read right after a write may return the old records. Use [Client.ConfirmPTR] to wait
// for the new ones. A response with an unexpected, duplicate or invalid address fails
// with [ErrContract].
func (c *Client) GetPTR(ctx context.Context, src SessionSource, addrs ...netip.Addr) (map[netip.Addr]string, error) {
	ip, bad := canonicalAddresses(addrs)
	ptrs, err := c.read(ctx, src, bad, ip)
	maps.DeleteFunc(ptrs, func(_ netip.Addr, name string) bool { return name == "" })
	return ptrs, err
}

// ListPTR returns all PTR records that the service has for the KVM server (operation
// getPTR with no address, POST /get/ptr). Addresses and names are as for [Client.GetPTR],
// with one difference. An address that the service lists without a record is kept, with
// an empty name.
//
// The API document does not mention listing. The provider once published responses to
// such calls, but removed them. If the service refuses to list, the error is an
// [*APIError] with status 400. Other errors are those of GetPTR.
func (c *Client) ListPTR(ctx context.Context, src SessionSource) (map[netip.Addr]string, error) {
	ptrs, err := c.read(ctx, src, nil, []string{}) // nil would be sent as null
	var failed *CallError
	var refused *APIError
	if errors.As(err, &failed) && errors.As(err, &refused) && refused.Op == getPTR.op && refused.Status == http.StatusBadRequest {
		failed.Err = because(failed.Err, errMayNotList)
	}
	return ptrs, err
}

var errMayNotList = errors.New("the service may not support listing, which its API document does not mention; read records by address")

// read returns the records of the addresses, or all of the server if there are none. The
// name of an address that has no record is empty.
func (c *Client) read(ctx context.Context, src SessionSource, bad inputErrors, ip []string) (ptrs map[netip.Addr]string, err error) {
	err = c.withSession(ctx, src, getPTR.op, bad, func(s Session) call {
		form := gen.GetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: string(s.Signature), ValidUntil: s.validUntil()}
		return getPTR.with(form, 0, func(response gen.GetPTRSuccess) (err error) {
			ptrs, err = ptrsIn(ctx, response, ip)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return ptrs, nil
}

// ConfirmPTR polls the records in want until all of them match or ctx is done. The pauses
// between reads are up to 5 seconds. Give ctx a deadline.
//
// On success err is nil, and there are no differing records. Otherwise ConfirmPTR returns
// the addresses whose records still differed when they were last read, with the names
// that the service reported. The name is empty if there was no record. ConfirmPTR stops
// at the first read that fails.
//
// Call ConfirmPTR after a write, and use its error in place of that of the write. For
// that reason the outcome of the error is always [OutcomeUnknown].
//
// An empty name in want means that the address is to have no record. A name for which
// [IsDefaultName] reports true then counts as none. Otherwise want is validated as by
// [Client.SetPTR].
func (c *Client) ConfirmPTR(ctx context.Context, src SessionSource, want map[netip.Addr]string) (differing map[netip.Addr]string, err error) {
	wanted, err := c.CanonicalPTRs(want)
	if err != nil {
		return nil, &CallError{Op: getPTR.op, Err: err}
	}
	addrs := slices.Collect(maps.Keys(want))
	for reads := 1; ; reads++ {
		ptrs, err := c.GetPTR(ctx, src, addrs...)
		if failed := new(CallError); errors.As(err, &failed) {
			failed.Outcome = OutcomeUnknown
			return differing, failed
		}
		if differing = differences(wanted, ptrs); len(differing) == 0 {
			return nil, nil
		}
		if err := sleep(ctx, backOff(reads)); err != nil {
			reason := fmt.Errorf("%d of %d records differ: %w", len(differing), len(wanted), err)
			return differing, &CallError{Op: getPTR.op, Attempts: reads, Err: reason}
		}
	}
}
