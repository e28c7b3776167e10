package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// TestRenewalFails is about a call that the service rejects and whose session cannot be
// replaced. It was sent, and nothing changed.
func TestRenewalFails(t *testing.T) {
	t.Parallel()
	wantRejection := func(t *testing.T, err error, want ...error) {
		t.Helper()
		wantOutcome(t, err, edis.OutcomeUnchanged, append(want, edis.ErrUnauthorized)...)
		if text := err.Error(); strings.Count(text, "nothing changed") != 1 || strings.Contains(text, "not sent") || strings.Count(text, "edis: ") != 1 || !strings.HasPrefix(text, "edis: setPTR: HTTP 401 Unauthorized: some reason; ") {
			t.Errorf("SetPTR = %q, want the rejection first, and once that nothing changed", text)
		}
	}
	for name, login := range failedLogins {
		synthetic(t, "login "+name, func(t *testing.T) {
			s := serveAccount(t)
			kvm := s.client.Account(credentials).Server("kvm_1")
			mustSession(t, kvm)
			s.set(func() { s.accept, s.login = 2, login.handler })
			err := s.client.SetPTR(t.Context(), kvm, onePTR)
			wantRejection(t, err, login.want...)
			failed := new(edis.CallError)
			if errors.As(err, &failed); failed.Retryable != login.retryable || failed.RetryAfter != login.wait {
				t.Errorf("SetPTR = %v, Retryable %v, RetryAfter %v, want %v and %v", err, failed.Retryable, failed.RetryAfter, login.retryable, login.wait)
			}
			if got := mustSession(t, kvm); got.Signature != "s3cr3t-kvm_1-1" {
				t.Errorf("Session = %+v, want the last one: it has not expired", got)
			}
			s.set(func() { s.login = nil })
			time.Sleep(time.Hour)
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Errorf("SetPTR once the login is back = %v", err)
			}
		})
	}
	synthetic(t, "login refused", func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		mustSession(t, kvm)
		s.set(func() { s.accept, s.login = 2, respondWith(403, "text/html", htmlBody) })
		wantRejection(t, s.client.SetPTR(t.Context(), kvm, onePTR), edis.ErrLoginRefused)
		wantRejection(t, s.client.SetPTR(t.Context(), kvm, onePTR), edis.ErrLoginRefused)
		s.wantLogins(t, 2)
	})
	synthetic(t, "login cannot connect", func(t *testing.T) {
		s := serveAccount(t, func(o *edis.Options) { o.MaxAttempts = 1 })
		s.accept = 2
		s.dialError = func(dial int64) error {
			if dial > 1 {
				return connectionRefused(dial)
			}
			return nil
		}
		account := s.client.Account(credentials)
		mustSession(t, account.Server("kvm_1"))
		s.set(func() { s.login = drop }) // breaks the only connection
		err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR)
		wantRejection(t, err)
		if err := s.client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR); edis.OutcomeOf(err) != edis.OutcomeNotSent {
			t.Errorf("SetPTR without a connection = %v, want it not sent", err)
		}
	})
	synthetic(t, "new session, but the call cannot connect", func(t *testing.T) {
		account := serveAccount(t)
		account.accept = 2
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()                                         // a response before the whole request could be that to another one
			if r.URL.Path == "/set/ptr" || len(account.logins) == 1 { // the rejected call, and the second login
				w.Header().Set("Connection", "close")
			}
			account.serve(w, r)
		})
		s.dialError = func(dial int64) error {
			if dial > 2 {
				return connectionRefused(dial)
			}
			return nil
		}
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR)
		wantRejection(t, err)
		if account.wantLogins(t, 2); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("SetPTR = %v, want a refused connection", err)
		}
	})
	parallel(t, "source of the caller's own", func(t *testing.T) {
		client := newClient(t, serve(t, respondWith(401, jsonType, errorBody)).URL)
		other := newClient(t, unusedURL(t))
		source := failingRenewer(func(ctx context.Context) error {
			_, err := other.Login(ctx, credentials)
			return fmt.Errorf("mine: %w", err)
		})
		wantOutcome(t, client.SetPTR(t.Context(), source, onePTR), edis.OutcomeUnchanged, edis.ErrUnauthorized)
		if _, err := client.GetPTR(t.Context(), source, addr("192.0.2.1")); strings.Contains(err.Error(), "changed") {
			t.Errorf("GetPTR = %v, want nothing about changes: a read makes none", err)
		}
	})
}

// failingRenewer is a Renewer whose renewals fail.
type failingRenewer func(context.Context) error

func (failingRenewer) Session(context.Context) (edis.Session, error) { return session(), nil }

func (f failingRenewer) Renew(ctx context.Context, _ edis.Session) (edis.Session, error) {
	return edis.Session{}, f(ctx)
}
