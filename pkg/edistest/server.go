package edistest

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Server is a fake EDIS. It starts with one account that has one KVM server, to which
// every address belongs. Use [Server.AddAccount] for more. Start a Server with
// [NewServer] and stop it with [Server.Close], or use [NewTestServer]. A Server is safe
// for concurrent use.
type Server struct {
	// URL is the base URL of the API, such as "http://127.0.0.1:12345". Options returns
	// options that contain it.
	URL string
	// DNSAddr is the host:port of the DNS server, which listens on UDP and TCP. It is
	// empty if the server is one of NewTestServer.
	DNSAddr string

	routes   map[string]route // by operation ID
	http     *httptest.Server
	inMemory bool
	dns      []*dns.Server

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
// there. In a bubble of testing/synctest use [NewTestServer], because time does not pass
// there while anything waits for a real network.
func NewServer() *Server {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("edistest: %v", err))
	}
	return s
}

// NewTestServer starts a fake EDIS for one test and closes it when the test ends. Like
// httptest.NewTestServer of Go 1.27, it is on a network in memory. Only the clients of
// [Server.Client] and [Server.Options] reach it, so the URL is for them alone. It speaks
// HTTP/1.1 there as on a real network. It has no DNS server.
//
// Nothing in it waits for the world outside, so the test may run in a bubble of
// testing/synctest. Pauses, delays and timeouts take no time there.
func NewTestServer(tb testing.TB) *Server {
	tb.Helper()
	network := newMemoryNetwork()
	s := newUnstartedServer()
	s.inMemory = true
	s.start(network)
	s.http.Client().Transport = &http.Transport{DialContext: network.dial}
	tb.Cleanup(s.Close)
	return s
}

// Listen starts a fake EDIS whose API listens on address, a host:port. It returns an
// error if address is not on loopback, or if it cannot listen there.
func Listen(address string) (*Server, error) {
	if !isLoopback(address) {
		return nil, fmt.Errorf("%s is not on loopback", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := newUnstartedServer()
	s.startDNS()
	s.start(listener)
	return s, nil
}

// newUnstartedServer returns a server that serves nothing yet.
func newUnstartedServer() *Server {
	s := &Server{
		routes:   routes(contract.Operations()),
		now:      time.Now,
		kvms:     make(map[string]KVM),
		sessions: make(map[string]*session),
		records:  newRecords(),
		hosts:    make(map[string][]netip.Addr),
	}
	s.AddAccount(defaultAccount)
	s.first = s.newSession(defaultAccount.KVMs[0]).Session
	return s
}

// start serves the API.
func (s *Server) start(listener net.Listener) {
	s.http = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute, // a form of a million records takes a second
		IdleTimeout:       time.Minute,
	}}
	s.http.Start()
	s.URL = s.http.URL
}

// Close waits for the requests in progress and stops the server. Further calls do nothing.
func (s *Server) Close() {
	s.http.Close()
	for _, server := range s.dns {
		_ = server.Shutdown() // fails only if it is not running
	}
}

// Client returns an HTTP client that reaches the server at its URL, for tests that do not
// use package edis.
func (s *Server) Client() *http.Client {
	client := *s.http.Client()
	return &client
}

// Options returns options for a client that calls this server.
func (s *Server) Options() *edis.Options {
	options := &edis.Options{RDNSURL: s.URL, AuthURL: s.URL}
	if s.inMemory {
		options.HTTPClient = s.Client()
	}
	return options
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

// SetDelay delays the response to every call of an operation from now on, as the network
// between a client and the service does.
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
