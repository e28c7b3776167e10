package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: credentials.Email, Password: credentials.Password, KVMs: []edistest.KVM{
		{ID: "kvm_2", PrimaryIP: addr("2001:db8::2"), Description: "zweiter", Suspended: true},
		{ID: "kvm_1"},
	}})
	sessions, err := client.Login(t.Context(), credentials)
	if err != nil || len(sessions) != 2 {
		t.Fatalf("Login = %v, %v, want two sessions", sessions, err)
	}
	first, second := sessions[0], sessions[1]
	if first.KVMID != "kvm_1" || first.PrimaryIP.IsValid() || first.Suspended || first.APIHost == "" || !first.ValidUntil.After(time.Now()) {
		t.Errorf("sessions[0] = %+v, want that of kvm_1", first)
	}
	if second.KVMID != "kvm_2" || second.PrimaryIP != addr("2001:db8::2") || second.Description != "zweiter" || !second.Suspended {
		t.Errorf("sessions[1] = %+v, want that of kvm_2", second)
	}
	if err := client.SetPTR(t.Context(), second, onePTR); err != nil {
		t.Errorf("SetPTR with a session from Login = %v", err)
	}
	form := server.Requests()[0].Form
	if form.Get("pw") != credentials.Password || form.Get("email") != credentials.Email || form.Has("kvm_id") {
		t.Errorf("Login sent the form %v, want email and pw only", form)
	}

	one := credentials
	one.KVMID = "kvm_2"
	if sessions, err = client.Login(t.Context(), one); err != nil || len(sessions) != 1 || sessions[0].KVMID != "kvm_2" {
		t.Errorf("Login for kvm_2 = %v, %v, want one session of kvm_2", sessions, err)
	}
}

func TestLoginFails(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	_, err := client.Login(t.Context(), credentials)
	wantErrorIs(t, err, edis.ErrUnauthorized)
	var api *edis.APIError
	if !errors.As(err, &api) || api.Status != 401 || api.Message != "Unauthorized: wrong e-mail address or password" {
		t.Errorf("Login = %v, want an APIError with status 401 and the message of the service", err)
	}
	for range 20 { // a select would take the free lock or the done context at random
		if _, err := client.Account(credentials).Session(canceledContext(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("Session(canceled context) = %v, want context.Canceled", err)
		}
	}
	for _, invalid := range []edis.Credentials{{}, {Email: "a"}, {Password: "b"}, {Email: "a\nb", Password: "b"}, {Email: "a", Password: "\xff"}} {
		_, err := client.Login(t.Context(), invalid)
		wantErrorIs(t, err, edis.ErrInvalidInput)
	}
	_, err = client.Login(canceledContext(t), credentials)
	wantErrorIs(t, err, edis.ErrNotSent)
	_, err = client.Login(nil, credentials) //nolint:staticcheck // a nil context is the fault
	wantErrorIs(t, err, edis.ErrInvalidInput)
	if n := len(server.Requests()); n != 1 {
		t.Errorf("server received %d requests, want 1", n)
	}
}

func canceledContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Errors show neither the credentials nor the session, even if the service echoes
// them.
func TestLoginEcho(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set/ptr" {
			respondWith(400, jsonType, `{"status":"error","error":"`+credentials.Email+" "+credentials.Password+` s3cr3t-new"}`)(w, r)
			return
		}
		respondWith(200, jsonType, loginResponse(""))(w, r)
	})
	client := newClient(t, s.URL)
	err := client.SetPTR(t.Context(), client.Account(credentials), onePTR)
	wantErrorIs(t, err)
	walk(err, func(cause error) { wantSafeText(t, cause) })

	s = serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://a.example/?signature=s3cr3t-new")
		w.WriteHeader(http.StatusFound)
	})
	_, err = newClient(t, s.URL).Login(t.Context(), credentials)
	wantErrorIs(t, err, edis.ErrRedirect)
	s = serve(t, respondWith(200, jsonType, strings.Replace(loginResponse(""), "s3cr3t-new", `s3cr3t\u0001`, 1)))
	_, err = newClient(t, s.URL).Login(t.Context(), credentials)
	wantErrorIs(t, err, edis.ErrContract)
}

// loginResponse returns the body of a successful login. fields is added to its session.
func loginResponse(fields string) string {
	return `{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1","signature":"s3cr3t-new","api_host":"1.edis.example","valid_until":4102444800` + fields + `}}}`
}

// testValidUntil is row F25.
func testValidUntil(t *testing.T) {
	t.Helper()
	for value, want := range map[string]int64{
		`4102444800`:                  4102444800,
		`4.1024448e9`:                 4102444800,
		`"4102444800"`:                4102444800,
		`"2100-01-01T00:00:00Z"`:      4102444800,
		`"2100-01-01T01:00:00+01:00"`: 4102444800,
		`"2100-01-01T00:00:00"`:       4102444800,
		`"2100-01-01 00:00:00"`:       4102444800,
		`"tomorrow"`:                  0,
		`""`:                          0,
		`1.5`:                         0,
		`-1`:                          0,
		`"-1"`:                        0,
		`1e300`:                       0,
		`true`:                        0,
		`null`:                        0,
		`[]`:                          0,
	} {
		body := strings.Replace(loginResponse(""), "4102444800", value, 1)
		sessions, err := newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Login(t.Context(), credentials)
		switch {
		case want == 0:
			wantErrorIs(t, err, edis.ErrContract)
			if strings.Contains(fmt.Sprint(err), "s3cr3t-new") {
				t.Errorf("valid_until %s: Login = %v, want an error without the signature", value, err)
			}
		case err != nil || sessions[0].ValidUntil.Unix() != want:
			t.Errorf("valid_until %s: Login = %v, %v, want ValidUntil %d", value, sessions, err, want)
		}
	}
}

// testHostileHosts is a part of row F23.
func testHostileHosts(t *testing.T) {
	t.Helper()
	for _, host := range []string{"evil.example/x?y=", "evil.example:80", "evil.example\nx", "http://evil.example"} {
		encoded, err := json.Marshal(host)
		if err != nil {
			t.Fatal(err)
		}
		body := strings.Replace(loginResponse(""), `"1.edis.example"`, string(encoded), 1)
		_, err = newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Login(t.Context(), credentials)
		wantErrorIs(t, err, edis.ErrContract)
	}
	// Calls never go to a host that a response names, even if it is valid.
	other := serve(t, succeed)
	host := strings.TrimPrefix(other.URL, "http://")
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set/ptr" {
			succeed(w, r)
			return
		}
		respondWith(200, jsonType, loginResponse(`,"api_rdns":"`+host+`"`))(w, r)
	})
	client := newClient(t, s.URL)
	if err := client.SetPTR(t.Context(), client.Account(credentials), onePTR); err != nil {
		t.Error(err)
	}
	wantRequests(t, other, 0)
	wantRequests(t, s, 2)
}

func TestCredentialsNeverShowSecrets(t *testing.T) {
	t.Parallel()
	c := credentials
	var texts []string
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: c.Email, Password: c.Password, KVMs: []edistest.KVM{{ID: "kvm_1"}}})
	source := client.Account(c)
	session, err := source.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, source); strings.Contains(text, session.Signature) {
			t.Errorf("Sprintf(%q, source) = %q, which shows the signature", verb, text)
		}
		texts = append(texts, fmt.Sprintf(verb, source), fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, []edis.Credentials{c}))
	}
	encoded, err := json.Marshal(map[string]any{"a": c, "b": &c})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "credentials", c)
	for _, text := range append(texts, string(encoded), log.String()) {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, fmt.Sprintf("%x", "s3cr3t")) {
			t.Errorf("%q shows a secret", text)
		}
	}
}

// Logins, and nothing else, go to AuthURL.
func TestAuthURL(t *testing.T) {
	t.Parallel()
	rdns, auth := serve(t, succeed), serve(t, succeed)
	client := newClient(t, rdns.URL, func(o *edis.Options) { o.AuthURL = auth.URL })
	if _, err := client.Login(t.Context(), credentials); err == nil {
		t.Error("Login = nil error, want an error: the response has no sessions")
	}
	wantRequests(t, rdns, 0)
	wantRequests(t, auth, 1)
	if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
		t.Error(err)
	}
	wantRequests(t, rdns, 1)
	wantRequests(t, auth, 1)
}

// A call with the session of an account shows none of its secrets, nor their beginnings.
func TestLoginIsHiddenInCalls(t *testing.T) {
	t.Parallel()
	login := edis.Credentials{Email: "owner@example.com", Password: "pässword"}
	for _, secret := range []string{login.Email, login.Password, "s3cr3t-new"} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/kvm/v2/get/auth" {
				respondWith(200, jsonType, loginResponse(""))(w, r)
				return
			}
			respondWith(400, jsonType, `{"status":"error","error":"no access for `+secret+`"}`)(w, r)
		})
		client := newClient(t, s.URL)
		err := client.SetPTR(t.Context(), client.Account(login), onePTR)
		if walk(err, func(cause error) {
			if strings.Contains(fmt.Sprintf("%v %+v", cause, cause), secret) {
				t.Errorf("SetPTR = %v, want it without %q", cause, secret)
			}
		}); err == nil {
			t.Error("SetPTR = nil")
		}
	}
}

// The name of a status is not repeated.
func TestStatusIsNamedOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"wrong password"}`))
	if _, err := newClient(t, s.URL).Login(t.Context(), credentials); err == nil || err.Error() != "edis: createAuthSession: HTTP 401 Unauthorized: wrong password" {
		t.Errorf("Login = %v", err)
	}
}
