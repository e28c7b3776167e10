package fcrdns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

func TestNewDNSClient(t *testing.T) {
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
		client, err := fcrdns.NewDNSClient(test.address)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", test.address)) {
				t.Errorf("NewDNSClient(%q) = %v, want an error that quotes it", test.address, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("NewDNSClient(%q): %v", test.address, err)
			continue
		}
		var dnsErr *net.DNSError
		if got := checkOne(canceled, client, "192.0.2.1"); !errors.As(got.Err, &dnsErr) || dnsErr.Server != test.want || !errors.Is(got.Err, context.Canceled) {
			t.Errorf("Check with server %q and a canceled context = %+v, want context.Canceled of %s", test.address, got, test.want)
		}
	}
}

// The zero value asks the servers of resolv.conf(5). Package net uses three of them.
func TestZeroDNSClient(t *testing.T) {
	t.Parallel()
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this system has no /etc/resolv.conf")
	}
	if err != nil || len(config.Servers) == 0 {
		t.Skipf("/etc/resolv.conf has no servers: %v", err)
	}
	var want []string
	for _, server := range config.Servers[:min(3, len(config.Servers))] {
		want = append(want, net.JoinHostPort(server, config.Port))
	}
	got, err := fcrdns.Servers(t.Context(), new(fcrdns.DNSClient))
	slices.Sort(got) // the option rotate changes the order
	slices.Sort(want)
	if !slices.Equal(got, slices.Compact(want)) || err != nil {
		t.Errorf("servers = %v, %v, want %v", got, err, want)
	}
}

// The next server is asked if one fails, but not if it says that there is no record.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	good := startServer(t, serveZone)
	serving := func(change func(*dns.Msg)) string {
		return startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
			response := new(dns.Msg).SetReply(query)
			response.RecursionAvailable = true
			change(response)
			serve(w, query, response)
		})
	}
	silent := startServer(t, func(dns.ResponseWriter, *dns.Msg) {})
	refused := serving(func(m *dns.Msg) { m.Rcode = dns.RcodeRefused })
	for name, test := range map[string]struct {
		servers []string
		verdict fcrdns.Verdict
		reason  string
	}{
		"first fails":   {[]string{refused, good}, fcrdns.Confirmed, ""},
		"two fail":      {[]string{refused, serving(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), good}, fcrdns.Confirmed, ""},
		"silent":        {[]string{silent, good}, fcrdns.Confirmed, ""},
		"not recursive": {[]string{serving(func(m *dns.Msg) { m.RecursionAvailable = false }), good}, fcrdns.Confirmed, ""},
		"no such name":  {[]string{serving(func(m *dns.Msg) { m.Rcode = dns.RcodeNameError }), good}, fcrdns.NotConfirmed, "no PTR record"},
		"no data":       {[]string{serving(func(*dns.Msg) {}), good}, fcrdns.NotConfirmed, "no PTR record"},
		"all fail":      {[]string{silent, refused}, fcrdns.Undecided, "could not check: lookup 1.2.0.192.in-addr.arpa on " + refused + ": the server returned REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := fcrdns.NewDNSClientOf(test.servers...)
			client.Timeout = time.Second
			if slices.Contains(test.servers, silent) {
				client.Timeout = 400 * time.Millisecond
			}
			if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != test.verdict || got.Reason != test.reason {
				t.Errorf("Check = %+v, want %v, %q", got, test.verdict, test.reason)
			}
		})
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
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(respond([]dns.RR{pointer}, query))
	}))
	got := fcrdns.Check(t.Context(), client, loopback)[0]
	if got.Verdict != fcrdns.NotConfirmed || got.Reason != "localhost has no IPv4 address" {
		t.Errorf("Check(%s) = %+v, want not confirmed because localhost has no IPv4 address", loopback, got)
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
		"truncated":   {func(m *dns.Msg) { m.Truncated = true }, "truncated"},
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
			got := checkOne(t.Context(), newClient(t, address), "192.0.2.1")
			if got.Verdict != fcrdns.Undecided || got.Err == nil || !strings.Contains(got.Reason, test.want) || !strings.Contains(got.Reason, address) {
				t.Errorf("Check = %+v, want undecided, an error with %q and %s", got, test.want, address)
			}
		})
	}
}

// An authoritative server is trusted to say that there is no record.
func TestAuthoritativeServer(t *testing.T) {
	t.Parallel()
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		response := respond(parseZone(), query)
		response.RecursionAvailable, response.Authoritative = false, true
		serve(w, query, response)
	}))
	for address, want := range map[string]string{
		"192.0.2.8":  "no PTR record",
		"192.0.2.14": "only6.example has no IPv4 address",
		"192.0.2.15": "dangling.example has no IPv4 address",
	} {
		if got := checkOne(t.Context(), client, address); got.Verdict != fcrdns.NotConfirmed || got.Reason != want {
			t.Errorf("Check(%s) = %+v, want not confirmed, %q", address, got, want)
		}
	}
}

func TestServerFollowsAliases(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		records []string
		want    string
	}{
		"in order":     {[]string{"a. 1 CNAME b.", "b. 1 CNAME c.", "c. 1 A 192.0.2.1"}, "a c 192.0.2.1"},
		"in disorder":  {[]string{"c. 1 A 192.0.2.1", "b. 1 CNAME c.", "A. 1 CNAME B."}, "a c 192.0.2.1"},
		"other owner":  {[]string{"a. 1 CNAME b.", "d. 1 A 192.0.2.1"}, "a b "},
		"loop":         {[]string{"a. 1 CNAME b.", "b. 1 CNAME a."}, "a  "},
		"not an alias": {[]string{"a. 1 A 192.0.2.1", "b. 1 CNAME c."}, "a  192.0.2.1"},
	} {
		pointer := record(t, "1.2.0.192.in-addr.arpa. 1 PTR a.")
		var records []dns.RR
		for _, text := range test.records {
			records = append(records, record(t, text))
		}
		client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
			response := new(dns.Msg).SetReply(query)
			response.RecursionAvailable, response.Answer = true, records
			if query.Question[0].Qtype == dns.TypePTR {
				response.Answer = []dns.RR{pointer}
			}
			_ = w.WriteMsg(response)
		}))
		got := checkOne(t.Context(), client, "192.0.2.1")
		if format(got.Names) != test.want || got.Err != nil || (got.Verdict == fcrdns.Confirmed) != strings.HasSuffix(test.want, "192.0.2.1") {
			t.Errorf("%s: Check = %+v, want name %q", name, got, test.want)
		}
	}
}

// If the name of the server does not exist, that says nothing about the record.
func TestServerUnknown(t *testing.T) {
	t.Parallel()
	got := checkOne(t.Context(), newClient(t, "not!a!host"), "192.0.2.1")
	if got.Verdict != fcrdns.Undecided || !strings.Contains(got.Reason, "not!a!host:53") {
		t.Errorf("Check = %+v, want undecided with not!a!host:53", got)
	}
}
