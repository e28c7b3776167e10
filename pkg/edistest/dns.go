package edistest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/miekg/dns"
)

const (
	ttl        = 1 // second: a test sees what it has just set
	nameServer = "ns.edistest.example."
	udpSize    = 1232 // of queries; it avoids IP fragments on common networks
)

// startDNS starts the DNS server on one port of UDP and TCP.
func (s *Server) startDNS() {
	packets, streams, err := listenSamePort()
	if err != nil {
		panic(fmt.Sprintf("edistest: cannot listen on loopback: %v", err))
	}
	s.DNSAddr = packets.LocalAddr().String()
	s.AddHost(nameServer, netip.MustParseAddr("127.0.0.1"))
	s.dns = []*dns.Server{
		{PacketConn: packets, UDPSize: udpSize, Handler: dns.HandlerFunc(s.serveDNS)},
		{Listener: streams, Handler: dns.HandlerFunc(s.serveDNS)},
	}
	for _, server := range s.dns {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
		<-started
	}
}

// listenSamePort lets the system choose a TCP port, and another one if the UDP port
// of that number is taken.
func listenSamePort() (net.PacketConn, net.Listener, error) {
	var failures []error
	for range 10 {
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err == nil {
			return packets, streams, nil
		}
		failures = append(failures, err, streams.Close())
	}
	return nil, nil, errors.Join(failures...)
}

// serveDNS truncates an answer to what the client accepts over UDP, and to the longest
// message over TCP.
func (s *Server) serveDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := s.answerDNS(query)
	size := dns.MaxMsgSize
	if w.LocalAddr().Network() == "udp" {
		size = dns.MinMsgSize
		if edns := query.IsEdns0(); edns != nil {
			size = int(edns.UDPSize())
		}
	}
	answer.Truncate(size)
	_ = w.WriteMsg(answer) // ignore: the client disconnected
}

func (s *Server) answerDNS(query *dns.Msg) *dns.Msg {
	answer := new(dns.Msg).SetReply(query)
	edns := query.IsEdns0()
	if edns != nil {
		answer.SetEdns0(udpSize, edns.Do()) // RFC 3225, section 3
	}
	switch {
	case edns != nil && edns.Version() != 0:
		answer.Rcode = dns.RcodeBadVers // RFC 6891, section 6.1.3
	case query.Opcode != dns.OpcodeQuery:
		answer.Rcode = dns.RcodeNotImplemented
	case len(query.Question) != 1:
		answer.Rcode = dns.RcodeFormatError
	case query.Question[0].Qclass != dns.ClassINET || isTransfer(query.Question[0].Qtype):
		answer.Rcode = dns.RcodeRefused
	default:
		s.lookup(query.Question[0], answer)
	}
	return answer
}

func isTransfer(recordType uint16) bool {
	return recordType == dns.TypeAXFR || recordType == dns.TypeIXFR
}

// lookup completes the answer as a server that is authoritative for all zones: no data
// for a name without a record of this type, NXDOMAIN for a name that does not exist.
func (s *Server) lookup(question dns.Question, answer *dns.Msg) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	answer.Authoritative = true
	key := dns.CanonicalName(question.Name)
	records := s.recordsAt(question.Name, key)
	for _, record := range records {
		if question.Qtype == record.Header().Rrtype || question.Qtype == dns.TypeANY {
			answer.Answer = append(answer.Answer, record)
		}
	}
	if len(answer.Answer) > 0 {
		return
	}
	if len(records) == 0 && !s.hasNamesBelow(key) {
		answer.Rcode = dns.RcodeNameError
	}
	if question.Qtype == dns.TypeDS {
		key = parent(key) // a DS record is in the zone above (RFC 4035, section 3.1.4.1)
	}
	answer.Ns = []dns.RR{startOfAuthority(s.zoneOf(key))} // RFC 2308, section 3
}

// recordsAt returns the records of a name. The key is the name in canonical form.
func (s *Server) recordsAt(name, key string) (records []dns.RR) {
	if s.isApex(key) {
		records = append(records, startOfAuthority(name), &dns.NS{Hdr: header(name, dns.TypeNS), Ns: nameServer})
	}
	if ptr := s.records.shown(s.records.reverse[key], s.now()); ptr != "" {
		records = append(records, &dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: dns.Fqdn(ptr)})
	}
	for _, address := range s.hostAddresses(key) {
		records = append(records, addressRecord(name, address))
	}
	return records
}

// zoneOf returns the zone that a name is in: the closest apex at or above it.
func (s *Server) zoneOf(key string) string {
	for !s.isApex(key) {
		key = parent(key)
	}
	return key
}

// parent returns the name above key, or the root.
func parent(key string) string {
	if next, end := dns.NextLabel(key, 0); !end {
		return key[next:]
	}
	return "."
}

// reverseZone matches the reverse zones: those of IPv4 networks of /24 and larger, and
// those of IPv6 networks of /64 and larger. They exist without a record, as the zones of
// a provider do.
var reverseZone = regexp.MustCompile(`^(([0-9]{1,3}\.){0,3}in-addr\.|([0-9a-f]\.){0,16}ip6\.)?arpa\.$`)

// isApex reports whether key is the name of a zone. Elsewhere than in the reverse tree,
// these are the names that have names below them, and the hosts with at most two labels.
// A resolver that forwards one of these zones accepts negative answers only with the SOA
// record of this zone or of one below it.
func (s *Server) isApex(key string) bool {
	return key == "." || reverseZone.MatchString(key) || !dns.IsSubDomain("arpa.", key) &&
		(s.hasNamesBelow(key) || dns.CountLabel(key) <= 2 && len(s.hostAddresses(key)) > 0)
}

// hasNamesBelow reports whether key exists even without records of its own (RFC 8020,
// section 2).
func (s *Server) hasNamesBelow(key string) bool {
	for name, address := range s.records.reverse {
		if isBelow(name, key) && s.records.shown(address, s.now()) != "" {
			return true
		}
	}
	for name := range s.hosts {
		if isBelow(name, key) {
			return true
		}
	}
	return s.hasForwardRecordsBelow(key)
}

// isBelow reports whether name is below key. Both are canonical. Most names differ at
// their end, which is found faster.
func isBelow(name, key string) bool {
	return name != key && strings.HasSuffix(name, key) && dns.IsSubDomain(key, name)
}

func addressRecord(name string, address netip.Addr) dns.RR {
	if address.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA), A: address.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: address.AsSlice()}
}

func header(name string, recordType uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: recordType, Class: dns.ClassINET, Ttl: ttl}
}

func startOfAuthority(zone string) dns.RR {
	return &dns.SOA{
		Hdr: header(zone, dns.TypeSOA), Ns: nameServer, Mbox: "hostmaster.edistest.example.",
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}
}
