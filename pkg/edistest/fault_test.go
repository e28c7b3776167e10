package edistest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A result is a response as a client gets it.
type result struct {
	status int
	header http.Header
	body   string
}

// postForm sends a form.
func postForm(t *testing.T, s *Server, path string, form url.Values) result {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contract.FormContentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return result{response.StatusCode, response.Header, string(body)}
}

// formWith returns the form of a valid call with another field ip.
func formWith(s *Server, ip string) url.Values { return validForm(s, map[string]*string{"ip": &ip}) }

// Drop closes the connection and Reset aborts it, both without a response. The request is
// kept anyway.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, fault := range []Fault{{Drop: true}, {Reset: true}} {
		s := newServer(t)
		s.Fail("setPTR", fault)
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		body := validForm(s, nil).Encode()
		if _, err := fmt.Fprintf(conn, "POST /set/ptr HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contract.FormContentType, len(body), body); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); len(got) > 0 || (err != nil) != fault.Reset {
			t.Errorf("%+v: the client reads %q, %v, want nothing, and an error: %v", fault, got, err, fault.Reset)
		}
		_ = conn.Close()
		if got := s.Requests(); len(got) != 1 || got[0].Status != 0 || got[0].Body != body || got[0].Path != "/set/ptr" {
			t.Errorf("%+v: Requests() = %+v, want the request with status 0", fault, got)
		}
	}
}

// The status, the header and the body of a fault are sent as they are. What a fault lacks
// is as the service usually sends it.
func TestFaultResponses(t *testing.T) {
	t.Parallel()
	const failure = `{"error":"injected fault","status":"error"}`
	for _, test := range []struct {
		fault                   Fault
		status                  int
		contentType, body, slow string
	}{
		{Fault{Status: 503, Header: http.Header{"Content-Type": {"text/html"}, "Retry-After": {"7"}}, Body: "<p>"}, 503, "text/html", "<p>", "7"},
		{Fault{Status: 429, Header: http.Header{"Retry-After": {"8"}}}, 429, contract.JSONContentType, failure, "8"},
		{Fault{Status: 500}, 500, contract.JSONContentType, failure, ""},
		{Fault{Status: 202, Body: "{}"}, 202, contract.JSONContentType, "{}", ""},
		{Fault{Body: "{}"}, 200, contract.JSONContentType, "{}", ""},
		{Fault{Body: "<p>", Header: http.Header{"Content-Type": {"text/html"}}}, 200, "text/html", "<p>", ""},
	} {
		s := newServer(t)
		s.Fail("setPTR", test.fault)
		got := postForm(t, s, "/set/ptr", validForm(s, nil))
		if got.status != test.status || got.header.Get("Content-Type") != test.contentType || got.body != test.body || got.header.Get("Retry-After") != test.slow {
			t.Errorf("%+v: response = %+v, want %+v", test.fault, got, test)
		}
		if requests := s.Requests(); len(requests) != 1 || requests[0].Status != test.status {
			t.Errorf("%+v: Requests() = %+v, want status %d", test.fault, requests, test.status)
		}
		if len(s.PTRs()) != 0 {
			t.Errorf("%+v: PTRs() = %v, want none", test.fault, s.PTRs())
		}
	}
}

// Faults are met in the order of the calls of Fail, each by one call of its operation.
func TestFailsQueueUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Fail("setPTR", Fault{Status: 500})
	s.Fail("setPTR", Fault{Status: 501}, Fault{Status: 502})
	s.Fail("getPTR", Fault{Status: 503})
	s.Fail("setPTR", Fault{Status: 504})
	var got []int
	for range 5 {
		got = append(got, postForm(t, s, "/set/ptr", validForm(s, nil)).status)
	}
	if want := []int{500, 501, 502, 504, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses of setPTR = %v, want %v", got, want)
	}
}

// Apply counts records in the order of their addresses, which is not that of their texts.
func TestApplyCountsInAddressOrder(t *testing.T) {
	t.Parallel()
	first, second, third := netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.10")
	fourth := netip.MustParseAddr("2001:db8::1")
	all := []netip.Addr{first, second, third, fourth}
	const names, list = `{"10.0.0.10":"a.example","10.0.0.9":"a.example","2001:db8::1":"a.example","9.9.9.9":"a.example"}`, `["10.0.0.10","10.0.0.9","2001:db8::1","9.9.9.9"]`
	for _, test := range []struct {
		apply, written int
	}{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 4}, {-1, 4}} {
		s := newServer(t)
		s.Fail("setPTR", Fault{Status: 500, Apply: test.apply})
		_ = postForm(t, s, "/set/ptr", formWith(s, names))
		if got := slices.SortedFunc(maps.Keys(s.PTRs()), netip.Addr.Compare); !slices.Equal(got, all[:test.written]) {
			t.Errorf("setPTR with Apply %d sets %v, want %v", test.apply, got, all[:test.written])
		}
		for _, address := range all {
			s.SetPTRs(map[netip.Addr]string{address: "a.example"})
		}
		s.Fail("deletePTR", Fault{Status: 500, Apply: test.apply})
		_ = postForm(t, s, "/del/ptr", formWith(s, list))
		if got := slices.SortedFunc(maps.Keys(s.PTRs()), netip.Addr.Compare); !slices.Equal(got, all[test.written:]) {
			t.Errorf("deletePTR with Apply %d leaves %v, want %v", test.apply, got, all[test.written:])
		}
	}
	s := newServer(t)
	s.Fail("setPTR", Fault{Delay: time.Millisecond}) // is served as usual
	if got := postForm(t, s, "/set/ptr", formWith(s, names)); got.status != 200 || len(s.PTRs()) != 4 {
		t.Errorf("setPTR with a delay = %+v and %d records, want 200 and 4", got, len(s.PTRs()))
	}
}

// A login needs the e-mail address and the password of one account, and a KVM ID, if
// there is one, must be of that account.
func TestLoginIsChecked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddAccount(Account{Email: "a@example.com", Password: "p+a", KVMs: []KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
	s.AddAccount(Account{Email: "b@example.com", Password: "p+b", KVMs: []KVM{{ID: "kvm_3"}}})
	for _, test := range []struct {
		email, password, kvmID string
		status                 int
		want                   []string // KVM IDs of the sessions
	}{
		{"a@example.com", "p+a", "", 200, []string{"kvm_1", "kvm_2"}},
		{"b@example.com", "p+b", "", 200, []string{"kvm_3"}},
		{"a@example.com", "p+a", "kvm_2", 200, []string{"kvm_2"}},
		{"a@example.com", "p+a", "kvm_3", 400, nil},
		{"a@example.com", "p+a", "kvm_", 400, nil},
		{"a@example.com", "p+b", "", 401, nil},
		{"b@example.com", "p+a", "kvm_1", 401, nil},
		{"c@example.com", "p+a", "", 401, nil},
		{"A@example.com", "p+a", "", 401, nil},
		{"a@example.com", "", "", 400, nil},
		{"", "p+a", "", 400, nil},
	} {
		form := url.Values{"email": {test.email}, "pw": {test.password}}
		if test.kvmID != "" {
			form.Set("kvm_id", test.kvmID)
		}
		got := postForm(t, s, "/kvm/v2/get/auth", form)
		var login struct {
			Data map[string]struct {
				KVMID string `json:"kvm_id"`
			}
		}
		if err := json.Unmarshal([]byte(got.body), &login); err != nil {
			t.Fatal(err)
		}
		if servers := slices.Sorted(maps.Keys(login.Data)); got.status != test.status || !slices.Equal(servers, test.want) {
			t.Errorf("login with %v = %d, sessions of %v, want %d and %v", form, got.status, servers, test.status, test.want)
		}
		for id, session := range login.Data {
			if session.KVMID != id {
				t.Errorf("login with %v: session of %s has the kvm_id %s", form, id, session.KVMID)
			}
		}
		if got.status != 200 && strings.Contains(got.body, "signature") {
			t.Errorf("login with %v = %s, want no session", form, got.body)
		}
	}
}

// Calls for an address of another KVM server are refused, and nothing changes.
func TestAddressesOfAnotherServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddAccount(Account{Email: "a@example.com", Password: "p", KVMs: []KVM{{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}}})
	other := netip.MustParseAddr("198.51.100.1")
	s.SetPTRs(map[netip.Addr]string{other: "other.example"})
	for path, ip := range map[string]string{
		"/set/ptr": `{"192.0.2.1":"a.example","198.51.100.1":"a.example"}`, "/del/ptr": `["192.0.2.1","198.51.100.1"]`, "/get/ptr": `["198.51.100.1"]`,
	} {
		if got := postForm(t, s, path, formWith(s, ip)); got.status != 400 || !strings.Contains(got.body, "198.51.100.1 is not an address of") || strings.Contains(got.body, "other.example") {
			t.Errorf("POST %s = %+v, want 400 and a reason", path, got)
		}
	}
	if got, want := s.PTRs(), map[netip.Addr]string{other: "other.example"}; !maps.Equal(got, want) {
		t.Errorf("PTRs() = %v, want %v", got, want)
	}
}

// The operations that take a list also refuse what is not an address.
func TestMalformedAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"/get/ptr", "/del/ptr"} {
		for _, ip := range []string{`["192.0.2.300"]`, `["192.0.2.1","x"]`, `[""]`, `["fe80::1%eth0"]`, `["192.0.2.1","::ffff:192.0.2.1"]`, `["192.0.2.1/32"]`, `[5]`, `{"192.0.2.1":"a"}`} {
			if got := postForm(t, s, path, formWith(s, ip)); got.status != 400 || !strings.Contains(got.body, `"error"`) {
				t.Errorf("POST %s with ip=%s = %+v, want 400", path, ip, got)
			}
		}
	}
}

// Two writes of a record within the lag become visible in order, neither before its time.
func TestTwoWritesWithinLag(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetLag(10 * time.Minute)
	started := time.Now()
	at := func(minute int) {
		s.SetClock(func() time.Time { return started.Add(time.Duration(minute) * time.Minute) })
	}
	set := func(name string) {
		if got := postForm(t, s, "/set/ptr", formWith(s, `{"192.0.2.1":"`+name+`"}`)); got.status != 200 {
			t.Fatalf("setPTR = %+v, want 200", got)
		}
	}
	want := func(minute int, names ...string) {
		t.Helper()
		at(minute)
		body := postForm(t, s, "/get/ptr", formWith(s, `["192.0.2.1"]`)).body
		shows := func(name string) bool {
			return strings.Contains(body, `"ptr_record":"`+name+`"`) || name == "" && strings.Contains(body, `"records":[]`)
		}
		if !slices.ContainsFunc(names, shows) {
			t.Errorf("after %d minutes getPTR = %s, want one of %q", minute, body, names)
		}
	}
	set("first.example")
	at(5)
	set("second.example")
	want(9, "")
	want(14, "first.example")
	want(15, "second.example")
	at(100)
	set("third.example")
	at(105)
	if got := postForm(t, s, "/del/ptr", formWith(s, `["192.0.2.1"]`)); got.status != 200 {
		t.Fatalf("deletePTR = %+v, want 200", got)
	}
	want(109, "second.example")
	want(114, "third.example")
	want(115, "")
}

// A fault is delayed like all responses, and sent as it is, whatever the dialect.
func TestFaultWithDelayAndDialect(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetDelay(50 * time.Millisecond)
	s.SetDialect(Recorded)
	s.Fail("setPTR", Fault{Body: `{"a/b":{}}`, Delay: 50 * time.Millisecond})
	started := time.Now()
	got := postForm(t, s, "/set/ptr", validForm(s, nil))
	if got.body != `{"a/b":{}}` || got.header.Get("Content-Type") != contract.JSONContentType || time.Since(started) < 100*time.Millisecond {
		t.Errorf("response = %+v after %v, want the fault after 100ms at least", got, time.Since(started))
	}
}

// A delay ends when the client disconnects.
func TestDelayEndsWithClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	started := time.Now()
	if (Fault{Delay: 5 * time.Second}).wait(httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)); time.Since(started) > time.Second {
		t.Errorf("a delay of 5s took %v although the client was gone", time.Since(started))
	}
}
