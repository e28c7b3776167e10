package edistest

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// What the caller does with an argument later does not change the server.
func TestArgumentsAreCopied(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	account := Account{Email: "a@example.com", Password: "p", KVMs: []KVM{{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}}}
	s.AddAccount(account)
	account.KVMs[0].Addresses[0] = netip.MustParsePrefix("203.0.113.0/24")
	account.KVMs[0].ID = "kvm_9"
	sessions, err := newClient(t, s).Login(t.Context(), credentialsOf(account))
	if err != nil || len(sessions) != 1 || sessions[0].KVMID != "kvm_1" {
		t.Fatalf("Login = %v, %v, want a session of kvm_1", sessions, err)
	}
	if got := setStatus(t, s, sessions[0], `{"198.51.100.1":"a.example"}`); got != 200 {
		t.Errorf("setPTR for an address of kvm_1 = %d, want 200", got)
	}

	header := http.Header{"Retry-After": {"7"}}
	faults := []Fault{{Status: 500, Header: header}, {Status: 501}}
	s.Fail(SetPTR, faults...)
	s.FailAlways(SetPTR, faults[0])
	header["Retry-After"][0], faults[1].Status = "8", 200
	for _, want := range []int{500, 501, 500} {
		got := postForm(t, s, "/set/ptr", formWith(s, onePTR))
		if got.status != want || want == 500 && got.header.Get("Retry-After") != "7" {
			t.Errorf("fault = %+v, want %d with its own header", got, want)
		}
	}

	hosts := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	s.AddHost("a.example", hosts...)
	hosts[0] = netip.MustParseAddr("192.0.2.2")
	if got := query(t, s, "udp", "a.example.", dns.TypeA).Answer; len(got) != 1 || !strings.HasSuffix(got[0].String(), "192.0.2.1") {
		t.Errorf("addresses of a.example = %v, want 192.0.2.1", got)
	}
}

// What the caller does with a result does not change the server or later results.
func TestResultsAreCopies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"})
	clear(s.PTRs())
	if got := s.PTRs(); len(got) != 1 {
		t.Errorf("PTRs() = %v, want the record", got)
	}

	_ = postForm(t, s, "/set/ptr", formWith(s, onePTR))
	changed := s.Requests()
	changed[0].Header["Content-Type"][0] = "changed"
	changed[0].Form["ip"][0] = "changed"
	delete(changed[0].Header, "Content-Length")
	delete(changed[0].Form, "kvm_id")
	changed[0].Path = "changed"
	if got := s.Requests()[0]; got.Header.Get("Content-Type") == "changed" || got.Form.Get("ip") != onePTR || got.Path != "/set/ptr" || got.Header.Get("Content-Length") == "" || got.Form.Get("kvm_id") == "" {
		t.Errorf("Requests()[0] = %+v, want it unchanged", got)
	}

	s.Fail(SetPTR, Fault{Status: 500, Header: http.Header{"Retry-After": {"7"}}})
	s.FailAlways(SetPTR, Fault{Status: 503, Header: http.Header{"Retry-After": {"9"}}})
	unused := s.UnusedFaults()
	unused[SetPTR][0].Status = 200
	unused[SetPTR][0].Header["Retry-After"][0] = "8"
	unused[SetPTR][1].Header["Retry-After"][0] = "8"
	delete(unused, SetPTR)
	for _, want := range []string{"7", "9"} {
		if got := postForm(t, s, "/set/ptr", formWith(s, onePTR)); got.status < 500 || got.header.Get("Retry-After") != want {
			t.Errorf("fault = %+v, want it unchanged with Retry-After %s", got, want)
		}
	}

	s.Client().Timeout, s.Options().RDNSURL = 1, "changed"
	if s.Client().Timeout != 0 || s.Options().RDNSURL != s.URL {
		t.Errorf("Client() has the timeout %v and Options() the URL %q, want them unchanged", s.Client().Timeout, s.Options().RDNSURL)
	}
}
