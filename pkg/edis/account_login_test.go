package edis_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A failedLogin is a response to a login that fails for now.
type failedLogin struct {
	handler   http.HandlerFunc
	want      []error
	retryable bool
	wait      time.Duration // until the next login, if that is known at once
}

var failedLogins = map[string]failedLogin{
	"dropped":            {drop, nil, true, time.Second},
	"without status":     {respondWith(408, "", ""), nil, true, time.Second},
	"rate limited":       {respondWith(429, "", ""), []error{edis.ErrRateLimited}, true, time.Second},
	"server error":       {respondWith(500, jsonType, `{"error":"Oops","code":500,"message":"no"}`), []error{edis.ErrServer}, true, time.Second},
	"unavailable":        {respondWith(503, "text/html", htmlBody), []error{edis.ErrServer}, true, time.Second},
	"not found":          {respondWith(404, "text/html", htmlBody), nil, false, 0},
	"truncated":          {respondWith(200, jsonType, `{"status":"success","data":{`), []error{edis.ErrContract}, false, 0},
	"unusable response":  {respondWith(200, jsonType, `{}`), []error{edis.ErrContract}, false, 0},
	"redirected":         {respondWith(302, "", ""), []error{edis.ErrRedirect}, false, 0},
	"asked to wait 7s":   {tooManyRequests("7"), []error{edis.ErrRateLimited}, true, 7 * time.Second},
	"asked to wait long": {tooManyRequests("31536000"), []error{edis.ErrRateLimited}, true, time.Hour},
}

// TestLoginOfAnAccountFails is about logins that fail, but may succeed later.
func TestLoginOfAnAccountFails(t *testing.T) {
	t.Parallel()
	for name, login := range failedLogins {
		synthetic(t, name, func(t *testing.T) {
			s := serveAccount(t)
			s.login = login.handler
			wantPausesAndRecovery(t, s, login, func() { s.set(func() { s.login = nil }) })
		})
	}
	synthetic(t, "connection refused", func(t *testing.T) {
		s := serveAccount(t, func(o *edis.Options) { o.MaxAttempts = 1 })
		s.dialError = connectionRefused
		wantPausesAndRecovery(t, s, failedLogin{retryable: true}, func() { s.dialError = nil })
	})
	for name, fail := range map[string]func(){"RoundTripper panics": func() { panic("a\x1b[2J secret") }, "RoundTripper ends the goroutine": runtime.Goexit} {
		synthetic(t, name, func(t *testing.T) {
			s := serveAccount(t)
			broken := true
			s.client = newClient(t, "http://127.0.0.1", func(o *edis.Options) {
				works := &http.Transport{DialContext: s.dial}
				t.Cleanup(works.CloseIdleConnections)
				o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if broken {
						time.Sleep(time.Second)
						fail()
					}
					return works.RoundTrip(r)
				})}
			})
			account := s.client.Account(credentials)
			var waiting sync.WaitGroup
			for range 10 {
				waiting.Go(func() {
					err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR)
					wantOutcome(t, err, edis.OutcomeNotSent)
					if strings.Contains(err.Error(), "secret") {
						t.Errorf("SetPTR = %q, want nothing of the panic's value", err)
					}
				})
			}
			waiting.Wait()
			wantPausesAndRecovery(t, s, failedLogin{}, func() { broken = false })
		})
	}
	parallel(t, "the clock of this machine is wrong for the certificate", testWrongClock)
}

// wantPausesAndRecovery makes a call each second for three minutes while logins fail, and
// checks that there are pauses between the logins. Then the logins work again.
func wantPausesAndRecovery(t *testing.T, s *accountService, login failedLogin, recoverLogins func()) {
	t.Helper()
	kvm := s.client.Account(credentials).Server("kvm_2")
	for range 190 {
		before, started := s.requests.Load()+s.dials.Load(), time.Now()
		err := s.client.SetPTR(t.Context(), kvm, onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent, login.want...)
		walk(err, func(cause error) { wantSafeText(t, cause) })
		if strings.Count(err.Error(), "nothing changed") != 1 {
			t.Fatalf("SetPTR = %v, want it to say once that nothing changed", err)
		}
		remembered := strings.Contains(err.Error(), "that was at 2000-01-01T")
		atOnce := s.requests.Load()+s.dials.Load() == before && time.Since(started) == 0
		if atOnce && !remembered || remembered && !atOnce {
			t.Fatalf("SetPTR = %v after %v, want it to say when the login was if and only if there is no new one", err, time.Since(started))
		}
		failed := new(edis.CallError)
		if errors.As(err, &failed); remembered && (!failed.Retryable || failed.RetryAfter <= 0 || failed.RetryAfter > max(time.Minute, login.wait)) {
			t.Fatalf("SetPTR = %v, Retryable %v, RetryAfter %v, want what is left of the pause", err, failed.Retryable, failed.RetryAfter)
		}
		time.Sleep(time.Second)
	}
	for i := 1; i < len(s.logins); i++ {
		least := max(login.wait, min(time.Second<<min(i-1, 10), time.Minute))
		if pause := s.logins[i].Sub(s.logins[i-1]); pause < least || pause > least+4*time.Second {
			t.Errorf("login %d came %v after the one before, want %v and up to 4s until the next call", i+1, pause, least)
		}
	}
	recoverLogins()
	time.Sleep(time.Hour)
	if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
		t.Errorf("SetPTR after the logins work again = %v", err)
	}
}

func testWrongClock(t *testing.T) {
	clock := time.Unix(-1e9, 0) // 1938
	server := httptest.NewTLSServer(respondWith(200, jsonType, loginResponse("")))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: func() time.Time { return clock }}}
	t.Cleanup(transport.CloseIdleConnections)
	client := newClient(t, server.URL, func(o *edis.Options) { o.HTTPClient = &http.Client{Transport: transport} })
	account := client.Account(credentials)
	if _, err := account.Session(t.Context()); !errors.As(err, new(x509.CertificateInvalidError)) || errors.Is(err, edis.ErrLoginRefused) {
		t.Errorf("Session with a wrong clock = %v, want x509.CertificateInvalidError", err)
	}
	clock = time.Now()
	if _, err := client.Account(credentials).Session(t.Context()); err != nil {
		t.Errorf("Session after the clock was set = %v", err)
	}
}

// TestLoginRefused is about a login that the service refuses: repeating it could lock the
// account.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]struct {
		handler http.HandlerFunc
		want    []error
		text    string
	}{
		"400":                           {respondWith(400, jsonType, `{"error":"Bad","code":400,"message":"no such user"}`), []error{edis.ErrLoginRefused}, "HTTP 400 Bad Request: Bad: no such user"},
		"401":                           {respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"wrong"}`), []error{edis.ErrLoginRefused, edis.ErrUnauthorized}, "HTTP 401 Unauthorized: wrong"},
		"403":                           {respondWith(403, "text/html", htmlBody), []error{edis.ErrLoginRefused}, "HTTP 403 Forbidden"},
		"401 that is not as documented": {respondWith(401, jsonType, `[]`), []error{edis.ErrLoginRefused, edis.ErrUnauthorized, edis.ErrContract}, "HTTP 401 Unauthorized"},
		"403 that is cut off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			respondWith(403, jsonType, `{"message":"wro`)(w, r)
		}, []error{edis.ErrLoginRefused}, "HTTP 403 Forbidden"},
	} {
		synthetic(t, name+" is final for all servers of the account", func(t *testing.T) {
			s := serveAccount(t)
			s.login = refusal.handler
			account := s.client.Account(credentials)
			for range 3 {
				var wg sync.WaitGroup
				for _, source := range []edis.SessionSource{account, account.Server("kvm_1"), account.Server("kvm_2")} {
					wg.Go(func() {
						err := s.client.SetPTR(t.Context(), source, onePTR)
						wantOutcome(t, err, edis.OutcomeNotSent, refusal.want...)
						failed := new(edis.CallError)
						if errors.As(err, &failed); failed.Retryable || failed.RetryAfter != 0 || !strings.Contains(err.Error(), "createAuthSession: login refused: "+refusal.text) {
							t.Errorf("SetPTR = %v, Retryable %v, want %q, not retryable", err, failed.Retryable, refusal.text)
						}
					})
				}
				wg.Wait()
				time.Sleep(24 * time.Hour)
			}
			s.wantLogins(t, 1)
			if err := s.client.SetPTR(t.Context(), account, onePTR); !strings.Contains(err.Error(), "that was at 2000-01-01T00:00:00Z; not retried: repeating a refused login could lock the account") {
				t.Errorf("SetPTR = %v, want it to say when the login was, and why there is no other", err)
			}
			s.login = nil
			if err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR); err != nil {
				t.Errorf("SetPTR with another Account = %v: a refusal ends with the Account", err)
			}
		})
	}
	synthetic(t, "sessions that have not expired stay in use", func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		mustSession(t, kvm)
		s.login = respondWith(401, jsonType, errorBody)
		for range 2 {
			time.Sleep(24*time.Hour - 30*time.Second - time.Since(s.logins[0]))
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Errorf("SetPTR in the last minute of its session = %v", err)
			}
		}
		s.wantLogins(t, 2)
	})
}

// The times of logins in errors are in UTC, whatever the zone of the machine.
func TestLoginTimesAreInUTC(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_ZONE") == "" {
		runInChild(t, "EDIS_TEST_ZONE=yes", "TZ=Asia/Tokyo")
		return
	}
	if _, offset := time.Now().Zone(); offset == 0 {
		t.Skip("needs the time zone database")
	}
	for status, want := range map[int]string{401: `that was at \S+Z; not retried`, 500: `that was at \S+Z; the next login is not before \S+Z`} {
		account := newClient(t, serve(t, respondWith(status, jsonType, errorBody)).URL).Account(credentials)
		_, _ = account.Session(t.Context())
		if _, err := account.Session(t.Context()); !regexp.MustCompile(want).MatchString(fmt.Sprint(err)) {
			t.Errorf("second Session after a login with status %d = %v, want %q in UTC", status, err, want)
		}
	}
}
