package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// startDNS starts a DNS server on loopback and returns its address. A nil message means
// no response.
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

// respondWithPTR returns the response of a DNS server that has names for every
// address, and nothing else.
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

// A failed lookup is never reported as "not confirmed", whatever the results of other
// addresses.
func TestCheckFailedLookup(t *testing.T) {
	t.Parallel()
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		switch query.Question[0].Name {
		case "10.2.0.192.in-addr.arpa.":
			return nil
		case "11.2.0.192.in-addr.arpa.":
			return new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
		}
		return respondWithPTR(query)
	})
	for _, test := range []struct {
		ip, reason string
		status     int
	}{
		{"192.0.2.10", "could not check: lookup 10.2.0.192.in-addr.arpa on " + address + ": no response before the timeout", 1},
		{"192.0.2.11", "could not check: lookup 11.2.0.192.in-addr.arpa on " + address + ": the server returned SERVFAIL", 1},
		{"192.0.2.12", "no PTR record", 4},
	} {
		start := time.Now()
		got := run(t, nil, "check", "--timeout", "200ms", "--resolver", address, test.ip)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("check %s took %v, want at most about 200ms", test.ip, took)
		}
		if got.status != test.status || !strings.Contains(got.stdout, test.reason+"\n") || strings.Contains(got.stderr, "not confirmed") != (test.status == 4) {
			t.Errorf("check %s = %+v, want status %d and %q", test.ip, got, test.status, test.reason)
		}
	}
	got := run(t, nil, "check", "--timeout", "200ms", "--resolver", address, "192.0.2.12", "192.0.2.11", "-o", "json")
	if want := "edisptr: 1 of 2 addresses could not be checked\n"; got.status != 1 || got.stderr != want {
		t.Errorf("check = %+v, want status 1 and stderr %q", got, want)
	}
	if strings.Count(got.stdout, `"checked": true`) != 1 || strings.Count(got.stdout, `"checked": false`) != 1 {
		t.Errorf("check -o json = %s, want one address checked and one not", got.stdout)
	}
}

// An address can be undecided while another is confirmed.
func TestCheckFailedLookupBesideConfirmed(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.10"))
	run(t, env, "set", "192.0.2.10=mail.example.com")
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		if query.Question[0].Name == "11.2.0.192.in-addr.arpa." {
			return new(dns.Msg).SetRcode(query, dns.RcodeRefused)
		}
		response, err := dns.Exchange(query, env["EDIS_DNS"])
		if err != nil {
			t.Error(err)
		}
		return response
	})
	got := run(t, nil, "check", "--resolver", address, "192.0.2.10", "192.0.2.11")
	if got.status != 1 || !strings.Contains(got.stdout, "mail.example.com  confirmed\n") || !strings.Contains(got.stdout, "REFUSED") {
		t.Errorf("check = %+v, want status 1, one address confirmed and one REFUSED", got)
	}
}

func TestCheckIgnoresHostsFile(t *testing.T) {
	t.Parallel()
	if addresses, err := net.DefaultResolver.LookupHost(t.Context(), "localhost"); err != nil || !strings.Contains(strings.Join(addresses, " "), "127.0.0.1") {
		t.Skipf("the system does not resolve localhost to 127.0.0.1: %v, %v", addresses, err)
	}
	address := startDNS(t, func(query *dns.Msg) *dns.Msg { return respondWithPTR(query, "localhost.") })
	got := run(t, nil, "check", "--resolver", address, "127.0.0.1")
	if got.status != 4 || !strings.Contains(got.stdout, "localhost has no IPv4 address") {
		t.Errorf("check = %+v, want status 4 because localhost has no IPv4 address", got)
	}
}

// --timeout limits each query, not the whole run: here, 9 queries of 150 ms.
func TestCheckTimeoutOfEachQuery(t *testing.T) {
	t.Parallel()
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		time.Sleep(150 * time.Millisecond)
		return respondWithPTR(query, "a.example.", "b.example.", "c.example.", "d.example.", "e.example.", "f.example.", "g.example.", "h.example.")
	})
	start := time.Now()
	got := run(t, nil, "check", "--timeout", "1s", "--resolver", address, "192.0.2.10")
	if took := time.Since(start); got.status != 4 || took < time.Second {
		t.Errorf("check = %+v after %v, want status 4 after more than the timeout", got, took)
	}
}

// A name that is not a host name is a definite no. Names that were not tried are not.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("n%02d.example.", i))
	}
	address := startDNS(t, func(query *dns.Msg) *dns.Msg {
		switch query.Question[0].Name {
		case "10.2.0.192.in-addr.arpa.":
			return respondWithPTR(query, "-dash.example.")
		case "11.2.0.192.in-addr.arpa.":
			return respondWithPTR(query, many...)
		}
		return respondWithPTR(query)
	})
	for _, test := range []struct {
		ip, reason string
		status     int
	}{
		{"192.0.2.10", `PTR name "-dash.example" is not a host name`, 4},
		{"192.0.2.11", "could not check: only 10 of 12 names were tried", 1},
	} {
		if got := run(t, nil, "check", "--resolver", address, test.ip); got.status != test.status || !strings.Contains(got.stdout, test.reason+"\n") {
			t.Errorf("check %s = %+v, want status %d and %q", test.ip, got, test.status, test.reason)
		}
	}
}
