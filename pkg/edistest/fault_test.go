package edistest

import (
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// setStatus returns the status of a setPTR call of a session.
func setStatus(t *testing.T, s *Server, session edis.Session, ip string) int {
	t.Helper()
	return postForm(t, s, "/set/ptr", formOf(session, ip)).status
}

// The status, the header and the body of a fault are sent as they are. What a fault lacks
// is as the service usually sends it.
func TestFaultReplacesTheResponse(t *testing.T) {
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
		{Fault{Body: `{"a/b":{}}`}, 200, contract.JSONContentType, `{"a/b":{}}`, ""},
		{Fault{Body: "<p>", Header: http.Header{"Content-Type": {"text/html"}}}, 200, "text/html", "<p>", ""},
	} {
		for _, dialect := range []Dialect{Documented, Recorded} {
			s := newServer(t)
			s.SetDialect(dialect)
			s.Fail(SetPTR, test.fault)
			got := postForm(t, s, "/set/ptr", formWith(s, onePTR))
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
}

// The text of a documented failure has another place in each kind of response.
func TestFaultHasTheDocumentedFailureOfItsOperation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for operation, want := range map[string]string{
		SetPTR:    `{"error":"injected fault","status":"error"}`,
		GetPTR:    `{"error":"injected fault","status":"error"}`,
		DeletePTR: `{"message":"injected fault","status":"error"}`,
		Login:     `{"code":500,"error":"Internal Server Error","message":"injected fault"}`,
	} {
		s.Fail(operation, Fault{Status: 500})
		if got := postForm(t, s, pathOf(s, operation), formWith(s, onePTR)); got.status != 500 || got.body != want {
			t.Errorf("fault of %s = %d %s, want 500 %s", operation, got.status, got.body, want)
		}
	}
}

// Faults are met in the order of the calls of Fail, each by one call of its operation.
func TestFaultsQueueUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Fail(SetPTR, Fault{Status: 500})
	s.Fail(SetPTR, Fault{Status: 501}, Fault{Status: 502})
	s.Fail(GetPTR, Fault{Status: 503})
	s.Fail(SetPTR, Fault{Status: 504})
	var got []int
	for range 5 {
		got = append(got, setStatus(t, s, s.Session(), onePTR))
	}
	if want := []int{500, 501, 502, 504, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses of setPTR = %v, want %v", got, want)
	}
	if got := postForm(t, s, "/get/ptr", formWith(s, oneAddress)).status; got != 503 {
		t.Errorf("status of getPTR = %d, want 503", got)
	}
}

// A fault of one server is not met by calls for another, and does not hold up those after
// it.
func TestFaultOfOneServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, two := addFleet(t, s)
	s.Fail(SetPTR, Fault{KVMID: "kvm_2", Status: 500}, Fault{Status: 501}, Fault{KVMID: "kvm_2", Status: 502})
	const ip1, ip2 = `{"198.51.100.1":"a.example"}`, `{"203.0.113.1":"a.example"}`
	got := []int{setStatus(t, s, one, ip1), setStatus(t, s, one, ip1), setStatus(t, s, two, ip2), setStatus(t, s, two, ip2), setStatus(t, s, two, ip2)}
	if want := []int{501, 200, 500, 502, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses = %v, want %v", got, want)
	}
}

// A login is for a server only if it asks for it.
func TestFaultOfOneServerAtLogin(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	addFleet(t, s)
	s.Fail(Login, Fault{KVMID: "kvm_2", Status: 500})
	form := map[string][]string{"email": {"a@example.com"}, "pw": {"p"}}
	all := postForm(t, s, "/kvm/v2/get/auth", form).status
	form["kvm_id"] = []string{"kvm_2"}
	if two := postForm(t, s, "/kvm/v2/get/auth", form).status; all != 200 || two != 500 {
		t.Errorf("statuses of logins to all and to kvm_2 = %d, %d, want 200, 500", all, two)
	}
}

// A fault that stands is met until it is removed. Those of Fail come first, and the last
// one that stands comes before the others.
func TestFaultStandsUntilRemoved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, two := addFleet(t, s)
	removeAll := s.FailAlways(SetPTR, Fault{Status: 500})
	removeTwo := s.FailAlways(SetPTR, Fault{KVMID: "kvm_2", Status: 501})
	removeLast := s.FailAlways(SetPTR, Fault{KVMID: "kvm_2", Status: 502})
	s.Fail(SetPTR, Fault{Status: 503})
	statuses := func() []int {
		return []int{setStatus(t, s, one, `{"198.51.100.1":"a.example"}`), setStatus(t, s, two, `{"203.0.113.1":"a.example"}`)}
	}
	for i, step := range []struct {
		remove func()
		want   []int
	}{
		{func() {}, []int{503, 502}}, {func() {}, []int{500, 502}}, {removeLast, []int{500, 501}}, {removeLast, []int{500, 501}},
		{removeAll, []int{200, 501}}, {removeTwo, []int{200, 200}},
	} {
		if step.remove(); !slices.Equal(statuses(), step.want) {
			t.Errorf("step %d: statuses are not %v; requests = %+v", i, step.want, s.Requests())
		}
	}
	if got := postForm(t, s, "/get/ptr", formOf(one, "[]")).status; got != 200 {
		t.Errorf("status of getPTR = %d, want 200", got)
	}
}

// Apply counts records in the order of their addresses, which is not that of their texts.
func TestFaultAppliesInAddressOrder(t *testing.T) {
	t.Parallel()
	all := []netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("2001:db8::1")}
	const names, list = `{"10.0.0.10":"a.example","10.0.0.9":"a.example","2001:db8::1":"a.example","9.9.9.9":"a.example"}`, `["10.0.0.10","10.0.0.9","2001:db8::1","9.9.9.9"]`
	for _, test := range []struct {
		apply, written int
	}{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 4}, {-1, 4}} {
		s := newServer(t)
		s.Fail(SetPTR, Fault{Status: 500, Apply: test.apply})
		_ = postForm(t, s, "/set/ptr", formWith(s, names))
		if got := sortedAddresses(s); !slices.Equal(got, all[:test.written]) {
			t.Errorf("setPTR with Apply %d sets %v, want %v", test.apply, got, all[:test.written])
		}
		for _, address := range all {
			s.SetPTRs(map[netip.Addr]string{address: "a.example"})
		}
		s.Fail(DeletePTR, Fault{Body: "{}", Apply: test.apply})
		_ = postForm(t, s, "/del/ptr", formWith(s, list))
		if got := sortedAddresses(s); !slices.Equal(got, all[test.written:]) {
			t.Errorf("deletePTR with Apply %d leaves %v, want %v", test.apply, got, all[test.written:])
		}
	}
}

// A fault that only delays is otherwise no fault, and both kinds of delay add up. A delay
// of any length is waited for.
func TestDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewTestServer(t)
		for _, test := range []struct {
			usual, fault time.Duration
			status       int
		}{{0, 0, 0}, {time.Hour, 0, 0}, {0, time.Hour, 0}, {time.Hour, time.Minute, 0}, {time.Second, time.Second, 500}} {
			started := time.Now()
			s.SetDelay(test.usual)
			s.Fail(SetPTR, Fault{Delay: test.fault, Status: test.status})
			got, want := setStatus(t, s, s.Session(), onePTR), max(test.status, 200)
			if took := time.Since(started); got != want || took != test.usual+test.fault {
				t.Errorf("SetDelay(%v), fault of %v: status %d after %v, want %d after the sum", test.usual, test.fault, got, took, want)
			}
		}
		if len(s.PTRs()) != 1 {
			t.Errorf("PTRs() = %v, want the record", s.PTRs())
		}
	})
}

// If any fault is left, the test did not test what it says.
func TestUnusedFaults(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	header := http.Header{"Retry-After": {"7"}}
	s.Fail(SetPTR, Fault{Status: 500}, Fault{Status: 503, Header: header})
	s.Fail(GetPTR, Fault{Drop: true})
	remove := s.FailAlways(SetPTR, Fault{Status: 504})
	s.FailAlways(DeletePTR, Fault{Status: 505})
	_ = setStatus(t, s, s.Session(), onePTR)
	_ = postForm(t, s, "/del/ptr", formWith(s, oneAddress))
	want := map[string][]Fault{SetPTR: {{Status: 503, Header: header}, {Status: 504}}, GetPTR: {{Drop: true}}}
	if got := s.UnusedFaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("UnusedFaults() = %v, want %v", got, want)
	}
	_ = setStatus(t, s, s.Session(), onePTR)
	remove()
	if got, want := s.UnusedFaults(), (map[string][]Fault{GetPTR: {{Drop: true}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("UnusedFaults() = %v, want %v", got, want)
	}
}

// A test that mistypes an operation or a server must not pass.
func TestFaultThatNoCallCanMeetPanics(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	wantPanic(t, "Fail of setPtr", func() { s.Fail("setPtr", Fault{Status: 500}) }, `"setPtr"`)
	wantPanic(t, "FailAlways of setPtr", func() { s.FailAlways("setPtr", Fault{Status: 500}) }, `"setPtr"`)
	wantPanic(t, "Fail for kvm_2", func() { s.Fail(SetPTR, Fault{KVMID: "kvm_2", Status: 500}) }, `"kvm_2"`)
	if got := s.UnusedFaults(); len(got) != 0 {
		t.Errorf("UnusedFaults() = %v, want none", got)
	}
	s.Fail(SetPTR, Fault{KVMID: s.Session().KVMID, Status: 500})
	if got := postForm(t, s, "/set/ptr", formWith(s, onePTR)); !strings.Contains(got.body, "injected") {
		t.Errorf("setPTR = %+v, want the fault", got)
	}
}
