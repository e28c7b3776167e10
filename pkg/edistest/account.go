package edistest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// An Account is an account of the fake service with its KVM servers.
type Account struct {
	Email, Password string
	KVMs            []KVM
}

// A KVM is a virtual server of an account.
type KVM struct {
	// ID is the KVM ID, such as "kvm_123456_789012".
	ID string
	// Addresses are the addresses of the server; calls for others are refused. If there
	// are none, all addresses that are not listed for another server are its own.
	Addresses []netip.Prefix
	// PrimaryIP, Description and Suspended are returned by a login.
	PrimaryIP   netip.Addr
	Description string
	Suspended   bool
}

const (
	sessionLifetime = 24 * time.Hour
	apiHost         = "12345.edis.example"
)

var defaultAccount = Account{
	Email:    "owner@example.com",
	Password: "edistest-password",
	KVMs: []KVM{{
		ID:          "kvm_123456_789012",
		PrimaryIP:   netip.MustParseAddr("192.0.2.1"),
		Description: "mail server",
	}},
}

// Credentials returns the credentials of the first account.
func (s *Server) Credentials() edis.Credentials {
	return edis.Credentials{Email: defaultAccount.Email, Password: defaultAccount.Password}
}

// Session returns a session of the first KVM server. It is valid for 24 hours after
// [NewServer]; each login returns a new one.
func (s *Server) Session() edis.Session { return s.first }

// Options returns options for a client that calls this server.
func (s *Server) Options() *edis.Options { return &edis.Options{RDNSURL: s.URL, AuthURL: s.URL} }

// AddAccount adds an account with its KVM servers.
func (s *Server) AddAccount(account Account) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.accounts = append(s.accounts, account)
	for _, kvm := range account.KVMs {
		s.kvms[kvm.ID] = kvm
	}
}

// newSession returns a session that the server accepts. The caller holds the mutex
// or is the only user.
func (s *Server) newSession(kvm KVM) edis.Session {
	session := edis.Session{
		KVMID:       kvm.ID,
		Signature:   s.newSignature(),
		APIHost:     apiHost,
		ValidUntil:  s.now().Add(sessionLifetime).Truncate(time.Second),
		PrimaryIP:   kvm.PrimaryIP,
		Description: kvm.Description,
		Suspended:   kvm.Suspended,
	}
	s.sessions[session.Signature] = session
	return session
}

// newSignature returns a signature in the form of the dialect: in recorded responses it
// has 512 hexadecimal digits.
func (s *Server) newSignature() string {
	if s.dialect == Documented {
		return rand.Text()
	}
	random := make([]byte, 256)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// owns reports whether an address belongs to a KVM server.
func (s *Server) owns(kvmID string, address netip.Addr) bool {
	listed := func(kvm KVM) bool {
		return slices.ContainsFunc(kvm.Addresses, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
	}
	if kvm := s.kvms[kvmID]; len(kvm.Addresses) > 0 {
		return listed(kvm)
	}
	for _, kvm := range s.kvms {
		if listed(kvm) {
			return false
		}
	}
	return true
}

// logIn serves createAuthSession.
func (s *Server) logIn(fields map[string]any) reply {
	for _, account := range s.accounts {
		if account.Email != fields["email"] || account.Password != fields["pw"] {
			continue
		}
		data := make(map[string]any)
		for _, kvm := range account.KVMs {
			if wanted := fields["kvm_id"]; wanted == nil || wanted == kvm.ID {
				data[kvm.ID] = loginData(s.newSession(kvm))
			}
		}
		if len(data) == 0 && fields["kvm_id"] != nil {
			return loginFailure(http.StatusBadRequest, "the account has no such KVM server")
		}
		return reply{http.StatusOK, map[string]any{"status": "success", "data": data}}
	}
	return loginFailure(http.StatusUnauthorized, "wrong e-mail address or password")
}

func loginData(session edis.Session) map[string]any {
	suspended := "n"
	if session.Suspended {
		suspended = "y"
	}
	data := map[string]any{
		"kvm_id":      session.KVMID,
		"signature":   session.Signature,
		"api_host":    session.APIHost,
		"api_rdns":    apiHost,
		"valid_until": float64(session.ValidUntil.Unix()),
		"description": session.Description,
		"suspended":   suspended,
	}
	if session.PrimaryIP.IsValid() {
		data["primary_ip"] = session.PrimaryIP.String()
	}
	return data
}

// loginFailure is the reply to a failed login, which has other fields than the rest.
func loginFailure(status int, text string) reply {
	return reply{status, map[string]any{"error": http.StatusText(status), "code": float64(status), "message": text}}
}

// sessionOf returns the session of a call, or an error if there is none. The schema has
// ensured that the fields exist.
func (s *Server) sessionOf(fields map[string]any) (edis.Session, error) {
	session, ok := s.sessions[fields["signature"].(string)]
	switch {
	case !ok:
		return edis.Session{}, errors.New("unknown signature")
	case fields["kvm_id"] != session.KVMID:
		return edis.Session{}, errors.New("the session is for another kvm_id")
	case fields["valid_until"] != strconv.FormatInt(session.ValidUntil.Unix(), 10):
		return edis.Session{}, errors.New("valid_until is not the one of the session")
	case !s.now().Before(session.ValidUntil):
		return edis.Session{}, errors.New("the session has expired")
	}
	return session, nil
}
