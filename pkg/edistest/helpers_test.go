package edistest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

func newServer(t *testing.T) *Server {
	t.Helper()
	s := NewServer()
	t.Cleanup(s.Close)
	return s
}

func newClient(t *testing.T, s *Server) *edis.Client {
	t.Helper()
	client, err := edis.NewClient(s.Options())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// formOf returns the form of a call with this session and this field ip.
func formOf(session edis.Session, ip string) url.Values {
	return url.Values{
		"signature":   {string(session.Signature)},
		"kvm_id":      {session.KVMID},
		"valid_until": {strconv.FormatInt(session.ValidUntil.Unix(), 10)},
		"api_host":    {session.APIHost},
		"ip":          {ip},
	}
}

// formWith is formOf with the first session of the server.
func formWith(s *Server, ip string) url.Values { return formOf(s.Session(), ip) }

const (
	onePTR     = `{"192.0.2.10":"mail.example.com"}`
	oneAddress = `["192.0.2.10"]`
)

// A result is a response as a client gets it.
type result struct {
	status int
	header http.Header
	body   string
}

// request sends a request with the client of the server.
func request(ctx context.Context, s *Server, method, path, contentType, body string) (result, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return result{}, err
	}
	r.Header.Set("Content-Type", contentType)
	return send(s, r)
}

func send(s *Server, r *http.Request) (result, error) {
	response, err := s.Client().Do(r)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	return result{response.StatusCode, response.Header, string(got)}, err
}

// postForm sends a form.
func postForm(t *testing.T, s *Server, path string, form url.Values) result {
	t.Helper()
	got, err := request(t.Context(), s, http.MethodPost, path, contract.FormContentType, form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// pathOf returns the documented path of an operation.
func pathOf(s *Server, operation string) string { return s.routes[operation].Path }

// sortedAddresses returns the addresses that have records.
func sortedAddresses(s *Server) []netip.Addr {
	return slices.SortedFunc(maps.Keys(s.PTRs()), netip.Addr.Compare)
}

// addFleet adds an account with the servers kvm_1 and kvm_2, which have the addresses of
// 198.51.100.0/24 and 203.0.113.0/24, and returns a session of each.
func addFleet(t *testing.T, s *Server) (one, two edis.Session) {
	t.Helper()
	s.AddAccount(Account{Email: "a@example.com", Password: "p", KVMs: []KVM{
		{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
	}})
	sessions, err := newClient(t, s).Login(t.Context(), edis.Credentials{Email: "a@example.com", Password: "p"})
	if err != nil || len(sessions) != 2 {
		t.Fatalf("Login = %v, %v, want two sessions", sessions, err)
	}
	return sessions[0], sessions[1]
}

// wantPanic calls f and expects it to panic with a text that has these parts.
func wantPanic(t *testing.T, name string, f func(), parts ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		text, _ := recover().(string)
		for _, part := range append(parts, "edistest: ") {
			if !strings.Contains(text, part) {
				t.Errorf("%s panics with %q, want %q in it", name, text, part)
			}
		}
	}()
	f()
}

func credentialsOf(account Account) edis.Credentials {
	return edis.Credentials{Email: account.Email, Password: edis.Secret(account.Password)}
}
