package edis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	err := client.SetPTR(t.Context(), client.Account(credentials), onePTR)
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
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials), onePTR)
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
		source := s.client.Account(credentials)
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

// Nor does a repeated call that could not be sent.
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
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials), onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if logins != 2 || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("SetPTR = %v after %d logins, want a refused connection after 2", err, logins)
		}
	})
}

// Invalid credentials are reported once, and nothing is sent.
func TestAccountInvalidCredentials(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://127.0.0.1:1")
	err := client.SetPTR(t.Context(), client.Account(edis.Credentials{Email: "a"}), onePTR)
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
	source := client.Account(server.Credentials())
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

// countLogins returns the number of logins that a server received.
func countLogins(server *edistest.Server) (count int) {
	for _, request := range server.Requests() {
		if request.Path == "/kvm/v2/get/auth" {
			count++
		}
	}
	return count
}

func TestAccount(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	source := client.Account(server.Credentials())
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
}

// testRenewal is the part of row F64 that uses an Account.
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
		err := client.SetPTR(t.Context(), client.Account(credentials), onePTR)
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
func TestAccountRenews(t *testing.T) {
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
		source := client.Account(credentials)
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

// Unusable sessions do not make an account log in again and again.
func TestAccountUnusableSession(t *testing.T) {
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
		source := client.Account(credentials)
		for range 3 {
			if err := client.SetPTR(t.Context(), source, onePTR); err != nil {
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
	wantErrorIs(t, client.SetPTR(t.Context(), client.Account(credentials), onePTR), edis.ErrUnauthorized)
	if logins != 2 {
		t.Errorf("%d logins for a session that is never accepted, want 2", logins)
	}
}

func TestAccountChoosesKVM(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: credentials.Email, Password: credentials.Password, KVMs: []edistest.KVM{{ID: "kvm_1", Description: "mail\x1b[2J"}, {ID: "kvm_2"}}})
	account := client.Account(credentials)
	for id, source := range map[string]edis.SessionSource{"": account, "kvm_9": account.Server("kvm_9")} {
		err := client.SetPTR(t.Context(), source, onePTR)
		wantErrorIs(t, err, edis.ErrInvalidInput, edis.ErrNotSent)
		var input *edis.InputError
		if !errors.As(err, &input) || input.Field != "KVMID" || input.Value != id || input.Reason != "the account has the KVM servers kvm_1 (mail [2J), kvm_2" {
			t.Errorf("SetPTR of server %q = %v, want an InputError that lists both servers", id, err)
		}
	}
	if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != 2 || sessions[1].KVMID != "kvm_2" {
		t.Errorf("Sessions = %v, %v, want those of kvm_1 and kvm_2", sessions, err)
	}
	if got := countLogins(server); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
	server.AddAccount(edistest.Account{Email: "none@example.com", Password: "p"})
	many := edistest.Account{Email: "many@example.com", Password: "p"}
	for i := range 12 {
		many.KVMs = append(many.KVMs, edistest.KVM{ID: fmt.Sprintf("kvm_%c", 'a'+i)})
	}
	server.AddAccount(many)
	for email, want := range map[string]string{
		"none@example.com": "KVM servers (none)",
		"many@example.com": "KVM servers kvm_a, kvm_b, kvm_c, kvm_d, kvm_e, kvm_f, kvm_g, kvm_h, kvm_i, kvm_j and 2 more",
	} {
		if _, err := client.Account(edis.Credentials{Email: email, Password: "p"}).Session(t.Context()); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Session of %s = %v, want %q at the end", email, err, want)
		}
	}
	one := credentials
	one.KVMID = "kvm_2"
	if session, err := client.Account(one).Session(t.Context()); err != nil || session.KVMID != "kvm_2" {
		t.Errorf("Session = %v, %v, want that of kvm_2", session, err)
	}
}

// testOneLogin is row F73: concurrent calls share one login.
func testOneLogin(t *testing.T) {
	t.Helper()
	server, client := fakeEDIS(t)
	server.Fail("createAuthSession", edistest.Fault{Delay: 20 * time.Millisecond})
	source := client.Account(server.Credentials())
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

// testLoginRefused is row F74: a login that the service refused is never repeated.
func testLoginRefused(t *testing.T) {
	t.Helper()
	for name, handler := range map[string]http.HandlerFunc{
		"unauthorized": respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"no"}`),
		"bad request":  respondWith(400, jsonType, `{"error":"Bad","code":400,"message":"no"}`),
		"forbidden":    respondWith(403, "text/html", htmlBody),
		"echo": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			respondWith(401, jsonType, `{"error":"`+r.PostForm.Get("pw")+`","message":"`+r.PostForm.Encode()+`"}`)(w, r)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serveAccount(t)
			s.login = handler
			account := s.client.Account(credentials)
			for range 3 {
				var wg sync.WaitGroup
				for _, source := range []edis.SessionSource{account, account.Server("kvm_1"), account.Server("kvm_2")} {
					wg.Go(func() {
						err := s.client.SetPTR(t.Context(), source, onePTR)
						if !errors.Is(err, edis.ErrNotSent) || errors.Is(err, edis.ErrOutcomeUnknown) {
							t.Errorf("%s: SetPTR = %v, want ErrNotSent", name, err)
						}
						walk(err, func(cause error) { wantSafeText(t, cause) })
					})
				}
				wg.Wait()
				time.Sleep(24 * time.Hour)
			}
			s.wantLogins(t, 1)
			if err := s.client.SetPTR(t.Context(), account, onePTR); !strings.Contains(err.Error(), "the login was at 2000-01-01T00:00:00Z; it is not repeated") {
				t.Errorf("%s: SetPTR = %v, want it to say when the login was, and that it is not repeated", name, err)
			}
		})
	}
}

// A login goes on for later callers when the first caller stops waiting for it.
func TestAccountOutlivesFirstCaller(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.Fail("createAuthSession", edistest.Fault{Delay: 50 * time.Millisecond})
	source := client.Account(server.Credentials())
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

// Sessions that live for little more than a minute are not renewed all the time.
func TestShortSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.lifetime = 64 * time.Second
		kvm := s.client.Account(credentials).Server("kvm_1")
		for range 60 {
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		s.wantLogins(t, 2)
	})
}

// The pause before a login does not depend on renewals that succeeded long ago.
func TestPauseIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		for day := range 10 {
			s.set(func() { s.accept = day + 1 }) // the service ends all sessions every day
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Fatalf("SetPTR on day %d = %v", day, err)
			}
			time.Sleep(20 * time.Hour)
		}
		s.set(func() { s.accept, s.login = 100, drop })
		_ = s.client.SetPTR(t.Context(), kvm, onePTR)
		s.set(func() { s.accept, s.login = 1, nil })
		time.Sleep(time.Second)
		if _, err := kvm.Renew(t.Context(), mustSession(t, kvm)); err != nil {
			t.Errorf("Renew 1s after the first failure = %v, want a new session", err)
		}
	})
}

func mustSession(t *testing.T, source edis.SessionSource) edis.Session {
	t.Helper()
	session, err := source.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// Sessions that have not expired are returned when a login fails.
func TestSessionsStayInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		account := s.client.Account(credentials)
		if _, err := account.Sessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.set(func() { s.login = drop })
		time.Sleep(24*time.Hour - 30*time.Second)
		if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != 2 {
			t.Errorf("Sessions half a minute before they expire = %v, %v, want 2", sessions, err)
		}
		time.Sleep(time.Minute)
		if sessions, err := account.Sessions(t.Context()); err == nil {
			t.Errorf("Sessions after they expired = %v, nil, want an error", sessions)
		}
	})
}

// Each call reports credentials that cannot be sent, and nothing is remembered.
func TestInvalidCredentialsAreNotRefused(t *testing.T) {
	t.Parallel()
	account := newClient(t, "http://127.0.0.1:1").Account(edis.Credentials{Email: "a"})
	for range 2 {
		_, err := account.Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if strings.Contains(err.Error(), "the login was") {
			t.Errorf("Session = %v, want nothing about a login", err)
		}
	}
	client := newClient(t, "http://127.0.0.1:1")
	_, err := client.Login(t.Context(), edis.Credentials{Email: "a", Password: "b", KVMID: "kvm\u202e"})
	wantErrorIs(t, err, edis.ErrInvalidInput)
}

// A Logger may keep its records for as long as it likes.
func TestLoggedErrorsDoNotChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var kept []error
		var texts []string
		s := serveInMemory(t, drop, func(o *edis.Options) {
			o.Logger = slog.New(keepErrors(func(err error) {
				kept, texts = append(kept, err), append(texts, err.Error())
			}))
		})
		_ = s.client.SetPTR(t.Context(), session(), onePTR)
		for i, err := range kept {
			if err.Error() != texts[i] {
				t.Errorf("error of attempt %d = %q, was %q when it was logged", i+1, err, texts[i])
			}
		}
		if len(kept) != 3 {
			t.Errorf("%d errors were logged, want 3", len(kept))
		}
	})
}

// keepErrors is a slog.Handler that keeps only the errors of records.
type keepErrors func(error)

func (k keepErrors) Enabled(context.Context, slog.Level) bool { return true }

func (k keepErrors) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(attr slog.Attr) bool {
		if err, ok := attr.Value.Any().(error); ok {
			k(err)
		}
		return true
	})
	return nil
}

func (k keepErrors) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, attr := range attrs {
		if err, ok := attr.Value.Any().(error); ok {
			k(err)
		}
	}
	return k
}

func (k keepErrors) WithGroup(string) slog.Handler { return k }

// An empty KVM ID means the only server, not that of the credentials.
func TestServerOfEmptyID(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: credentials.Email, Password: credentials.Password, KVMs: []edistest.KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
	named := credentials
	named.KVMID = "kvm_1"
	account := client.Account(named)
	if session, err := account.Session(t.Context()); err != nil || session.KVMID != "kvm_1" {
		t.Errorf("Session = %v, %v, want that of kvm_1", session, err)
	}
	_, err := account.Server("").Session(t.Context())
	wantErrorIs(t, err, edis.ErrInvalidInput)
}

// The error of a login that is not repeated yet says when it can be.
func TestNextLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.login = tooManyRequests("7")
		account := s.client.Account(credentials)
		for range 2 {
			_, err := account.Server("kvm_1").Session(t.Context())
			wantErrorIs(t, err, edis.ErrRateLimited, edis.ErrContract)
			if len(s.logins) == 1 && strings.Contains(err.Error(), "the login was at") && !strings.Contains(err.Error(), "not before 2000-01-01T00:00:07Z") {
				t.Errorf("Session = %v, want it to say when the next login is", err)
			}
			time.Sleep(time.Second)
		}
	})
}

// A server that an account did not have is looked for again after a minute.
func TestNewServerIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_3")
		_, err := kvm.Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		s.set(func() { s.login = respondWith(200, jsonType, strings.ReplaceAll(loginResponse(""), "kvm_1", "kvm_3")) })
		_, err = kvm.Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		s.wantLogins(t, 1)
		time.Sleep(time.Minute)
		if session, err := kvm.Session(t.Context()); err != nil || session.KVMID != "kvm_3" {
			t.Errorf("Session after a minute = %v, %v, want that of the new server", session, err)
		}
		s.wantLogins(t, 2)
	})
}
