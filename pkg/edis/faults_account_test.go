package edis_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// accountFaults are faults that show in the use of an Account, and in the errors of its
// calls.
var accountFaults = []fault{
	{id: "F24-expired-with-account", run: testExpiredSessionOfAccount},
	{id: "F64-second-401", run: testSecondRejection},
	{id: "F73-one-login", run: testOneLogin},
	{id: "F74-login-refused", run: testLoginRefused},
	{id: "F77-login-fails", run: testLoginFails},
	{id: "F78-renewal-cannot-connect", run: testRenewalCannotConnect},
	{id: "F79-unknown-before-renewal", run: testUnknownBeforeRenewal},
	{id: "F80-wrapped-account", run: testWrappedAccount},
	{id: "F81-renewal-fails", run: testRenewalFails},
	{id: "F82-errors-as", run: testErrorsAs},
	{id: "F83-no-time-for-a-pause", run: testNoTimeForPause},
	{id: "F84-changed-slice", run: testChangedSlice},
	{id: "F88-text-of-a-failure", run: testTextOfFailure},
	{id: "F90-list-refused", run: testListRefused},
	{id: "F99-always-rejected", run: testAlwaysRejected},
}

// An accountService is a service in synthetic time with an account of two KVM servers,
// kvm_1 and kvm_2. The signatures of a login end in its number.
type accountService struct {
	*memoryService
	mutex    sync.Mutex
	logins   []time.Time
	lifetime time.Duration    // of a session; 24 hours if it is 0
	login    http.HandlerFunc // in place of the usual one, if it is not nil
	accept   int              // number of the oldest login whose sessions are accepted
	ptr      http.HandlerFunc // for accepted calls; succeed if it is nil
}

func serveAccount(t *testing.T, change ...func(*edis.Options)) *accountService {
	t.Helper()
	s := &accountService{}
	s.memoryService = serveInMemory(t, s.serve, change...)
	return s
}

func (s *accountService) serve(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if r.URL.Path == "/kvm/v2/get/auth" {
		s.logins = append(s.logins, time.Now())
		if s.login != nil {
			s.login(w, r)
			return
		}
		respondWith(200, jsonType, s.loginBody())(w, r)
		return
	}
	signature := r.FormValue("signature")
	login, err := strconv.Atoi(signature[strings.LastIndex(signature, "-")+1:])
	switch {
	case err != nil || login < s.accept:
		respondWith(401, jsonType, errorBody)(w, r)
	case s.ptr != nil:
		s.ptr(w, r)
	default:
		succeed(w, r)
	}
}

func (s *accountService) loginBody() string {
	lifetime := s.lifetime
	if lifetime == 0 {
		lifetime = 24 * time.Hour
	}
	const session = `"kvm_%d":{"kvm_id":"kvm_%[1]d","signature":"s3cr3t-kvm_%[1]d-%[2]d","api_host":"1.edis.example","valid_until":%[3]d}`
	until := time.Now().Add(lifetime).Unix()
	return fmt.Sprintf(`{"status":"success","data":{`+session+`,`+strings.ReplaceAll(session, "[1]", "[4]")+`}}`, 1, len(s.logins), until, 2)
}

// set changes the service between two calls.
func (s *accountService) set(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
}

func (s *accountService) wantLogins(t *testing.T, want int) {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.logins) != want {
		t.Errorf("%d logins, want %d", len(s.logins), want)
	}
}

// testExpiredSessionOfAccount is the part of row F24 that uses an Account.
func testExpiredSessionOfAccount(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		for _, wantLogins := range []int{1, 2} {
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Errorf("SetPTR = %v", err)
			}
			s.wantLogins(t, wantLogins)
			time.Sleep(25 * time.Hour) // the session expires
		}
	})
	// The clock of this machine is a day ahead: every session looks expired.
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.lifetime = -24 * time.Hour
		kvm := s.client.Account(credentials).Server("kvm_1")
		for range 3 {
			if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
				t.Errorf("SetPTR = %v, want nil although the session looks expired", err)
			}
			time.Sleep(time.Hour)
		}
		s.wantLogins(t, 1)
		s.set(func() { s.accept = 2 })
		if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
			t.Errorf("SetPTR after the session was rejected = %v", err)
		}
		s.wantLogins(t, 2)
	})
}

// testSecondRejection is the part of row F64 in which a new session is rejected too.
func testSecondRejection(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.accept = 3
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		wantAPIError(t, err, 401, "some reason")
		if got := s.requests.Load(); got != 4 {
			t.Errorf("%d requests, want 2 logins and 2 calls", got)
		}
	})
}

// failedLogins are the logins of row F77.
var failedLogins = map[string]http.HandlerFunc{
	"dropped":           drop,
	"rate limited":      respondWith(429, "", ""),
	"server error":      respondWith(500, jsonType, `{"error":"Oops","code":500,"message":"no"}`),
	"unavailable":       respondWith(503, "text/html", htmlBody),
	"truncated":         respondWith(200, jsonType, `{"status":"success","data":{`),
	"unusable response": respondWith(200, jsonType, `{}`),
	"retry later":       tooManyRequests("7"),
	"retry in a year":   tooManyRequests("31536000"),
}

// testLoginFails is row F77.
func testLoginFails(t *testing.T) {
	t.Helper()
	for name, handler := range failedLogins {
		synctest.Test(t, func(t *testing.T) {
			s := serveAccount(t)
			s.login = handler
			testLoginFailsAndRecovers(t, name, s, func() { s.set(func() { s.login = nil }) })
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t, func(o *edis.Options) { o.MaxAttempts = 1 })
		s.dialError = connectionRefused
		testLoginFailsAndRecovers(t, "refused connection", s, func() { s.dialError = nil })
	})
	// With a wrong clock, the certificate is not valid yet.
	clock := time.Unix(-1e9, 0) // 1938
	server := httptest.NewTLSServer(respondWith(200, jsonType, loginResponse("")))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL, func(o *edis.Options) {
		config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: certPool(server), Time: func() time.Time { return clock }}
		transport := &http.Transport{TLSClientConfig: config}
		t.Cleanup(transport.CloseIdleConnections)
		o.HTTPClient = &http.Client{Transport: transport}
	})
	account := client.Account(credentials)
	if _, err := account.Session(t.Context()); !errors.As(err, new(x509.CertificateInvalidError)) {
		t.Errorf("Session with a wrong clock = %v, want x509.CertificateInvalidError", err)
	}
	clock = time.Now()
	eventually(t, "a session after the clock was set", func() bool {
		_, err := account.Session(t.Context())
		return err == nil
	})
}

// testLoginFailsAndRecovers makes calls for an hour while logins fail.
func testLoginFailsAndRecovers(t *testing.T, name string, s *accountService, recoverLogins func()) {
	t.Helper()
	account := s.client.Account(credentials)
	for range 3600 {
		before := s.requests.Load() + s.dials.Load()
		started := time.Now()
		err := s.client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR)
		if !errors.Is(err, edis.ErrNotSent) || strings.Count(err.Error(), "nothing changed") != 1 {
			t.Fatalf("%s: SetPTR = %v, want ErrNotSent, and said once", name, err)
		}
		walk(err, func(cause error) { wantSafeText(t, cause) })
		asBefore := s.requests.Load()+s.dials.Load() == before
		if asBefore != strings.Contains(err.Error(), "the login was at 2000-01-01T") || asBefore && time.Since(started) > 0 {
			t.Fatalf("%s: SetPTR = %v, want it to say when the login was if and only if there is no new one", name, err)
		}
		time.Sleep(time.Second)
	}
	for i := 1; i < len(s.logins); i++ {
		least := min(time.Second<<min(i-1, 10), time.Minute)
		if name == "retry later" {
			least = max(least, 7*time.Second)
		}
		if pause := s.logins[i].Sub(s.logins[i-1]); pause < least || pause > max(least, 2*time.Second)+3*time.Second {
			if name != "retry in a year" || pause < time.Hour {
				t.Errorf("%s: login %d came %v after the one before, want %v", name, i+1, pause, least)
			}
		}
	}
	recoverLogins()
	time.Sleep(time.Hour)
	if err := s.client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR); err != nil {
		t.Errorf("%s: SetPTR after the logins work again = %v", name, err)
	}
}

// A process that has run for a day survives an hour of 503 at login, in which all its
// sessions expire, and no call fails while its session is valid.
func TestAccountSurvivesAnHourWithoutLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		kvm := s.client.Account(credentials).Server("kvm_1")
		started := time.Now()
		failed := 0
		for time.Since(started) < 48*time.Hour {
			age := time.Since(started)
			s.set(func() {
				s.login = nil
				if age >= 23*time.Hour+30*time.Minute && age < 24*time.Hour+30*time.Minute {
					s.login = respondWith(503, "text/html", htmlBody)
				}
			})
			err := s.client.SetPTR(t.Context(), kvm, onePTR)
			outage := age >= 24*time.Hour && age < 24*time.Hour+31*time.Minute // it takes up to a minute until the next login
			if err != nil {
				failed++
			}
			if err != nil && (!outage || !errors.Is(err, edis.ErrServer) || !errors.Is(err, edis.ErrNotSent)) {
				t.Fatalf("SetPTR after %v = %v", age, err)
			}
			time.Sleep(10 * time.Second)
		}
		if failed == 0 || failed > 31*6 {
			t.Errorf("%d calls failed, want those of 30 to 31 minutes", failed)
		}
		if len(s.logins) < 30 || len(s.logins) > 62 {
			t.Errorf("%d logins, want about one a minute while they fail", len(s.logins))
		}
	})
}

// testRenewalCannotConnect is row F78.
func testRenewalCannotConnect(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t, func(o *edis.Options) { o.MaxAttempts = 1 })
		s.ptr = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			succeed(w, r)
		}
		account := s.client.Account(credentials)
		kvm := account.Server("kvm_1")
		if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
			t.Fatal(err)
		}
		s.set(func() { s.accept, s.login = 2, drop })
		err := s.client.SetPTR(t.Context(), kvm, onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if session, err := kvm.Session(t.Context()); err == nil && session.Signature == "" || err != nil {
			t.Errorf("Session = %v, %v, want the last one", session, err)
		}
		s.set(func() { s.login = nil })
		time.Sleep(time.Second)
		if err := s.client.SetPTR(t.Context(), kvm, onePTR); err != nil {
			t.Errorf("SetPTR once the login is back = %v", err)
		}
		// The session of another server that works is not affected.
		s.set(func() { s.login = drop })
		if err := s.client.SetPTR(t.Context(), account.Server("kvm_2"), onePTR); err != nil {
			t.Errorf("SetPTR with a session that works = %v", err)
		}
	})
}

// testUnknownBeforeRenewal is row F79.
func testUnknownBeforeRenewal(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.ptr = inOrder(drop, respondWith(401, jsonType, errorBody), succeed)
		err := s.client.SetPTR(t.Context(), s.client.Account(credentials).Server("kvm_1"), onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized, edis.ErrOutcomeUnknown)
		s.wantLogins(t, 1)
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

// An ownSource is a Renewer that has nothing to do with an Account.
type ownSource struct{ renewals int }

func (o *ownSource) Session(context.Context) (edis.Session, error) {
	s := session()
	s.Signature, s.ValidUntil = fmt.Sprint("s3cr3t-own-", o.renewals), time.Now().Add(-time.Hour)
	return s, nil
}

func (o *ownSource) Renew(ctx context.Context, _ edis.Session) (edis.Session, error) {
	o.renewals++
	return o.Session(ctx)
}

// testWrappedAccount is row F80.
func testWrappedAccount(t *testing.T) {
	t.Helper()
	echo := func(w http.ResponseWriter, r *http.Request) {
		text := r.FormValue("signature") + " s3cr3t-own-0 s3cr3t-kvm_1-1 " + credentials.Email + " " + credentials.Password
		respondWith(400, jsonType, `{"status":"error","error":"`+strings.ReplaceAll(text, `"`, `\"`)+`"}`)(w, r)
	}
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		account := s.client.Account(credentials)
		wrapper := &countingSource{Renewer: account.Server("kvm_1")}
		s.accept = 2
		if err := s.client.SetPTR(t.Context(), wrapper, onePTR); err != nil || wrapper.sessions != 1 || wrapper.renewals != 1 {
			t.Errorf("SetPTR = %v after %d sessions and %d renewals, want nil after one each", err, wrapper.sessions, wrapper.renewals)
		}
		s.set(func() { s.ptr = echo })
		err := s.client.SetPTR(t.Context(), wrapper, onePTR)
		wantErrorIs(t, err)
		walk(err, func(cause error) { wantSafeText(t, cause) })
		s.set(func() { s.accept, s.login = 3, drop })
		time.Sleep(time.Minute)
		err = s.client.SetPTR(t.Context(), wrapper, onePTR)
		wantErrorIs(t, err, edis.ErrUnauthorized)
		if text := err.Error(); strings.Count(text, "nothing changed") != 1 || !strings.Contains(text, "my vault: edis: ") {
			t.Errorf("SetPTR = %q, want the error of the wrapper, and once that nothing changed", text)
		}
		own := &ownSource{}
		s.set(func() { s.accept = 1 })
		if err := s.client.SetPTR(t.Context(), own, onePTR); own.renewals != 1 {
			t.Errorf("SetPTR = %v after %d renewals, want 1", err, own.renewals)
		}
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.FormValue("signature"), "0") {
			respondWith(401, jsonType, errorBody)(w, r)
			return
		}
		echo(w, r)
	})
	err := newClient(t, s.URL).SetPTR(t.Context(), &ownSource{}, onePTR)
	wantErrorIs(t, err)
	walk(err, func(cause error) { wantSafeText(t, cause) })
}

// testRenewalFails is row F81.
func testRenewalFails(t *testing.T) {
	t.Helper()
	for name, login := range failedLogins {
		synctest.Test(t, func(t *testing.T) {
			s := serveAccount(t)
			account := s.client.Account(credentials)
			if _, err := account.Sessions(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.set(func() { s.accept, s.login = 2, login })
			err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR)
			if !errors.Is(err, edis.ErrUnauthorized) || errors.Is(err, edis.ErrNotSent) || errors.Is(err, edis.ErrOutcomeUnknown) {
				t.Errorf("%s: SetPTR = %v, want ErrUnauthorized of a call that was sent", name, err)
			}
			if text := err.Error(); strings.Count(text, "nothing changed") != 1 || strings.Contains(text, "not sent") || strings.Count(text, "edis: ") != 1 {
				t.Errorf("%s: SetPTR = %q, want it to say once that nothing changed", name, text)
			}
		})
	}
	// A source of one's own that logs in, and cannot.
	s := serve(t, respondWith(401, jsonType, errorBody))
	client := newClient(t, s.URL)
	other := newClient(t, unusedURL(t))
	source := loggingIn{func(ctx context.Context) error {
		_, err := other.Login(ctx, credentials)
		return fmt.Errorf("mine: %w", err)
	}}
	err := client.SetPTR(t.Context(), source, onePTR)
	wantErrorIs(t, err, edis.ErrUnauthorized)
	if strings.Count(err.Error(), "nothing changed") != 1 || strings.Contains(err.Error(), "not sent") {
		t.Errorf("SetPTR = %v, want it to say once that nothing changed", err)
	}
	if _, err = client.GetPTR(t.Context(), source, addr("192.0.2.1")); strings.Contains(err.Error(), "changed") {
		t.Errorf("GetPTR = %v, want nothing about changes: a read makes none", err)
	}
}

// loggingIn is a Renewer whose renewals fail.
type loggingIn struct{ login func(context.Context) error }

func (loggingIn) Session(context.Context) (edis.Session, error) { return session(), nil }

func (l loggingIn) Renew(ctx context.Context, _ edis.Session) (edis.Session, error) {
	return edis.Session{}, l.login(ctx)
}

// testErrorsAs is row F82.
func testErrorsAs(t *testing.T) {
	t.Helper()
	calls := map[string]func(*edis.Client) error{
		"SetPTR": func(c *edis.Client) error { return c.SetPTR(t.Context(), session(), onePTR) },
		"GetPTR": func(c *edis.Client) error {
			_, err := c.GetPTR(t.Context(), session(), addr("192.0.2.1"))
			return err
		},
		"Login": func(c *edis.Client) error {
			_, err := c.Login(t.Context(), credentials)
			return err
		},
		"Account": func(c *edis.Client) error { return c.SetPTR(t.Context(), c.Account(credentials), onePTR) },
	}
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(succeed))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a disconnect only after this
		<-r.Context().Done()
	})
	reset := listen(t, func(conn net.Conn) {
		_ = readRequest(conn)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	for name, call := range calls {
		err := call(newClient(t, unusedURL(t)))
		if !errors.As(err, new(*net.OpError)) || !errors.As(err, new(*url.Error)) {
			t.Errorf("%s without a connection = %v, want *net.OpError and *url.Error in it", name, err)
		}
		err = call(newClient(t, reset))
		if !errors.As(err, new(*net.OpError)) || !errors.As(err, new(*url.Error)) {
			t.Errorf("%s with a connection that is reset = %v, want *net.OpError and *url.Error in it", name, err)
		}
		err = call(newClient(t, untrusted.URL))
		if !errors.As(err, new(x509.UnknownAuthorityError)) || !errors.As(err, new(*tls.CertificateVerificationError)) {
			t.Errorf("%s with an untrusted certificate = %v, want x509.UnknownAuthorityError in it", name, err)
		}
		err = call(newClient(t, silent.URL, func(o *edis.Options) { o.Timeout = 20 * time.Millisecond }))
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() {
			t.Errorf("%s that times out = %v, want a net.Error with Timeout in it", name, err)
		}
	}
}

// testNoTimeForPause is row F83.
func testNoTimeForPause(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, tooManyRequests("20"))
		for range 100 { // more than the retries that all calls share
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			started := time.Now()
			err := s.client.SetPTR(ctx, session(), onePTR)
			if took := time.Since(started); took > 0 {
				t.Fatalf("SetPTR took %v, want it to return at once", took)
			}
			wantErrorIs(t, err, edis.ErrRateLimited, edis.ErrContract)
			cancel()
		}
		if got := s.requests.Load(); got != 100 {
			t.Errorf("%d requests, want 100", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second)
		defer cancel()
		if _ = s.client.SetPTR(ctx, session(), onePTR); s.requests.Load() != 102 {
			t.Errorf("%d requests with time for one pause, want 2", s.requests.Load()-100)
		}
	})
}

// testChangedSlice is row F84.
func testChangedSlice(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/get/ptr", "/del/ptr"} {
		addrs := []netip.Addr{addr("192.0.2.1"), addr("192.0.2.2")}
		forms := make(chan string, 2)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			forms <- r.FormValue("ip")
			respondWith(503, "text/html", "")(w, r)
		})
		source := sourceFunc(func(context.Context) (edis.Session, error) {
			addrs[0] = netip.Addr{}
			return session(), nil
		})
		client := newClient(t, s.URL)
		if path == "/get/ptr" {
			_, _ = client.GetPTR(t.Context(), source, addrs...)
		} else {
			_ = client.DeletePTR(t.Context(), source, addrs...)
		}
		if got := <-forms; got != `["192.0.2.1","192.0.2.2"]` {
			t.Errorf("%s got ip=%s, want the addresses as they were at the call", path, got)
		}
	}
}

// testTextOfFailure is row F88.
func testTextOfFailure(t *testing.T) {
	t.Helper()
	for _, status := range []int{400, 403, 404, 429, 500, 503} {
		for _, field := range []string{"error", "message"} {
			s := serve(t, respondWith(status, jsonType, `{"`+field+`":"some reason"}`))
			err := setPTR(t, s, onePTR)
			wantAPIError(t, err, status, "some reason")
			if strings.Count(err.Error(), "some reason") != 1 {
				t.Errorf("SetPTR = %v, want the text of the service once", err)
			}
		}
	}
}

// testListRefused is row F90.
func testListRefused(t *testing.T) {
	t.Helper()
	s := serve(t, respondWith(400, jsonType, `{"status":"error","error":"Required field 'ip' is missing."}`))
	_, err := newClient(t, s.URL).ListPTR(t.Context(), session())
	wantErrorIs(t, err)
	var api *edis.APIError
	if !errors.As(err, &api) || api.Status != 400 || !strings.Contains(err.Error(), "the service may not support listing") {
		t.Errorf("ListPTR = %v, want an APIError, and that the service may not support listing", err)
	}
}

// A login that is refused with the same status says nothing about lists.
func TestListWithoutLogin(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, respondWith(400, jsonType, `{"error":"Bad","code":400,"message":"no"}`)).URL)
	_, err := client.ListPTR(t.Context(), client.Account(credentials))
	wantErrorIs(t, err, edis.ErrNotSent)
	if strings.Contains(err.Error(), "listing") {
		t.Errorf("ListPTR = %v, want only that the login was refused", err)
	}
}

// testAlwaysRejected is row F99.
func testAlwaysRejected(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveAccount(t)
		s.accept = 1 << 30
		account := s.client.Account(credentials)
		for range 600 {
			before := len(s.logins)
			err := s.client.SetPTR(t.Context(), account.Server("kvm_1"), onePTR)
			wantErrorIs(t, err, edis.ErrUnauthorized)
			if now := len(s.logins); now > max(before, 1)+1 {
				t.Fatalf("%d logins for one call, want one renewal", now-before)
			} else if now == before && !strings.Contains(err.Error(), "rejects the session of a new login too") {
				t.Fatalf("SetPTR = %v, want it to say that a new session was rejected too", err)
			}
			time.Sleep(time.Second)
		}
		for i := 2; i < len(s.logins); i++ { // the first renewal is at once
			if pause, least := s.logins[i].Sub(s.logins[i-1]), min(time.Second<<min(i-2, 10), time.Minute); pause < least {
				t.Errorf("login %d came %v after the one before, want %v at least", i+1, pause, least)
			}
		}
	})
}

// Two hundred goroutines that use fifty servers of an account make one login.
func TestManyServersOneLogin(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	fleet := edistest.Account{Email: credentials.Email, Password: credentials.Password}
	for i := range 50 {
		fleet.KVMs = append(fleet.KVMs, edistest.KVM{ID: fmt.Sprint("kvm_", i), Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24)}})
	}
	server.AddAccount(fleet)
	server.Fail("createAuthSession", edistest.Fault{Delay: 20 * time.Millisecond})
	account := client.Account(credentials)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			address := netip.AddrFrom4([4]byte{198, 18, byte(i % 50), byte(i)})
			if err := client.SetPTR(t.Context(), account.Server(fmt.Sprint("kvm_", i%50)), map[netip.Addr]string{address: "a.example"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := countLogins(server); got != 1 || len(server.PTRs()) != 200 {
		t.Errorf("%d logins and %d records, want 1 and 200", got, len(server.PTRs()))
	}
}
