package edistest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// onBothNetworks runs a test on loopback and, in a bubble, on a network in memory.
func onBothNetworks(t *testing.T, test func(*testing.T, *Server)) {
	t.Helper()
	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		test(t, newServer(t))
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, NewTestServer(t)) })
	})
}

// Drop closes the connection and Reset aborts it, both without a response and after the
// whole request was read. The request is kept, and what it applied stays.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	onBothNetworks(t, func(t *testing.T, s *Server) {
		for _, test := range []struct {
			fault Fault
			want  error
		}{
			{Fault{Drop: true}, io.EOF}, {Fault{Drop: true, Apply: -1}, io.EOF},
			{Fault{Reset: true}, syscall.ECONNRESET}, {Fault{Reset: true, Apply: -1}, syscall.ECONNRESET},
		} {
			s.http.CloseClientConnections()
			testBrokenConnection(t, s, test.fault, test.want)
			_ = postForm(t, s, "/get/ptr", formWith(s, oneAddress)) // the next call reuses its connection
			testBrokenConnection(t, s, test.fault, test.want)
		}
	})
}

func testBrokenConnection(t *testing.T, s *Server, fault Fault, want error) {
	t.Helper()
	address := netip.MustParseAddr("192.0.2.10")
	s.SetPTRs(map[netip.Addr]string{address: "old.example"})
	s.Fail(SetPTR, fault)
	before, body := len(s.Requests()), formWith(s, onePTR).Encode()
	if got, err := request(t.Context(), s, http.MethodPost, "/set/ptr", contract.FormContentType, body); !errors.Is(err, want) {
		t.Errorf("%+v: response = %+v, %v, want %v", fault, got, err, want)
	}
	if got := s.Requests()[before:]; len(got) != 1 || got[0].Status != 0 || got[0].Body != body || got[0].Path != "/set/ptr" {
		t.Errorf("%+v: Requests() = %+v, want the request once with status 0", fault, got)
	}
	if applied := s.PTRs()[address] == "mail.example.com"; applied != (fault.Apply < 0) {
		t.Errorf("%+v: PTRs() = %v, want the new name: %v", fault, s.PTRs(), !applied)
	}
}

// A client that goes away ends a delay. What it asked for is done nevertheless.
func TestDelayEndsWithTheClient(t *testing.T) {
	t.Parallel()
	onBothNetworks(t, func(t *testing.T, s *Server) {
		ctx, cancel := context.WithCancel(t.Context())
		s.Fail(SetPTR, Fault{Delay: time.Hour})
		go func() {
			for len(s.UnusedFaults()) > 0 { // until the call has met it
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		if got, err := request(ctx, s, http.MethodPost, "/set/ptr", contract.FormContentType, formWith(s, onePTR).Encode()); !errors.Is(err, context.Canceled) {
			t.Fatalf("response = %+v, %v, want that it was canceled", got, err)
		}
		started := time.Now()
		s.Close() // waits for the request
		if took := time.Since(started); took > 30*time.Second || len(s.PTRs()) != 1 {
			t.Errorf("Close after %v, PTRs() = %v, want soon and the record", took, s.PTRs())
		}
	})
}

// The events from which a client knows whether a request may have been sent are the same on
// both networks, and so is the reuse of connections.
func TestConnectionEvents(t *testing.T) {
	t.Parallel()
	onBothNetworks(t, func(t *testing.T, s *Server) {
		var mutex sync.Mutex
		var events []string
		happens := func(event string) {
			mutex.Lock()
			defer mutex.Unlock()
			events = append(events, event)
		}
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GetConn:              func(string) { happens("wanted") },
			GotConn:              func(info httptrace.GotConnInfo) { happens(map[bool]string{false: "new", true: "reused"}[info.Reused]) },
			WroteRequest:         func(httptrace.WroteRequestInfo) { happens("written") },
			GotFirstResponseByte: func() { happens("response") },
		})
		call := func() error {
			_, err := request(ctx, s, http.MethodPost, "/set/ptr", contract.FormContentType, formWith(s, onePTR).Encode())
			return err
		}
		if err := errors.Join(call(), call()); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := call(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("request after Close = %v, want %v", err, syscall.ECONNREFUSED)
		}
		if want := strings.Fields("wanted new written response wanted reused written response wanted"); !slices.Equal(events, want) {
			t.Errorf("events = %q, want %q", events, want)
		}
	})
}

// A request for which nobody reads the response does not hold up the server.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	onBothNetworks(t, func(t *testing.T, s *Server) {
		s.Fail(SetPTR, Fault{Body: strings.Repeat("x", 10<<20)})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/set/ptr", strings.NewReader(formWith(s, onePTR).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contract.FormContentType)
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if got := setStatus(t, s, s.Session(), onePTR); got != 200 {
			t.Errorf("next call = %d, want 200", got)
		}
	})
}

// Whatever happens to a call, its outcome for package edis is the same on both networks.
func TestOutcomesAreTheSameOnBothNetworks(t *testing.T) {
	t.Parallel()
	onBothNetworks(t, func(t *testing.T, s *Server) {
		options := s.Options()
		options.HTTPClient = s.Client() // its connections end with the server
		options.MaxAttempts = 1
		client, err := edis.NewClient(options)
		if err != nil {
			t.Fatal(err)
		}
		call := func(what string, want edis.Outcome) {
			t.Helper()
			err := client.SetPTR(t.Context(), s.Session(), map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"})
			if got := edis.OutcomeOf(err); got != want {
				t.Errorf("%s: SetPTR = %v, outcome %v, want %v", what, err, got, want)
			}
		}
		call("usual", edis.OutcomeDone)
		for want, faults := range map[edis.Outcome][]Fault{edis.OutcomeUnknown: {{Drop: true}, {Reset: true}, {Status: 500}, {Body: "{"}}, edis.OutcomeUnchanged: {{Status: 400}, {Status: 401}}} {
			for _, fault := range faults {
				s.Fail(SetPTR, fault)
				call(fmt.Sprintf("%+v", fault), want)
			}
		}
		s.ExpireSessions()
		call("expired session", edis.OutcomeUnchanged)
		s.Close()
		call("closed server", edis.OutcomeNotSent)
	})
}

// Time passes in a bubble: for pauses of the client and the server, idle connections, and
// sessions. Nothing takes real time.
func TestTestServerInABubble(t *testing.T) {
	t.Parallel()
	started := time.Now()
	synctest.Test(t, func(t *testing.T) {
		s := NewTestServer(t)
		client := newClient(t, s)
		account := client.Account(s.Credentials())
		want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"}
		s.SetLag(time.Minute)
		s.SetDelay(time.Second)
		s.Fail(SetPTR, Fault{Status: 503, Header: http.Header{"Retry-After": {"20"}}})
		if err := client.SetPTR(t.Context(), account, want); err != nil {
			t.Fatal(err)
		}
		if differing, err := client.ConfirmPTR(t.Context(), account, want); err != nil {
			t.Errorf("ConfirmPTR = %v, %v, want that the record becomes visible", differing, err)
		}
		time.Sleep(100 * time.Hour) // the session and the connections have expired
		s.FailAlways(GetPTR, Fault{Delay: 24 * time.Hour})
		if got, err := client.GetPTR(t.Context(), account, netip.MustParseAddr("192.0.2.1")); err == nil {
			t.Errorf("GetPTR = %v, want a timeout", got)
		}
		logins := 0
		for _, r := range s.Requests() {
			if r.Path == pathOf(s, Login) {
				logins++
			}
		}
		if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); logins != 2 || took < 100*time.Hour {
			t.Errorf("%d logins in %v, want 2 in more than 100h", logins, took)
		}
	})
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("the test took %v of real time", took)
	}
}

// A server in memory has no socket, neither for the API nor for the DNS: whoever is given
// its URL without its client reaches nobody, since no server can have port 0.
func TestTestServerIsNotOnTheNetwork(t *testing.T) {
	t.Parallel()
	s := NewTestServer(t)
	if s.DNSAddr != "" || s.URL != "http://127.0.0.1:0" {
		t.Errorf("DNSAddr = %q and URL = %q, want none and port 0", s.DNSAddr, s.URL)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.1:0")
	if err == nil {
		_ = conn.Close()
		t.Error("Dial of port 0 succeeds, want an error")
	}
	if got := setStatus(t, s, s.Session(), onePTR); got != 200 {
		t.Errorf("call with Client() = %d, want 200", got)
	}
}

// Once one end of a connection in memory is closed, the other fails as over TCP.
func TestClosedConnectionInMemory(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		linger      int
		read, write error
	}{{-1, io.EOF, syscall.EPIPE}, {0, syscall.ECONNRESET, syscall.EPIPE}} {
		client, server := memoryPipe()
		if err := errors.Join(server.SetLinger(test.linger), server.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, test.read) {
			t.Errorf("SetLinger(%d): Read = %v, want %v", test.linger, err, test.read)
		}
		if _, err := client.Write(make([]byte, 1)); !errors.Is(err, test.write) {
			t.Errorf("SetLinger(%d): Write = %v, want %v", test.linger, err, test.write)
		}
	}
}

// The server is closed when its test ends, and connecting to it ends with the context.
func TestTestServerEndsWithItsTest(t *testing.T) {
	var s *Server
	t.Run("test", func(t *testing.T) { s = NewTestServer(t) })
	if _, err := request(t.Context(), s, http.MethodPost, "/set/ptr", "", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("request after the test = %v, want %v", err, syscall.ECONNREFUSED)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newMemoryNetwork().dial(ctx, "", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("dial with a canceled context = %v, want %v", err, context.Canceled)
	}
}
