package cli

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// startDNS starts a DNS server on loopback and returns its address. A nil message, or
// respond, means no response.
func startDNS(t *testing.T, respond func(*dns.Msg) *dns.Msg) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{
		PacketConn:        conn,
		NotifyStartedFunc: func() { close(started) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
			if respond == nil {
				return
			}
			if response := respond(query); response != nil {
				_ = w.WriteMsg(response)
			}
		}),
	}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

// respondWithPTR returns the response of a DNS server that has names for every address, and
// nothing else.
func respondWithPTR(query *dns.Msg, names ...string) *dns.Msg {
	response := new(dns.Msg).SetReply(query)
	response.Authoritative = true
	if query.Question[0].Qtype != dns.TypePTR {
		return response
	}
	for _, name := range names {
		response.Answer = append(response.Answer, &dns.PTR{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypePTR, Class: dns.ClassINET}, Ptr: name,
		})
	}
	return response
}

// An address that could not be checked is never reported as not confirmed, whatever the
// results of others.
func TestCheckFailedLookup(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetForwardRecords(true)
	server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"})
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		switch query.Question[0].Name {
		case "11.2.0.192.in-addr.arpa.":
			return new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
		case "12.2.0.192.in-addr.arpa.":
			return nil
		}
		response, err := dns.Exchange(query, env["EDIS_DNS"])
		if err != nil {
			t.Error(err)
		}
		return response
	})
	for _, test := range []struct {
		ips    string
		status int
		stdout []string
		stderr string
	}{
		{"192.0.2.11", 1, []string{"on " + address + ": the server returned SERVFAIL\n"}, "edisptr: 192.0.2.11 could not be checked\n"},
		{"192.0.2.10 192.0.2.11", 1, []string{"mail.example.com  confirmed\n", "SERVFAIL"}, "edisptr: 1 of 2 addresses could not be checked\n"},
		{"192.0.2.10 192.0.2.12", 1, []string{"mail.example.com  confirmed\n", "no response before the timeout"}, "edisptr: 1 of 2 addresses could not be checked\n"},
		{"192.0.2.11 192.0.2.13", 1, []string{"SERVFAIL", "no PTR record\n"}, "edisptr: not confirmed: 1 of 2 addresses\nedisptr: 1 of 2 addresses could not be checked\n"},
		{"192.0.2.12", 1, nil, "edisptr: no response from the DNS server: lookup 12.2.0.192.in-addr.arpa on " + address + ": no response before the timeout; check the network and --resolver or EDIS_DNS\n"},
	} {
		started := time.Now()
		got := run(t, nil, append([]string{"check", "--timeout", "100ms", "--resolver", address}, strings.Fields(test.ips)...)...)
		if took := time.Since(started); got.status != test.status || got.stderr != test.stderr || took > 4*time.Second {
			t.Errorf("check %s = %+v after %v, want status %d and %q", test.ips, got, took, test.status, test.stderr)
		}
		for _, want := range test.stdout {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("check %s prints %s, want %q", test.ips, got.stdout, want)
			}
		}
		if test.stdout == nil && got.stdout != "" {
			t.Errorf("check %s prints %s, want nothing", test.ips, got.stdout)
		}
	}
}

// Names that are not host names do not confirm, names that were not tried leave it open,
// and an alias is shown as one. JSON says the same.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("n%02d.example.", i))
	}
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		response := respondWithPTR(query)
		switch query.Question[0].Name {
		case "10.2.0.192.in-addr.arpa.":
			return respondWithPTR(query, "-dash.example.")
		case "11.2.0.192.in-addr.arpa.":
			return respondWithPTR(query, many...)
		case "12.2.0.192.in-addr.arpa.":
			return respondWithPTR(query, "alias.example.")
		case "alias.example.":
			alias, _ := dns.NewRR("alias.example. CNAME host.example.")
			host, _ := dns.NewRR("host.example. A 192.0.2.12")
			response.Answer = append(response.Answer, alias, host)
		}
		return response
	})
	for _, test := range []struct {
		ip, text, json string
		status         int
	}{
		{"192.0.2.10", `PTR name "-dash.example" is not a host name`, `"checked": true`, 4},
		{"192.0.2.11", "could not check: only 10 of 12 names were tried", `"checked": false`, 1},
		{"192.0.2.12", "alias.example (alias of host.example)  confirmed", `"confirmed": true`, 0},
	} {
		if got := run(t, nil, "check", "--resolver", address, test.ip); got.status != test.status || !strings.Contains(got.stdout, test.text+"\n") {
			t.Errorf("check %s = %+v, want status %d and %q", test.ip, got, test.status, test.text)
		}
		if got := run(t, nil, "check", "--resolver", address, test.ip, "-o", "json"); got.status != test.status || !strings.Contains(got.stdout, test.json) {
			t.Errorf("check %s -o json = %+v, want status %d and %s", test.ip, got, test.status, test.json)
		}
	}
}

// --timeout limits the lookups, also those on the DNS servers of the system.
func TestTimeoutReachesDNSClients(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "192.0.2.53"} {
		client, err := tool{flags: &globalFlags{timeout: 7 * time.Second}}.dnsClient(address)
		if err != nil || client.Timeout != 7*time.Second {
			t.Errorf("dnsClient(%q) = %+v, %v, want one with a timeout of 7s", address, client, err)
		}
	}
}
