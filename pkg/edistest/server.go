package edistest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Server is a fake EDIS. It begins with one account that has one KVM server,
// to which every address belongs; see [Server.AddAccount] for more. Make it with
// [NewServer] and end it with [Server.Close]. It is safe for concurrent use.
type Server struct {
	// URL is the base URL of the API, "http://127.0.0.1:port". It goes into
	// edis.Options, as RDNSURL and AuthURL.
	URL string
	// DNSAddr is the host:port of the DNS server, over UDP and TCP.
	DNSAddr string

	routes map[string]route // by path
	http   *httptest.Server
	dns    []*dns.Server

	mutex    sync.Mutex
	now      func() time.Time
	accounts []Account
	sessions map[string]Session // by signature
	first    Session
	records  records
	hosts    map[string][]netip.Addr // by canonical host name
	faults   map[string][]Fault      // by operation
	requests []Request
}

// NewServer starts a fake EDIS on loopback. It panics if it cannot listen
// there.
func NewServer() *Server {
	s := &Server{
		now:      time.Now,
		accounts: []Account{defaultAccount},
		sessions: make(map[string]Session),
		records:  newRecords(),
		hosts:    make(map[string][]netip.Addr),
		faults:   make(map[string][]Fault),
	}
	documented, err := contract.Operations()
	if err != nil {
		panic(fmt.Sprintf("edistest: %v", err)) // a defect of this module
	}
	s.routes = routes(documented)
	s.first = s.newSession(defaultAccount.KVMs[0])
	s.startDNS()
	s.http = httptest.NewServer(http.HandlerFunc(s.serveHTTP))
	s.URL = s.http.URL
	return s
}

// Close ends both servers, after the requests that are under way. Close it once.
func (s *Server) Close() {
	s.http.Close()
	for _, server := range s.dns {
		_ = server.Shutdown() // fails only when it does not run
	}
}

// SetClock makes the server take the time from now, for the expiry of sessions
// and for [Server.SetLag]. Sessions keep the expiry that they have.
func (s *Server) SetClock(now func() time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now = now
}

// SetLag makes what is written from now on show after a delay only, in the
// answers of getPTR and in the DNS, as on a service of several machines.
func (s *Server) SetLag(lag time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.records.lag = lag
}

// PTRs returns the records that are set, those that do not show yet included.
func (s *Server) PTRs() map[netip.Addr]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.records.all()
}

// Requests returns what the API received, in the order in which it was done
// with. It keeps everything, bodies included, until the server is closed.
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
