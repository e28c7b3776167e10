package fcrdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Server is a [Resolver] that queries one DNS server and nothing else. Unlike
// a [net.Resolver], it does not read the hosts file, not even for localhost. The
// server should be recursive, or authoritative for all names in question.
//
// A Server is safe for concurrent use. The errors of its methods are
// [*net.DNSError] values: IsNotFound is set if the name or the record does not
// exist, and IsTimeout if the server did not respond.
type Server struct {
	// Timeout limits each query, including its second attempt and TCP. It must not be
	// changed during a call. Default: 10 seconds.
	Timeout time.Duration

	address string // with a port
}

const (
	defaultTimeout = 10 * time.Second
	resendAfter    = 2 * time.Second // or half of the timeout, if that is less
	udpSize        = 1232            // avoids IP fragments on common networks
	maxAliases     = 16              // the longest chain of aliases that is followed
)

// NewServer returns the DNS server at address: HOST, HOST:PORT, or an IPv6 address with
// or without brackets. The default port is 53. If HOST is a name, the system's resolver
// looks it up for each query. NewServer sends nothing; it returns an error if address has
// another form.
func NewServer(address string) (*Server, error) {
	full := address
	if _, err := netip.ParseAddr(address); err == nil {
		full = net.JoinHostPort(address, "53")
	} else if !strings.Contains(address, ":") || strings.HasSuffix(address, "]") {
		full += ":53"
	}
	host, port, err := net.SplitHostPort(full)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || number == 0 {
		return nil, fmt.Errorf("fcrdns: invalid DNS server address %q: want HOST or HOST:PORT", address)
	}
	return &Server{address: full}, nil
}

// LookupAddr returns the PTR names of an IP address (RFC 1035, section 3.5, and
// RFC 3596, section 2.5). They end with a dot and need not be host names: special
// characters are escaped as in zone files (RFC 1035, section 5.1).
func (s *Server) LookupAddr(ctx context.Context, address string) (names []string, err error) {
	reverse, err := dns.ReverseAddr(address)
	if err != nil {
		return nil, s.failure(address, err)
	}
	records, _, err := s.lookup(ctx, reverse, dns.TypePTR)
	for _, record := range records {
		if ptr, ok := record.(*dns.PTR); ok {
			names = append(names, ptr.Ptr)
		}
	}
	return names, err
}

// LookupNetIP returns the addresses of a host. The network is "ip4" for its A records,
// "ip6" for its AAAA records or "ip" for both. Host is an absolute name, with or without
// a trailing dot: search domains are not tried, and an IP address is looked up as a name.
// If one of two queries fails, LookupNetIP returns the addresses of the other one and the
// error.
func (s *Server) LookupNetIP(ctx context.Context, network, host string) (addresses []netip.Addr, err error) {
	types, ok := map[string][]uint16{"ip": {dns.TypeA, dns.TypeAAAA}, "ip4": {dns.TypeA}, "ip6": {dns.TypeAAAA}}[network]
	if !ok {
		return nil, s.failure(host, net.UnknownNetworkError(network))
	}
	for _, recordType := range types {
		records, _, lookupErr := s.lookup(ctx, host, recordType)
		if err == nil || isNotFound(err) {
			err = lookupErr
		}
		for _, record := range records {
			if address := addressOf(record); address.IsValid() {
				addresses = append(addresses, address)
			}
		}
	}
	if len(addresses) > 0 && isNotFound(err) {
		err = nil
	}
	return addresses, err
}

// addressOf returns the address of an A or AAAA record, if it has one.
func addressOf(record dns.RR) (address netip.Addr) {
	switch record := record.(type) {
	case *dns.A:
		address, _ = netip.AddrFromSlice(record.A.To4())
	case *dns.AAAA:
		address, _ = netip.AddrFromSlice(record.AAAA)
	}
	return address
}

// LookupCNAME returns the name at the end of the chain of aliases that starts at host,
// with a trailing dot. It is host itself if that is not an alias.
func (s *Server) LookupCNAME(ctx context.Context, host string) (string, error) {
	_, canonical, err := s.lookup(ctx, host, dns.TypeA)
	if isNotFound(err) && canonical != "" {
		err = nil
	}
	return canonical, err
}

// lookup returns the records of name, and its canonical name if the response has
// one. It follows aliases (RFC 1034, section 3.6.2).
func (s *Server) lookup(ctx context.Context, name string, recordType uint16) (records []dns.RR, canonical string, err error) {
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), recordType)
	query.SetEdns0(udpSize, false)
	response, err := s.exchange(ctx, query)
	if err == nil {
		err = validate(query, response)
	}
	if err != nil {
		return nil, "", s.failure(name, err)
	}
	canonical = follow(query.Question[0].Name, response.Answer)
	for _, record := range response.Answer {
		if record.Header().Rrtype == recordType && strings.EqualFold(record.Header().Name, canonical) {
			records = append(records, record)
		}
	}
	definite := response.RecursionAvailable || response.Authoritative && canonical == query.Question[0].Name
	switch {
	case len(records) > 0:
		return records, canonical, nil
	case response.Rcode == dns.RcodeNameError:
		return nil, "", s.failure(name, errNoName)
	case !definite:
		return nil, "", s.failure(name, errNotRecursive)
	}
	return nil, canonical, s.failure(name, errNoRecord)
}

var (
	errNoName       = errors.New("no such name")
	errNoRecord     = errors.New("no such record")
	errNotRecursive = errors.New("the server neither has the name nor asks other servers; use a recursive server")
)

// follow returns the name at the end of the chain of aliases that starts at name.
func follow(name string, records []dns.RR) string {
	for range maxAliases {
		for _, record := range records {
			if alias, ok := record.(*dns.CNAME); ok && strings.EqualFold(alias.Hdr.Name, name) {
				name = alias.Target
				break
			}
		}
	}
	return name
}

// validate returns an error if response is a failure, or not one to query.
func validate(query, response *dns.Msg) error {
	if response.Rcode != dns.RcodeSuccess && response.Rcode != dns.RcodeNameError {
		code, ok := dns.RcodeToString[response.Rcode]
		if !ok {
			code = strconv.Itoa(response.Rcode)
		}
		return fmt.Errorf("the server returned %s", code)
	}
	want := query.Question[0]
	if response.Response && len(response.Question) == 1 {
		got := response.Question[0]
		if got.Qtype == want.Qtype && got.Qclass == want.Qclass && strings.EqualFold(got.Name, want.Name) {
			return nil
		}
	}
	return errors.New("the response does not match the query")
}

// exchange sends query over UDP, a second time if there is no response, and over
// TCP if the response is truncated.
func (s *Server) exchange(ctx context.Context, query *dns.Msg) (*dns.Msg, error) {
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := s.send(ctx, "udp", query, min(resendAfter, timeout/2))
	if isTimeout(err) {
		response, err = s.send(ctx, "udp", query, timeout)
	}
	if err == nil && response.Truncated {
		response, err = s.send(ctx, "tcp", query, timeout)
	}
	return response, err
}

func (s *Server) send(ctx context.Context, network string, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &dns.Client{Net: network, Timeout: timeout}
	conn, err := client.DialContext(ctx, s.address)
	if err != nil {
		return nil, err
	}
	// The client does not watch ctx while it waits for a response.
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	response, _, err := client.ExchangeWithConnContext(ctx, query, conn)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return response, err
}

// failure returns the error of the lookup of name that failed with err.
func (s *Server) failure(name string, err error) error {
	failed := &net.DNSError{
		Err: err.Error(), Name: strings.TrimSuffix(name, "."), Server: s.address, UnwrapErr: err,
		IsTimeout: isTimeout(err), IsNotFound: errors.Is(err, errNoName) || errors.Is(err, errNoRecord),
	}
	if failed.IsTimeout {
		failed.Err = "no response before the timeout"
	}
	return failed
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
