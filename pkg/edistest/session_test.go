package edistest

import (
	"encoding/json"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A login needs the e-mail address and the password of one account, and a KVM ID, if
// there is one, must be of that account.
func TestLoginIsChecked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.AddAccount(Account{Email: "a@example.com", Password: "p+a", KVMs: []KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
	s.AddAccount(Account{Email: "b@example.com", Password: "p+b", KVMs: []KVM{{ID: "kvm_3"}}})
	s.AddAccount(Account{Email: "none@example.com", Password: "p"})
	for _, test := range []struct {
		email, password, kvmID string
		status                 int
		want                   []string // KVM IDs of the sessions
	}{
		{"a@example.com", "p+a", "", 200, []string{"kvm_1", "kvm_2"}},
		{"b@example.com", "p+b", "", 200, []string{"kvm_3"}},
		{"none@example.com", "p", "", 200, nil},
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
	}
}

// A login returns what the account says of its servers, and a new session each time.
// Earlier sessions stay valid.
func TestLoginReturnsNewSessions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	now := time.Date(2027, 1, 2, 3, 4, 5, 600, time.UTC)
	s.SetClock(func() time.Time { return now })
	s.AddAccount(Account{Email: "a@example.com", Password: "p", KVMs: []KVM{
		{ID: "kvm_1", PrimaryIP: netip.MustParseAddr("192.0.2.7"), Description: "mail", Suspended: true}, {ID: "kvm_2"},
	}})
	logIn := func() map[string]map[string]any {
		var login struct{ Data map[string]map[string]any }
		got := postForm(t, s, "/kvm/v2/get/auth", url.Values{"email": {"a@example.com"}, "pw": {"p"}})
		if err := json.Unmarshal([]byte(got.body), &login); err != nil {
			t.Fatal(err)
		}
		return login.Data
	}
	first, second := logIn(), logIn()
	validUntil := float64(now.Add(24 * time.Hour).Unix())
	for id, want := range map[string]map[string]any{
		"kvm_1": {"kvm_id": "kvm_1", "api_host": apiHost, "api_rdns": apiHost, "valid_until": validUntil, "description": "mail", "suspended": "y", "primary_ip": "192.0.2.7"},
		"kvm_2": {"kvm_id": "kvm_2", "api_host": apiHost, "api_rdns": apiHost, "valid_until": validUntil, "description": "", "suspended": "n"},
	} {
		if first[id]["signature"] == second[id]["signature"] {
			t.Errorf("two logins return the signature %v for %s", first[id]["signature"], id)
		}
		for _, data := range []map[string]any{first[id], second[id]} {
			signature, _ := data["signature"].(string)
			form := url.Values{"signature": {signature}, "kvm_id": {id}, "valid_until": {"1798945445"}, "ip": {oneAddress}}
			if got := postForm(t, s, "/get/ptr", form); got.status != 200 {
				t.Errorf("call with a session of %s = %+v, want 200", id, got)
			}
			if delete(data, "signature"); !maps.Equal(data, want) {
				t.Errorf("login of %s = %v, want %v and a signature", id, data, want)
			}
		}
	}
}

func TestSessionIsThatOfTheFirstServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sessions, err := newClient(t, s).Login(t.Context(), s.Credentials())
	if err != nil || len(sessions) != 1 {
		t.Fatalf("Login = %v, %v, want one session", sessions, err)
	}
	got, want := s.Session(), sessions[0]
	if got.KVMID != want.KVMID || got.APIHost != want.APIHost || got.PrimaryIP != want.PrimaryIP || got.Description != want.Description || got.Suspended != want.Suspended {
		t.Errorf("Session() = %v, want %v with its own signature and expiry", got, want)
	}
	if remaining := time.Until(got.ValidUntil); remaining > 24*time.Hour || remaining < 23*time.Hour {
		t.Errorf("Session() expires in %v, want 24 hours", remaining)
	}
}

func TestSessionExpiresByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewTestServer(t)
		for _, step := range []struct {
			sleep time.Duration
			want  int
		}{{24*time.Hour - time.Nanosecond, 200}, {time.Nanosecond, 401}} {
			time.Sleep(step.sleep)
			got := postForm(t, s, "/get/ptr", formWith(s, oneAddress))
			if expired := strings.Contains(got.body, "the session has expired"); got.status != step.want || expired != (step.want == 401) {
				t.Errorf("call after %v more = %+v, want %d", step.sleep, got, step.want)
			}
		}
		s.SetClock(func() time.Time { return time.Now().Add(-time.Minute) })
		if got := postForm(t, s, "/get/ptr", formWith(s, oneAddress)); got.status != 200 {
			t.Errorf("call with the clock a minute back = %+v, want 200", got)
		}
	})
}

// Sessions end for some servers or for all. Those of a later login are valid.
func TestExpireSessions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, two := addFleet(t, s)
	status := func(session edis.Session) int {
		return postForm(t, s, "/get/ptr", formOf(session, "[]")).status
	}
	statuses := func() []int { return []int{status(s.Session()), status(one), status(two)} }
	for _, step := range []struct {
		expire []string
		want   []int
	}{{[]string{"kvm_1"}, []int{200, 401, 200}}, {[]string{"kvm_1", "kvm_2"}, []int{200, 401, 401}}, {nil, []int{401, 401, 401}}} {
		s.ExpireSessions(step.expire...)
		if got := statuses(); !slices.Equal(got, step.want) {
			t.Errorf("after ExpireSessions(%q) calls = %v, want %v", step.expire, got, step.want)
		}
	}
	before := len(s.Requests())
	account := newClient(t, s).Account(s.Credentials())
	if _, err := newClient(t, s).ListPTR(t.Context(), account); err != nil || len(s.Requests()) != before+2 {
		t.Errorf("ListPTR after a new login = %v, %d requests, want 2", err, len(s.Requests())-before)
	}
	if got := postForm(t, s, "/get/ptr", formOf(one, "[]")); !strings.Contains(got.body, "the session has expired") {
		t.Errorf("call = %+v, want that the session has expired", got)
	}
	wantPanic(t, "ExpireSessions of an unknown server", func() { s.ExpireSessions("kvm_1", "kvm_3") }, "ExpireSessions", `"kvm_3"`)
}
