package edistest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func query(t *testing.T, s *Server, network, name string, recordType uint16) *dns.Msg {
	t.Helper()
	return exchange(t, s, network, new(dns.Msg).SetQuestion(name, recordType))
}

func exchange(t *testing.T, s *Server, network string, message *dns.Msg) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network}
	answer, _, err := client.ExchangeContext(t.Context(), message, s.DNSAddr)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestDNS(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	now := time.Now()
	s.records.set(netip.MustParseAddr("192.0.2.10"), "old.example.com", now)
	s.records.set(netip.MustParseAddr("2001:db8::10"), "mail.example.com", now)
	s.records.set(netip.MustParseAddr("192.0.2.10"), "mail.example.com", now)
	s.records.set(netip.MustParseAddr("198.51.100.1"), "gone.example.com", now)
	s.records.set(netip.MustParseAddr("198.51.100.1"), "", now)
	s.AddHost("Mail.example.com", netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("::ffff:192.0.2.11"))
	s.AddHost("mail.example.com.", netip.MustParseAddr("2001:db8::10"))
	const ip6 = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."

	for _, test := range []struct {
		name       string
		recordType uint16
		rcode      int
		want       []string // texts of the records, the header left out
	}{
		{"10.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{"10.2.0.192.IN-ADDR.ARPA.", dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{ip6, dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{ip6, dns.TypeANY, dns.RcodeSuccess, []string{"mail.example.com."}},
		{"10.2.0.192.in-addr.arpa.", dns.TypeA, dns.RcodeSuccess, nil},
		{"11.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},
		{"2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, nil}, // exists, for what is below it
		{"3.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},
		{"1.100.51.198.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil}, // removed
		{"100.51.198.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},
		{"in-addr.arpa.", dns.TypeNS, dns.RcodeSuccess, nil},
		{"mail.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"192.0.2.10", "192.0.2.11"}},
		{"mail.example.com.", dns.TypeAAAA, dns.RcodeSuccess, []string{"2001:db8::10"}},
		{"mail.example.com.", dns.TypeMX, dns.RcodeSuccess, nil},
		{"example.com.", dns.TypeA, dns.RcodeSuccess, nil},
		{"old.example.com.", dns.TypeA, dns.RcodeNameError, nil},
	} {
		for _, network := range []string{"udp", "tcp"} {
			answer := query(t, s, network, test.name, test.recordType)
			if answer.Rcode != test.rcode || !answer.Authoritative || len(answer.Answer) != len(test.want) {
				t.Errorf("%s %s %s:\n%v\nwant rcode %s and %v", network, test.name, dns.TypeToString[test.recordType], answer, dns.RcodeToString[test.rcode], test.want)
				continue
			}
			for i, record := range answer.Answer {
				if got := record.String()[len(record.Header().String()):]; got != test.want[i] {
					t.Errorf("%s %s: record %d is %q, want %q", network, test.name, i, got, test.want[i])
				}
			}
			if len(test.want) == 0 && (len(answer.Ns) != 1 || answer.Ns[0].Header().Rrtype != dns.TypeSOA) {
				t.Errorf("%s %s: a negative answer without SOA: %v", network, test.name, answer)
			}
		}
	}
}

func TestDNSRefusals(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	chaos := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	notify := new(dns.Msg).SetNotify("example.com.")
	for want, message := range map[int]*dns.Msg{dns.RcodeRefused: chaos, dns.RcodeNotImplemented: notify} {
		if got := exchange(t, s, "udp", message); got.Rcode != want {
			t.Errorf("rcode %s, want %s for:\n%v", dns.RcodeToString[got.Rcode], dns.RcodeToString[want], message)
		}
	}
}

// An answer too large for UDP comes truncated there, and whole over TCP.
func TestDNSTruncates(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 60 {
		s.AddHost("many.example.", netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	answer := query(t, s, "udp", "many.example.", dns.TypeA)
	answer.Compress = true // as it was sent
	if !answer.Truncated || answer.Len() > dns.MinMsgSize || len(answer.Answer) == 0 {
		t.Errorf("%d bytes and %d records over UDP, truncated %v", answer.Len(), len(answer.Answer), answer.Truncated)
	}
	if answer := query(t, s, "tcp", "many.example.", dns.TypeA); answer.Truncated || len(answer.Answer) != 60 {
		t.Errorf("%d records over TCP, want 60", len(answer.Answer))
	}
	message := new(dns.Msg).SetQuestion("many.example.", dns.TypeA)
	message.SetEdns0(4096, false)
	if answer := exchange(t, s, "udp", message); answer.Truncated || len(answer.Answer) != 60 || answer.IsEdns0() == nil {
		t.Errorf("%d records over UDP with EDNS, want 60 and an OPT record", len(answer.Answer))
	}
}
