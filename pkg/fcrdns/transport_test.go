package fcrdns_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// A server that does not know EDNS is asked again without.
func TestServerWithoutEDNS(t *testing.T) {
	t.Parallel()
	for _, rcode := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
			if query.IsEdns0() == nil {
				serveZone(w, query)
				return
			}
			response := new(dns.Msg).SetRcode(query, rcode)
			response.Question = nil // such servers may return a header only
			_ = w.WriteMsg(response)
		}))
		if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != fcrdns.Confirmed {
			t.Errorf("Check with a server that returns %s to EDNS = %+v, want confirmed", dns.RcodeToString[rcode], got)
		}
		if got := checkOne(t.Context(), client, "192.0.2.2"); got.Verdict != fcrdns.NotConfirmed {
			t.Errorf("Check with a server that returns %s to EDNS = %+v, want not confirmed", dns.RcodeToString[rcode], got)
		}
	}
}

// A server may answer over TCP only: with truncated responses over UDP, with none, or
// with a closed port.
func TestServerOverTCPOnly(t *testing.T) {
	t.Parallel()
	for name, overUDP := range map[string]func(dns.ResponseWriter, *dns.Msg){
		"truncated": func(w dns.ResponseWriter, query *dns.Msg) {
			response := new(dns.Msg).SetReply(query)
			response.Truncated = true
			_ = w.WriteMsg(response)
		},
		"garbled": func(w dns.ResponseWriter, _ *dns.Msg) { _, _ = w.Write([]byte("no DNS message")) },
		"silent":  func(dns.ResponseWriter, *dns.Msg) {},
		"closed":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
				if w.LocalAddr().Network() == "udp" && overUDP != nil {
					overUDP(w, query)
					return
				}
				serveZone(w, query)
			})
			if overUDP == nil {
				address = startTCP(t)
			}
			client := newClient(t, address)
			client.Timeout = 400 * time.Millisecond
			if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != fcrdns.Confirmed {
				t.Errorf("Check = %+v, want confirmed", got)
			}
			if got := checkOne(t.Context(), client, "192.0.2.8"); got.Verdict != fcrdns.NotConfirmed {
				t.Errorf("Check = %+v, want not confirmed", got)
			}
		})
	}
}

// startTCP starts a server without UDP.
func startTCP(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(serveZone)}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return listener.Addr().String()
}

// Queries ask for recursion and have EDNS0 with 1232 bytes.
func TestServerQueries(t *testing.T) {
	t.Parallel()
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if edns := query.IsEdns0(); !query.RecursionDesired || edns == nil || edns.UDPSize() != 1232 || edns.Version() != 0 {
			t.Errorf("query = %v, want recursion desired and EDNS0 with 1232 bytes", query)
		}
		serveZone(w, query)
	}))
	if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != fcrdns.Confirmed {
		t.Errorf("Check = %+v, want confirmed", got)
	}
}

// The query is sent again if a response is lost.
func TestServerSendsAgain(t *testing.T) {
	t.Parallel()
	var overUDP, overTCP atomic.Int64
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if w.LocalAddr().Network() == "tcp" {
			overTCP.Add(1)
		}
		if overUDP.Add(1) != 1 {
			serveZone(w, query)
		}
	}))
	client.Timeout = 2 * time.Second
	if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != fcrdns.Confirmed || overUDP.Load() != 3 || overTCP.Load() != 0 {
		t.Errorf("Check = %+v after %d queries and %d over TCP, want confirmed after 3 over UDP", got, overUDP.Load(), overTCP.Load())
	}
}

func TestServerTimeout(t *testing.T) {
	t.Parallel()
	refusing, err := net.ListenPacket("udp", "127.0.0.1:0") // its TCP port is closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = refusing.Close() })
	for _, address := range []string{startServer(t, func(dns.ResponseWriter, *dns.Msg) {}), refusing.LocalAddr().String()} {
		client := newClient(t, address)
		client.Timeout = 100 * time.Millisecond
		start := time.Now()
		got := checkOne(t.Context(), client, "192.0.2.1")
		var netErr net.Error
		if got.Verdict != fcrdns.Undecided || !errors.As(got.Err, &netErr) || !netErr.Timeout() {
			t.Errorf("Check = %+v, want a timeout", got)
		}
		if want := "could not check: lookup 1.2.0.192.in-addr.arpa on " + address + ": no response before the timeout"; got.Reason != want {
			t.Errorf("Reason = %q, want %q", got.Reason, want)
		}
		if took := time.Since(start); took < 50*time.Millisecond || took > 2*time.Second {
			t.Errorf("Check took %v, want 50 to 100ms", took)
		}
	}
}

// Canceling the context ends a lookup that waits for its response.
func TestServerCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := newClient(t, startServer(t, func(dns.ResponseWriter, *dns.Msg) { cancel() }))
	client.Timeout = time.Minute
	start := time.Now()
	if got := checkOne(ctx, client, "192.0.2.1"); got.Verdict != fcrdns.Undecided || !errors.Is(got.Err, context.Canceled) {
		t.Errorf("Check = %+v, want context.Canceled", got)
	}
	if took := time.Since(start); took > 1500*time.Millisecond { // before the second attempt
		t.Errorf("Check took %v after it was canceled", took)
	}
}

// The records of a truncated response do not count if TCP fails.
func TestTruncatedWithoutTCP(t *testing.T) {
	t.Parallel()
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if w.LocalAddr().Network() == "tcp" {
			_ = w.Close()
			return
		}
		response := respond(parseZone(), query)
		response.Truncated = true
		_ = w.WriteMsg(response)
	}))
	if got := checkOne(t.Context(), client, "192.0.2.1"); got.Verdict != fcrdns.Undecided || got.Err == nil {
		t.Errorf("Check = %+v, want undecided", got)
	}
}
