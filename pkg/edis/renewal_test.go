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
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// TestRejectedSession is about calls whose session the service rejects with status 401.
func TestRejectedSession(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *edis.Client, edis.SessionSource) error{
		"SetPTR": func(ctx context.Context, c *edis.Client, src edis.SessionSource) error {
			return c.SetPTR(ctx, src, twoPTRs)
		},
		"DeletePTR": func(ctx context.Context, c *edis.Client, src edis.SessionSource) error {
			return c.DeletePTR(ctx, src, addr("192.0.2.10"))
		},
		"GetPTR": func(ctx context.Context, c *edis.Client, src edis.SessionSource) error {
			_, err := c.GetPTR(ctx, src, addr("192.0.2.10"))
			return err
		},
		"ListPTR": func(ctx context.Context, c *edis.Client, src edis.SessionSource) error {
			_, err := c.ListPTR(ctx, src)
			return err
		},
	} {
		synthetic(t, name+" is repeated with a new session", func(t *testing.T) {
			s := serveAccount(t)
			s.accept = 2
			s.ptr = respondWith(200, jsonType, `{"status":"success","records":[]}`)
			if err := call(t.Context(), s.client, s.client.Account(credentials).Server("kvm_1")); err != nil || s.requests.Load() != 4 {
				t.Errorf("%s = %v after %d requests, want nil after 2 logins and 2 calls", name, err, s.requests.Load())
			}
		})
		synthetic(t, name+" is not repeated again if the new session is rejected too", func(t *testing.T) {
			s := serveAccount(t)
			s.accept = 3
			err := call(t.Context(), s.client, s.client.Account(credentials).Server("kvm_1"))
			wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrUnauthorized)
			if got := s.requests.Load(); got != 4 {
				t.Errorf("%d requests, want 2 logins and 2 calls", got)
			}
		})
	}
	synthetic(t, "a session that is always rejected costs one login for a call, and pauses between them", testAlwaysRejected)
	synthetic(t, "a write of unknown outcome is not repeated with a new session", func(t *testing.T) {
		s := serveAccount(t)
		// The first attempt is lost, and may have been applied. A refusal of a repeated one
		// would look as if nothing had changed.
		s.ptr = inOrder(drop, respondWith(401, jsonType, errorBody), respondWith(400, jsonType, errorBody))
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR)
		wantOutcome(t, err, edis.OutcomeUnknown, edis.ErrUnauthorized)
		s.wantLogins(t, 1)
	})
	synthetic(t, "any other failure keeps the session", func(t *testing.T) {
		s := serveAccount(t, func(o *edis.Options) { o.MaxAttempts = 1 })
		kvm := s.client.Account(credentials).Server("kvm_1")
		for _, handler := range []http.HandlerFunc{respondWith(400, jsonType, errorBody), respondWith(403, "", ""), respondWith(200, "text/html", htmlBody), serverError, tooManyRequests("60"), drop} {
			s.set(func() { s.ptr = handler })
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err == nil {
				t.Error("SetPTR = nil, want an error")
			}
			if _, err := s.client.GetPTR(t.Context(), kvm, addr("192.0.2.10")); err == nil {
				t.Error("GetPTR = nil, want an error")
			}
		}
		s.wantLogins(t, 1)
	})
	synthetic(t, "attempts with both sessions count", func(t *testing.T) {
		s := serveAccount(t)
		s.accept = 2
		s.ptr = respondWith(400, jsonType, errorBody)
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR)
		if failed := new(edis.CallError); !errors.As(err, &failed) || failed.Attempts != 2 || !strings.Contains(err.Error(), "(after 2 attempts)") {
			t.Errorf("SetPTR = %+v, want 2 attempts", err)
		}
	})
	parallel(t, "a fixed session is final", func(t *testing.T) {
		s := serve(t, respondWith(401, jsonType, errorBody))
		fixed := session()
		for _, source := range []edis.SessionSource{fixed, &fixed, sourceFunc(fixed.Session)} {
			err := newClient(t, s.URL, func(o *edis.Options) { o.MaxAttempts = 3 }).SetPTR(t.Context(), source, onePTR)
			wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrUnauthorized)
		}
		wantRequests(t, s, 3)
	})
}

func testAlwaysRejected(t *testing.T) {
	s := serveAccount(t)
	s.accept = 1 << 30
	account := s.client.Account(credentials)
	for range 300 {
		before := len(s.logins)
		err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR)
		wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrUnauthorized)
		switch now := len(s.logins); {
		case now > max(before, 1)+1:
			t.Fatalf("%d logins for one call, want one renewal", now-before)
		case now == before && !strings.Contains(err.Error(), "the service rejects the session of a new login too"):
			t.Fatalf("SetPTR = %v, want it to say that a new session was rejected too", err)
		}
		time.Sleep(time.Second)
	}
	for i := 2; i < len(s.logins); i++ { // the first renewal is at once
		if pause, least := s.logins[i].Sub(s.logins[i-1]), min(time.Second<<min(i-2, 10), time.Minute); pause < least {
			t.Errorf("login %d came %v after the one before, want %v at least", i+1, pause, least)
		}
	}
	if len(s.logins) < 9 || len(s.logins) > 12 {
		t.Errorf("%d logins in five minutes, want one after 0, 1, 2, 4, 8, 16, 32 and then 60 seconds", len(s.logins))
	}
}

// Many callers with a rejected session cause one login. The sessions of twenty callers are
// rejected at different times, some of them long after the login that replaces them.
func TestManyCallersRenewOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, manyCallersRenewOnce)
}

func manyCallersRenewOnce(t *testing.T) {
	var logins, rejections atomic.Int64
	s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/set/ptr":
			time.Sleep(time.Second)
			respondWith(200, jsonType, strings.Replace(loginResponse(""), "s3cr3t-new", fmt.Sprint("s3cr3t-", logins.Add(1)), 1))(w, r)
		case r.FormValue("signature") == "s3cr3t-1":
			time.Sleep(time.Duration(rejections.Add(1)) * 500 * time.Millisecond)
			respondWith(401, jsonType, errorBody)(w, r)
		default:
			succeed(w, r)
		}
	})
	account := s.client.Account(credentials)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.client.SetPTR(t.Context(), account, onePTR); err != nil {
				t.Errorf("SetPTR = %v", err)
			}
		})
	}
	wg.Wait()
	if logins.Load() != 2 || rejections.Load() != 20 {
		t.Errorf("%d logins for %d rejected calls, want 2 for 20", logins.Load(), rejections.Load())
	}
}

// TestRenew is about which session Renew returns, and when it logs in for it.
func TestRenew(t *testing.T) {
	t.Parallel()
	stored := func(validFor time.Duration) edis.Session {
		return edis.Session{KVMID: "kvm_1", Signature: "s3cr3t-of-another-process", ValidUntil: time.Now().Add(validFor)}
	}
	for _, test := range []struct {
		rejected string
		session  func(first, second edis.Session) edis.Session // of the first two logins
		want     edis.Secret
	}{
		{"the current session logs in", func(_, second edis.Session) edis.Session { return second }, "s3cr3t-kvm_1-3"},
		{"a replaced session returns the current one", func(first, _ edis.Session) edis.Session { return first }, "s3cr3t-kvm_1-2"},
		{"another process's session that lives longer logs in", func(edis.Session, edis.Session) edis.Session { return stored(25 * time.Hour) }, "s3cr3t-kvm_1-3"},
		{"another process's session that lives as long logs in", func(_, second edis.Session) edis.Session {
			session := stored(0)
			session.ValidUntil = second.ValidUntil
			return session
		}, "s3cr3t-kvm_1-3"},
		{"another process's session that lives shorter returns the current one", func(edis.Session, edis.Session) edis.Session { return stored(24*time.Hour - time.Minute) }, "s3cr3t-kvm_1-2"},
		{"no session returns the current one", func(edis.Session, edis.Session) edis.Session { return edis.Session{KVMID: "kvm_1"} }, "s3cr3t-kvm_1-2"},
	} {
		synthetic(t, test.rejected, func(t *testing.T) {
			s := serveAccount(t)
			kvm := s.client.Account(credentials).Server("kvm_1")
			first := mustSession(t, kvm)
			second, err := kvm.Renew(t.Context(), first)
			if err != nil || second.Signature != "s3cr3t-kvm_1-2" {
				t.Fatalf("Renew of the first session = %+v, %v, want that of the second login", second, err)
			}
			time.Sleep(time.Second) // the pause after a renewal
			rejected := test.session(first, second)
			if got, err := kvm.Renew(t.Context(), rejected); err != nil || got.Signature != test.want {
				t.Errorf("Renew(%s) = %s, %v, want %s", string(rejected.Signature), string(got.Signature), err, string(test.want))
			}
		})
	}
	synthetic(t, "a session replaced several logins ago returns the current one", func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		first := mustSession(t, kvm)
		current := first
		for range 5 {
			time.Sleep(time.Hour)
			renewed, err := kvm.Renew(t.Context(), current)
			if err != nil {
				t.Fatal(err)
			}
			current = renewed
		}
		first.ValidUntil = current.ValidUntil.Add(time.Hour) // an older session can live longer
		if got, err := kvm.Renew(t.Context(), first); err != nil || got != current {
			t.Errorf("Renew of the first session = %+v, %v, want the current %+v", got, err, current)
		}
		s.wantLogins(t, 6)
	})
	synthetic(t, "before the first login, any session logs in", func(t *testing.T) {
		s := serveAccount(t)
		if got, err := s.client.Account(credentials).Server("kvm_1").Renew(t.Context(), stored(time.Hour)); err != nil || got.Signature != "s3cr3t-kvm_1-1" {
			t.Errorf("Renew = %+v, %v, want that of the first login", got, err)
		}
		s.wantLogins(t, 1)
	})
	synthetic(t, "the session of another server is refused", func(t *testing.T) {
		s := serveAccount(t)
		account := s.client.Account(credentials)
		other := mustSession(t, account.Server("kvm_2"))
		_, err := s.client.Account(credentials).Server("kvm_1").Renew(t.Context(), other) // before any login
		wantErrorIs(t, err, edis.ErrInvalidInput)
		s.wantLogins(t, 1)
		_, err = account.Server("kvm_1").Renew(t.Context(), other)
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
		if input := new(edis.InputError); !errors.As(err, &input) || input.Field != "Session.KVMID" || input.Value != "kvm_2" || !strings.Contains(input.Reason, "kvm_1") {
			t.Errorf("Renew = %v, want an InputError of Session.KVMID that names both servers", err)
		}
		s.wantLogins(t, 1)
		only := s.client.Account(credentials, edis.Session{KVMID: "kvm_9", Signature: "s", ValidUntil: time.Now().Add(time.Hour)})
		_, err = only.Renew(t.Context(), other)
		wantErrorIs(t, err, edis.ErrInvalidInput)
		s.wantLogins(t, 1)
	})
	synthetic(t, "the pause after a rejection is forgotten when sessions work", func(t *testing.T) {
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
