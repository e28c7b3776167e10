package fcrdns_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// zone has a forward record for every name that a check must not look up, so that the
// check would confirm if it did.
const zone = `
1.2.0.192.in-addr.arpa. 60 IN PTR good.example.
2.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
3.2.0.192.in-addr.arpa. 60 IN PTR nowhere.example.
4.2.0.192.in-addr.arpa. 60 IN PTR second.example.
4.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
5.2.0.192.in-addr.arpa. 60 IN PTR alias.example.
6.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
7.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
7.2.0.192.in-addr.arpa. 60 IN PTR seven.example.
9.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
9.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.example.
10.2.0.192.in-addr.arpa. 60 IN PTR another.example.
10.2.0.192.in-addr.arpa. 60 IN PTR broken.example.
11.2.0.192.in-addr.arpa. 60 IN PTR mapped.example.
12.2.0.192.in-addr.arpa. 60 IN CNAME 12.delegated.example.
12.delegated.example. 60 IN PTR seven.example.
13.2.0.192.in-addr.arpa. 60 IN PTR half.example.
14.2.0.192.in-addr.arpa. 60 IN PTR only6.example.
15.2.0.192.in-addr.arpa. 60 IN PTR dangling.example.
20.2.0.192.in-addr.arpa. 60 IN PTR -dash.example.
21.2.0.192.in-addr.arpa. 60 IN PTR dash-.example.
22.2.0.192.in-addr.arpa. 60 IN PTR a.-b.
23.2.0.192.in-addr.arpa. 60 IN PTR a\ b.example.
24.2.0.192.in-addr.arpa. 60 IN PTR 192.0.2.24.
25.2.0.192.in-addr.arpa. 60 IN PTR a.1.
26.2.0.192.in-addr.arpa. 60 IN PTR dot\.ted.example.
27.2.0.192.in-addr.arpa. 60 IN PTR .
28.2.0.192.in-addr.arpa. 60 IN PTR a\027[2J\010\000\255.example.
29.2.0.192.in-addr.arpa. 60 IN PTR -dash.example.
29.2.0.192.in-addr.arpa. 60 IN PTR good29.example.
30.2.0.192.in-addr.arpa. 60 IN PTR _under_score_.example.
31.2.0.192.in-addr.arpa. 60 IN PTR single.
32.2.0.192.in-addr.arpa. 60 IN PTR in-side--r.example.
33.2.0.192.in-addr.arpa. 60 IN PTR a.b-.example.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 IN PTR good.example.
2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 IN PTR mapped.example.
good.example. 60 IN A 192.0.2.1
good.example. 60 IN AAAA 2001:db8::1
elsewhere.example. 60 IN A 198.51.100.1
elsewhere.example. 60 IN A 198.51.100.2
another.example. 60 IN A 198.51.100.1
second.example. 60 IN A 192.0.2.4
alias.example. 60 IN CNAME real.example.
real.example. 60 IN A 192.0.2.5
seven.example. 60 IN A 192.0.2.7
seven.example. 60 IN A 192.0.2.12
mapped.example. 60 IN AAAA ::ffff:192.0.2.11
half.example. 60 IN A 192.0.2.13
only6.example. 60 IN AAAA 2001:db8::14
dangling.example. 60 IN CNAME nowhere.example.
-dash.example. 60 IN A 192.0.2.20
-dash.example. 60 IN A 192.0.2.29
dash-.example. 60 IN A 192.0.2.21
a.-b. 60 IN A 192.0.2.22
a\ b.example. 60 IN A 192.0.2.23
192.0.2.24. 60 IN A 192.0.2.24
a.1. 60 IN A 192.0.2.25
dot\.ted.example. 60 IN A 192.0.2.26
dot.ted.example. 60 IN A 192.0.2.26
. 60 IN A 192.0.2.27
a\027[2J\010\000\255.example. 60 IN A 192.0.2.28
good29.example. 60 IN A 192.0.2.29
_under_score_.example. 60 IN A 192.0.2.30
single. 60 IN A 192.0.2.31
in-side--r.example. 60 IN A 192.0.2.32
a.b-.example. 60 IN A 192.0.2.33
`

// parseZone returns the records of zone. It ignores parse errors: the tests fail if a
// record is missing.
var parseZone = sync.OnceValue(func() (records []dns.RR) {
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		records = append(records, record)
	}
	return records
})

func serveZone(w dns.ResponseWriter, query *dns.Msg) { serve(w, query, respond(parseZone(), query)) }

// serve sends a response, truncated to what the client accepts over UDP.
func serve(w dns.ResponseWriter, query, response *dns.Msg) {
	if w.LocalAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if edns := query.IsEdns0(); edns != nil {
			size = int(edns.UDPSize())
		}
		response.Truncate(size)
	}
	_ = w.WriteMsg(response)
}

// respond returns the response of a recursive DNS server that has records, and SERVFAIL
// for names that begin with "broken".
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
			name, exists = alias.Target, false
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

func newClient(t *testing.T, address string) *fcrdns.DNSClient {
	t.Helper()
	client, err := fcrdns.NewDNSClient(address)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// checkOne checks one address.
func checkOne(ctx context.Context, client *fcrdns.DNSClient, address string) fcrdns.Result {
	return fcrdns.Check(ctx, client, netip.MustParseAddr(address))[0]
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

// alias returns a CNAME record for the name in question.
func alias(m *dns.Msg, target string) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target}
}
