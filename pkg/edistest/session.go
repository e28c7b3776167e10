package edistest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

const (
	sessionLifetime = 24 * time.Hour
	apiHost         = "12345.edis.example"
)

// A session is a session that a login returned.
type session struct {
	edis.Session
	ended bool // before its time
}

// Session returns a session of the first KVM server. It is valid for 24 hours after
// [NewServer]. Each login returns a new one.
func (s *Server) Session() edis.Session { return s.first }

// ExpireSessions ends the sessions of these KVM servers, or of all if no IDs are given.
// Calls with them get status 401, although their ValidUntil is yet to come. A new login
// returns new sessions. ExpireSessions panics if no account has such a server.
func (s *Server) ExpireSessions(kvmIDs ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, kvmID := range kvmIDs {
		s.mustKnow(kvmID, "ExpireSessions")
	}
	for _, granted := range s.sessions {
		if len(kvmIDs) == 0 || slices.Contains(kvmIDs, granted.KVMID) {
			granted.ended = true
		}
	}
}

// newSession returns a session that the server accepts. The caller holds the mutex
// or is the only user.
func (s *Server) newSession(kvm KVM) *session {
	signature := s.newSignature()
	granted := &session{Session: edis.Session{
		KVMID:       kvm.ID,
		Signature:   edis.Secret(signature),
		APIHost:     apiHost,
		ValidUntil:  s.now().Add(sessionLifetime).Truncate(time.Second).UTC(),
		PrimaryIP:   kvm.PrimaryIP,
		Description: kvm.Description,
		Suspended:   kvm.Suspended,
	}}
	s.sessions[signature] = granted
	return granted
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

func loginData(granted *session) map[string]any {
	suspended := "n"
	if granted.Suspended {
		suspended = "y"
	}
	data := map[string]any{
		"kvm_id":      granted.KVMID,
		"signature":   string(granted.Signature),
		"api_host":    granted.APIHost,
		"api_rdns":    apiHost,
		"valid_until": float64(granted.ValidUntil.Unix()),
		"description": granted.Description,
		"suspended":   suspended,
	}
	if granted.PrimaryIP.IsValid() {
		data["primary_ip"] = granted.PrimaryIP.String()
	}
	return data
}

// loginFailure is the reply to a failed login, which has other fields than the rest.
func loginFailure(status int, text string) reply {
	return reply{status, map[string]any{"error": http.StatusText(status), "code": float64(status), "message": text}}
}

// sessionOf returns the session of a call, or an error if there is none. The schema has
// ensured that the fields exist.
func (s *Server) sessionOf(fields map[string]any) (*session, error) {
	granted, ok := s.sessions[fields["signature"].(string)]
	switch {
	case !ok:
		return nil, errors.New("unknown signature")
	case fields["kvm_id"] != granted.KVMID:
		return nil, errors.New("the session is for another kvm_id")
	case fields["valid_until"] != strconv.FormatInt(granted.ValidUntil.Unix(), 10):
		return nil, errors.New("valid_until is not the one of the session")
	case granted.ended || !s.now().Before(granted.ValidUntil):
		return nil, errors.New("the session has expired")
	}
	return granted, nil
}
