package edistest

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// The names of the constants are those of the client's methods, and their values those of
// the document.
func TestOperationsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	want := map[string]string{SetPTR: "/set/ptr", GetPTR: "/get/ptr", DeletePTR: "/del/ptr", Login: "/kvm/v2/get/auth"}
	got := make(map[string]string)
	for id, r := range s.routes {
		got[id] = r.Path
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("operations = %v, want %v", got, want)
	}
}

func TestResponsesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, ip, want string
		status         int
	}{
		{"/set/ptr", onePTR, `{"message":"PTR records set successfully.","status":"success"}`, 200},
		{"/get/ptr", `["192.0.2.1","10.0.0.1","9.0.0.1","2001:DB8::1"]`, `{"records":[{"ip":"9.0.0.1","ptr_record":"b.example"},{"ip":"192.0.2.1","ptr_record":"a.example"},{"ip":"2001:db8::1","ptr_record":"c.example"}],"status":"success"}`, 200},
		{"/get/ptr", `["::ffff:192.0.2.1"]`, `{"records":[{"ip":"192.0.2.1","ptr_record":"a.example"}],"status":"success"}`, 200},
		{"/get/ptr", oneAddress, `{"records":[],"status":"success"}`, 200},
		{"/del/ptr", oneAddress, `{"status":"success"}`, 200},
		{"/set/ptr", `{"x":"a.example"}`, `{"error":"\"x\" is not an IP address","status":"error"}`, 400},
		{"/get/ptr", `["x"]`, `{"error":"\"x\" is not an IP address","status":"error"}`, 400},
		{"/del/ptr", `["x"]`, `{"message":"\"x\" is not an IP address","status":"error"}`, 400},
	} {
		s := newServer(t)
		s.SetPTRs(map[netip.Addr]string{
			netip.MustParseAddr("192.0.2.1"): "a.example", netip.MustParseAddr("9.0.0.1"): "b.example", netip.MustParseAddr("2001:db8::1"): "c.example",
		})
		got := postForm(t, s, test.path, formWith(s, test.ip))
		if got.status != test.status || got.body != test.want || got.header.Get("Content-Type") != contract.JSONContentType {
			t.Errorf("POST %s with ip=%s = %+v, want %d %s as JSON", test.path, test.ip, got, test.status, test.want)
		}
	}
}

func TestFailedLoginIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	got := postForm(t, s, "/kvm/v2/get/auth", map[string][]string{"email": {"a"}, "pw": {"b"}})
	if want := `{"code":401,"error":"Unauthorized","message":"wrong e-mail address or password"}`; got.status != 401 || got.body != want {
		t.Errorf("login = %d %s, want 401 %s", got.status, got.body, want)
	}
}

// The server never sends a response that does not match the document.
func TestUndocumentedResponseIsNeverSent(t *testing.T) {
	t.Parallel()
	setPTR := newServer(t).routes[SetPTR]
	for _, undocumented := range []reply{
		{418, map[string]any{"status": "error"}},
		{200, map[string]any{"status": "error"}},
		{400, map[string]any{"error": 5}},
	} {
		got := setPTR.response(undocumented)
		var failure struct{ Status, Error string }
		if err := json.Unmarshal(got.body, &failure); err != nil || got.status != 500 || failure.Status != "error" || !strings.Contains(failure.Error, "document") {
			t.Errorf("response(%v) = %d %s, want the documented 500", undocumented, got.status, got.body)
		}
	}
}
