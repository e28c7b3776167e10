package edis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// logIn logs in at a service with this response.
func logIn(t *testing.T, body string) ([]edis.Session, error) {
	t.Helper()
	return newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Login(t.Context(), credentials)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	parallel(t, "returns a session for each server, sorted", func(t *testing.T) {
		server, client := fakeEDIS(t)
		server.AddAccount(edistest.Account{Email: credentials.Email, Password: string(credentials.Password), KVMs: []edistest.KVM{
			{ID: "kvm_2", PrimaryIP: addr("2001:db8::2"), Description: "zweiter", Suspended: true},
			{ID: "kvm_1"},
		}})
		sessions, err := client.Login(t.Context(), credentials)
		if err != nil || len(sessions) != 2 {
			t.Fatalf("Login = %v, %v, want two sessions", sessions, err)
		}
		for i, want := range []edis.Session{{KVMID: "kvm_1"}, {KVMID: "kvm_2", PrimaryIP: addr("2001:db8::2"), Description: "zweiter", Suspended: true}} {
			got := sessions[i]
			if got.Signature == "" || got.APIHost == "" || !got.ValidUntil.After(time.Now()) {
				t.Errorf("sessions[%d] = %+v, want a usable one", i, got)
			}
			want.Signature, want.APIHost, want.ValidUntil = got.Signature, got.APIHost, got.ValidUntil
			if got != want {
				t.Errorf("sessions[%d] = %+v, want %+v", i, got, want)
			}
		}
		if err := client.SetPTR(t.Context(), sessions[1], onePTR); err != nil {
			t.Errorf("SetPTR with a session from Login = %v", err)
		}
		form := server.Requests()[0].Form
		if form.Get("pw") != string(credentials.Password) || form.Get("email") != credentials.Email || len(form) != 2 {
			t.Errorf("Login sent the form %v, want email and pw only", form)
		}
	})
	parallel(t, "goes to AuthURL, and calls go to RDNSURL", func(t *testing.T) {
		rdns, auth := serve(t, succeed), serve(t, respondWith(200, jsonType, loginResponse("")))
		client := newClient(t, rdns.URL, func(o *edis.Options) { o.AuthURL = auth.URL })
		if _, err := client.Login(t.Context(), credentials); err != nil {
			t.Error(err)
		}
		wantRequests(t, rdns, 0)
		if err := client.SetPTR(t.Context(), client.Account(credentials), onePTR); err != nil {
			t.Error(err)
		}
		wantRequests(t, rdns, 1)
		wantRequests(t, auth, 2)
	})
	parallel(t, "never sends a call to a host that a response names", func(t *testing.T) {
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
	})
	parallel(t, "says what the service says, and the name of the status once", func(t *testing.T) {
		s := serve(t, respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"wrong password"}`))
		_, err := newClient(t, s.URL).Login(t.Context(), credentials)
		wantErrorIs(t, err, edis.ErrUnauthorized, edis.ErrLoginRefused)
		if want := "edis: createAuthSession: login refused: HTTP 401 Unauthorized: wrong password"; err.Error() != want {
			t.Errorf("Login = %q, want %q", err, want)
		}
		api := new(edis.APIError)
		if !errors.As(err, &api) || api.Op != "createAuthSession" || api.Status != 401 || api.Message != "Unauthorized: wrong password" {
			t.Errorf("Login = %+v, want an APIError with status 401 and the message of the service", err)
		}
	})
	parallel(t, "takes the newest of two sessions of a server", func(t *testing.T) {
		sessions, err := logIn(t, `{"status":"success","data":{`+
			`"a":{"kvm_id":"kvm_1","signature":"s3cr3t-a","valid_until":4102444800},"b":{"kvm_id":"kvm_1","signature":"s3cr3t-b","valid_until":4102444801},"c":{"kvm_id":"kvm_1","signature":"s3cr3t-c","valid_until":4102444799}}}`)
		if err != nil || len(sessions) != 1 || sessions[0].Signature != "s3cr3t-b" {
			t.Errorf("Login = %+v, %v, want the session that is valid for longest", sessions, err)
		}
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1024)
	s := serve(t, respondWith(200, jsonType, loginResponse("")))
	for name, test := range map[string]struct {
		edis.Credentials
		want string // fields that are invalid, with the reason
	}{
		"empty":                   {edis.Credentials{}, "Credentials.Email is empty; Credentials.Password is empty"},
		"no password":             {edis.Credentials{Email: "a@example.com"}, "Credentials.Password is empty"},
		"no email":                {edis.Credentials{Password: "p"}, "Credentials.Email is empty"},
		"line end in the email":   {edis.Credentials{Email: "a\nb", Password: "p"}, "Credentials.Email is not text without control characters"},
		"password not UTF-8":      {edis.Credentials{Email: "a@example.com", Password: "\xff"}, "Credentials.Password is not text without control characters"},
		"redacted password":       {edis.Credentials{Email: "a@example.com", Password: "[redacted]"}, `Credentials.Password is "[redacted]", which is how a secret is printed; use the secret itself`},
		"redacted email":          {edis.Credentials{Email: "[redacted]", Password: "p"}, `Credentials.Email is "[redacted]", which is how a secret is printed; use the secret itself`},
		"password over 1 KiB":     {edis.Credentials{Email: "a@example.com", Password: edis.Secret(long + "x")}, "Credentials.Password is longer than 1 KiB"},
		"email over 1 KiB":        {edis.Credentials{Email: long + "x", Password: "p"}, "Credentials.Email is longer than 1 KiB"},
		"password of 1 KiB":       {edis.Credentials{Email: "a@example.com", Password: edis.Secret(long)}, ""},
		"email of 1 KiB":          {edis.Credentials{Email: long, Password: "p"}, ""},
		"form characters in both": {edis.Credentials{Email: "a+b&c=%20@example.com", Password: "p&w=%+ ü"}, ""},
	} {
		_, err := newClient(t, s.URL).Login(t.Context(), test.Credentials)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: Login = %v", name, err)
		case test.want != "":
			wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
			if want := "edis: createAuthSession: " + test.want; err.Error() != want {
				t.Errorf("%s: Login = %q, want %q", name, err, want)
			}
		}
	}
	wantRequests(t, s, 3)
}

// TestSessionsOfALogin is about what a login may say of a session.
func TestSessionsOfALogin(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`4102444800`:                  "2100-01-01T00:00:00Z",
		`4.1024448e9`:                 "2100-01-01T00:00:00Z",
		`"4102444800"`:                "2100-01-01T00:00:00Z",
		`"2100-01-01T00:00:00Z"`:      "2100-01-01T00:00:00Z",
		`"2100-01-01T00:00:00.999Z"`:  "2100-01-01T00:00:00Z",
		`"2100-01-01T01:00:00+01:00"`: "2100-01-01T00:00:00Z",
		`"2100-01-01T00:00:00"`:       "2100-01-01T00:00:00Z",
		`"2100-01-01 00:00:00"`:       "2100-01-01T00:00:00Z",
		`"tomorrow"`:                  "", `""`: "", `1.5`: "", `0`: "", `-1`: "", `"-1"`: "", `1e300`: "", `true`: "", `null`: "", `[]`: "",
	} {
		parallel(t, "valid_until "+strings.ReplaceAll(value, "/", ""), func(t *testing.T) {
			sent := make(chan string, 1)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/set/ptr" {
					sent <- r.FormValue("valid_until")
					succeed(w, r)
					return
				}
				respondWith(200, jsonType, strings.Replace(loginResponse(""), "4102444800", value, 1))(w, r)
			})
			client := newClient(t, s.URL)
			sessions, err := client.Login(t.Context(), credentials)
			if want == "" {
				wantErrorIs(t, err, edis.ErrContract)
				return
			}
			at, _ := time.Parse(time.RFC3339, want)
			if err != nil || sessions[0].ValidUntil != at {
				t.Fatalf("Login = %v, %v, want ValidUntil %s in UTC", sessions, err, want)
			}
			var loaded edis.Session
			if stored, err := json.Marshal(sessions[0]); err != nil || json.Unmarshal([]byte(strings.Replace(string(stored), "[redacted]", "s3cr3t-new", 1)), &loaded) != nil || loaded != sessions[0] {
				t.Errorf("session after storing and loading = %+v, want %+v", loaded, sessions[0])
			}
			if err := client.SetPTR(t.Context(), sessions[0], onePTR); err != nil {
				t.Fatal(err)
			}
			if got := <-sent; got != "4102444800" {
				t.Errorf("SetPTR sent valid_until %s, want 4102444800", got)
			}
		})
	}
	parallel(t, "fields that no call needs may be missing or anything", func(t *testing.T) {
		for _, value := range []string{``, `null`, `5`, `true`, `[]`, `{}`, `""`} {
			fields := ""
			if value != "" {
				fields = strings.ReplaceAll(`,"api_host":?,"suspended":?,"primary_ip":?,"description":?,"lps":?,"lps_ispremium":?`, "?", value)
			}
			sessions, err := logIn(t, `{"status":"success","data":{"kvm_1":{"signature":"s3cr3t-1","valid_until":"4102444800"`+fields+`}}}`)
			want := edis.Session{KVMID: "kvm_1", Signature: "s3cr3t-1", ValidUntil: time.Unix(4102444800, 0).UTC()}
			if err != nil || !slices.Equal(sessions, []edis.Session{want}) {
				t.Errorf("Login with other fields of %s = %+v, %v, want %+v", value, sessions, err, want)
			}
		}
	})
	parallel(t, "a server is suspended only if it says y", func(t *testing.T) {
		for fields, want := range map[string]bool{``: false, `,"suspended":null`: false, `,"suspended":""`: false, `,"suspended":"n"`: false, `,"suspended":"yes"`: false, `,"suspended":"y"`: true} {
			if sessions, err := logIn(t, loginResponse(fields)); err != nil || sessions[0].Suspended != want {
				t.Errorf("Login with %q = %v, %v, want Suspended %v", fields, sessions, err, want)
			}
		}
	})
	parallel(t, "its primary address and host are canonical", func(t *testing.T) {
		body := strings.Replace(loginResponse(`,"primary_ip":"::ffff:192.0.2.1"`), "1.edis.example", "1.EDIS.example", 1)
		if sessions, err := logIn(t, body); err != nil || sessions[0].PrimaryIP != addr("192.0.2.1") || sessions[0].APIHost != "1.edis.example" {
			t.Errorf("Login = %+v, %v, want the address 192.0.2.1 and the host 1.edis.example", sessions, err)
		}
		for _, hostile := range []string{"fe80::1%\\u001b[2J", "127.0.0.1", "x"} {
			if sessions, err := logIn(t, loginResponse(`,"primary_ip":"`+hostile+`"`)); err != nil || sessions[0].PrimaryIP.IsValid() {
				t.Errorf("Login with the primary address %s = %+v, %v, want none", hostile, sessions, err)
			}
		}
	})
	parallel(t, "the name in data is the KVM ID, unless the session has one", func(t *testing.T) {
		for session, want := range map[string]string{`"kvm_1":{`: "kvm_1", `"kvm_1":{"kvm_id":"",`: "kvm_1", `"0":{"kvm_id":"kvm_2",`: "kvm_2", `"":{"kvm_id":"kvm_2",`: "kvm_2"} {
			sessions, err := logIn(t, strings.Replace(loginResponse(""), `"kvm_1":{"kvm_id":"kvm_1",`, session, 1))
			if err != nil || !slices.Equal(usable(sessions), []string{want}) {
				t.Errorf("Login with %s = %v, %v, want a session of %s", session, sessions, err, want)
			}
		}
	})
	parallel(t, "one without a KVM ID is unusable, and is no server", func(t *testing.T) {
		for _, id := range []string{``, `"kvm_id":"",`} {
			nameless := strings.Replace(loginResponse(""), `"kvm_1":{"kvm_id":"kvm_1",`, `"":{`+id, 1)
			s := serve(t, respondWith(200, jsonType, nameless))
			client := newClient(t, s.URL)
			_, err := client.Login(t.Context(), credentials)
			wantErrorIs(t, err, edis.ErrContract)
			err = client.SetPTR(t.Context(), client.Account(credentials), onePTR)
			wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrContract)
			wantRequests(t, s, 2)

			beside := strings.Replace(nameless, `"data":{`, `"data":{"kvm_2":{"signature":"s3cr3t-2","valid_until":4102444800},`, 1)
			_, err = newClient(t, serve(t, respondWith(200, jsonType, beside)).URL).Account(credentials).Session(t.Context())
			wantErrorIs(t, err, edis.ErrInvalidInput)
		}
	})
	parallel(t, "its texts are printable", func(t *testing.T) {
		for _, char := range []string{"\x1b", "\x00", "\n", "\u0085", "\u202e", "\u200b"} {
			quoted, err := json.Marshal("a" + char + "b")
			if err != nil {
				t.Fatal(err)
			}
			body := strings.Replace(loginResponse(`,"description":`+string(quoted)), `"data":{`, `"data":{`+string(quoted)+`:{"signature":"s3cr3t-2","valid_until":4102444800},`, 1)
			sessions, err := logIn(t, body)
			if err != nil || !slices.Equal(usable(sessions), []string{"a b unusable", "kvm_1"}) || sessions[1].Description != "a b" {
				t.Errorf("Login with %q = %+v, %v, want printable text", char, sessions, err)
			}
			_, err = newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Account(credentials).Session(t.Context())
			if text := fmt.Sprint(err); !strings.Contains(text, "a b") || strings.Contains(text, char) {
				t.Errorf("Session with %q = %q, want printable text", char, text)
			}
		}
	})
	parallel(t, "a long description is cut off", func(t *testing.T) {
		sessions, err := logIn(t, loginResponse(`,"description":"`+strings.Repeat("é", 1000)+`"`))
		if err != nil || len(sessions[0].Description) > 1024 || !strings.HasSuffix(sessions[0].Description, "é...") {
			t.Errorf("Login = %+v, %v, want a description of at most 1 KiB", sessions, err)
		}
	})
}
