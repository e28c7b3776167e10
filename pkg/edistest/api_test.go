package edistest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

func newServer(t *testing.T) *Server {
	t.Helper()
	s := NewServer()
	t.Cleanup(s.Close)
	return s
}

// formOf is the form of a good call, with changes; a nil value takes the field
// away.
func formOf(s *Server, changes map[string]*string) url.Values {
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

func post(t *testing.T, s *Server, contentType, body string) (status int, answer map[string]any) {
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
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("the answer %q is not JSON: %v", raw, err)
	}
	return response.StatusCode, answer
}

// The sample of the provider's documentation posts ip pretty-printed and without
// percent-encoding.
func TestAcceptsTheDocumentedSample(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	session := s.Session()
	body := "signature=" + session.Signature + "&kvm_id=" + session.KVMID +
		"&valid_until=" + strconv.FormatInt(session.ValidUntil.Unix(), 10) + "&api_host=" + session.APIHost +
		"&ip={\n  \"192.0.2.1\": \"host.example.com\",\n  \"2001:db8::1\": \"host.example.com\"\n}"
	if status, answer := post(t, s, contract.FormContentType, body); status != 200 || answer["status"] != "success" {
		t.Fatalf("the sample is answered with %d %v", status, answer)
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
		t.Errorf("Requests() = %+v", requests)
	}
}

func TestRefusesBadRequests(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name    string
		changes map[string]*string
		want    int
		about   string
	}{
		{"good", nil, 200, ""},
		{"no api_host", map[string]*string{"api_host": nil}, 200, ""},
		{"no signature", map[string]*string{"signature": nil}, 400, "signature"},
		{"empty signature", map[string]*string{"signature": text("")}, 400, "minimum"},
		{"no kvm_id", map[string]*string{"kvm_id": nil}, 400, "kvm_id"},
		{"no valid_until", map[string]*string{"valid_until": nil}, 400, "valid_until"},
		{"no ip", map[string]*string{"ip": nil}, 400, "ip"},
		{"empty ip", map[string]*string{"ip": text("{}")}, 400, "propert"},
		{"Go map as ip", map[string]*string{"ip": text("map[192.0.2.10:mail.example.com]")}, 400, "not JSON"},
		{"list as ip", map[string]*string{"ip": text(`["192.0.2.10"]`)}, 400, "object"},
		{"number as name", map[string]*string{"ip": text(`{"192.0.2.10":5}`)}, 400, "string"},
		{"key twice", map[string]*string{"ip": text(`{"192.0.2.10":"a.example","192.0.2.10":"b.example"}`)}, 400, "duplicate"},
		{"address twice", map[string]*string{"ip": text(`{"2001:db8::1":"a.example","2001:DB8::1":"b.example"}`)}, 400, "duplicate"},
		{"no address", map[string]*string{"ip": text(`{"192.0.2.300":"a.example"}`)}, 400, "192.0.2.300"},
		{"zone", map[string]*string{"ip": text(`{"fe80::1%eth0":"a.example"}`)}, 400, "fe80"},
		{"no host name", map[string]*string{"ip": text(`{"192.0.2.10":"a b"}`)}, 400, "host name"},
		{"empty host name", map[string]*string{"ip": text(`{"192.0.2.10":""}`)}, 400, "host name"},
		{"other signature", map[string]*string{"signature": text("other")}, 401, "signature"},
		{"other kvm_id", map[string]*string{"kvm_id": text("kvm_1_2")}, 401, "kvm_id"},
		{"other valid_until", map[string]*string{"valid_until": text("1")}, 401, "valid_until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			status, answer := post(t, s, contract.FormContentType, formOf(s, test.changes).Encode())
			message, _ := answer["error"].(string)
			if status != test.want || !strings.Contains(message, test.about) {
				t.Errorf("answered %d %v, want %d and an error about %q", status, answer, test.want, test.about)
			}
			if stored := len(s.PTRs()) > 0; stored != (test.want == 200) {
				t.Errorf("answered %d, and stored %v", status, s.PTRs())
			}
		})
	}
}

func TestRefusesWhatIsNoForm(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	good := formOf(s, nil).Encode()
	for contentType, body := range map[string]string{
		"application/json":       good,
		"":                       good,
		contract.FormContentType: good + "&kvm_id=again",
		contract.FormContentType + "; charset=utf-8":   "%zz",
		contract.FormContentType + "; charset=\"utf-8": good,
	} {
		if status, answer := post(t, s, contentType, body); status != 400 || answer["error"] == "" {
			t.Errorf("%q, %q answered with %d %v, want 400", contentType, body, status, answer)
		}
	}
}

func TestRefusesAnExpiredSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetClock(func() time.Time { return s.Session().ValidUntil })
	if status, answer := post(t, s, contract.FormContentType, formOf(s, nil).Encode()); status != 401 || answer["error"] != "the session has expired" {
		t.Errorf("answered %d %v, want 401", status, answer)
	}
}

// What the document does not describe never leaves the server.
func TestWithholdsUndocumentedReplies(t *testing.T) {
	t.Parallel()
	called := newServer(t).routes["/set/ptr"]
	for _, usual := range []reply{
		{418, map[string]any{"status": "error"}},
		{200, map[string]any{"status": "error"}},
		{400, map[string]any{"error": 5}},
	} {
		if got := called.response(usual); got.status != 500 || !strings.Contains(string(got.body), `"status":"error"`) {
			t.Errorf("response(%v) = %d %s, want the documented 500", usual, got.status, got.body)
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
			t.Errorf("%v is answered with %d, want %d", target, response.StatusCode, want)
		}
	}
}
