package edistest

import (
	"net/netip"
	"strings"
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
	s.records.set(netip.MustParseAddr("2001:db8::20"), "gone.example.com", now)
	s.records.set(netip.MustParseAddr("2001:db8::20"), "", now)
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
		{"2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, nil},                  // has no records, but names below it
		{"1.100.51.198.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},           // removed
		{"2." + strings.TrimPrefix(ip6, "0.1."), dns.TypePTR, dns.RcodeNameError, nil}, // the only record below it was removed
		{strings.TrimPrefix(ip6, "0."), dns.TypePTR, dns.RcodeSuccess, nil},
		{"3." + strings.TrimPrefix(ip6, "0.1."), dns.TypePTR, dns.RcodeNameError, nil},
		{"mail.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"192.0.2.10", "192.0.2.11"}},
		{"mail.example.com.", dns.TypeAAAA, dns.RcodeSuccess, []string{"2001:db8::10"}},
		{"mail.example.com.", dns.TypeMX, dns.RcodeSuccess, nil},
		{"example.com.", dns.TypeA, dns.RcodeSuccess, nil},
		{"com.", dns.TypeA, dns.RcodeSuccess, nil},
		{"ample.com.", dns.TypeA, dns.RcodeNameError, nil}, // ends like a name that exists
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
	for _, test := range []struct {
		message *dns.Msg
		want    int
	}{
		{chaos, dns.RcodeRefused},
		{new(dns.Msg).SetNotify("example.com."), dns.RcodeNotImplemented},
		{new(dns.Msg).SetAxfr("2.0.192.in-addr.arpa."), dns.RcodeRefused},
		{new(dns.Msg).SetIxfr("2.0.192.in-addr.arpa.", 1, "ns.", "mbox."), dns.RcodeRefused},
	} {
		for _, network := range []string{"udp", "tcp"} {
			if got := exchange(t, s, network, test.message.Copy()); got.Rcode != test.want || len(got.Answer) != 0 || got.Authoritative {
				t.Errorf("%s response =\n%v\nwant rcode %s without records", network, got, dns.RcodeToString[test.want])
			}
		}
	}
}

// A response has an OPT record if the query has one, with the same DO bit (RFC 3225,
// section 3; RFC 6891, section 6.1.1).
func TestDNSWithEDNS(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if got := query(t, s, "udp", "in-addr.arpa.", dns.TypeSOA); got.IsEdns0() != nil {
		t.Errorf("response to a query without EDNS =\n%v\nwant no OPT record", got)
	}
	for _, do := range []bool{true, false} {
		message := new(dns.Msg).SetQuestion("in-addr.arpa.", dns.TypeSOA)
		message.SetEdns0(4096, do)
		got := exchange(t, s, "udp", message)
		if edns := got.IsEdns0(); edns == nil || edns.Do() != do || edns.UDPSize() != 1232 || edns.Version() != 0 || len(got.Answer) != 1 {
			t.Errorf("response to a query with DO bit %t =\n%v\nwant an SOA record, and an OPT record with this bit and 1232 bytes", do, got)
		}
	}
}

// A server that knows only version 0 of EDNS says so, and does not answer the question
// (RFC 6891, section 6.1.3).
func TestDNSWithLaterEDNS(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	message := new(dns.Msg).SetQuestion("in-addr.arpa.", dns.TypeSOA)
	message.SetEdns0(4096, true)
	message.IsEdns0().SetVersion(1)
	got := exchange(t, s, "udp", message)
	if edns := got.IsEdns0(); edns == nil || edns.Version() != 0 || !edns.Do() || got.Rcode != dns.RcodeBadVers || len(got.Answer)+len(got.Ns) != 0 {
		t.Errorf("response =\n%v\nwant BADVERS with version 0 and no records", got)
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
	if response := exchange(t, s, "udp", message); response.Truncated || len(response.Answer) != 60 {
		t.Errorf("UDP with EDNS: truncated = %v with %d records, want false with 60", response.Truncated, len(response.Answer))
	}
}

// No message is longer than 64 KiB, so an answer that would be is truncated over TCP too.
func TestDNSTruncationOverTCP(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var addresses []netip.Addr
	for i := range 5000 { // with 16 bytes each
		addresses = append(addresses, netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}))
	}
	s.AddHost("many.example.", addresses...)
	for _, edns := range []bool{false, true} {
		message := new(dns.Msg).SetQuestion("many.example.", dns.TypeA)
		if edns {
			message.SetEdns0(1232, false)
		}
		response := exchange(t, s, "tcp", message)
		if n := len(response.Answer); !response.Truncated || n < 4000 || n >= 5000 || (response.IsEdns0() != nil) != edns {
			t.Errorf("EDNS %t: truncated = %v with %d of 5000 records and OPT %v, want true with more than 4000 and an OPT record only if asked", edns, response.Truncated, n, response.IsEdns0())
		}
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

// A negative answer has the SOA record of the zone that the name is in. Resolvers accept
// only that of the zone they asked for, or of one below it, and may keep it for a second.
func TestDNSNegativeAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddHost("mail.corp.example.com", netip.MustParseAddr("192.0.2.10"))
	s.AddHost("example.net", netip.MustParseAddr("192.0.2.11"))
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("2001:db8::10"): "mail.corp.example.com"})
	const ip6Zone = "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." // 2001:db8::/64
	for _, test := range []struct {
		name       string
		recordType uint16
		rcode      int
		zone       string
	}{
		{"1.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "2.0.192.in-addr.arpa."},
		{"1.2.0.192.IN-ADDR.ARPA.", dns.TypePTR, dns.RcodeNameError, "2.0.192.in-addr.arpa."},
		{"a.1.2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "2.0.192.in-addr.arpa."},
		{"2.0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, "2.0.192.in-addr.arpa."},
		{"0.192.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, "0.192.in-addr.arpa."},
		{"in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, "in-addr.arpa."},
		{"a.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "in-addr.arpa."},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + ip6Zone, dns.TypePTR, dns.RcodeNameError, ip6Zone},
		{"0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + ip6Zone, dns.TypeA, dns.RcodeSuccess, ip6Zone},
		{"0.0.0.0.0.0.0.0." + ip6Zone, dns.TypePTR, dns.RcodeSuccess, ip6Zone}, // has names below it
		{ip6Zone, dns.TypePTR, dns.RcodeSuccess, ip6Zone},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", dns.TypePTR, dns.RcodeSuccess, "8.b.d.0.1.0.0.2.ip6.arpa."},
		{"10.ip6.arpa.", dns.TypePTR, dns.RcodeNameError, "ip6.arpa."},
		{"arpa.", dns.TypeA, dns.RcodeSuccess, "arpa."},
		{"home.arpa.", dns.TypeA, dns.RcodeNameError, "arpa."},
		{".", dns.TypeA, dns.RcodeSuccess, "."},
		{"nowhere.", dns.TypeA, dns.RcodeNameError, "."},
		{"mail.corp.example.com.", dns.TypeAAAA, dns.RcodeSuccess, "corp.example.com."},
		{"nowhere.corp.example.com.", dns.TypeA, dns.RcodeNameError, "corp.example.com."},
		{"nowhere.example.com.", dns.TypeA, dns.RcodeNameError, "example.com."},
		{"example.com.", dns.TypeMX, dns.RcodeSuccess, "example.com."},
		{"example.net.", dns.TypeAAAA, dns.RcodeSuccess, "example.net."},
		{"nowhere.com.", dns.TypeA, dns.RcodeNameError, "com."},
		// A DS record would be in the zone above.
		{"2.0.192.in-addr.arpa.", dns.TypeDS, dns.RcodeSuccess, "0.192.in-addr.arpa."},
		{".", dns.TypeDS, dns.RcodeSuccess, "."},
	} {
		response := query(t, s, "udp", test.name, test.recordType)
		if len(response.Ns) != 1 || len(response.Answer) != 0 || response.Rcode != test.rcode || !response.Authoritative {
			t.Errorf("%s %s =\n%v\nwant %s with one SOA record", test.name, dns.TypeToString[test.recordType], response, dns.RcodeToString[test.rcode])
			continue
		}
		soa, ok := response.Ns[0].(*dns.SOA)
		if !ok || soa.Hdr.Name != test.zone || soa.Minttl != 1 || soa.Hdr.Ttl != 1 {
			t.Errorf("%s %s: authority = %v, want the SOA record of %s with a TTL and a minimum of 1 second", test.name, dns.TypeToString[test.recordType], response.Ns[0], test.zone)
		}
	}
}

// Each zone has an SOA and an NS record at its name, and its name server has an address.
func TestDNSApexes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.10"))
	for _, zone := range []string{".", "arpa.", "in-addr.arpa.", "2.0.192.in-addr.arpa.", "2.0.192.IN-ADDR.ARPA.", "ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.", "com.", "example.com."} {
		soa := query(t, s, "udp", zone, dns.TypeSOA)
		if len(soa.Answer) != 1 || soa.Answer[0].Header().Rrtype != dns.TypeSOA || soa.Answer[0].Header().Name != zone {
			t.Errorf("%s SOA =\n%v\nwant its SOA record", zone, soa)
		}
		response := query(t, s, "udp", zone, dns.TypeNS)
		if len(response.Answer) != 1 || response.Answer[0].Header().Name != zone {
			t.Errorf("%s NS =\n%v\nwant its NS record", zone, response)
			continue
		}
		ns, ok := response.Answer[0].(*dns.NS)
		if !ok || soa.Answer[0].(*dns.SOA).Ns != ns.Ns {
			t.Errorf("%s NS = %v, want the name server of %v", zone, response.Answer[0], soa.Answer[0])
			continue
		}
		if address := query(t, s, "udp", ns.Ns, dns.TypeA); len(address.Answer) != 1 {
			t.Errorf("%s A =\n%v\nwant the address of the name server", ns.Ns, address)
		}
	}
	for _, name := range []string{"mail.example.com.", "1.2.0.192.in-addr.arpa."} {
		if soa := query(t, s, "udp", name, dns.TypeSOA); len(soa.Answer) != 0 {
			t.Errorf("%s SOA =\n%v\nwant none, because it is not a zone", name, soa)
		}
	}
}
