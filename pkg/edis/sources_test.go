package edis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// AuthURL is validated like RDNSURL: credentials are sent there.
func TestAuthURLIsChecked(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"http://a.example", "http://192.0.2.1", "ftp://a.example", "a.example", "https://user:hunter2@a.example", "https://a.example?token=hunter2", "https://a.example#f"} {
		_, err := edis.NewClient(&edis.Options{AuthURL: u})
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if input := new(edis.InputError); !errors.As(err, &input) || input.Field != "Options.AuthURL" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("NewClient with AuthURL %q = %v, want an InputError of Options.AuthURL without the password", u, err)
		}
	}
	for _, u := range []string{"http://127.0.0.1:1", "http://[::1]:1/base", "http://localhost", "https://a.example:444/base/"} {
		if _, err := edis.NewClient(&edis.Options{AuthURL: u}); err != nil {
			t.Errorf("NewClient with AuthURL %q = %v", u, err)
		}
	}
}

// The base paths of both URLs are kept, with or without a slash at the end.
func TestBasePaths(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		paths := make(chan string, 2)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			paths <- r.URL.Path
			respondWith(200, jsonType, loginResponse(""))(w, r)
		})
		client := newClient(t, "", func(o *edis.Options) { o.RDNSURL, o.AuthURL = s.URL+"/dns/v1"+slash, s.URL+"/auth/v2"+slash })
		if err := client.SetPTR(t.Context(), client.Account(credentials), onePTR); err != nil {
			t.Fatal(err)
		}
		if login, set := <-paths, <-paths; login != "/auth/v2/kvm/v2/get/auth" || set != "/dns/v1/set/ptr" {
			t.Errorf("login at %s and call at %s, want /auth/v2/kvm/v2/get/auth and /dns/v1/set/ptr", login, set)
		}
	}
}

// ConfirmPTR waits for the last record, not for the first.
func TestConfirmPTRWaitsForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		client := clientReading(t, func() map[string]string {
			shown := map[string]string{"192.0.2.10": "a.example"}
			if time.Since(started) >= 20*time.Second {
				shown["192.0.2.11"] = "b.example"
			}
			return shown
		})
		differing, err := client.ConfirmPTR(t.Context(), session(), twoPTRs)
		if err != nil || len(differing) != 0 || time.Since(started) < 20*time.Second {
			t.Errorf("ConfirmPTR = %v, %v after %v, want no differences after 20s", differing, err, time.Since(started))
		}
	})
}

// If a later read fails, ConfirmPTR returns its error and what differed before.
func TestConfirmPTRKeepsDiffering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, inOrder(
			respondWith(200, jsonType, `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"a.example"},{"ip":"192.0.2.11","ptr_record":"old.example"}]}`),
			respondWith(401, jsonType, errorBody),
		))
		differing, err := s.client.ConfirmPTR(t.Context(), session(), twoPTRs)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if want := map[netip.Addr]string{addr("192.0.2.11"): "old.example"}; !maps.Equal(differing, want) {
			t.Errorf("ConfirmPTR = %v, %v, want %v", differing, err, want)
		}
	})
}

// ConfirmPTR permits an underscore if the Options do.
func TestConfirmPTRUnderscore(t *testing.T) {
	t.Parallel()
	s := serve(t, respondWith(200, jsonType, `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"a_b.example"}]}`))
	want := map[netip.Addr]string{addr("192.0.2.10"): "A_b.example"}
	client := newClient(t, s.URL, func(o *edis.Options) { o.AllowUnderscore = true })
	if differing, err := client.ConfirmPTR(t.Context(), session(), want); err != nil || len(differing) != 0 {
		t.Errorf("ConfirmPTR(%v) = %v, %v, want no differences", want, differing, err)
	}
	_, err := newClient(t, s.URL).ConfirmPTR(t.Context(), session(), want)
	wantErrorIs(t, err, edis.ErrInvalidInput)
}

// If the session of many callers is rejected at different times, one logs in and all
// succeed.
func TestLateRejectionsRenewOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins, rejections atomic.Int64
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/set/ptr":
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
	})
}

// A caller that waits for a login, its own or another caller's, stops when its context is
// done. A context that is already done starts no login.
func TestWaiterEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			logins++
			time.Sleep(10 * time.Second)
			respondWith(200, jsonType, loginResponse(""))(w, r)
		})
		account := s.client.Account(credentials)
		ask := map[string]func(context.Context) error{
			"Session": func(ctx context.Context) error {
				_, err := account.Server("kvm_1").Session(ctx)
				return err
			},
			"Sessions": func(ctx context.Context) error {
				_, err := account.Sessions(ctx)
				return err
			},
		}
		for name, call := range ask {
			if err := call(canceledContext(t)); !errors.Is(err, context.Canceled) {
				t.Errorf("%s with a canceled context = %v, want context.Canceled", name, err)
			}
		}
		synctest.Wait()
		if logins != 0 {
			t.Errorf("%d logins of canceled contexts, want 0", logins)
		}
		for name, call := range ask {
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				started := time.Now()
				if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
					t.Errorf("%s = %v after %v, want context.DeadlineExceeded after 1s", name, err, time.Since(started))
				}
				cancel()
			}
		}
		if err := ask["Session"](t.Context()); err != nil || logins != 1 {
			t.Errorf("Session = %v after %d logins, want nil after 1", err, logins)
		}
	})
}

// unusableSessions are sessions that must not be sent.
var unusableSessions = map[string]func(*edis.Session){
	"no KVM ID":          func(s *edis.Session) { s.KVMID = "" },
	"no signature":       func(s *edis.Session) { s.Signature = "" },
	"control characters": func(s *edis.Session) { s.Signature += "\n" },
	"no time":            func(s *edis.Session) { s.ValidUntil = time.Time{} },
	"hostile host":       func(s *edis.Session) { s.APIHost = "evil.example/x" },
}

// A renewingSource is a Renewer that has a session of its own for each use.
type renewingSource struct{ first, renewed edis.Session }

func (s renewingSource) Session(context.Context) (edis.Session, error) { return s.first, nil }

func (s renewingSource) Renew(context.Context, edis.Session) (edis.Session, error) {
	return s.renewed, nil
}

// The session of a caller's source is checked before it is sent, and so is one that
// replaces it.
func TestSessionOfSourceIsChecked(t *testing.T) {
	t.Parallel()
	for name, spoil := range unusableSessions {
		bad := session()
		spoil(&bad)
		for _, source := range []edis.SessionSource{
			sourceFunc(func(context.Context) (edis.Session, error) { return bad, nil }),
			renewingSource{bad, session()},
		} {
			s := serve(t, succeed)
			err := newClient(t, s.URL).SetPTR(t.Context(), source, onePTR)
			if !errors.Is(err, edis.ErrInvalidInput) || !errors.Is(err, edis.ErrNotSent) {
				t.Errorf("SetPTR with %s in the session of %T = %v, want ErrInvalidInput and ErrNotSent", name, source, err)
			}
			wantRequests(t, s, 0)
		}
		s := serve(t, respondWith(401, jsonType, errorBody))
		err := newClient(t, s.URL).SetPTR(t.Context(), renewingSource{session(), bad}, onePTR)
		if !errors.Is(err, edis.ErrUnauthorized) || !errors.Is(err, edis.ErrInvalidInput) {
			t.Errorf("SetPTR with %s in the renewed session = %v, want ErrUnauthorized and ErrInvalidInput", name, err)
		}
		wantRequests(t, s, 1)
	}
	expired := session()
	expired.ValidUntil = time.Now().Add(-time.Second)
	s := serve(t, succeed)
	err := newClient(t, s.URL).SetPTR(t.Context(), sourceFunc(func(context.Context) (edis.Session, error) { return expired, nil }), onePTR)
	wantErrorIs(t, err, edis.ErrSessionExpired, edis.ErrNotSent)
	wantRequests(t, s, 0)
}

// A pointer to a Session is a source like the Session, and validated like it.
func TestSessionPointer(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	client, pointed := newClient(t, s.URL), session()
	if err := client.SetPTR(t.Context(), &pointed, onePTR); err != nil {
		t.Errorf("SetPTR with a *Session = %v", err)
	}
	pointed.KVMID = ""
	if err := client.SetPTR(t.Context(), &pointed, onePTR); !errors.Is(err, edis.ErrInvalidInput) {
		t.Errorf("SetPTR with a *Session without a KVM ID = %v, want ErrInvalidInput", err)
	}
	wantRequests(t, s, 1)
}

// The session of one server is never used for another, even if the account has only one,
// or has several and none is named.
func TestOtherServersSessionIsNotUsed(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	server.AddAccount(edistest.Account{Email: "two@example.com", Password: "p", KVMs: []edistest.KVM{{ID: "kvm_1"}, {ID: "kvm_2"}}})
	only := client.Account(server.Credentials())
	several := client.Account(edis.Credentials{Email: "two@example.com", Password: "p"})
	for name, source := range map[string]edis.SessionSource{
		"another server of an account with one": only.Server("kvm_1"),
		"a server of another account":           several.Server(server.Session().KVMID),
		"none of several":                       several,
		"a part of an id":                       several.Server("kvm_"),
	} {
		err := client.SetPTR(t.Context(), source, onePTR)
		wantErrorIs(t, err, edis.ErrInvalidInput, edis.ErrNotSent)
		if err == nil {
			t.Errorf("SetPTR for %s = nil, want an error", name)
		}
	}
	if len(server.PTRs()) != 0 || len(server.Requests()) != 2 {
		t.Errorf("%d requests and the records %v, want 2 logins and no record", len(server.Requests()), server.PTRs())
	}
}

// A server is suspended only if the service says so.
func TestSuspended(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{"": false, `,"suspended":null`: false, `,"suspended":""`: false, `,"suspended":"n"`: false, `,"suspended":"y"`: true} {
		sessions, err := newClient(t, serve(t, respondWith(200, jsonType, loginResponse(fields))).URL).Login(t.Context(), credentials)
		if err != nil || len(sessions) != 1 || sessions[0].Suspended != want {
			t.Errorf("Login with %q = %v, %v, want Suspended %v", fields, sessions, err, want)
		}
	}
}

// A session of a login that has no KVM ID is not returned, and not used for a call.
func TestLoginWithoutKVMID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", `"kvm_id":"",`} {
		body := strings.Replace(loginResponse(""), `"kvm_1":{"kvm_id":"kvm_1",`, `"":{`+id, 1)
		s := serve(t, respondWith(200, jsonType, body))
		client := newClient(t, s.URL)
		sessions, err := client.Login(t.Context(), credentials)
		if err == nil && len(sessions) > 0 {
			t.Errorf("Login with %s = %v, want no session", body, sessions)
		}
		if err := client.SetPTR(t.Context(), client.Account(credentials), onePTR); !errors.Is(err, edis.ErrNotSent) {
			t.Errorf("SetPTR after a login with %s = %v, want ErrNotSent", body, err)
		}
		wantRequests(t, s, 2)
	}
}

// The time of an expiry is in UTC, whatever the zone that the caller gives it in.
func TestExpiryIsInUTC(t *testing.T) {
	t.Parallel()
	s := session()
	s.ValidUntil = time.Date(2025, 1, 21, 17, 13, 20, 0, time.FixedZone("", 3600))
	err := newClient(t, "").SetPTR(t.Context(), s, onePTR)
	if !strings.Contains(fmt.Sprint(err), "2025-01-21T16:13:20Z") {
		t.Errorf("SetPTR = %v, want an error with 2025-01-21T16:13:20Z", err)
	}
}

// The times of logins are in UTC, whatever the zone of the machine.
func TestLoginTimesAreInUTC(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_ZONE") == "" {
		runInChild(t, "EDIS_TEST_ZONE=yes", "TZ=Asia/Tokyo")
		return
	}
	if _, offset := time.Now().Zone(); offset == 0 {
		t.Skip("needs the time zone database")
	}
	for status, want := range map[int]string{401: `the login was at \S+Z; it is not repeated`, 500: `the login was at \S+Z; the next is not before \S+Z`} {
		account := newClient(t, serve(t, respondWith(status, jsonType, errorBody)).URL).Account(credentials)
		_, _ = account.Session(t.Context())
		if _, err := account.Session(t.Context()); !regexp.MustCompile(want).MatchString(fmt.Sprint(err)) {
			t.Errorf("second Session after a login with status %d = %v, want %q in UTC", status, err, want)
		}
	}
}

// Control and format characters in the zone of an address, be it the caller's or that of
// the service, do not reach the terminal that an error is printed on.
func TestZoneIsNotPrinted(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b[2J\u202e"
	zoned := addr("fe80::1%" + hostile)
	s := serve(t, respondWith(200, jsonType, `{"status":"success","records":[{"ip":"fe80::1%\u001b[2J\u202e","ptr_record":"a.example"}]}`))
	client := newClient(t, s.URL)
	calls := map[string]func() error{
		"SetPTR":               func() error { return client.SetPTR(t.Context(), session(), map[netip.Addr]string{zoned: "a.example"}) },
		"SetPTR of a bad name": func() error { return client.SetPTR(t.Context(), session(), map[netip.Addr]string{zoned: "a b"}) },
		"DeletePTR":            func() error { return client.DeletePTR(t.Context(), session(), zoned) },
		"GetPTR": func() error {
			_, err := client.GetPTR(t.Context(), session(), zoned)
			return err
		},
		"GetPTR with a zone in the response": func() error {
			_, err := client.GetPTR(t.Context(), session(), addr("192.0.2.1"))
			return err
		},
		"ConfirmPTR": func() error {
			_, err := client.ConfirmPTR(t.Context(), session(), map[netip.Addr]string{zoned: "a b"})
			return err
		},
	}
	for name, call := range calls {
		err := call()
		if err == nil {
			t.Errorf("%s with a zone = nil, want an error", name)
			continue
		}
		walk(err, func(cause error) {
			if text := cause.Error(); strings.Contains(text, "\x1b") || strings.Contains(text, "\u202e") {
				t.Errorf("%s with a zone = %q, want no control or format characters", name, text)
			}
			if input := new(edis.InputError); errors.As(cause, &input) && strings.Contains(input.Field, "\x1b") {
				t.Errorf("%s with a zone: Field = %q, want no control characters", name, input.Field)
			}
		})
	}
}

// The error of a caller's Renew does not show the session either.
func TestRenewErrorIsRedacted(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, respondWith(401, jsonType, errorBody)).URL)
	err := client.SetPTR(t.Context(), loggingIn{func(context.Context) error { return fmt.Errorf("cannot renew %q", signature) }}, onePTR)
	wantErrorIs(t, err, edis.ErrUnauthorized)
	walk(err, func(cause error) { wantSafeText(t, cause) })
}

// The error of a source does not control the terminal.
func TestSourceErrorIsPrintable(t *testing.T) {
	t.Parallel()
	err := newClient(t, "http://127.0.0.1:1").SetPTR(t.Context(), sourceFunc(func(context.Context) (edis.Session, error) {
		return edis.Session{}, errors.New("a\x1b[2Jb\nc")
	}), onePTR)
	if err == nil || !strings.Contains(err.Error(), "a [2Jb c") {
		t.Errorf("SetPTR = %q, want printable text", err)
	}
}

// Like TestOldSignatureAloneIsRedacted, but no other secret begins like the old
// signature.
func TestOldSignatureAloneIsRedacted(t *testing.T) {
	t.Parallel()
	old := session()
	old.Signature = "0ld-signature"
	s := serve(t, inOrder(respondWith(401, jsonType, errorBody), respondWith(400, jsonType, `{"status":"error","error":"0ld-signature has expired"}`)))
	err := newClient(t, s.URL).SetPTR(t.Context(), renewingSource{old, session()}, onePTR)
	wantErrorIs(t, err)
	if strings.Contains(err.Error(), "0ld-sig") {
		t.Errorf("SetPTR = %v, want it without the old signature", err)
	}
}
