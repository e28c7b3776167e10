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
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// startServer starts a DNS server on one port of UDP and TCP on loopback, and
// returns its address.
func startServer(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	for range 10 {
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err != nil { // the UDP port of that number is taken
			_ = streams.Close()
			continue
		}
		for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: streams, Handler: handler}} {
			started := make(chan struct{})
			server.NotifyStartedFunc = func() { close(started) }
			go func() { _ = server.ActivateAndServe() }()
			<-started
			t.Cleanup(func() { _ = server.Shutdown() })
		}
		return packets.LocalAddr().String()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return ""
}

func newServer(t *testing.T, address string) *fcrdns.Server {
	t.Helper()
	server, err := fcrdns.NewServer(address)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// record parses a record in the format of zone files.
func record(t *testing.T, text string) dns.RR {
	t.Helper()
	parsed, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestNewServer(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct{ address, want string }{
		{"192.0.2.53", "192.0.2.53:53"},
		{"192.0.2.53:5353", "192.0.2.53:5353"},
		{"2001:db8::53", "[2001:db8::53]:53"},
		{"[2001:db8::53]", "[2001:db8::53]:53"},
		{"[2001:db8::53]:5353", "[2001:db8::53]:5353"},
		{"fe80::1%eth0", "[fe80::1%eth0]:53"},
		{"dns.example", "dns.example:53"},
		{"dns.example:5353", "dns.example:5353"},
		{"", ""}, {":53", ""}, {"dns.example:", ""}, {"dns.example:0", ""}, {"dns.example:65536", ""}, {"dns.example:domain", ""},
		{"[2001:db8::53", ""}, {"2001:db8::53]", ""}, {"a:b:c", ""}, {"https://192.0.2.53", ""}, {"[]", ""},
	} {
		server, err := fcrdns.NewServer(test.address)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", test.address)) {
				t.Errorf("NewServer(%q) = %v, want an error that quotes it", test.address, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("NewServer(%q): %v", test.address, err)
			continue
		}
		var dnsErr *net.DNSError
		if _, err := server.LookupAddr(canceled, "192.0.2.1"); !errors.As(err, &dnsErr) || dnsErr.Server != test.want || !errors.Is(err, context.Canceled) {
			t.Errorf("LookupAddr with %q and a canceled context = %v, want context.Canceled of %s", test.address, err, test.want)
		}
	}
}

// A name in the system's hosts file does not confirm an address if the DNS server
// does not have it.
func TestServerIgnoresHostsFile(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParseAddr("127.0.0.1")
	if addresses, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "localhost"); err != nil || !slices.ContainsFunc(addresses, func(a netip.Addr) bool { return a.Unmap() == loopback }) {
		t.Skipf("the system does not resolve localhost to %s: %v, %v", loopback, addresses, err)
	}
	pointer := record(t, "1.0.0.127.in-addr.arpa. 60 IN PTR localhost.")
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(respond([]dns.RR{pointer}, query))
	}))
	got := fcrdns.Check(t.Context(), server, loopback)[0]
	if got.Confirmed || got.Err != nil || got.Reason != "localhost has no IPv4 address" {
		t.Errorf("Check(%s) = %+v, want not confirmed because localhost has no IPv4 address", loopback, got)
	}
}

func TestServerLookupNetIP(t *testing.T) {
	t.Parallel()
	server := newServer(t, startServer(t, serveZone))
	for _, test := range []struct{ network, host, want, err string }{
		{"ip", "good.example", "[192.0.2.1 2001:db8::1]", ""},
		{"ip4", "good.example.", "[192.0.2.1]", ""},
		{"ip6", "GOOD.example", "[2001:db8::1]", ""},
		{"ip", "mapped.example", "[::ffff:192.0.2.11]", ""},
		{"ip", "alias.example", "[192.0.2.5]", ""},
		{"ip", "nowhere.example", "[]", "no such name"},
		{"ip6", "seven.example", "[]", "no such record"},
		{"ip", "192.0.2.1", "[]", "no such name"},
		{"ip", "half.example", "[192.0.2.13]", "SERVFAIL"},
		{"ip", "half-empty.example", "[]", "SERVFAIL"}, // may have an AAAA record
		{"ip", "broken.example", "[]", "SERVFAIL"},
		{"ip", "a..b", "[]", "dns: "},
		{"tcp", "good.example", "[]", "unknown network tcp"},
	} {
		got, err := server.LookupNetIP(t.Context(), test.network, test.host)
		if fmt.Sprint(got) != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("LookupNetIP(%q, %q) = %v, %v, want %s, %q", test.network, test.host, got, err, test.want, test.err)
		}
		var dnsErr *net.DNSError
		if notFound := strings.HasPrefix(test.err, "no such"); err != nil && (!errors.As(err, &dnsErr) || dnsErr.IsNotFound != notFound) {
			t.Errorf("LookupNetIP(%q, %q) = %#v, want a net.DNSError with IsNotFound %t", test.network, test.host, err, notFound)
		}
	}
	if names, err := server.LookupAddr(t.Context(), "192.0.2"); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("LookupAddr(192.0.2) = %v, %v, want an error", names, err)
	}
}

// Special characters arrive escaped, and such names do not confirm.
func TestServerEscapesNames(t *testing.T) {
	t.Parallel()
	pointers := []dns.RR{
		record(t, `1.2.0.192.in-addr.arpa. 60 IN PTR 192.0.2.1.`),
		record(t, `1.2.0.192.in-addr.arpa. 60 IN PTR a\027[2J\010\000\255.example.`),
		record(t, `1.2.0.192.in-addr.arpa. 60 IN PTR .`),
	}
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(respond(pointers, query)) }))
	got := fcrdns.Check(t.Context(), server, netip.MustParseAddr("192.0.2.1"))[0]
	if names, want := format(got.Names), `  |192.0.2.1  |a\027[2J\010\000\255.example  `; names != want || got.Confirmed || got.Err != nil {
		t.Errorf("Check = %+v with names %q, want not confirmed with names %q", got, names, want)
	}
}

// Each response is from a server that is broken or hostile, or cannot decide. None may be
// taken for "no PTR record".
func TestServerResponses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*dns.Msg)
		want   string
	}{
		"refused":     {func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, "the server returned REFUSED"},
		"unknown":     {func(m *dns.Msg) { m.Rcode = 12; m.Question = nil }, "the server returned 12"},
		"other name":  {func(m *dns.Msg) { m.Question[0].Name = "other.example." }, "does not match"},
		"other type":  {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }, "does not match"},
		"other class": {func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, "does not match"},
		"no question": {func(m *dns.Msg) { m.Question = nil }, "does not match"},
		"two":         {func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, "does not match"},
		"query":       {func(m *dns.Msg) { m.Response = false }, "does not match"},
		"referral":    {func(m *dns.Msg) { m.RecursionAvailable = false }, "use a recursive server"},
		"foreign name": {func(m *dns.Msg) {
			m.RecursionAvailable = false
			m.Authoritative = true
			m.Answer = []dns.RR{alias(m, "a.example.")}
		}, "use a recursive server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
				response := new(dns.Msg).SetReply(query)
				response.RecursionAvailable = true
				test.change(response)
				_ = w.WriteMsg(response)
			})
			got := fcrdns.Check(t.Context(), newServer(t, address), netip.MustParseAddr("192.0.2.1"))[0]
			if got.Err == nil || !strings.Contains(got.Reason, test.want) || !strings.Contains(got.Reason, address) {
				t.Errorf("Check = %+v, want an error with %q and %s", got, test.want, address)
			}
		})
	}
}

// alias returns a CNAME record for the name in question.
func alias(m *dns.Msg, target string) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target}
}

// An authoritative server is trusted to say that there is no record.
func TestServerAuthoritative(t *testing.T) {
	t.Parallel()
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		response := new(dns.Msg).SetReply(query)
		response.Authoritative = true
		_ = w.WriteMsg(response)
	}))
	if got := fcrdns.Check(t.Context(), server, netip.MustParseAddr("192.0.2.1"))[0]; got.Err != nil || got.Reason != "no PTR record" {
		t.Errorf("Check = %+v, want no PTR record", got)
	}
}

func TestServerFollowsAliases(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		records       []string
		want, address string
	}{
		"in order":     {[]string{"a. 1 CNAME b.", "b. 1 CNAME c.", "c. 1 A 192.0.2.1"}, "c.", "[192.0.2.1]"},
		"in disorder":  {[]string{"c. 1 A 192.0.2.1", "b. 1 CNAME c.", "A. 1 CNAME B."}, "c.", "[192.0.2.1]"},
		"other owner":  {[]string{"a. 1 CNAME b.", "d. 1 A 192.0.2.1"}, "b.", "[]"},
		"loop":         {[]string{"a. 1 CNAME b.", "b. 1 CNAME a."}, "a.", "[]"},
		"not an alias": {[]string{"a. 1 A 192.0.2.1", "b. 1 CNAME c."}, "a.", "[192.0.2.1]"},
	} {
		var records []dns.RR
		for _, text := range test.records {
			records = append(records, record(t, text))
		}
		server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
			response := new(dns.Msg).SetReply(query)
			response.RecursionAvailable, response.Answer = true, records
			_ = w.WriteMsg(response)
		}))
		addresses, _ := server.LookupNetIP(t.Context(), "ip4", "a")
		canonical, err := server.LookupCNAME(t.Context(), "a")
		if fmt.Sprint(addresses) != test.address || canonical != test.want || err != nil {
			t.Errorf("%s: addresses %v, canonical name %q (%v), want %s, %q", name, addresses, canonical, err, test.address, test.want)
		}
	}
}

// Queries ask for recursion and have EDNS0 with 1232 bytes. A truncated response
// is fetched again over TCP.
func TestServerQueries(t *testing.T) {
	t.Parallel()
	overTCP := false
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if edns := query.IsEdns0(); !query.RecursionDesired || edns == nil || edns.UDPSize() != 1232 {
			t.Errorf("query = %v, want recursion desired and EDNS0 with 1232 bytes", query)
		}
		response := new(dns.Msg).SetReply(query)
		for i := range 255 {
			response.Answer = append(response.Answer, &dns.A{Hdr: dns.RR_Header{Name: "many.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, byte(i))})
		}
		if w.LocalAddr().Network() == "udp" {
			response.Truncate(1232)
		} else {
			overTCP = true
		}
		_ = w.WriteMsg(response)
	}))
	if addresses, err := server.LookupNetIP(t.Context(), "ip4", "many.example"); len(addresses) != 255 || err != nil || !overTCP {
		t.Errorf("LookupNetIP = %d addresses, %v, TCP %t, want 255 over TCP", len(addresses), err, overTCP)
	}
}

func TestServerSendsAgain(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if queries.Add(1) > 1 {
			serveZone(w, query)
		}
	}))
	server.Timeout = 500 * time.Millisecond
	if names, err := server.LookupAddr(t.Context(), "192.0.2.1"); err != nil || !slices.Equal(names, []string{"good.example."}) || queries.Load() != 2 {
		t.Errorf("LookupAddr = %q, %v after %d queries, want good.example. after 2", names, err, queries.Load())
	}
}

func TestServerTimeout(t *testing.T) {
	t.Parallel()
	address := startServer(t, func(dns.ResponseWriter, *dns.Msg) {})
	server := newServer(t, address)
	server.Timeout = 100 * time.Millisecond
	start := time.Now()
	got := fcrdns.Check(t.Context(), server, netip.MustParseAddr("192.0.2.1"))[0]
	var netErr net.Error
	if !errors.As(got.Err, &netErr) || !netErr.Timeout() {
		t.Errorf("Check = %+v, want a timeout", got)
	}
	if want := "could not check: lookup 1.2.0.192.in-addr.arpa on " + address + ": no response before the timeout"; got.Reason != want {
		t.Errorf("Reason = %q, want %q", got.Reason, want)
	}
	if took := time.Since(start); took < 100*time.Millisecond || took > 2*time.Second {
		t.Errorf("Check took %v, want about 100ms", took)
	}
}

// Canceling the context ends a lookup that waits for its response.
func TestServerCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := newServer(t, startServer(t, func(dns.ResponseWriter, *dns.Msg) { cancel() }))
	server.Timeout = time.Minute
	start := time.Now()
	if _, err := server.LookupAddr(ctx, "192.0.2.1"); !errors.Is(err, context.Canceled) {
		t.Errorf("LookupAddr = %v, want context.Canceled", err)
	}
	if took := time.Since(start); took > 1500*time.Millisecond { // before the second attempt
		t.Errorf("LookupAddr took %v after it was canceled", took)
	}
}

// If the name of the server does not exist, that says nothing about the record.
func TestServerUnknown(t *testing.T) {
	t.Parallel()
	got := fcrdns.Check(t.Context(), newServer(t, "not!a!host"), netip.MustParseAddr("192.0.2.1"))[0]
	if got.Err == nil || !strings.Contains(got.Reason, "not!a!host:53") {
		t.Errorf("Check = %+v, want an error with not!a!host:53", got)
	}
}

// The records of a truncated response do not count if TCP fails.
func TestTruncatedWithoutTCP(t *testing.T) {
	t.Parallel()
	server := newServer(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if w.LocalAddr().Network() == "tcp" {
			_ = w.Close()
			return
		}
		response := respond(parseZone(), query)
		response.Truncated = true
		_ = w.WriteMsg(response)
	}))
	if got := fcrdns.Check(t.Context(), server, netip.MustParseAddr("192.0.2.1"))[0]; got.Confirmed || got.Err == nil {
		t.Errorf("Check = %+v, want an error", got)
	}
}
