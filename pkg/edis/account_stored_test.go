package edis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// storedSessions returns the sessions of a login of an hour ago, as a program may have
// stored them. The service accepts them.
func storedSessions() (kvm1, kvm2 edis.Session) {
	until := time.Now().Add(time.Hour)
	return edis.Session{KVMID: "kvm_1", Signature: "s3cr3t-stored1-100", ValidUntil: until},
		edis.Session{KVMID: "kvm_2", Signature: "s3cr3t-stored2-100", ValidUntil: until}
}

func TestStoredSessions(t *testing.T) {
	t.Parallel()
	var none edis.Credentials
	synthetic(t, "are used without a login", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		for _, login := range []edis.Credentials{credentials, none} {
			account := s.client.Account(login, kvm2, kvm1)
			if got := mustSession(t, account.Server("kvm_2")); got != kvm2 {
				t.Errorf("Session of kvm_2 = %+v, want the stored %+v", got, kvm2)
			}
			if err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR); err != nil {
				t.Errorf("SetPTR = %v", err)
			}
			if got, err := account.Sessions(t.Context()); err != nil || !slices.Equal(got, []edis.Session{kvm1, kvm2}) {
				t.Errorf("Sessions = %+v, %v, want the stored ones, sorted", got, err)
			}
		}
		s.wantLogins(t, 0)
	})
	synthetic(t, "are copied", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		stored := []edis.Session{kvm2, kvm1}
		account := s.client.Account(none, stored...)
		if !slices.Equal(stored, []edis.Session{kvm2, kvm1}) {
			t.Errorf("Account changed the order of the caller's sessions: %+v", stored)
		}
		stored[0].Signature, stored[1].Signature = "changed", "changed"
		if got := mustSession(t, account.Server("kvm_1")); got != kvm1 {
			t.Errorf("Session = %+v, want %+v as it was given", got, kvm1)
		}
	})
	synthetic(t, "the newest of each server counts", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		older, oldest, unusable := kvm1, kvm1, kvm1
		older.Signature, older.ValidUntil = "older", kvm1.ValidUntil.Add(-time.Minute)
		oldest.Signature, oldest.ValidUntil = "oldest", kvm1.ValidUntil.Add(-time.Hour)
		unusable.Signature, unusable.ValidUntil = "", kvm1.ValidUntil.Add(time.Hour)
		for _, stored := range [][]edis.Session{{kvm1, older, kvm2, oldest, unusable}, {unusable, oldest, older, kvm2, kvm1}, {oldest, kvm1, unusable, older, kvm2}} {
			account := s.client.Account(none, stored...)
			if got := mustSession(t, account.Server("kvm_1")); got != kvm1 {
				t.Errorf("Session = %+v, want the newest %+v", got, kvm1)
			}
		}
	})
	synthetic(t, "one that no call can use costs no login while another can be used", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, _ := storedSessions()
		stored := []edis.Session{kvm1, {KVMID: "kvm_2"}}
		if got, err := s.client.Account(credentials, stored...).Sessions(t.Context()); err != nil || !slices.Equal(got, stored) {
			t.Errorf("Sessions = %+v, %v, want the stored %+v", got, err, stored)
		}
		s.wantLogins(t, 0)
	})
	synthetic(t, "one that has expired costs one login for all", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		kvm1.ValidUntil = time.Now()
		account := s.client.Account(credentials, kvm1, kvm2)
		if got := mustSession(t, account.Server("kvm_2")); got != kvm2 {
			t.Errorf("Session of kvm_2 = %+v, want the stored one: it has not expired", got)
		}
		s.wantLogins(t, 0)
		if got := mustSession(t, account.Server("kvm_1")); got.Signature != "s3cr3t-kvm_1-1" {
			t.Errorf("Session of kvm_1 = %+v, want that of the first login", got)
		}
		if got := mustSession(t, account.Server("kvm_2")); got.Signature != "s3cr3t-kvm_2-1" {
			t.Errorf("Session of kvm_2 = %+v, want that of the first login", got)
		}
		s.wantLogins(t, 1)
	})
	synthetic(t, "one in its last minute is used if the login fails or there is none", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, _ := storedSessions()
		kvm1.ValidUntil = time.Now().Add(time.Minute)
		s.login = serverError
		for logins, account := range []*edis.Account{s.client.Account(none, kvm1), s.client.Account(credentials, kvm1)} {
			if got := mustSession(t, account); got != kvm1 {
				t.Errorf("Session = %+v, want the stored one", got)
			}
			s.wantLogins(t, logins)
		}
	})
	synthetic(t, "an ID not among them costs one login before it is no server", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, _ := storedSessions()
		account := s.client.Account(credentials, kvm1)
		if got := mustSession(t, account.Server("kvm_2")); got.Signature != "s3cr3t-kvm_2-1" {
			t.Errorf("Session of kvm_2 = %+v, want that of the first login", got)
		}
		for range 3 {
			_, err := account.Server("kvm_3").Session(t.Context())
			wantErrorIs(t, err, edis.ErrInvalidInput)
		}
		s.wantLogins(t, 1)
	})
	synthetic(t, "without credentials a login that is needed is invalid input", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		s.accept = 101
		account := s.client.Account(none, kvm1, kvm2)
		_, err := account.Server("kvm_3").Session(t.Context())
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
		err = s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR) // rejected
		wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrInvalidInput, edis.ErrUnauthorized)
		time.Sleep(time.Hour) // both expire
		err = s.client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
		_, err = account.Sessions(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if s.wantLogins(t, 0); s.requests.Load() != 1 {
			t.Errorf("%d requests, want only the call that was rejected", s.requests.Load())
		}
	})
	synthetic(t, "one that the service rejects costs one login", func(t *testing.T) {
		s := serveAccount(t)
		kvm1, kvm2 := storedSessions()
		kvm1.Signature, kvm2.Signature = "s3cr3t-stored1-0", "s3cr3t-stored2-0"
		s.accept = 1
		account := s.client.Account(credentials, kvm1, kvm2)
		for _, id := range []string{"kvm_1", "kvm_2"} {
			if err := s.client.SetPTR(t.Context(), account.Server(id), onePTR); err != nil {
				t.Errorf("SetPTR of %s = %v", id, err)
			}
		}
		s.wantLogins(t, 1)
	})
}
