package fcrdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A DNSClient looks up the records of a check. The zero value queries the DNS servers
// that this system is configured with, for example in /etc/resolv.conf. It queries the
// first one, and the next one if that fails. [NewDNSClient] returns a client of one
// server. The servers should be recursive, or authoritative for all names in question.
//
// Unlike a [net.Resolver], a DNSClient never reads the hosts file (/etc/hosts), tries no
// search domains, and does not drop names. So a check has the same result with the
// servers of the system as with one of them.
//
// A DNSClient is safe for concurrent use. If a lookup fails, the error in a [Result] is a
// [*net.DNSError], with IsTimeout set if the server did not respond.
type DNSClient struct {
	// Timeout limits the query to one server, including repetitions and TCP. It must not
	// be changed during a call. The default is 10 seconds.
	Timeout time.Duration

	addresses []string // with ports; nil means those of the system
}

const (
	defaultTimeout = 10 * time.Second
	resendAfter    = 2 * time.Second // or a quarter of the timeout, if that is less
	udpSize        = 1232            // avoids IP fragments on common networks
	maxAliases     = 16              // the longest chain of aliases that is followed
)

// NewDNSClient returns a client of the DNS server at address. The form of address is
// HOST, HOST:PORT, or an IPv6 address with or without brackets. The default port is 53.
// If HOST is a name, the system's resolver looks it up for each query. NewDNSClient sends
// nothing. It returns an error if address has another form.
func NewDNSClient(address string) (*DNSClient, error) {
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
	return &DNSClient{addresses: []string{full}}, nil
}

// servers returns the addresses of the DNS servers to ask, with ports.
func (c *DNSClient) servers(ctx context.Context) ([]string, error) {
	if len(c.addresses) > 0 {
		return c.addresses, nil
	}
	return systemServers(ctx)
}

// systemServers returns the DNS servers that this system is configured with. Package net
// knows them on every platform, but tells them only to the dialer of a lookup. The dialer
// here remembers them and fails, so nothing is sent.
func systemServers(ctx context.Context) (servers []string, err error) {
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(_ context.Context, _, server string) (net.Conn, error) {
			if !slices.Contains(servers, server) {
				servers = append(servers, server)
			}
			return nil, errors.New("not dialed")
		},
	}
	if _, err = resolver.LookupNS(ctx, "."); len(servers) == 0 {
		return nil, fmt.Errorf("no DNS server in the configuration of this system: %w", err)
	}
	return servers, nil
}

// lookupPTR returns the PTR names of an IP address (RFC 1035, section 3.5, and RFC 3596,
// section 2.5), if there are any.
func (c *DNSClient) lookupPTR(ctx context.Context, address netip.Addr) (names []string, err error) {
	reverse, err := dns.ReverseAddr(address.String())
	if err != nil {
		return nil, err
	}
	found, err := c.lookup(ctx, reverse, dns.TypePTR)
	for _, record := range found.records {
		if ptr, ok := record.(*dns.PTR); ok {
			names = append(names, trimDot(ptr.Ptr))
		}
	}
	return names, err
}

// lookupAddresses returns the IPv4 or IPv6 addresses of an absolute host name, if there
// are any, and its canonical name.
func (c *DNSClient) lookupAddresses(ctx context.Context, host string, ip4 bool) (addresses []netip.Addr, canonical string, err error) {
	recordType := dns.TypeAAAA
	if ip4 {
		recordType = dns.TypeA
	}
	found, err := c.lookup(ctx, host, recordType)
	if err != nil {
		return nil, "", err
	}
	for _, record := range found.records {
		if address := addressOf(record); address.IsValid() {
			addresses = append(addresses, address)
		}
	}
	return addresses, trimDot(found.canonical), nil
}

// trimDot removes the final dot of a name that is not the root.
func trimDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
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

// An answer has the records of a name, none if there is no such record or no such name.
type answer struct {
	records   []dns.RR
	canonical string // the name at the end of the chain of aliases, with a final dot
}

// lookup asks one server after the other until one gives a definite answer.
func (c *DNSClient) lookup(ctx context.Context, name string, recordType uint16) (answer, error) {
	servers, err := c.servers(ctx)
	if err != nil {
		return answer{}, failure(name, "", err)
	}
	for _, server := range servers {
		var found answer
		found, err = c.ask(ctx, server, new(dns.Msg).SetQuestion(dns.Fqdn(name), recordType))
		if err == nil {
			return found, nil
		}
		err = failure(name, server, err)
	}
	return answer{}, err
}

// ask returns the answer of one server.
func (c *DNSClient) ask(ctx context.Context, server string, query *dns.Msg) (answer, error) {
	response, err := c.exchange(ctx, server, query)
	if err != nil {
		return answer{}, err
	}
	if err := validate(query, response); err != nil {
		return answer{}, err
	}
	question := query.Question[0]
	found := answer{canonical: follow(question.Name, response.Answer)}
	for _, record := range response.Answer {
		if record.Header().Rrtype == question.Qtype && strings.EqualFold(record.Header().Name, found.canonical) {
			found.records = append(found.records, record)
		}
	}
	definite := response.RecursionAvailable || response.Authoritative && found.canonical == question.Name
	if len(found.records) == 0 && response.Rcode == dns.RcodeSuccess && !definite {
		return answer{}, errNotRecursive
	}
	return found, nil
}

var errNotRecursive = errors.New("the server neither has the name nor asks other servers; use a recursive server")

// follow returns the name at the end of the chain of aliases that starts at name
// (RFC 1034, section 3.6.2).
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
	if response.Truncated { // over TCP too
		return errors.New("the server truncated the response, which is too long for the DNS")
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

// exchange sends query with EDNS, and without it to a server that does not know EDNS
// (RFC 6891, section 7).
func (c *DNSClient) exchange(ctx context.Context, server string, query *dns.Msg) (*dns.Msg, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	query.SetEdns0(udpSize, false)
	response, err := transmit(ctx, server, query, timeout)
	if err == nil && (response.Rcode == dns.RcodeFormatError || response.Rcode == dns.RcodeNotImplemented) {
		query.Extra = nil // the OPT record
		response, err = transmit(ctx, server, query, timeout)
	}
	return response, err
}

// transmit sends query over UDP, a second time if there is no response, and over TCP if
// the response is truncated or UDP fails. Half of the timeout is left for TCP.
func transmit(ctx context.Context, server string, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	first := min(resendAfter, timeout/4)
	response, err := send(ctx, "udp", server, query, first)
	if isTimeout(err) {
		response, err = send(ctx, "udp", server, query, timeout/2-first)
	}
	if err == nil && !response.Truncated {
		return response, nil
	}
	overTCP, errTCP := send(ctx, "tcp", server, query, timeout)
	if errTCP != nil && err != nil {
		return nil, err // TCP is the exception, and so is its error
	}
	return overTCP, errTCP
}

func send(ctx context.Context, network, server string, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &dns.Client{Net: network, Timeout: timeout}
	conn, err := client.DialContext(ctx, server)
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
func failure(name, server string, err error) error {
	failed := &net.DNSError{Err: err.Error(), Name: strings.TrimSuffix(name, "."), Server: server, UnwrapErr: err, IsTimeout: isTimeout(err)}
	if failed.IsTimeout {
		failed.Err = "no response before the timeout"
	}
	return failed
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
