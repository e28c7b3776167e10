package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
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
		if _, err := client.LoginSource(credentials).Session(canceledContext(t)); !errors.Is(err, context.Canceled) {
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
	err := client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR)
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

// The response to a call with a renewed session may echo the old signature.
func TestOldSignatureIsRedacted(t *testing.T) {
	t.Parallel()
	logins := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/set/ptr":
			logins++
			respondWith(200, jsonType, strings.Replace(loginResponse(""), "s3cr3t-new", fmt.Sprint(logins, "-s3cr3t"), 1))(w, r)
		case logins == 1:
			respondWith(401, jsonType, errorBody)(w, r)
		default:
			respondWith(400, jsonType, `{"status":"error","error":"1-s3cr3t has expired"}`)(w, r)
		}
	})
	client := newClient(t, s.URL)
	err := client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR)
	wantErrorIs(t, err)
	walk(err, func(cause error) { wantSafeText(t, cause) })
}

// A write whose outcome is unknown is not repeated with a new session: a refusal of
// the second one would look like that of the first.
func TestUnknownOutcomeIsNotRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		s := serveInMemory(t, afterLogin(&logins, inOrder(drop, respondWith(401, jsonType, errorBody), respondWith(400, jsonType, errorBody))))
		err := s.client.SetPTR(t.Context(), s.client.LoginSource(credentials), onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized, edis.ErrOutcomeUnknown)
		if logins != 1 {
			t.Errorf("%d logins, want 1", logins)
		}
	})
}

// A renewal that is not sent does not make the refused call one that was not sent.
func TestRenewalNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		s := serveInMemory(t, afterLogin(&logins, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			respondWith(401, jsonType, errorBody)(w, r)
		}))
		s.dialError = func(dial int64) error {
			if dial > 1 {
				return connectionRefused(dial)
			}
			return nil
		}
		source := s.client.LoginSource(credentials)
		err := s.client.SetPTR(t.Context(), source, onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if strings.Count(err.Error(), "nothing changed") != 1 || strings.Contains(err.Error(), "not sent") {
			t.Errorf("SetPTR = %v, want it to say once that nothing changed", err)
		}
		if session, err := source.Session(t.Context()); err != nil || session.Signature == "" {
			t.Errorf("Session = %v, %v, want the session of the first login", session, err)
		}
	})
}

// Nor does a repeated call that is not sent.
func TestRepeatedCallNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		serve := afterLogin(&logins, respondWith(401, jsonType, errorBody))
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set/ptr" || logins == 1 { // the rejected call, and the second login
				w.Header().Set("Connection", "close")
			}
			serve(w, r)
		})
		s.dialError = func(dial int64) error {
			if dial > 2 {
				return connectionRefused(dial)
			}
			return nil
		}
		err := s.client.SetPTR(t.Context(), s.client.LoginSource(credentials), onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if logins != 2 || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("SetPTR = %v after %d logins, want a refused connection after 2", err, logins)
		}
	})
}

// Invalid credentials are named once, and nothing is sent.
func TestLoginSourceInvalidCredentials(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://127.0.0.1:1")
	err := client.SetPTR(t.Context(), client.LoginSource(edis.Credentials{Email: "a"}), onePTR)
	wantErrorIs(t, err, edis.ErrInvalidInput, edis.ErrNotSent)
	if strings.Count(err.Error(), "edis: ") != 1 || !strings.Contains(err.Error(), "Credentials.Password: empty") {
		t.Errorf("SetPTR = %v", err)
	}
}

// afterLogin serves logins, and leaves the other requests to the handler.
func afterLogin(logins *int, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set/ptr" {
			handler(w, r)
			return
		}
		*logins++
		respondWith(200, jsonType, loginResponse(""))(w, r)
	}
}

// If a renewal fails, the error also has the 401 that caused it.
func TestRenewalFails(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	email, password := server.Credentials()
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	if _, err := source.Session(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Fail("setPTR", edistest.Fault{Status: 401})
	server.Fail("createAuthSession", edistest.Fault{Status: 500})
	err := client.SetPTR(t.Context(), source, onePTR)
	if !errors.Is(err, edis.ErrUnauthorized) || !errors.Is(err, edis.ErrServer) || errors.Is(err, edis.ErrOutcomeUnknown) {
		t.Errorf("SetPTR = %v, want ErrUnauthorized of the call and ErrServer of the login", err)
	}
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
	if err := client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR); err != nil {
		t.Error(err)
	}
	wantRequests(t, other, 0)
	wantRequests(t, s, 2)
}

// countLogins returns the number of logins that a server received.
func countLogins(server *edistest.Server) (count int) {
	for _, request := range server.Requests() {
		if request.Path == "/kvm/v2/get/auth" {
			count++
		}
	}
	return count
}

func TestLoginSource(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	email, password := server.Credentials()
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	for range 3 {
		if err := client.SetPTR(t.Context(), source, onePTR); err != nil {
			t.Fatal(err)
		}
	}
	if got := countLogins(server); got != 1 {
		t.Errorf("%d logins for 3 calls, want 1", got)
	}
	// After a 401, the source logs in and the call is repeated.
	server.Fail("setPTR", edistest.Fault{Status: 401})
	if err := client.SetPTR(t.Context(), source, onePTR); err != nil {
		t.Errorf("SetPTR after a 401 = %v", err)
	}
	if got := countLogins(server); got != 2 {
		t.Errorf("%d logins after a 401, want 2", got)
	}
	// A second 401 is final.
	server.Fail("setPTR", edistest.Fault{Status: 401}, edistest.Fault{Status: 401}, edistest.Fault{Status: 401})
	wantErrorIs(t, client.SetPTR(t.Context(), source, onePTR), edis.ErrUnauthorized)
	if got := countLogins(server); got != 3 {
		t.Errorf("%d logins after a second 401, want 3", got)
	}
}

// testRenewal is the part of row F64 that uses a LoginSource.
func testRenewal(t *testing.T) {
	t.Helper()
	for _, accepted := range []int{0, 1, 2} { // the login whose session the service accepts
		logins, sets := 0, 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/set/ptr":
				logins++
				respondWith(200, jsonType, strings.Replace(loginResponse(""), "s3cr3t-new", fmt.Sprint("s3cr3t-", logins), 1))(w, r)
			case r.FormValue("signature") == fmt.Sprint("s3cr3t-", accepted):
				sets++
				succeed(w, r)
			default:
				sets++
				respondWith(401, jsonType, errorBody)(w, r)
			}
		})
		client := newClient(t, s.URL)
		err := client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR)
		if want := map[int]int{0: 2, 1: 1, 2: 2}[accepted]; sets != want || logins != want {
			t.Errorf("%d logins and %d requests, want %d of each", logins, sets, want)
		}
		if accepted == 0 {
			wantErrorIs(t, err, edis.ErrUnauthorized)
		} else if err != nil {
			t.Errorf("SetPTR = %v", err)
		}
	}
}

// A session is renewed one minute before it expires.
func TestLoginSourceRenews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		client := newClient(t, "", func(o *edis.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				logins++
				until := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
				recorder := httptest.NewRecorder()
				respondWith(200, jsonType, strings.Replace(loginResponse(""), "4102444800", until, 1))(recorder, r)
				return recorder.Result(), nil
			})}
		})
		source := client.LoginSource(credentials)
		for _, step := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {59*time.Minute - 1, 1}, {1, 2}, {time.Minute, 2}, {time.Hour, 3}} {
			time.Sleep(step.pause)
			if _, err := source.Session(t.Context()); err != nil || logins != step.want {
				t.Errorf("after another %v: %d logins, err = %v, want %d logins", step.pause, logins, err, step.want)
			}
		}
	})
}

// Unusable sessions do not make the source log in again and again.
func TestLoginSourceUnusableSession(t *testing.T) {
	t.Parallel()
	for name, validFor := range map[string]time.Duration{"short": 30 * time.Second, "expired": -time.Second} {
		logins := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set/ptr" {
				succeed(w, r)
				return
			}
			logins++
			until := strconv.FormatInt(time.Now().Add(validFor).Unix(), 10)
			respondWith(200, jsonType, strings.Replace(loginResponse(""), "4102444800", until, 1))(w, r)
		})
		client := newClient(t, s.URL)
		source := client.LoginSource(credentials)
		for range 3 {
			err := client.SetPTR(t.Context(), source, onePTR)
			if expired := errors.Is(err, edis.ErrSessionExpired); expired != (validFor < 0) || !expired && err != nil {
				t.Errorf("%s: SetPTR = %v", name, err)
			}
		}
		if logins != 1 {
			t.Errorf("%s: %d logins, want 1", name, logins)
		}
	}
	// Each login returns the same session, which the service never accepts.
	logins := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set/ptr" {
			respondWith(401, jsonType, errorBody)(w, r)
			return
		}
		logins++
		respondWith(200, jsonType, loginResponse(""))(w, r)
	})
	client := newClient(t, s.URL)
	wantErrorIs(t, client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR), edis.ErrUnauthorized)
	if logins != 2 {
		t.Errorf("%d logins for a session that is never accepted, want 2", logins)
	}
}

func TestLoginSourceChoosesKVM(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: credentials.Email, Password: credentials.Password, KVMs: []edistest.KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
	err := client.SetPTR(t.Context(), client.LoginSource(credentials), onePTR)
	wantErrorIs(t, err, edis.ErrNotSent)
	if !strings.Contains(err.Error(), "none of the account's 2 KVM servers") {
		t.Errorf("SetPTR = %v, want an error that says the account has 2 KVM servers", err)
	}
	one := credentials
	one.KVMID = "kvm_2"
	if session, err := client.LoginSource(one).Session(t.Context()); err != nil || session.KVMID != "kvm_2" {
		t.Errorf("Session = %v, %v, want that of kvm_2", session, err)
	}
}

// testOneLogin is row F73: concurrent calls share one login.
func testOneLogin(t *testing.T) {
	t.Helper()
	server, client := fakeEDIS(t)
	email, password := server.Credentials()
	server.Fail("createAuthSession", edistest.Fault{Delay: 20 * time.Millisecond})
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			ptrs := map[netip.Addr]string{netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}): "a.example"}
			if err := client.SetPTR(t.Context(), source, ptrs); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := countLogins(server); got != 1 {
		t.Errorf("%d logins for 100 calls, want 1", got)
	}
}

// testLoginSentOnce is row F74: a login that was sent is never repeated.
func testLoginSentOnce(t *testing.T) {
	t.Helper()
	for name, handler := range map[string]http.HandlerFunc{
		"unauthorized": respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"no"}`),
		"bad request":  respondWith(400, jsonType, `{"error":"Bad","code":400,"message":"no"}`),
		"server error": respondWith(500, jsonType, `{"error":"Oops","code":500,"message":"no"}`),
		"rate limited": respondWith(429, "", ""),
		"dropped":      drop,
		"malformed":    respondWith(200, jsonType, `{`),
		"echo": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			respondWith(401, jsonType, `{"error":"`+r.PostForm.Get("pw")+`","message":"`+r.PostForm.Encode()+`"}`)(w, r)
		},
	} {
		s := serve(t, handler)
		client := newClient(t, s.URL, func(o *edis.Options) { o.MaxAttempts = 3 })
		source := client.LoginSource(credentials)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				err := client.SetPTR(t.Context(), source, onePTR)
				if err == nil || errors.Is(err, edis.ErrOutcomeUnknown) {
					t.Errorf("%s: SetPTR = %v, want an error that is not ErrOutcomeUnknown", name, err)
				}
				walk(err, func(cause error) { wantSafeText(t, cause) })
			})
		}
		wg.Wait()
		if got := s.requests.Load(); got != 1 {
			t.Errorf("%s: %d logins, want 1", name, got)
		}
	}
}

// A login that was not sent is repeated by the next call.
func TestLoginSourceAfterLoginNotSent(t *testing.T) {
	t.Parallel()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	down := true
	client := newClient(t, server.URL, func(o *edis.Options) {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if down {
				return nil, errors.New("network is down")
			}
			return dial(ctx, network, address)
		}
		t.Cleanup(transport.CloseIdleConnections)
		o.HTTPClient = &http.Client{Transport: transport}
	})
	email, password := server.Credentials()
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	wantErrorIs(t, client.SetPTR(t.Context(), source, onePTR), edis.ErrNotSent)
	down = false
	if err := client.SetPTR(t.Context(), source, onePTR); err != nil {
		t.Error(err)
	}
}

// A login goes on for later callers when the first caller stops waiting for it.
func TestLoginSourceOutlivesFirstCaller(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	email, password := server.Credentials()
	server.Fail("createAuthSession", edistest.Fault{Delay: 50 * time.Millisecond})
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := source.Session(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Session = %v, want context.DeadlineExceeded", err)
	}
	if _, err := source.Session(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second Session = %v, want context.DeadlineExceeded", err)
	}
	if _, err := source.Session(t.Context()); err != nil {
		t.Error(err)
	}
	if got := len(server.Requests()); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
}

func TestCredentialsNeverShowSecrets(t *testing.T) {
	t.Parallel()
	c := credentials
	var texts []string
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: c.Email, Password: c.Password, KVMs: []edistest.KVM{{ID: "kvm_1"}}})
	source := client.LoginSource(c)
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
