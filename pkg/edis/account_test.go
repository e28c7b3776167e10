package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// TestAccount is about when an account logs in, and who waits for it.
func TestAccount(t *testing.T) {
	t.Parallel()
	synthetic(t, "a hundred callers for one server or for fifty cause one login", func(t *testing.T) {
		for _, servers := range []int{1, 50} {
			var logins, calls atomic.Int64
			s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/set/ptr" {
					calls.Add(1)
					succeed(w, r)
					return
				}
				logins.Add(1)
				time.Sleep(time.Second) // until all of them wait
				respondWith(200, jsonType, loginOf(servers))(w, r)
			})
			account := s.client.Account(credentials)
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					if err := s.client.SetPTR(t.Context(), account.Server(fmt.Sprint("kvm_", i%servers)), onePTR); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if logins.Load() != 1 || calls.Load() != 100 {
				t.Errorf("%d logins and %d calls of 100 callers for %d servers, want 1 and 100", logins.Load(), calls.Load(), servers)
			}
		}
	})
	synthetic(t, "logs in a minute before a session expires", func(t *testing.T) {
		s := serveAccount(t)
		s.lifetime = time.Hour
		kvm := s.client.Account(credentials).Server("kvm_1")
		for _, step := range []struct {
			pause  time.Duration
			logins int
		}{{0, 1}, {59*time.Minute - 1, 1}, {1, 2}, {time.Minute, 2}, {2 * time.Hour, 3}} {
			time.Sleep(step.pause)
			mustSession(t, kvm)
			s.wantLogins(t, step.logins)
		}
	})
	synthetic(t, "uses a session of a minute for half of its life", func(t *testing.T) {
		s := serveAccount(t)
		s.lifetime = time.Minute
		kvm := s.client.Account(credentials).Server("kvm_1")
		for range 60 {
			mustSession(t, kvm)
			time.Sleep(time.Second)
		}
		s.wantLogins(t, 2)
	})
	synthetic(t, "an expired session is replaced before the call", func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		mustSession(t, kvm)
		time.Sleep(25 * time.Hour)
		s.accept = 2
		if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil || s.requests.Load() != 3 {
			t.Errorf("SetPTR = %v, %d requests in all; want 2 logins and 1 call", err, s.requests.Load())
		}
	})
	synthetic(t, "sessions that look expired by a wrong clock are used until they are rejected", func(t *testing.T) {
		s := serveAccount(t)
		s.lifetime = -24 * time.Hour
		kvm := s.client.Account(credentials).Server("kvm_1")
		for range 3 {
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Errorf("SetPTR = %v", err)
			}
			time.Sleep(time.Hour)
		}
		s.wantLogins(t, 1)
		s.accept = 2
		if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
			t.Errorf("SetPTR after the session was rejected = %v", err)
		}
		s.wantLogins(t, 2)
	})
	synthetic(t, "sessions are used until they expire while logins fail", testOutage)
	synthetic(t, "returned sessions are copies", func(t *testing.T) {
		s := serveAccount(t)
		account := s.client.Account(credentials)
		for range 2 {
			sessions, err := account.Sessions(t.Context())
			if err != nil || len(sessions) != 2 || sessions[0].Signature != "s3cr3t-kvm_1-1" {
				t.Fatalf("Sessions = %+v, %v, want two of the first login", sessions, err)
			}
			sessions[0].Signature = "changed by the caller"
		}
	})
	parallel(t, "credentials that cannot be sent are reported each time, and nothing is sent", func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		account := client.Account(edis.Credentials{Email: "a@example.com"})
		for range 2 {
			err := client.SetPTR(t.Context(), account, onePTR)
			wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
			if want := "edis: setPTR: createAuthSession: Credentials.Password is empty; not sent, nothing changed"; err.Error() != want {
				t.Errorf("SetPTR = %q, want %q", err, want)
			}
		}
	})
}

// loginOf returns the body of a login of an account with so many servers, kvm_0 and so on.
func loginOf(servers int) string {
	sessions := make([]string, servers)
	for i := range sessions {
		sessions[i] = fmt.Sprintf(`"kvm_%d":{"signature":"s3cr3t-%[1]d","valid_until":4102444800}`, i)
	}
	return `{"status":"success","data":{` + strings.Join(sessions, ",") + `}}`
}

// testOutage makes calls through an hour of 503 at login, in which all sessions expire. No
// call fails while its session is valid.
func testOutage(t *testing.T) {
	s := serveAccount(t)
	account := s.client.Account(credentials)
	started, failed := time.Now(), 0
	age := func() time.Duration { return time.Since(started) }
	_ = mustSession(t, account.Server("kvm_1"))
	for time.Sleep(23 * time.Hour); age() < 25*time.Hour; time.Sleep(10 * time.Second) {
		s.set(func() {
			s.login = nil
			if age() >= 23*time.Hour+30*time.Minute && age() < 24*time.Hour+30*time.Minute {
				s.login = respondWith(503, "text/html", htmlBody)
			}
		})
		_, err := account.Sessions(t.Context())
		if call := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR); (call == nil) != (err == nil) {
			t.Fatalf("after %v, SetPTR = %v and Sessions = %v, want both or neither", age(), call, err)
		}
		if err == nil {
			continue
		}
		failed++
		if outage := age() >= 24*time.Hour && age() < 24*time.Hour+31*time.Minute; !outage { // a minute until the next login
			t.Fatalf("Sessions after %v = %v", age(), err)
		}
		wantErrorIs(t, err, edis.ErrServer)
	}
	if failed < 30*6 || failed > 31*6 {
		t.Errorf("%d calls failed, want those of 30 to 31 minutes", failed)
	}
	if len(s.logins) < 30 || len(s.logins) > 45 {
		t.Errorf("%d logins, want about one a minute while they fail", len(s.logins))
	}
}

// TestWaitingForALogin is about callers that wait, and their contexts.
func TestWaitingForALogin(t *testing.T) {
	t.Parallel()
	serveSlowly := func(t *testing.T) (account *edis.Account, logins *atomic.Int64) {
		logins = new(atomic.Int64)
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			logins.Add(1)
			time.Sleep(10 * time.Second)
			respondWith(200, jsonType, loginResponse(""))(w, r)
		})
		return s.client.Account(credentials), logins
	}
	waiters := map[string]func(context.Context, *edis.Account) error{
		"Session":  func(ctx context.Context, a *edis.Account) error { _, err := a.Session(ctx); return err },
		"Renew":    func(ctx context.Context, a *edis.Account) error { _, err := a.Renew(ctx, edis.Session{}); return err },
		"Sessions": func(ctx context.Context, a *edis.Account) error { _, err := a.Sessions(ctx); return err },
		"Server": func(ctx context.Context, a *edis.Account) error {
			_, err := a.Server("kvm_1").Session(ctx)
			return err
		},
	}
	for name, wait := range waiters {
		synthetic(t, name+" with a done context logs in nowhere", func(t *testing.T) {
			account, logins := serveSlowly(t)
			for range 20 { // a select would choose at random
				err := wait(canceledContext(t), account)
				wantOutcome(t, err, edis.OutcomeNotSent)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s = %v, want context.Canceled", name, err)
				}
			}
			time.Sleep(time.Minute)
			if logins.Load() != 0 {
				t.Errorf("%d logins, want 0", logins.Load())
			}
		})
		synthetic(t, name+" ends with its context, and the login goes on for the next caller", func(t *testing.T) {
			account, logins := serveSlowly(t)
			for range 2 { // the first starts the login, the second finds it running
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				started := time.Now()
				err := wait(ctx, account)
				wantOutcome(t, err, edis.OutcomeNotSent)
				if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
					t.Errorf("%s = %v after %v, want context.DeadlineExceeded after 1s", name, err, took)
				}
				cancel()
			}
			if err := wait(t.Context(), account); err != nil || logins.Load() != 1 {
				t.Errorf("%s = %v after %d logins, want nil after 1", name, err, logins.Load())
			}
		})
	}
}

// TestAbsentServer is about what an account does not have, which it believes for ten
// minutes after a login.
func TestAbsentServer(t *testing.T) {
	t.Parallel()
	// wantAbsence checks that the failure is remembered for ten minutes. Then the service
	// gets the server kvm_3.
	wantAbsence := func(t *testing.T, s *accountService, source edis.SessionSource, want error) {
		for _, pause := range []time.Duration{0, time.Second, time.Minute, 9*time.Minute - 2*time.Second} {
			time.Sleep(pause)
			err := s.client.SetPTR(t.Context(), source, onePTR)
			wantOutcome(t, err, edis.OutcomeNotSent, want)
			s.wantLogins(t, 1)
		}
		s.login = respondWith(200, jsonType, strings.ReplaceAll(loginResponse(""), "kvm_1", "kvm_3"))
		time.Sleep(time.Second)
		if session, err := source.Session(t.Context()); err != nil || session.KVMID != "kvm_3" {
			t.Errorf("Session after ten minutes = %+v, %v, want that of the new server", session, err)
		}
		s.wantLogins(t, 2)
	}
	synthetic(t, "a new server is seen after ten minutes", func(t *testing.T) {
		s := serveAccount(t)
		wantAbsence(t, s, s.client.Account(credentials).Server("kvm_3"), edis.ErrInvalidInput)
	})
	synthetic(t, "one whose session was unusable works after ten minutes", func(t *testing.T) {
		s := serveAccount(t)
		s.login = respondWith(200, jsonType, strings.Replace(loginResponse(""), `"data":{`, `"data":{"kvm_3":{"kvm_id":"kvm_3"},`, 1))
		wantAbsence(t, s, s.client.Account(credentials).Server("kvm_3"), edis.ErrContract)
	})
	for _, none := range []string{`{}`, `[]`} {
		synthetic(t, "an account without servers is a result, "+none, func(t *testing.T) {
			s := serveAccount(t)
			s.login = respondWith(200, jsonType, `{"status":"success","data":`+none+`}`)
			account := s.client.Account(credentials)
			if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != 0 {
				t.Errorf("Sessions = %v, %v, want none", sessions, err)
			}
			wantAbsence(t, s, account, edis.ErrInvalidInput)
			if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != 1 {
				t.Errorf("Sessions after the login that has a server = %v, %v, want one", sessions, err)
			}
		})
		synthetic(t, "an account without servers may get one, "+none, func(t *testing.T) {
			s := serveAccount(t)
			s.login = respondWith(200, jsonType, `{"status":"success","data":`+none+`}`)
			account := s.client.Account(credentials)
			for _, step := range []struct {
				pause            time.Duration
				sessions, logins int
			}{{0, 0, 1}, {10*time.Minute - time.Second, 0, 1}, {time.Second, 1, 2}} {
				if time.Sleep(step.pause); step.sessions > 0 {
					s.set(func() { s.login = respondWith(200, jsonType, loginResponse("")) })
				}
				if sessions, err := account.Sessions(t.Context()); err != nil || len(sessions) != step.sessions {
					t.Errorf("Sessions after another %v = %v, %v, want %d", step.pause, sessions, err, step.sessions)
				}
				s.wantLogins(t, step.logins)
			}
		})
	}
}
