package edistest

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

var dialects = []Dialect{Documented, Recorded, RecordedOnly}

// The recorded form has the quirks of PHP, and a reverse name stands for no record.
func TestRecordedResponses(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects[1:] {
		s := newServer(t)
		s.SetDialect(dialect)
		s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("2001:db8::1"): "a.example"})
		for _, test := range []struct {
			operation, ip, want string
			status              int
		}{
			{SetPTR, onePTR, `{"status":"success"}`, 200},
			{DeletePTR, oneAddress, `{"status":"success"}`, 200},
			{GetPTR, `["2001:db8::1","192.0.2.10"]`, `{"data":{"ptr":{"192.0.2.10":"10.2.0.192.in-addr.arpa","2001:db8::1":"a.example"}},"status":"success"}`, 200},
			{DeletePTR, `["192.0.2.1/24"]`, `{"message":"\"192.0.2.1\/24\" is not an IP address","status":"error"}`, 400},
		} {
			path := recordedBase + pathOf(s, test.operation)
			if got := postForm(t, s, path, formWith(s, test.ip)); got.status != test.status || got.body != test.want || got.header.Get("Content-Type") != "text/html; charset=UTF-8" {
				t.Errorf("dialect %d: POST %s with ip=%s = %+v, want %d %s as HTML", dialect, path, test.ip, got, test.status, test.want)
			}
		}
		s = newServer(t)
		s.SetDialect(dialect)
		if got := postForm(t, s, recordedBase+pathOf(s, GetPTR), formWith(s, "[]")); got.body != `{"data":{"ptr":[]},"status":"success"}` {
			t.Errorf("dialect %d: list of no records = %+v, want an empty list", dialect, got)
		}
	}
}

func TestRecordedSessionHasALongSignature(t *testing.T) {
	t.Parallel()
	for i, want := range []int{26, 512, 512} {
		s := newServer(t)
		s.SetDialect(dialects[i])
		if sessions, err := newClient(t, s).Login(t.Context(), s.Credentials()); err != nil || len(sessions) != 1 || len(sessions[0].Signature) != want {
			t.Errorf("dialect %d: Login = %v, %v, want a session with a signature of %d bytes", dialects[i], sessions, err, want)
		}
	}
}

// A dialect decides which paths there are. The one of a login is the same in all.
func TestPathsOfDialects(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	login := map[string][]string{"email": {"a"}, "pw": {"b"}}
	for _, test := range []struct {
		dialect            Dialect
		documented, longer int
	}{{Documented, 200, 404}, {Recorded, 200, 200}, {RecordedOnly, 404, 200}, {Documented, 200, 404}} {
		s.SetDialect(test.dialect)
		for operation, ip := range map[string]string{SetPTR: onePTR, GetPTR: oneAddress, DeletePTR: oneAddress} {
			path, form := pathOf(s, operation), formWith(s, ip)
			got := []int{postForm(t, s, path, form).status, postForm(t, s, "/kvm/v2"+path, form).status, postForm(t, s, "/kvm/v2/kvm/v2"+path, form).status}
			if want := []int{test.documented, test.longer, 404}; !slices.Equal(got, want) {
				t.Errorf("dialect %d: POST %s, and below /kvm/v2 and /kvm/v2/kvm/v2 = %v, want %v", test.dialect, path, got, want)
			}
		}
		got := []int{postForm(t, s, "/kvm/v2/get/auth", login).status, postForm(t, s, "/get/auth", login).status, postForm(t, s, "/kvm/v2/kvm/v2/get/auth", login).status}
		if want := []int{401, 404, 404}; !slices.Equal(got, want) {
			t.Errorf("dialect %d: login = %v, want %v", test.dialect, got, want)
		}
	}
}

// A client reaches the recorded paths with a base URL, and a fault of an operation meets
// calls at any of its paths.
func TestClientReachesTheRecordedPaths(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetDialect(RecordedOnly)
	options := s.Options()
	options.RDNSURL += "/kvm/v2"
	options.MaxAttempts = 1
	client, err := edis.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
	account := client.Account(s.Credentials())
	if err := client.SetPTR(t.Context(), account, want); err != nil || !maps.Equal(s.PTRs(), want) {
		t.Errorf("SetPTR = %v, then PTRs() = %v, want %v", err, s.PTRs(), want)
	}
	if got, err := client.ListPTR(t.Context(), account); err != nil || !maps.Equal(got, want) {
		t.Errorf("ListPTR = %v, %v, want %v", got, err, want)
	}
	s.Fail(DeletePTR, Fault{Status: 500, Body: "/{}"}) // sent as it is
	err = client.DeletePTR(t.Context(), account, netip.MustParseAddr("192.0.2.10"))
	if last := s.Requests()[len(s.Requests())-1]; err == nil || last.Path != "/kvm/v2/del/ptr" || last.Status != 500 || strings.Contains(err.Error(), `\/`) {
		t.Errorf("DeletePTR = %v, last request %+v, want the fault at /kvm/v2/del/ptr", err, last)
	}
}
