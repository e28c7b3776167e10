package edistest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

const (
	sessionLifetime = 24 * time.Hour
	apiHost         = "12345.edis.example"
)

// Session returns a session of the first KVM server. It is valid for 24 hours after
// [NewServer]; each login returns a new one.
func (s *Server) Session() edis.Session { return s.first }

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
