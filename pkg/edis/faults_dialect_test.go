package edis_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// dialectFaults are responses that differ from the document, and are understood all the
// same.
var dialectFaults = []fault{
	{id: "F85-two-forms", run: testTwoForms},
	{id: "F86-own-reverse-name", run: testOwnReverseName},
	{id: "F87-unusable-session", run: testUnusableSession},
	{id: "F89-null-text", run: testNullText},
}

// forEachDialect runs a test on a fake EDIS in each form of responses.
func forEachDialect(t *testing.T, test func(*testing.T, *edistest.Server, *edis.Client)) {
	t.Helper()
	for name, dialect := range map[string]edistest.Dialect{"documented": edistest.Documented, "recorded": edistest.Recorded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := fakeEDIS(t)
			server.SetDialect(dialect)
			test(t, server, client)
		})
	}
}

// getPTRs reads two addresses from a service with this response.
func getPTRs(t *testing.T, body string) (map[netip.Addr]string, error) {
	t.Helper()
	s := serve(t, respondWith(200, "text/html; charset=UTF-8", body))
	return newClient(t, s.URL).GetPTR(t.Context(), session(), addr("192.0.2.10"), addr("2001:db8::1"))
}

// testTwoForms is row F85.
func testTwoForms(t *testing.T) {
	t.Helper()
	want := map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com", addr("2001:db8::1"): "host.example.com"}
	for body, want := range map[string]map[netip.Addr]string{
		`{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"Mail.example.com."},{"ip":"2001:db8::1","ptr_record":"host.example.com"}]}`: want,
		`{"data":{"ptr":{"192.0.2.10":"Mail.example.com.","2001:DB8::1":"host.example.com"}},"status":"success"}`:                                    want,
		`{"data":{"ptr":{"192.0.2.10":null,"2001:db8::1":""}},"status":"success"}`:                                                                   {},
		`{"data":{"ptr":{}},"status":"success"}`:                                                 {},
		`{"data":{"ptr":[]},"status":"success"}`:                                                 {},
		`{"status":"success","records":[]}`:                                                      {},
		`{"status":"success","records":{}}`:                                                      {},
		`{"status":"success"}`:                                                                   nil,
		`{"status":"success","records":null}`:                                                    nil,
		`{"status":"success","data":[]}`:                                                         nil,
		`{"status":"success","data":{}}`:                                                         nil,
		`{"status":"success","records":{"192.0.2.10":"a.example"}}`:                              nil,
		`{"status":"success","data":{"ptr":["a.example"]}}`:                                      nil,
		`{"status":"success","data":{"ptr":{"192.0.2.10":5}}}`:                                   nil,
		`{"status":"success","data":{"ptr":{"192.0.2.99":"a.example"}}}`:                         nil,
		`{"status":"success","data":{"ptr":{"x":"a.example"}}}`:                                  nil,
		`{"status":"success","data":{"ptr":{"192.0.2.10":"a","::ffff:192.0.2.10":"a"}}}`:         nil,
		`{"status":"success","data":{"ptr":{"192.0.2.10":"a","192.0.2.10":"b"}}}`:                nil,
		`{"status":"error","data":{"ptr":{"192.0.2.10":"a"}}}`:                                   nil,
		`{"status":"success","records":[{"ip":"192.0.2.10"}],"data":{"ptr":{"192.0.2.10":"a"}}}`: nil,
	} {
		got, err := getPTRs(t, body)
		if want == nil {
			wantErrorIs(t, err, edis.ErrContract)
		} else if err != nil || !maps.Equal(got, want) {
			t.Errorf("response %s: GetPTR = %v, %v, want %v", body, got, err, want)
		}
	}
}

// testOwnReverseName is row F86.
func testOwnReverseName(t *testing.T) {
	t.Helper()
	const ip4, ip6 = "10.2.0.192.in-addr.arpa", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	for _, body := range []string{
		`{"data":{"ptr":{"192.0.2.10":"` + ip4 + `","2001:db8::1":"` + ip6 + `."}},"status":"success"}`,
		`{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"` + strings.ToUpper(ip4) + `."},{"ip":"2001:db8::1","ptr_record":"` + ip6 + `"}]}`,
	} {
		if got, err := getPTRs(t, body); err != nil || len(got) != 0 {
			t.Errorf("response %s: GetPTR = %v, %v, want no records", body, got, err)
		}
	}
	// A list has no address that could not be set either.
	for _, ip := range []string{"fe80::1%eth0", "2001:db8::1%\u202e", "127.0.0.1", "x"} {
		s := serve(t, respondWith(200, jsonType, `{"status":"success","records":[{"ip":"`+ip+`","ptr_record":"a.example"}]}`))
		_, err := newClient(t, s.URL).ListPTR(t.Context(), session())
		wantErrorIs(t, err, edis.ErrContract)
	}
	// The reverse name of another address is a name like any other.
	got, err := getPTRs(t, `{"data":{"ptr":{"192.0.2.10":"11.2.0.192.in-addr.arpa"}},"status":"success"}`)
	if err != nil || got[addr("192.0.2.10")] != "11.2.0.192.in-addr.arpa" {
		t.Errorf("GetPTR = %v, %v, want the reverse name of another address", got, err)
	}
}

// testUnusableSession is row F87.
func testUnusableSession(t *testing.T) {
	t.Helper()
	login := func(data string) *edis.Client {
		return newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/kvm/v2/get/auth" {
				respondWith(200, jsonType, `{"status":"success","data":`+data+`}`)(w, r)
				return
			}
			succeed(w, r)
		}).URL)
	}
	for _, data := range []string{`[]`, `{}`} {
		client := login(data)
		if sessions, err := client.Login(t.Context(), credentials); err != nil || len(sessions) != 0 {
			t.Errorf("Login with data %s = %v, %v, want no servers", data, sessions, err)
		}
		_, err := client.Account(credentials).Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
	}
	const usable = `"kvm_1":{"kvm_id":"kvm_1","signature":"s3cr3t-1","valid_until":4102444800}`
	for _, unusable := range []string{
		`{"kvm_id":"kvm_2","valid_until":4102444800}`,
		`{"kvm_id":"kvm_2","signature":"","valid_until":4102444800}`,
		`{"kvm_id":"kvm_2","signature":"s3cr3t-2"}`,
		`{"kvm_id":"kvm_2","signature":"s3cr3t-2","valid_until":"soon"}`,
		`{"kvm_id":"kvm_2","signature":5,"valid_until":4102444800}`,
		`{"kvm_id":"kvm\u001b2","signature":"s3cr3t-2","valid_until":4102444800}`,
		`[]`, `null`, `"kvm_2"`,
	} {
		client := login(`{` + usable + `,"kvm_2":` + unusable + `}`)
		sessions, err := client.Login(t.Context(), credentials)
		if err != nil || len(sessions) != 1 || sessions[0].KVMID != "kvm_1" {
			t.Errorf("Login with the session %s = %v, %v, want that of kvm_1", unusable, sessions, err)
		}
		account := client.Account(credentials)
		if err := client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR); err != nil {
			t.Errorf("SetPTR of kvm_1 beside the session %s = %v", unusable, err)
		}
		err = client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR)
		wantErrorIs(t, err, edis.ErrContract, edis.ErrNotSent)
		if !strings.Contains(fmt.Sprint(err), "no usable session for kvm_2") {
			t.Errorf("SetPTR of kvm_2 with the session %s = %v, want it to name kvm_2", unusable, err)
		}
		if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != 1 {
			t.Errorf("Sessions with the session %s = %v, %v, want that of kvm_1", unusable, sessions, err)
		}
		_, err = login(`{"kvm_2":`+unusable+`}`).Login(t.Context(), credentials)
		wantErrorIs(t, err, edis.ErrContract)
	}
	// What no call needs may be absent, or anything; the name of the session counts.
	for _, value := range []string{``, `null`, `5`, `true`, `[]`, `{}`} {
		fields := ""
		if value != "" {
			fields = strings.ReplaceAll(`,"api_host":_,"suspended":_,"primary_ip":_,"description":_,"lps":_,"lps_ispremium":_`, "_", value)
		}
		sessions, err := login(`{"kvm_1":{"signature":"s3cr3t-1","valid_until":"4102444800"`+fields+`}}`).Login(t.Context(), credentials)
		if err != nil || len(sessions) != 1 {
			t.Errorf("Login with other fields of %s = %v, %v, want one session", value, sessions, err)
			continue
		}
		if s := sessions[0]; s.KVMID != "kvm_1" || s.APIHost != "" || s.Suspended || s.PrimaryIP.IsValid() || s.Description != "" {
			t.Errorf("Login with other fields of %s = %v, want them empty", value, s)
		}
	}
}

// The expiry goes back as the login returned it.
func TestValidUntilGoesBack(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`4102444800`:                  "4102444800",
		`"4102444800"`:                "4102444800",
		`"2100-01-01 00:00:00"`:       "2100-01-01 00:00:00",
		`"2100-01-01T01:00:00+01:00"`: "2100-01-01T01:00:00+01:00",
	} {
		sent := make(chan string, 1)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/kvm/v2/get/auth" {
				respondWith(200, jsonType, strings.Replace(loginResponse(""), "4102444800", value, 1))(w, r)
				return
			}
			sent <- r.FormValue("valid_until")
			succeed(w, r)
		})
		client := newClient(t, s.URL)
		if err := client.SetPTR(t.Context(), client.Account(credentials), onePTR); err != nil {
			t.Fatal(err)
		}
		if got := <-sent; got != want {
			t.Errorf("valid_until %s goes back as %q, want %q", value, got, want)
		}
	}
}

// testNullText is row F89.
func testNullText(t *testing.T) {
	t.Helper()
	for _, body := range []string{`{"status":"success","message":null}`, `{"status":"success"}`, "\ufeff" + successBody} {
		wantSuccess(t, respondWith(200, jsonType, body))
	}
	for _, body := range []string{`{"status":"error","error":null}`, `{"status":"error"}`, `{"status":"error","error":null,"message":null}`} {
		err := setPTR(t, serve(t, respondWith(400, jsonType, body)), onePTR)
		wantErrorIs(t, err)
		wantAPIError(t, err, 400, "")
		err = newClient(t, serve(t, respondWith(400, jsonType, body)).URL).DeletePTR(t.Context(), session(), addr("192.0.2.1"))
		wantErrorIs(t, err)
		_, err = newClient(t, serve(t, respondWith(400, jsonType, body)).URL).Login(t.Context(), credentials)
		wantErrorIs(t, err)
	}
	err := setPTR(t, serve(t, respondWith(400, jsonType, "\ufeff"+errorBody)), onePTR)
	wantAPIError(t, err, 400, "some reason")
}

// Every operation works in either form, from the login to the read that confirms.
func TestDialects(t *testing.T) {
	t.Parallel()
	forEachDialect(t, func(t *testing.T, server *edistest.Server, client *edis.Client) {
		account := client.Account(server.Credentials())
		server.SetLag(20 * time.Millisecond)
		want := map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com", addr("2001:db8::10"): "mail.example.com"}
		if ptrs, err := client.ListPTR(t.Context(), account); err != nil || len(ptrs) != 0 {
			t.Errorf("ListPTR = %v, %v, want none", ptrs, err)
		}
		if err := client.SetPTR(t.Context(), account, want); err != nil {
			t.Fatal(err)
		}
		if differing, err := client.ConfirmPTR(t.Context(), account, want); err != nil {
			t.Errorf("ConfirmPTR = %v, %v", differing, err)
		}
		if ptrs, err := client.GetPTR(t.Context(), account, addr("192.0.2.10"), addr("192.0.2.11")); err != nil || len(ptrs) != 1 || ptrs[addr("192.0.2.10")] != "mail.example.com" {
			t.Errorf("GetPTR = %v, %v, want one record", ptrs, err)
		}
		if ptrs, err := client.ListPTR(t.Context(), account); err != nil || !maps.Equal(ptrs, want) {
			t.Errorf("ListPTR = %v, %v, want %v", ptrs, err, want)
		}
		if err := client.DeletePTR(t.Context(), account, addr("192.0.2.10"), addr("2001:db8::10")); err != nil {
			t.Error(err)
		}
		eventually(t, "no records", func() bool {
			ptrs, err := client.ListPTR(t.Context(), account)
			return err == nil && len(ptrs) == 0
		})
		server.Fail("setPTR", edistest.Fault{Status: 400})
		if err := client.SetPTR(t.Context(), account, onePTR); !errors.As(err, new(*edis.APIError)) {
			t.Errorf("SetPTR that is refused = %v, want an APIError", err)
		}
	})
}
