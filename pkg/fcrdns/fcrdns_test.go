package fcrdns_test

import (
	"context"
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
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 IN PTR good.example.
good.example. 60 IN A 192.0.2.1
good.example. 60 IN AAAA 2001:db8::1
elsewhere.example. 60 IN A 198.51.100.1
elsewhere.example. 60 IN A 198.51.100.2
second.example. 60 IN A 192.0.2.4
alias.example. 60 IN CNAME real.example.
real.example. 60 IN A 192.0.2.5
seven.example. 60 IN A 192.0.2.7
`

// newResolver returns a resolver for a DNS server on loopback that serves zone
// and returns SERVFAIL for names that begin with "broken".
func newResolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{
		PacketConn:        conn,
		NotifyStartedFunc: func() { close(started) },
		Handler:           dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(respond(parseZone(), query)) }),
	}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

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
	name := query.Question[0].Name
	if strings.HasPrefix(name, "broken") {
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
	resolver := newResolver(t)
	for _, test := range []struct {
		address   string
		names     string // host, CNAME and addresses of each name
		confirmed bool
		reason    string
		failed    bool
	}{
		{"192.0.2.1", "good.example  192.0.2.1,2001:db8::1", true, "", false},
		{"::ffff:192.0.2.1", "good.example  192.0.2.1,2001:db8::1", true, "", false},
		{"2001:db8::1", "good.example  192.0.2.1,2001:db8::1", true, "", false},
		{"192.0.2.2", "elsewhere.example  198.51.100.1,198.51.100.2", false, "elsewhere.example resolves to 198.51.100.1, 198.51.100.2", false},
		{"192.0.2.3", "nowhere.example  ", false, "nowhere.example has no address", false},
		{"192.0.2.4", "elsewhere.example  198.51.100.1,198.51.100.2|second.example  192.0.2.4", true, "", false},
		{"192.0.2.5", "alias.example real.example 192.0.2.5", true, "", false},
		{"192.0.2.6", "broken.example  ", false, "lookup failed", true},
		{"192.0.2.7", "broken.example  |seven.example  192.0.2.7", true, "", false},
		{"192.0.2.8", "", false, "no PTR record", false},
		{"", "", false, "not an IP address", false},
	} {
		t.Run(test.address, func(t *testing.T) {
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
