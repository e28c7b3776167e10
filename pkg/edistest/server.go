package edistest

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Server is a fake EDIS. It starts with one account with one KVM server, to which
// every address belongs; see [Server.AddAccount] for more. Start it with [NewServer]
// and stop it with [Server.Close]. It is safe for concurrent use.
type Server struct {
	// URL is the base URL of the API, such as "http://127.0.0.1:12345"; see Options.
	URL string
	// DNSAddr is the host:port of the DNS server, which listens on UDP and TCP.
	DNSAddr string

	routes map[string]route // by operation ID
	http   *httptest.Server
	dns    []*dns.Server

	mutex    sync.Mutex
	now      func() time.Time
	accounts []Account
	kvms     map[string]KVM      // by id
	sessions map[string]*session // by signature
	first    edis.Session
	records  records
	hosts    map[string][]netip.Addr // by canonical host name
	faults   []*injectedFault
	requests []Request
	delay    time.Duration
	dialect  Dialect
}

// NewServer starts a fake EDIS on a free loopback port. It panics if it cannot listen
// there.
func NewServer() *Server {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("edistest: %v", err))
	}
	return s
}

// Listen starts a fake EDIS whose API listens on address, a host:port. It returns an
// error if address is not on loopback or cannot be listened on.
func Listen(address string) (*Server, error) {
	if !isLoopback(address) {
		return nil, fmt.Errorf("%s is not on loopback", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		now:      time.Now,
		kvms:     make(map[string]KVM),
		sessions: make(map[string]*session),
		records:  newRecords(),
		hosts:    make(map[string][]netip.Addr),
	}
	documented, err := contract.Operations()
	if err != nil {
		panic(fmt.Sprintf("edistest: %v", err)) // a defect of this module
	}
	s.routes = routes(documented)
	s.AddAccount(defaultAccount)
	s.first = s.newSession(defaultAccount.KVMs[0]).Session
	s.startDNS()
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serveHTTP))
	_ = s.http.Listener.Close() // never used
	s.http.Listener = listener
	s.http.Config.ReadHeaderTimeout = 10 * time.Second
	s.http.Config.ReadTimeout = time.Minute // a form of a million records takes a second
	s.http.Config.IdleTimeout = time.Minute
	s.http.Start()
	s.URL = s.http.URL
	return s, nil
}

// Close waits for the requests in progress and stops both servers. Call it once.
func (s *Server) Close() {
	s.http.Close()
	for _, server := range s.dns {
		_ = server.Shutdown() // fails only if it is not running
	}
}

// SetClock sets the clock of the server, for the expiry of sessions and for
// [Server.SetLag]. Existing sessions keep their expiry.
func (s *Server) SetClock(now func() time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now = now
}

// SetLag sets how long later writes take to become visible to getPTR and in the DNS, as
// on a service with several machines.
func (s *Server) SetLag(lag time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.records.lag = lag
}

// SetDelay delays the response to every request from now on, as the network between
// a client and the service does.
func (s *Server) SetDelay(delay time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.delay = delay
}

// SetPTRs sets records as if they had always been there, whatever the lag. It panics if
// an address or a host name is invalid.
func (s *Server) SetPTRs(ptrs map[netip.Addr]string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for address, name := range ptrs {
		canonicalName, err := canonical.Name(name, true)
		canonicalAddress, addressErr := canonical.Address(address)
		if err := cmp.Or(err, addressErr); err != nil {
			panic(fmt.Sprintf("edistest: SetPTRs of %q for %s: %v", name, address, err))
		}
		s.records.put(canonicalAddress, []entry{{name: canonicalName}})
	}
}

// PTRs returns the records that are set, including those that are not visible yet.
func (s *Server) PTRs() map[netip.Addr]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.records.all()
}

// AddHost adds A and AAAA records for a host name to the DNS server.
func (s *Server) AddHost(name string, addresses ...netip.Addr) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	name = dns.CanonicalName(name)
	s.hosts[name] = append(s.hosts[name], addresses...)
}
