package edistest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

func newServer(t *testing.T) *Server {
	t.Helper()
	s := NewServer()
	t.Cleanup(s.Close)
	return s
}

// validForm returns the form of a valid setPTR call with some fields changed. A nil
// value removes the field.
func validForm(s *Server, changes map[string]*string) url.Values {
	session := s.Session()
	form := url.Values{
		"signature":   {session.Signature},
		"kvm_id":      {session.KVMID},
		"valid_until": {strconv.FormatInt(session.ValidUntil.Unix(), 10)},
		"api_host":    {session.APIHost},
		"ip":          {`{"192.0.2.10":"mail.example.com"}`},
	}
	for name, value := range changes {
		form.Del(name)
		if value != nil {
			form.Set(name, *value)
		}
	}
	return form
}

// post sends body to /set/ptr and returns the status and the JSON of the response.
func post(t *testing.T, s *Server, contentType, body string) (status int, result map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/set/ptr", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatalf("response %q is not JSON: %v", raw, err)
	}
	return response.StatusCode, result
}

// The sample in the provider's documentation sends ip indented and without percent
// encoding.
func TestDocumentedSample(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	session := s.Session()
	body := "signature=" + session.Signature + "&kvm_id=" + session.KVMID +
		"&valid_until=" + strconv.FormatInt(session.ValidUntil.Unix(), 10) + "&api_host=" + session.APIHost +
		"&ip={\n  \"192.0.2.1\": \"host.example.com\",\n  \"2001:db8::1\": \"host.example.com\"\n}"
	if status, result := post(t, s, contract.FormContentType, body); status != 200 || result["status"] != "success" {
		t.Fatalf("POST /set/ptr = %d %v, want 200 and success", status, result)
	}
	want := map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.1"):   "host.example.com",
		netip.MustParseAddr("2001:db8::1"): "host.example.com",
	}
	if got := s.PTRs(); !maps.Equal(got, want) {
		t.Errorf("PTRs() = %v, want %v", got, want)
	}
	requests := s.Requests()
	if len(requests) != 1 || requests[0].Body != body || requests[0].Status != 200 || requests[0].Path != "/set/ptr" || requests[0].Method != "POST" {
		t.Errorf("Requests() = %+v, want one POST /set/ptr with the sample and status 200", requests)
	}
}

func TestInvalidRequests(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name      string
		changes   map[string]*string
		want      int
		wantError string // a part of the message
	}{
		{"valid", nil, 200, ""},
		{"no api_host", map[string]*string{"api_host": nil}, 200, ""},
		{"no signature", map[string]*string{"signature": nil}, 400, "signature"},
		{"empty signature", map[string]*string{"signature": text("")}, 400, "minimum"},
		{"no kvm_id", map[string]*string{"kvm_id": nil}, 400, "kvm_id"},
		{"no valid_until", map[string]*string{"valid_until": nil}, 400, "valid_until"},
		{"no ip", map[string]*string{"ip": nil}, 400, "ip"},
		{"empty ip", map[string]*string{"ip": text("{}")}, 400, "propert"},
		{"Go map as ip", map[string]*string{"ip": text("map[192.0.2.10:mail.example.com]")}, 400, "not JSON"},
		{"list as ip", map[string]*string{"ip": text(`["192.0.2.10"]`)}, 400, "object"},
		{"number as host name", map[string]*string{"ip": text(`{"192.0.2.10":5}`)}, 400, "string"},
		{"duplicate key", map[string]*string{"ip": text(`{"192.0.2.10":"a.example","192.0.2.10":"b.example"}`)}, 400, "duplicate"},
		{"duplicate address", map[string]*string{"ip": text(`{"2001:db8::1":"a.example","2001:DB8::1":"b.example"}`)}, 400, "duplicate"},
		{"invalid address", map[string]*string{"ip": text(`{"192.0.2.300":"a.example"}`)}, 400, "192.0.2.300"},
		{"zone", map[string]*string{"ip": text(`{"fe80::1%eth0":"a.example"}`)}, 400, "fe80"},
		{"invalid host name", map[string]*string{"ip": text(`{"192.0.2.10":"a b"}`)}, 400, "host name"},
		{"empty host name", map[string]*string{"ip": text(`{"192.0.2.10":""}`)}, 400, "host name"},
		{"other signature", map[string]*string{"signature": text("other")}, 401, "signature"},
		{"other kvm_id", map[string]*string{"kvm_id": text("kvm_1_2")}, 401, "kvm_id"},
		{"other valid_until", map[string]*string{"valid_until": text("1")}, 401, "valid_until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			status, result := post(t, s, contract.FormContentType, validForm(s, test.changes).Encode())
			message, _ := result["error"].(string)
			if status != test.want || !strings.Contains(message, test.wantError) {
				t.Errorf("POST /set/ptr = %d %v, want %d and an error with %q", status, result, test.want, test.wantError)
			}
			if stored := len(s.PTRs()) > 0; stored != (test.want == 200) {
				t.Errorf("POST /set/ptr = %d, then PTRs() = %v", status, s.PTRs())
			}
		})
	}
}

func TestMalformedForms(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	valid := validForm(s, nil).Encode()
	for contentType, body := range map[string]string{
		"application/json":       valid,
		"":                       valid,
		contract.FormContentType: valid + "&kvm_id=again",
		contract.FormContentType + "; charset=utf-8":   "%zz",
		contract.FormContentType + "; charset=\"utf-8": valid,
	} {
		status, result := post(t, s, contentType, body)
		if message, _ := result["error"].(string); status != 400 || message == "" {
			t.Errorf("POST of %q as %q = %d %v, want 400 and an error", body, contentType, status, result)
		}
	}
}

func TestExpiredSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetClock(func() time.Time { return s.Session().ValidUntil })
	status, result := post(t, s, contract.FormContentType, validForm(s, nil).Encode())
	if status != 401 || result["error"] != "the session has expired" {
		t.Errorf("POST /set/ptr = %d %v, want 401 and an error that the session has expired", status, result)
	}
}

// The server never sends a response that does not match the document.
func TestUndocumentedResponses(t *testing.T) {
	t.Parallel()
	setPTR := newServer(t).routes["setPTR"]
	for _, undocumented := range []reply{
		{418, map[string]any{"status": "error"}},
		{200, map[string]any{"status": "error"}},
		{400, map[string]any{"error": 5}},
	} {
		if got := setPTR.response(undocumented); got.status != 500 || !strings.Contains(string(got.body), `"status":"error"`) {
			t.Errorf("response(%v) = %d %s, want the documented 500", undocumented, got.status, got.body)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for target, want := range map[[2]string]int{
		{"POST", "/set/ptr/"}: 404,
		{"POST", "/"}:         404,
		{"GET", "/set/ptr"}:   405,
	} {
		request, err := http.NewRequestWithContext(t.Context(), target[0], s.URL+target[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s %s = %d, want %d", target[0], target[1], response.StatusCode, want)
		}
	}
}

// A test that mistypes an operation must not pass.
func TestFailPanics(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `"setPtr"`) {
			t.Errorf("Fail of setPtr panics with %q, want the name in it", text)
		}
	}()
	s.Fail("setPtr", Fault{Status: 500})
}

func TestUnusedFaults(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Fail("setPTR", Fault{Status: 500}, Fault{Status: 503})
	s.Fail("getPTR", Fault{Drop: true})
	if status, _ := post(t, s, contract.FormContentType, validForm(s, nil).Encode()); status != 500 {
		t.Errorf("POST /set/ptr = %d, want 500", status)
	}
	want := map[string][]Fault{"setPTR": {{Status: 503}}, "getPTR": {{Drop: true}}}
	if got := s.UnusedFaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("UnusedFaults() = %v, want %v", got, want)
	}
	if status, _ := post(t, s, contract.FormContentType, validForm(s, nil).Encode()); status != 503 {
		t.Errorf("POST /set/ptr = %d, want 503", status)
	}
	if got := s.UnusedFaults(); len(got) != 1 {
		t.Errorf("UnusedFaults() = %v, want that of getPTR only", got)
	}
}

// SetPTRs sets records at once, whatever the lag, and SetDelay delays every response.
func TestSetPTRsAndDelay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetLag(time.Hour)
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("::ffff:192.0.2.1"): "Mail.example.com."})
	s.SetDelay(50 * time.Millisecond)
	client, err := edis.NewClient(s.Options())
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	ptrs, err := client.ListPTR(t.Context(), client.Account(s.Credentials()))
	if want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "mail.example.com"}; err != nil || !maps.Equal(ptrs, want) {
		t.Errorf("ListPTR = %v, %v, want %v", ptrs, err, want)
	}
	if took := time.Since(started); took < 100*time.Millisecond {
		t.Errorf("login and list took %v, want 100ms at least", took)
	}
	defer func() {
		if recover() == nil {
			t.Error("SetPTRs of an invalid name did not panic")
		}
	}()
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.2"): "a..b"})
}

// A list has the visible records of the server and of no other.
func TestList(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddAccount(Account{Email: "a@example.com", Password: "p", KVMs: []KVM{
		{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:1::/64")}},
		{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
	}})
	one, two := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:1::1")
	s.SetPTRs(map[netip.Addr]string{one: "one.example", two: "two.example", netip.MustParseAddr("203.0.113.1"): "other.example"})
	client, err := edis.NewClient(s.Options())
	if err != nil {
		t.Fatal(err)
	}
	account := client.Account(edis.Credentials{Email: "a@example.com", Password: "p"})
	if err := client.DeletePTR(t.Context(), account.Server("kvm_1"), two); err != nil {
		t.Fatal(err)
	}
	ptrs, err := client.ListPTR(t.Context(), account.Server("kvm_1"))
	if want := map[netip.Addr]string{one: "one.example"}; err != nil || !maps.Equal(ptrs, want) {
		t.Errorf("ListPTR = %v, %v, want %v", ptrs, err, want)
	}
	if requests := s.Requests(); requests[len(requests)-1].Form.Get("ip") != "[]" {
		t.Errorf("ListPTR sent ip=%s, want []", requests[len(requests)-1].Form.Get("ip"))
	}
	// The client never sends an empty list to deletePTR, and the fake refuses it.
	if err := client.DeletePTR(t.Context(), account.Server("kvm_1")); !errors.Is(err, edis.ErrInvalidInput) || len(s.Requests()) != 3 {
		t.Errorf("DeletePTR of no address = %v after %d requests, want ErrInvalidInput and nothing sent", err, len(s.Requests())-3)
	}
	session, err := account.Server("kvm_1").Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"signature": {session.Signature}, "kvm_id": {"kvm_1"}, "valid_until": {strconv.FormatInt(session.ValidUntil.Unix(), 10)}, "ip": {"[]"}}
	response, err := http.PostForm(s.URL+"/del/ptr", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != 400 {
		t.Errorf("POST /del/ptr of an empty list = %d, want 400", response.StatusCode)
	}
}

// A web page of another host must not reach the server, and the body of a request that is
// not part of the API is not read.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for host, want := range map[string]int{"evil.example": 421, "192.0.2.1:80": 421, "localhost:1": 200, "[::1]": 200, "127.9.9.9": 200} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/set/ptr", strings.NewReader(validForm(s, nil).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Content-Type", contract.FormContentType)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("POST with the host %q = %d, want %d", host, response.StatusCode, want)
		}
	}
	response, err := http.Post(s.URL+"/other", "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if last := s.Requests()[len(s.Requests())-1]; response.StatusCode != 404 || last.Body != "" {
		t.Errorf("POST /other = %d with the body %q, want 404 and none", response.StatusCode, last.Body)
	}
}

// The caller can choose the address of a server, but only on loopback.
func TestListen(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "127.0.0.1:x", ""} {
		if s, err := Listen(address); err == nil {
			s.Close()
			t.Errorf("Listen(%q) = nil error, want one", address)
		}
	}
	s, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Listen(strings.TrimPrefix(s.URL, "http://")); err == nil {
		t.Error("second Listen on the same port = nil error, want one")
	}
	if status, _ := post(t, s, contract.FormContentType, validForm(s, nil).Encode()); status != 200 {
		t.Errorf("POST /set/ptr = %d, want 200", status)
	}
}

// The recorded form has the quirks of PHP.
func TestRecordedForm(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetDialect(Recorded)
	if got := postForm(t, s, "/get/ptr", formWith(s, "[]")); got.body != `{"data":{"ptr":[]},"status":"success"}` || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		t.Errorf("list of no records = %+v, want an empty list as text/html", got)
	}
	if got := postForm(t, s, "/get/ptr", formWith(s, `["192.0.2.1/24"]`)); got.status != 400 || !strings.Contains(got.body, `192.0.2.1\/24`) {
		t.Errorf("get of 192.0.2.1/24 = %+v, want 400 with an escaped slash", got)
	}
}

// In the recorded form, a session has a long signature, and a write has no message.
func TestRecordedSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetDialect(Recorded)
	client, err := edis.NewClient(s.Options())
	if err != nil {
		t.Fatal(err)
	}
	if session, err := client.Account(s.Credentials()).Session(t.Context()); err != nil || len(session.Signature) != 512 {
		t.Errorf("Session = %v, %v with a signature of %d bytes, want 512", session, err, len(session.Signature))
	}
	if got := postForm(t, s, "/set/ptr", validForm(s, nil)); got.body != `{"status":"success"}` {
		t.Errorf("set = %+v, want no message", got)
	}
}
