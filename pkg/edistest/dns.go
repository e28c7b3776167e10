package edistest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// ttl is short so that a test sees what it has just set.
const ttl = 1

// startDNS starts the DNS server on one port of UDP and TCP.
func (s *Server) startDNS() {
	packets, streams, err := listenSamePort()
	if err != nil {
		panic(fmt.Sprintf("edistest: cannot listen on loopback: %v", err))
	}
	s.DNSAddr = packets.LocalAddr().String()
	s.dns = []*dns.Server{
		{PacketConn: packets, Handler: dns.HandlerFunc(s.serveDNS)},
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

func (s *Server) serveDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := new(dns.Msg)
	switch {
	case query.Opcode != dns.OpcodeQuery:
		answer.SetRcode(query, dns.RcodeNotImplemented)
	case len(query.Question) != 1:
		answer.SetRcode(query, dns.RcodeFormatError)
	case query.Question[0].Qclass != dns.ClassINET:
		answer.SetRcode(query, dns.RcodeRefused)
	default:
		answer.SetReply(query)
		s.lookup(query.Question[0], answer)
	}
	size := dns.MinMsgSize
	if edns := query.IsEdns0(); edns != nil {
		answer.SetEdns0(edns.UDPSize(), false)
		size = int(edns.UDPSize())
	}
	if w.LocalAddr().Network() == "udp" {
		answer.Truncate(size)
	}
	_ = w.WriteMsg(answer) // ignore: the client disconnected
}

// lookup completes the answer as a server that is authoritative for everything: no data
// for a name without a record of this type, NXDOMAIN for a name without any.
func (s *Server) lookup(question dns.Question, answer *dns.Msg) {
	answer.Authoritative = true
	records, exists := s.recordsAt(question.Name)
	for _, record := range records {
		if question.Qtype == record.Header().Rrtype || question.Qtype == dns.TypeANY {
			answer.Answer = append(answer.Answer, record)
		}
	}
	if len(answer.Answer) > 0 {
		return
	}
	if !exists {
		answer.Rcode = dns.RcodeNameError
	}
	answer.Ns = []dns.RR{startOfAuthority(question.Name)}
}

// recordsAt returns the records of a name. A name without records exists if there
// are names below it (RFC 8020, section 2).
func (s *Server) recordsAt(name string) (records []dns.RR, exists bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key, now := dns.CanonicalName(name), s.now()
	if ptr := s.records.shown(s.records.reverse[key], now); ptr != "" {
		records = append(records, &dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: dns.Fqdn(ptr)})
	}
	for _, address := range s.hosts[key] {
		records = append(records, addressRecord(name, address))
	}
	if len(records) > 0 || slices.Contains(reverseZones, key) {
		return records, true
	}
	for below, address := range s.records.reverse {
		exists = exists || dns.IsSubDomain(key, below) && s.records.shown(address, now) != ""
	}
	for below := range s.hosts {
		exists = exists || dns.IsSubDomain(key, below)
	}
	return nil, exists
}

var reverseZones = []string{"in-addr.arpa.", "ip6.arpa."}

func addressRecord(name string, address netip.Addr) dns.RR {
	if address = address.Unmap(); address.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA), A: address.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: address.AsSlice()}
}

func header(name string, recordType uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: recordType, Class: dns.ClassINET, Ttl: ttl}
}

// startOfAuthority is part of every negative answer (RFC 2308, section 3).
func startOfAuthority(name string) dns.RR {
	zone := "."
	for _, reverse := range reverseZones {
		if dns.IsSubDomain(reverse, dns.CanonicalName(name)) {
			zone = reverse
		}
	}
	return &dns.SOA{
		Hdr: header(zone, dns.TypeSOA), Ns: "ns.edistest.example.", Mbox: "hostmaster.edistest.example.",
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}
}
