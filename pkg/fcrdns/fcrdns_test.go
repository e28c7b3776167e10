package fcrdns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

const zone = `
1.2.0.192.in-addr.arpa. 60 IN PTR good.example.
2.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
3.2.0.192.in-addr.arpa. 60 IN PTR nowhere.example.
4.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
4.2.0.192.in-addr.arpa. 60 IN PTR second.example.
5.2.0.192.in-addr.arpa. 60 IN PTR alias.example.
6.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
7.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
7.2.0.192.in-addr.arpa. 60 IN PTR seven.example.
9.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
9.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
10.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
10.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
11.2.0.192.in-addr.arpa. 60 IN PTR mapped.example.
12.2.0.192.in-addr.arpa. 60 IN CNAME 12.delegated.example.
12.delegated.example. 60 IN PTR seven.example.
13.2.0.192.in-addr.arpa. 60 IN PTR half.example.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 IN PTR good.example.
good.example. 60 IN A 192.0.2.1
good.example. 60 IN AAAA 2001:db8::1
elsewhere.example. 60 IN A 198.51.100.1
elsewhere.example. 60 IN A 198.51.100.2
second.example. 60 IN A 192.0.2.4
alias.example. 60 IN CNAME real.example.
real.example. 60 IN A 192.0.2.5
seven.example. 60 IN A 192.0.2.7
seven.example. 60 IN A 192.0.2.12
mapped.example. 60 IN AAAA ::ffff:192.0.2.11
half.example. 60 IN A 192.0.2.13
`

// newResolver returns a [net.Resolver] for a DNS server that serves zone and
// returns SERVFAIL for names that begin with "broken".
func newResolver(t *testing.T) *net.Resolver {
	t.Helper()
	address := startServer(t, serveZone)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func serveZone(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(respond(parseZone(), query)) }

// parseZone returns the records of zone. It ignores parse errors: the tests fail
// if a record is missing.
func parseZone() (records []dns.RR) {
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		records = append(records, record)
	}
	return records
}

// respond returns the response of a DNS server that has records.
func respond(records []dns.RR, query *dns.Msg) *dns.Msg {
	response := new(dns.Msg).SetReply(query)
	response.RecursionAvailable = true
	name := query.Question[0].Name
	if strings.HasPrefix(name, "broken") || strings.HasPrefix(name, "half") && query.Question[0].Qtype == dns.TypeAAAA {
		return response.SetRcode(query, dns.RcodeServerFailure)
	}
	exists := false
	for _, record := range records {
		if !strings.EqualFold(record.Header().Name, name) {
			continue
		}
		exists = true
		if alias, ok := record.(*dns.CNAME); ok {
			response.Answer = append(response.Answer, record)
			name = alias.Target
		}
		if record.Header().Rrtype == query.Question[0].Qtype {
			response.Answer = append(response.Answer, record)
		}
	}
	if !exists {
		response.Rcode = dns.RcodeNameError
	}
	return response
}

func TestCheck(t *testing.T) {
	t.Parallel()
	resolvers := map[string]fcrdns.Resolver{"net": newResolver(t), "Server": newServer(t, startServer(t, serveZone))}
	for _, test := range []struct {
		address   string
		names     string // host, CNAME and addresses of each name
		confirmed bool
		reason    string
		failed    bool
	}{
		{"192.0.2.1", "good.example  192.0.2.1", true, "", false},
		{"::ffff:192.0.2.1", "good.example  192.0.2.1", true, "", false},
		{"2001:db8::1", "good.example  2001:db8::1", true, "", false},
		{"192.0.2.2", "elsewhere.example  198.51.100.1,198.51.100.2", false, "elsewhere.example resolves to 198.51.100.1, 198.51.100.2", false},
		{"192.0.2.3", "nowhere.example  ", false, "nowhere.example has no IPv4 address", false},
		{"192.0.2.4", "elsewhere.example  198.51.100.1,198.51.100.2|second.example  192.0.2.4", true, "", false},
		{"192.0.2.5", "alias.example real.example 192.0.2.5", true, "", false},
		{"192.0.2.6", "broken.example  ", false, "could not check: lookup broken.example", true},
		{"192.0.2.7", "broken.example  |seven.example  192.0.2.12,192.0.2.7", true, "", false},
		{"192.0.2.8", "", false, "no PTR record", false},
		// The broken name may have the address.
		{"192.0.2.9", "broken.example  |elsewhere.example  198.51.100.1,198.51.100.2", false, "could not check: lookup broken.example", true},
		{"192.0.2.10", "broken.example  |elsewhere.example  198.51.100.1,198.51.100.2", false, "could not check: lookup broken.example", true},
		{"192.0.2.11", "mapped.example  ", false, "mapped.example has no IPv4 address", false},
		{"192.0.2.12", "seven.example  192.0.2.12,192.0.2.7", true, "", false},
		{"192.0.2.13", "half.example  192.0.2.13", true, "", false}, // AAAA queries fail
		{"", "", false, "not an IP address", false},
	} {
		for name, resolver := range resolvers {
			t.Run(name+" "+test.address, func(t *testing.T) {
				t.Parallel()
				address, _ := netip.ParseAddr(test.address)
				got := fcrdns.Check(t.Context(), resolver, address)[0]
				if got.Address != address.Unmap() || got.Confirmed != test.confirmed || (got.Err != nil) != test.failed {
					t.Errorf("Check(%v) = %+v, want %+v", address, got, test)
				}
				if !strings.HasPrefix(got.Reason, test.reason) || (got.Reason == "") != test.confirmed {
					t.Errorf("Check(%v).Reason = %q, want %q", address, got.Reason, test.reason)
				}
				if names := format(got.Names); names != test.names {
					t.Errorf("Check(%v).Names = %q, want %q", address, names, test.names)
				}
			})
		}
	}
}

func format(names []fcrdns.Name) string {
	var texts []string
	for _, name := range names {
		var addresses []string
		for _, address := range name.Addresses {
			addresses = append(addresses, address.String())
		}
		slices.Sort(addresses)
		texts = append(texts, fmt.Sprintf("%s %s %s", name.Host, name.CNAME, strings.Join(addresses, ",")))
	}
	slices.Sort(texts)
	return strings.Join(texts, "|")
}

// A countingResolver counts concurrent lookups. It has no LookupCNAME method.
// The PTR names of every address are a0.example, a1.example and so on.
type countingResolver struct {
	names         int
	running, peak atomic.Int64
	release       chan struct{} // LookupAddr blocks until it is closed
}

func (c *countingResolver) LookupAddr(context.Context, string) ([]string, error) {
	c.peak.Store(max(c.peak.Load(), c.running.Add(1)))
	defer c.running.Add(-1)
	<-c.release
	var names []string
	for i := range c.names {
		names = append(names, fmt.Sprintf("a%d.example.", i))
	}
	return names, nil
}

func (c *countingResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("203.0.113.1")}, nil
}

func TestCheckManyAddresses(t *testing.T) {
	t.Parallel()
	var addresses []netip.Addr
	for i := range 100 {
		addresses = append(addresses, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
	}
	resolver := &countingResolver{names: 1, release: make(chan struct{})}
	go func() {
		for resolver.running.Load() < 16 { // until the limit is reached
			select {
			case <-t.Context().Done():
				return
			default:
			}
		}
		close(resolver.release)
	}()
	results := fcrdns.Check(t.Context(), resolver, addresses...)
	for i, result := range results {
		if result.Address != addresses[i] || result.Confirmed != (i == 1) {
			t.Errorf("Check(%v...)[%d] = %+v, want address %v, confirmed %t", addresses[0], i, result, addresses[i], i == 1)
		}
	}
	if peak := resolver.peak.Load(); peak > 16 {
		t.Errorf("Check ran %d lookups in parallel, want at most 16", peak)
	}
}

func TestCheckLimitsNames(t *testing.T) {
	t.Parallel()
	resolver := &countingResolver{names: 1000, release: make(chan struct{})}
	close(resolver.release)
	results := fcrdns.Check(t.Context(), resolver, netip.MustParseAddr("192.0.2.1"))
	if got := len(results[0].Names); got != 10 {
		t.Errorf("len(Names) = %d, want 10", got)
	}
}

func TestCheckCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := fcrdns.Check(ctx, newResolver(t), netip.MustParseAddr("192.0.2.1"))[0]; got.Confirmed || got.Err == nil {
		t.Errorf("Check(canceled context) = %+v, want an unconfirmed result with an error", got)
	}
}

func TestCheckDefaultResolver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // sends no query; a nil resolver must not panic
	if got := fcrdns.Check(ctx, nil, netip.MustParseAddr("192.0.2.1"))[0]; got.Confirmed {
		t.Errorf("Check(nil resolver) = %+v, want an unconfirmed result", got)
	}
}

// lookups is a Resolver that changes the results of another one.
type lookups struct {
	fcrdns.Resolver
	names []string
	err   error
	hosts chan string // receives the hosts that are looked up
}

func (l lookups) LookupAddr(context.Context, string) ([]string, error) { return l.names, l.err }

func (l lookups) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	l.hosts <- host
	return l.Resolver.LookupNetIP(ctx, network, host)
}

func TestCheckLooksUpAbsoluteNames(t *testing.T) {
	t.Parallel()
	resolver := lookups{newResolver(t), []string{"good.example", "elsewhere.example."}, nil, make(chan string, 2)}
	fcrdns.Check(t.Context(), resolver, netip.MustParseAddr("192.0.2.1"))
	for range 2 {
		if host := <-resolver.hosts; !strings.HasSuffix(host, ".example.") {
			t.Errorf("Check looked up %q, want a name with a trailing dot", host)
		}
	}
}

// A net.Resolver would take 192.0.2.1 for an address, look it up without the
// DNS, and so confirm it.
func TestCheckIgnoresNamesThatAreNoHostNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"192.0.2.1.", "192.0.2.1", "a.1.", ".", "", "a..b.", "a b.", "a\x1b[2J.", "\u212a.example.", `a\.b.`, strings.Repeat("a", 64) + "."} {
		resolver := lookups{newResolver(t), []string{name}, nil, make(chan string, 1)}
		got := fcrdns.Check(t.Context(), resolver, netip.MustParseAddr("192.0.2.1"))[0]
		if want := fmt.Sprintf("PTR name %q is not a host name", strings.TrimSuffix(name, ".")); got.Confirmed || got.Err != nil || got.Reason != want || len(resolver.hosts) != 0 {
			t.Errorf("Check with PTR name %q = %+v and %d lookups, want reason %q and no lookup", name, got, len(resolver.hosts), want)
		}
	}
}

func TestCheckLookupErrors(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed") // not a net.DNSError
	for _, test := range []struct {
		names     []string
		confirmed bool
		err       error
	}{
		{nil, false, failed},
		{[]string{"good.example."}, true, nil}, // names count in spite of an error
		{[]string{"elsewhere.example."}, false, nil},
	} {
		resolver := lookups{newResolver(t), test.names, failed, make(chan string, 1)}
		got := fcrdns.Check(t.Context(), resolver, netip.MustParseAddr("192.0.2.1"))[0]
		if got.Confirmed != test.confirmed || got.Err != test.err { //nolint:errorlint // must be the same
			t.Errorf("Check with PTR names %q and an error = %+v, want confirmed %t and error %v", test.names, got, test.confirmed, test.err)
		}
	}
}
