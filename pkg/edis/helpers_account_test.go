package edis_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// parallel runs a subtest in parallel with others.
func parallel(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

// synthetic runs a parallel subtest in the synthetic time of testing/synctest.
func synthetic(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	parallel(t, name, func(t *testing.T) { synctest.Test(t, test) })
}

// A sourceFunc is a function used as a SessionSource.
type sourceFunc func(context.Context) (edis.Session, error)

func (f sourceFunc) Session(ctx context.Context) (edis.Session, error) { return f(ctx) }

// A renewingSource is a Renewer that has a session of its own for each use.
type renewingSource struct{ first, renewed edis.Session }

func (s renewingSource) Session(context.Context) (edis.Session, error) { return s.first, nil }

func (s renewingSource) Renew(context.Context, edis.Session) (edis.Session, error) {
	return s.renewed, nil
}

func mustSession(t *testing.T, source edis.SessionSource) edis.Session {
	t.Helper()
	session, err := source.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session
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
