package edistest

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// The sample in the provider's documentation sends ip indented and without percent
// encoding.
func TestDocumentedSampleIsAccepted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	session := s.Session()
	body := "signature=" + formOf(session, "").Get("signature") + "&kvm_id=" + session.KVMID +
		"&valid_until=" + strconv.FormatInt(session.ValidUntil.Unix(), 10) + "&api_host=" + session.APIHost +
		"&ip={\n  \"192.0.2.1\": \"host.example.com\",\n  \"2001:db8::1\": \"host.example.com\"\n}"
	got, err := request(t.Context(), s, http.MethodPost, "/set/ptr", contract.FormContentType, body)
	if err != nil || got.status != 200 {
		t.Fatalf("POST /set/ptr = %+v, %v, want 200", got, err)
	}
	want := map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.1"):   "host.example.com",
		netip.MustParseAddr("2001:db8::1"): "host.example.com",
	}
	if got := s.PTRs(); !maps.Equal(got, want) {
		t.Errorf("PTRs() = %v, want %v", got, want)
	}
}

func TestInvalidFieldIsRefused(t *testing.T) {
	t.Parallel()
	with := func(name, value string) func(url.Values) { return func(form url.Values) { form.Set(name, value) } }
	without := func(name string) func(url.Values) { return func(form url.Values) { form.Del(name) } }
	for _, test := range []struct {
		name   string
		change func(url.Values)
		want   int
		reason string // a part of it
	}{
		{"valid", without("other"), 200, ""},
		{"no api_host", without("api_host"), 200, ""},
		{"no signature", without("signature"), 400, "signature"},
		{"empty signature", with("signature", ""), 400, "minimum"},
		{"no kvm_id", without("kvm_id"), 400, "kvm_id"},
		{"no valid_until", without("valid_until"), 400, "valid_until"},
		{"no ip", without("ip"), 400, "ip"},
		{"empty ip", with("ip", "{}"), 400, "propert"},
		{"Go map as ip", with("ip", "map[192.0.2.10:mail.example.com]"), 400, "not JSON"},
		{"list as ip", with("ip", oneAddress), 400, "object"},
		{"number as host name", with("ip", `{"192.0.2.10":5}`), 400, "string"},
		{"duplicate key", with("ip", `{"192.0.2.10":"a.example","192.0.2.10":"b.example"}`), 400, "duplicate"},
		{"duplicate address", with("ip", `{"2001:db8::1":"a.example","2001:DB8::1":"b.example"}`), 400, "duplicate"},
		{"duplicate IPv4-mapped address", with("ip", `{"192.0.2.1":"a.example","::ffff:192.0.2.1":"b.example"}`), 400, "duplicate"},
		{"invalid address", with("ip", `{"192.0.2.300":"a.example"}`), 400, "192.0.2.300"},
		{"zone", with("ip", `{"fe80::1%eth0":"a.example"}`), 400, "fe80"},
		{"invalid host name", with("ip", `{"192.0.2.10":"a b"}`), 400, "host name"},
		{"empty host name", with("ip", `{"192.0.2.10":""}`), 400, "host name"},
		{"other signature", with("signature", "other"), 401, "unknown signature"},
		{"other kvm_id", with("kvm_id", "kvm_1_2"), 401, "kvm_id"},
		{"other valid_until", with("valid_until", "1"), 401, "valid_until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			form := formWith(s, onePTR)
			test.change(form)
			got := postForm(t, s, "/set/ptr", form)
			if got.status != test.want || !strings.Contains(got.body, test.reason) {
				t.Errorf("POST /set/ptr = %d %s, want %d and an error with %q", got.status, got.body, test.want, test.reason)
			}
			if stored := len(s.PTRs()) > 0; stored != (test.want == 200) {
				t.Errorf("POST /set/ptr = %d, then PTRs() = %v", got.status, s.PTRs())
			}
		})
	}
}

func TestMalformedFormIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	valid := formWith(s, onePTR).Encode()
	for _, test := range []struct{ contentType, body, reason string }{
		{"application/json", valid, "content type"},
		{"", valid, "content type"},
		{contract.FormContentType + "; charset=\"utf-8", valid, "content type"},
		{contract.FormContentType, valid + "&kvm_id=again", "2 times"},
		{contract.FormContentType + "; charset=utf-8", "%zz", "not a form"},
	} {
		got, err := request(t.Context(), s, http.MethodPost, "/set/ptr", test.contentType, test.body)
		if err != nil || got.status != 400 || !strings.Contains(got.body, test.reason) {
			t.Errorf("POST of %q as %q = %+v, %v, want 400 and %q", test.body, test.contentType, got, err, test.reason)
		}
		requests := s.Requests()
		if last := requests[len(requests)-1]; last.Body != test.body || last.Form != nil {
			t.Errorf("POST of %q as %q: kept as %+v, want the body and no form", test.body, test.contentType, last)
		}
	}
}

// The operations that take a list also refuse what is not an address.
func TestMalformedAddressIsRefused(t *testing.T) {
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

// An empty list could mean all records, as it does for getPTR.
func TestDeletePTRRefusesEmptyList(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"})
	if got := postForm(t, s, "/del/ptr", formWith(s, "[]")); got.status != 400 || len(s.PTRs()) != 1 {
		t.Errorf("POST /del/ptr of [] = %+v, then PTRs() = %v, want 400 and the record", got, s.PTRs())
	}
}

func TestUnknownPathOrMethodIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/set/ptr/", 404},
		{"POST", "/", 404},
		{"POST", "/kvm/v2/set/ptr", 404},
		{"GET", "/set/ptr", 405},
		{"PUT", "/kvm/v2/get/auth", 405},
	} {
		got, err := request(t.Context(), s, test.method, test.path, contract.FormContentType, strings.Repeat("x", 100_000))
		if err != nil || got.status != test.want || !strings.HasPrefix(got.body, "edistest: ") {
			t.Errorf("%s %s = %+v, %v, want %d and a reason", test.method, test.path, got, err, test.want)
		}
		requests := s.Requests()
		last := requests[len(requests)-1]
		if last.Method != test.method || last.Path != test.path || last.Status != test.want || last.Body != "" {
			t.Errorf("%s %s: kept as %+v, want it without its body", test.method, test.path, last)
		}
	}
}

// A web page of another host must not reach the server through a browser on this machine.
func TestRequestForAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for host, want := range map[string]int{"evil.example": 421, "192.0.2.1:80": 421, "localhost:1": 200, "[::1]": 200, "[::1]:80": 200, "127.9.9.9": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/get/ptr", strings.NewReader(formWith(s, oneAddress).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", contract.FormContentType)
		if got, err := send(s, r); err != nil || got.status != want {
			t.Errorf("POST with the host %q = %+v, %v, want %d", host, got, err, want)
		}
	}
}

func TestRequestsAreKeptInOrder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	set, get := formWith(s, onePTR), formWith(s, `["192.0.2.300"]`)
	_, _ = postForm(t, s, "/set/ptr", set), postForm(t, s, "/get/ptr", get)
	want := []Request{
		{Method: "POST", Path: "/set/ptr", Body: set.Encode(), Form: set, Status: 200},
		{Method: "POST", Path: "/get/ptr", Body: get.Encode(), Form: get, Status: 400},
	}
	got := s.Requests()
	if len(got) != len(want) {
		t.Fatalf("Requests() = %+v, want %d", got, len(want))
	}
	for i, r := range got {
		if r.Method != want[i].Method || r.Path != want[i].Path || r.Body != want[i].Body || r.Status != want[i].Status ||
			r.Form.Encode() != want[i].Body || r.Header.Get("Content-Type") != contract.FormContentType {
			t.Errorf("Requests()[%d] = %+v, want %+v with its header", i, r, want[i])
		}
	}
}
