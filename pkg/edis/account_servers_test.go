package edis_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// TestServersOfAnAccount is about which session a server of an account gets.
func TestServersOfAnAccount(t *testing.T) {
	t.Parallel()
	parallel(t, "several servers and none named, or an unknown one, is an error that lists them", testListOfServers)
	parallel(t, "the session of one server is never used for another", func(t *testing.T) {
		server, client := fakeEDIS(t)
		server.AddAccount(edistest.Account{Email: "two@example.com", Password: "p", KVMs: []edistest.KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
		only := client.Account(server.Credentials())
		several := client.Account(edis.Credentials{Email: "two@example.com", Password: "p"})
		for name, source := range map[string]edis.SessionSource{
			"another server of an account with one": only.Server("kvm_1"),
			"a server of another account":           several.Server(server.Session().KVMID),
			"none of several":                       several,
			"an empty ID of several":                several.Server(""),
			"a part of an ID":                       several.Server("kvm_"),
		} {
			err := client.SetPTR(t.Context(), source, onePTR)
			wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
			if err == nil {
				t.Errorf("SetPTR for %s = nil, want an error", name)
			}
		}
		if len(server.PTRs()) != 0 || countLogins(server) != 2 || len(server.Requests()) != 2 {
			t.Errorf("%d requests and the records %v, want 2 logins and no record", len(server.Requests()), server.PTRs())
		}
	})
	parallel(t, "each server gets its own session", func(t *testing.T) {
		server, client := fakeEDIS(t)
		server.AddAccount(edistest.Account{Email: "two@example.com", Password: "p", KVMs: []edistest.KVM{
			{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}},
			{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.2/32")}},
		}})
		account := client.Account(edis.Credentials{Email: "two@example.com", Password: "p"})
		for id, address := range map[string]string{"kvm_1": "198.51.100.1", "kvm_2": "198.51.100.2"} {
			if err := client.SetPTR(t.Context(), account.Server(id), map[netip.Addr]string{addr(address): "a.example"}); err != nil {
				t.Errorf("SetPTR for %s = %v", id, err)
			}
		}
	})
	parallel(t, "an unusable session is named and the others work", testUnusableBesideUsable)
	parallel(t, "without any usable session the login is the failure", func(t *testing.T) {
		client := newClient(t, serve(t, respondWith(200, jsonType, `{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1"}}}`)).URL)
		account := client.Account(credentials)
		_, err := account.Sessions(t.Context())
		wantErrorIs(t, err, edis.ErrContract)
		err = client.SetPTR(t.Context(), account, onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrContract)
	})
	synthetic(t, "a server whose session becomes unusable fails, not the others", func(t *testing.T) {
		s := serveAccount(t)
		account := s.client.Account(credentials)
		mustSession(t, account.Server("kvm_2"))
		s.login = respondWith(200, jsonType, strings.Replace(loginResponse(""), `"data":{`, `"data":{"kvm_2":{"kvm_id":"kvm_2"},`, 1))
		time.Sleep(25 * time.Hour)
		mustSession(t, account.Server("kvm_1"))
		_, err := account.Server("kvm_2").Session(t.Context())
		wantErrorIs(t, err, edis.ErrContract)
		s.wantLogins(t, 2)
	})
}

func testListOfServers(t *testing.T) {
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: "two@example.com", Password: "p", KVMs: []edistest.KVM{{ID: "kvm_1", Description: "mail\x1b[2J"}, {ID: "kvm_2"}}})
	server.AddAccount(edistest.Account{Email: "none@example.com", Password: "p"})
	many := edistest.Account{Email: "many@example.com", Password: "p"}
	for i := range 12 {
		many.KVMs = append(many.KVMs, edistest.KVM{ID: fmt.Sprintf("kvm_%c", 'a'+i), Description: strings.Repeat("x", 61)})
	}
	server.AddAccount(many)
	for _, test := range []struct{ email, id, want string }{
		{"two@example.com", "", "is missing, and the account does not have exactly one server; it has kvm_1 (mail [2J), kvm_2"},
		{"two@example.com", "kvm_9", "is not a server of the account; it has kvm_1 (mail [2J), kvm_2"},
		{"none@example.com", "", "is missing, and the account does not have exactly one server; it has (none)"},
		{"many@example.com", "kvm_z", "(" + strings.Repeat("x", 57) + "...) and 2 more"},
	} {
		_, err := client.Account(edis.Credentials{Email: test.email, Password: "p"}).Server(test.id).Session(t.Context())
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
		input := new(edis.InputError)
		if !errors.As(err, &input) || input.Field != "KVM ID" || input.Value != test.id || !strings.HasSuffix(input.Reason, test.want) {
			t.Errorf("Session of %q in %s = %v, want an InputError that ends with %q", test.id, test.email, err, test.want)
		}
	}
}

// unusableInLogin are the sessions of kvm_2 in a login that no call can use.
var unusableInLogin = map[string]string{
	"no signature":          `{"kvm_id":"kvm_2","valid_until":4102444800}`,
	"empty signature":       `{"kvm_id":"kvm_2","signature":"","valid_until":4102444800}`,
	"number as signature":   `{"kvm_id":"kvm_2","signature":5,"valid_until":4102444800}`,
	"redacted signature":    `{"kvm_id":"kvm_2","signature":"[redacted]","valid_until":4102444800}`,
	"control character":     `{"kvm_id":"kvm_2","signature":"s3cr3t\u0001","valid_until":4102444800}`,
	"no time":               `{"kvm_id":"kvm_2","signature":"s3cr3t-2"}`,
	"no time that is one":   `{"kvm_id":"kvm_2","signature":"s3cr3t-2","valid_until":"soon"}`,
	"unprintable ID":        `{"kvm_id":"kvm\u001b2","signature":"s3cr3t-2","valid_until":4102444800}`,
	"ID in invisible parts": `{"kvm_id":"kvm\u202e2","signature":"s3cr3t-2","valid_until":4102444800}`,
	"hostile host":          `{"kvm_id":"kvm_2","signature":"s3cr3t-2","valid_until":4102444800,"api_host":"evil.example/x?y="}`,
	"list":                  `[]`, "null": `null`, "text": `"kvm_2"`,
}

func testUnusableBesideUsable(t *testing.T) {
	for name, unusable := range unusableInLogin {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/kvm/v2/get/auth" {
				respondWith(200, jsonType, `{"status":"success","data":{"kvm_1":{"signature":"s3cr3t-1","valid_until":4102444800},"kvm_2":`+unusable+`}}`)(w, r)
				return
			}
			succeed(w, r)
		})
		client := newClient(t, s.URL)
		account := client.Account(credentials)
		if err := client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR); err != nil {
			t.Errorf("%s: SetPTR of kvm_1 = %v", name, err)
		}
		err := client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrContract)
		if !strings.Contains(err.Error(), "no usable session for kvm_2") {
			t.Errorf("%s: SetPTR of kvm_2 = %v, want it to name kvm_2", name, err)
		}
		_, err = account.Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput) // not the only one, although no other works
		sessions, err := account.Sessions(t.Context())
		if err != nil || !slices.Equal(usable(sessions), []string{"kvm_1", "kvm_2 unusable"}) {
			t.Errorf("%s: Sessions = %+v, %v, want those of kvm_1 and kvm_2, the second without a Signature", name, sessions, err)
		}
		wantRequests(t, s, 2)
	}
}

// usable returns the KVM IDs of sessions, and whether they have a Signature.
func usable(sessions []edis.Session) (ids []string) {
	for _, session := range sessions {
		if session.Signature == "" {
			session.KVMID += " unusable"
		}
		ids = append(ids, session.KVMID)
	}
	return ids
}
