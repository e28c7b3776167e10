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
	response, _, err := client.ExchangeContext(t.Context(), message, s.DNSAddr)
	if err != nil {
		t.Fatal(err)
	}
	return response
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
		want       []string // the data of the records
	}{
		{"10.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{"10.2.0.192.IN-ADDR.ARPA.", dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{ip6, dns.TypePTR, dns.RcodeSuccess, []string{"mail.example.com."}},
		{ip6, dns.TypeANY, dns.RcodeSuccess, []string{"mail.example.com."}},
		{"10.2.0.192.in-addr.arpa.", dns.TypeA, dns.RcodeSuccess, nil},
		{"11.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},
		{"2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, nil}, // has no records, but names below it
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
			response := query(t, s, network, test.name, test.recordType)
			if response.Rcode != test.rcode || !response.Authoritative || len(response.Answer) != len(test.want) {
				t.Errorf("%s %s %s =\n%v\nwant rcode %s and %v", network, test.name, dns.TypeToString[test.recordType], response, dns.RcodeToString[test.rcode], test.want)
				continue
			}
			for i, record := range response.Answer {
				if got := record.String()[len(record.Header().String()):]; got != test.want[i] {
					t.Errorf("%s %s: record %d = %q, want %q", network, test.name, i, got, test.want[i])
				}
			}
			if len(test.want) == 0 && (len(response.Ns) != 1 || response.Ns[0].Header().Rrtype != dns.TypeSOA) {
				t.Errorf("%s %s =\n%v\nwant an SOA record in the authority section", network, test.name, response)
			}
		}
	}
}

func TestDNSErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	chaos := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	notify := new(dns.Msg).SetNotify("example.com.")
	for want, message := range map[int]*dns.Msg{dns.RcodeRefused: chaos, dns.RcodeNotImplemented: notify} {
		if got := exchange(t, s, "udp", message); got.Rcode != want {
			t.Errorf("rcode = %s, want %s for\n%v", dns.RcodeToString[got.Rcode], dns.RcodeToString[want], message)
		}
	}
}

// A response that is too large for UDP is truncated there, and complete over TCP.
func TestDNSTruncation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 60 {
		s.AddHost("many.example.", netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	response := query(t, s, "udp", "many.example.", dns.TypeA)
	response.Compress = true // as it was sent
	if !response.Truncated || response.Len() > dns.MinMsgSize || len(response.Answer) == 0 {
		t.Errorf("UDP: truncated = %v with %d records in %d bytes, want true with some in at most %d", response.Truncated, len(response.Answer), response.Len(), dns.MinMsgSize)
	}
	if response := query(t, s, "tcp", "many.example.", dns.TypeA); response.Truncated || len(response.Answer) != 60 {
		t.Errorf("TCP: truncated = %v with %d records, want false with 60", response.Truncated, len(response.Answer))
	}
	message := new(dns.Msg).SetQuestion("many.example.", dns.TypeA)
	message.SetEdns0(4096, false)
	if response := exchange(t, s, "udp", message); response.Truncated || len(response.Answer) != 60 || response.IsEdns0() == nil {
		t.Errorf("UDP with EDNS: truncated = %v with %d records, want false with 60 and an OPT record", response.Truncated, len(response.Answer))
	}
}

// A response to two questions would be ambiguous.
func TestDNSTwoQuestions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	message := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	message.Question = append(message.Question, dns.Question{Name: "b.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET})
	for _, network := range []string{"udp", "tcp"} {
		if got := exchange(t, s, network, message.Copy()); got.Rcode != dns.RcodeFormatError || len(got.Answer) != 0 {
			t.Errorf("%s: rcode = %s with %d records, want FORMERR with none", network, dns.RcodeToString[got.Rcode], len(got.Answer))
		}
	}
}

// A negative answer has the SOA record of a zone that the name is in, and a resolver may
// keep it for a second only.
func TestDNSNegativeAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, zone := range map[string]string{
		"1.2.0.192.in-addr.arpa.": "in-addr.arpa.", "1.2.0.192.IN-ADDR.ARPA.": "in-addr.arpa.", "in-addr.arpa.": "in-addr.arpa.",
		"8.b.d.0.1.0.0.2.ip6.arpa.": "ip6.arpa.", "a.example.": ".", "arpa.": ".",
	} {
		response := query(t, s, "udp", name, dns.TypePTR)
		if len(response.Ns) != 1 || len(response.Answer) != 0 {
			t.Errorf("%s =\n%v\nwant one SOA record", name, response)
			continue
		}
		soa, ok := response.Ns[0].(*dns.SOA)
		if !ok || soa.Hdr.Name != zone || soa.Minttl != 1 || soa.Hdr.Ttl != 1 {
			t.Errorf("%s: authority = %v, want the SOA record of %s with a TTL and a minimum of 1 second", name, response.Ns[0], zone)
		}
	}
}
