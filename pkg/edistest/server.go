package edistest

import (
	"maps"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A Server is a fake EDIS with one KVM server, to which every address belongs.
// Make it with [NewServer] and end it with [Server.Close]. It is safe for
// concurrent use.
type Server struct {
	// URL is the base URL of the API, "http://127.0.0.1:port". It goes into
	// edis.Options.RDNSURL.
	URL string
	// DNSAddr is the host:port of the DNS server, over UDP and TCP.
	DNSAddr string

	session Session
	spec    map[string]specOperation // by path
	http    *httptest.Server
	dns     []*dns.Server

	mutex    sync.Mutex
	requests []Request
	ptrs     map[netip.Addr]string
	reverse  map[string]netip.Addr   // by owner name below in-addr.arpa. or ip6.arpa.
	hosts    map[string][]netip.Addr // by canonical host name
}

// A Session is what the API asks a call to prove itself with. It has the fields
// of edis.Session, and converts to it: edis.Session(server.Session()).
type Session struct {
	KVMID, Signature, APIHost string
	ValidUntil                time.Time
	PrimaryIP                 netip.Addr
	Description               string
	Suspended                 bool
}

// NewServer starts a fake EDIS on loopback. It panics if it cannot listen
// there.
func NewServer() *Server {
	s := &Server{
		spec: mustLoadSpec(),
		session: Session{
			KVMID:       "kvm_123456_789012",
			Signature:   "edistest-signature",
			APIHost:     "12345.edis.example",
			ValidUntil:  time.Now().Add(time.Hour).Truncate(time.Second),
			PrimaryIP:   netip.MustParseAddr("192.0.2.1"),
			Description: "edistest",
		},
		ptrs:    make(map[netip.Addr]string),
		reverse: make(map[string]netip.Addr),
		hosts:   make(map[string][]netip.Addr),
	}
	s.startDNS()
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// Close ends both servers and waits for requests under way. Close it once.
func (s *Server) Close() {
	s.http.Close()
	for _, server := range s.dns {
		_ = server.Shutdown() // fails only when it does not run
	}
}

// Session returns the session that the server accepts. It is valid for an hour
// from NewServer.
func (s *Server) Session() Session { return s.session }

// PTRs returns a copy of the records that are set.
func (s *Server) PTRs() map[netip.Addr]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return maps.Clone(s.ptrs)
}

// Requests returns what the server received at its API, in order of arrival of
// the whole request.
func (s *Server) Requests() []Request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.requests)
}

// AddHost makes the DNS server answer A and AAAA queries for a host name with
// these addresses, beside those it already has.
func (s *Server) AddHost(name string, addresses ...netip.Addr) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	name = dns.CanonicalName(name)
	s.hosts[name] = append(s.hosts[name], addresses...)
}

// setPTRs stores records, all at once.
func (s *Server) setPTRs(ptrs map[netip.Addr]string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for address, name := range ptrs {
		s.ptrs[address] = name
		s.reverse[reverseName(address)] = address
	}
}
