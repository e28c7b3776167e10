package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// unusableSessions are sessions that must not be sent, with the field that is invalid.
var unusableSessions = map[string]struct {
	field string
	spoil func(*edis.Session)
}{
	"no KVM ID":                  {"Session.KVMID", func(s *edis.Session) { s.KVMID = "" }},
	"KVM ID with an escape":      {"Session.KVMID", func(s *edis.Session) { s.KVMID += "\x1b[2J" }},
	"KVM ID with NUL":            {"Session.KVMID", func(s *edis.Session) { s.KVMID += "\x00" }},
	"KVM ID with next line":      {"Session.KVMID", func(s *edis.Session) { s.KVMID += "\u0085" }},
	"KVM ID with override":       {"Session.KVMID", func(s *edis.Session) { s.KVMID += "\u202e" }},
	"KVM ID with invisible char": {"Session.KVMID", func(s *edis.Session) { s.KVMID += "\u200b" }},
	"no signature":               {"Session.Signature", func(s *edis.Session) { s.Signature = "" }},
	"redacted signature":         {"Session.Signature", func(s *edis.Session) { s.Signature = "[redacted]" }},
	"signature with line end":    {"Session.Signature", func(s *edis.Session) { s.Signature += "\n" }},
	"signature not UTF-8":        {"Session.Signature", func(s *edis.Session) { s.Signature += "\xff" }},
	"signature over 1 KiB":       {"Session.Signature", func(s *edis.Session) { s.Signature = edis.Secret(strings.Repeat("s", 1025)) }},
	"no time":                    {"Session.ValidUntil", func(s *edis.Session) { s.ValidUntil = time.Time{} }},
	"API host with path":         {"Session.APIHost", func(s *edis.Session) { s.APIHost = "evil.example/x?y=" }},
	"API host with port":         {"Session.APIHost", func(s *edis.Session) { s.APIHost = "evil.example:80" }},
	"API host with line end":     {"Session.APIHost", func(s *edis.Session) { s.APIHost = "evil.example\nx" }},
	"API host with scheme":       {"Session.APIHost", func(s *edis.Session) { s.APIHost = "http://evil.example" }},
	"API host with user":         {"Session.APIHost", func(s *edis.Session) { s.APIHost = "user@evil.example" }},
}

func TestSession(t *testing.T) {
	t.Parallel()
	for name, unusable := range unusableSessions {
		parallel(t, name+" is refused", func(t *testing.T) {
			bad := session()
			unusable.spoil(&bad)
			accepting, rejecting := serve(t, succeed), serve(t, respondWith(401, jsonType, errorBody))
			client := newClient(t, accepting.URL)
			for source, src := range map[string]edis.SessionSource{
				"a Session":  bad,
				"a *Session": &bad,
				"a source":   sourceFunc(bad.Session),
				"a Renewer":  renewingSource{bad, session()},
			} {
				err := client.SetPTR(t.Context(), src, onePTR)
				wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrInvalidInput)
				input := new(edis.InputError)
				if !errors.As(err, &input) || input.Field != unusable.field || input.Reason == "" || strings.ContainsAny(err.Error(), "\x1b\x00\n\u0085\u202e\u200b") {
					t.Errorf("SetPTR with %s = %q, want a printable InputError of %s", source, err, unusable.field)
				}
			}
			wantRequests(t, accepting, 0)
			err := newClient(t, rejecting.URL).SetPTR(t.Context(), renewingSource{session(), bad}, onePTR)
			wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrInvalidInput, edis.ErrUnauthorized)
			wantRequests(t, rejecting, 1)
		})
	}
	parallel(t, "every invalid field is named in one error", func(t *testing.T) {
		err := newClient(t, "http://127.0.0.1:1").SetPTR(t.Context(), edis.Session{}, onePTR)
		if want := "edis: setPTR: Session.KVMID is empty; Session.Signature is empty; Session.ValidUntil is not set; not sent, nothing changed"; err == nil || err.Error() != want {
			t.Errorf("SetPTR = %q, want %q", err, want)
		}
	})
	parallel(t, "all sources send the same session", func(t *testing.T) {
		want := session()
		for source, src := range map[string]edis.SessionSource{
			"a Session": want, "a *Session": &want, "a source": sourceFunc(want.Session), "a Renewer": renewingSource{first: want},
		} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("kvm_id") != want.KVMID || r.FormValue("signature") != signature || r.FormValue("api_host") != want.APIHost || r.FormValue("valid_until") != strconv.FormatInt(want.ValidUntil.Unix(), 10) {
					t.Errorf("%s sends %v, want the fields of %+v", source, r.Form, want)
				}
				succeed(w, r)
			})
			if err := newClient(t, s.URL).SetPTR(t.Context(), src, onePTR); err != nil {
				t.Errorf("SetPTR with %s = %v", source, err)
			}
		}
	})
	parallel(t, "without API host it is sent without", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if _ = r.ParseForm(); r.Form.Has("api_host") {
				t.Errorf("SetPTR sent %v, want no api_host", r.Form)
			}
			succeed(w, r)
		})
		without := session()
		without.APIHost = ""
		if err := newClient(t, s.URL).SetPTR(t.Context(), without, onePTR); err != nil {
			t.Error(err)
		}
	})
	parallel(t, "the error of a source is kept, and nothing is sent", func(t *testing.T) {
		errNoSession := errors.New("no session")
		s := serve(t, succeed)
		err := newClient(t, s.URL).SetPTR(t.Context(), sourceFunc(func(context.Context) (edis.Session, error) {
			return session(), errNoSession
		}), onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent)
		if !errors.Is(err, errNoSession) {
			t.Errorf("errors.Is(%v, errNoSession) = false, want true", err)
		}
		wantRequests(t, s, 0)
	})
	parallel(t, "a context that ends while the source works sends nothing", func(t *testing.T) {
		s := serve(t, succeed)
		ctx, cancel := context.WithCancel(t.Context())
		err := newClient(t, s.URL).SetPTR(ctx, sourceFunc(func(context.Context) (edis.Session, error) {
			cancel()
			return session(), nil
		}), onePTR)
		wantOutcome(t, err, edis.OutcomeNotSent)
		wantRequests(t, s, 0)
	})
}

func TestExpiredSession(t *testing.T) {
	t.Parallel()
	synthetic(t, "is not sent", func(t *testing.T) {
		s := serveInMemory(t, succeed)
		expired := session()
		expired.ValidUntil = time.Date(2000, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)) // now
		for _, source := range []edis.SessionSource{expired, &expired, sourceFunc(expired.Session)} {
			err := s.client.SetPTR(t.Context(), source, onePTR)
			wantOutcome(t, err, edis.OutcomeNotSent, edis.ErrSessionExpired)
			if want := "session expired at 2000-01-01T00:00:00Z by the clock of this machine; log in again"; !strings.Contains(err.Error(), want) {
				t.Errorf("SetPTR = %v, want %q", err, want)
			}
		}
		if s.requests.Load() != 0 {
			t.Errorf("%d requests, want 0", s.requests.Load())
		}
		expired.ValidUntil = expired.ValidUntil.Add(1)
		if err := s.client.SetPTR(t.Context(), expired, onePTR); err != nil {
			t.Errorf("SetPTR with a session that has not expired = %v", err)
		}
	})
	synthetic(t, "is sent if its source is a Renewer", func(t *testing.T) {
		s := serveInMemory(t, succeed)
		expired := session()
		expired.ValidUntil = time.Now().Add(-time.Hour)
		if err := s.client.SetPTR(t.Context(), renewingSource{first: expired}, onePTR); err != nil {
			t.Errorf("SetPTR = %v, want nil: the service decides", err)
		}
	})
}

// A countingSource is what callers write around an Account.
type countingSource struct {
	edis.Renewer
	sessions, renewals int
}

func (c *countingSource) Session(ctx context.Context) (edis.Session, error) {
	c.sessions++
	return c.Renewer.Session(ctx)
}

func (c *countingSource) Renew(ctx context.Context, rejected edis.Session) (edis.Session, error) {
	c.renewals++
	session, err := c.Renewer.Renew(ctx, rejected)
	if err != nil {
		err = fmt.Errorf("my vault: %w", err)
	}
	return session, err
}

func TestRenewerOfACaller(t *testing.T) {
	t.Parallel()
	synthetic(t, "around an Account, it renews like the Account", func(t *testing.T) {
		s := serveAccount(t)
		wrapper := &countingSource{Renewer: s.client.Account(credentials).Server("kvm_1")}
		s.accept = 2
		if err := s.client.SetPTR(t.Context(), wrapper, onePTR); err != nil || wrapper.sessions != 1 || wrapper.renewals != 1 {
			t.Errorf("SetPTR = %v after %d sessions and %d renewals, want nil after one each", err, wrapper.sessions, wrapper.renewals)
		}
		s.set(func() { s.accept, s.login = 3, serverError })
		time.Sleep(time.Minute)
		err := s.client.SetPTR(t.Context(), wrapper, onePTR)
		wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrUnauthorized, edis.ErrServer)
		if failed := new(edis.CallError); !errors.As(err, &failed) || !failed.Retryable || failed.RetryAfter == 0 || !strings.Contains(err.Error(), "my vault: ") {
			t.Errorf("SetPTR = %v, want the error of the wrapper, and when to repeat the call", err)
		}
	})
	parallel(t, "of its own, it is asked once for another session", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("signature") == "second" {
				succeed(w, r)
				return
			}
			respondWith(401, jsonType, errorBody)(w, r)
		})
		first, second := session(), session()
		second.Signature = "second"
		if err := newClient(t, s.URL).SetPTR(t.Context(), renewingSource{first, second}, onePTR); err != nil {
			t.Errorf("SetPTR = %v", err)
		}
		wantRequests(t, s, 2)
		wantErrorIs(t, newClient(t, s.URL).SetPTR(t.Context(), renewingSource{first, first}, onePTR), edis.ErrUnauthorized)
		wantRequests(t, s, 4)
	})
	parallel(t, "the session of another server is refused", func(t *testing.T) {
		s := serve(t, respondWith(401, jsonType, errorBody))
		other := session()
		other.KVMID, other.Signature = "kvm_other", "s3cr3t-other"
		err := newClient(t, s.URL).SetPTR(t.Context(), renewingSource{session(), other}, onePTR)
		wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrInvalidInput, edis.ErrUnauthorized)
		if input := new(edis.InputError); !errors.As(err, &input) || input.Value != "kvm_other" || !strings.Contains(input.Reason, session().KVMID) {
			t.Errorf("SetPTR = %v, want an InputError that names both servers", err)
		}
		wantRequests(t, s, 1)
	})
	parallel(t, "its contexts are those of the call", func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "of the call")
		asked := 0
		check := func(ctx context.Context) error {
			if asked++; ctx.Value(key{}) != "of the call" {
				t.Error("a source got another context than that of the call")
			}
			return errors.New("none")
		}
		client := newClient(t, serve(t, respondWith(401, jsonType, errorBody)).URL)
		_ = client.SetPTR(ctx, sourceFunc(func(ctx context.Context) (edis.Session, error) { return session(), check(ctx) }), onePTR)
		_ = client.SetPTR(ctx, failingRenewer(check), onePTR)
		if asked != 2 {
			t.Errorf("sources were asked %d times, want 2", asked)
		}
	})
}

// An Account logs in with the values of the context, for a RoundTripper that traces, and
// without its end.
func TestLoginOfAnAccountHasTheValuesOfTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		s := serveAccount(t)
		transport, seen := &http.Transport{DialContext: s.dial}, 0
		defer transport.CloseIdleConnections()
		client := newClient(t, "http://127.0.0.1", func(o *edis.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Context().Value(key{}) == "trace" {
					seen++
				}
				return transport.RoundTrip(r)
			})}
		})
		if err := client.SetPTR(context.WithValue(t.Context(), key{}, "trace"), client.Account(credentials).Server("kvm_1"), onePTR); err != nil || seen != 2 {
			t.Errorf("SetPTR = %v, %d requests had the value of the context, want 2", err, seen)
		}
	})
}
