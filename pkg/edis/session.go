package edis

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A Session is the right to change the records of one KVM server until it
// expires, as the operation createAuthSession of the API hands it out. It is
// its own [SessionSource].
//
// The signature is a bearer secret. Packages fmt, log, log/slog and
// encoding/json do not show it, but for a Session in an unexported field of a
// struct, whose methods they cannot call. A Session does not come back from the
// JSON it is marshalled to.
type Session struct {
	// KVMID names the server, such as "kvm_123456_789012". Required.
	KVMID string
	// Signature is the secret that proves the session: at most 1 KiB of text
	// without control characters. Required.
	Signature string
	// APIHost is the bare host name that came with the session. It is sent as
	// a field, never used as an address to call. Optional.
	APIHost string
	// ValidUntil is when the session expires, which a call compares with the
	// clock of this machine. It is sent in whole seconds. Required.
	ValidUntil time.Time
	// PrimaryIP is the server's main address, zero if not told.
	PrimaryIP netip.Addr
	// Description is the account owner's name for the server.
	Description string
	// Suspended tells that the server is suspended.
	Suspended bool
}

// A SessionSource hands out the session for a call. It must be safe for
// concurrent use. It is asked once the input of the call was found good, and
// its error ends the call with nothing sent.
type SessionSource interface {
	// Session returns a session that is valid now, or why there is none.
	Session(context.Context) (Session, error)
}

// Session returns s, so that a Session is its own source.
func (s Session) Session(context.Context) (Session, error) { return s, nil }

// check refuses a session that cannot work, before it is sent.
func (s Session) check() (bad refusals) {
	if s.KVMID == "" {
		bad.add("Session.KVMID", "", "empty")
	}
	bad.add("Session.Signature", "", redact.CheckSecret(s.Signature))
	if s.ValidUntil.IsZero() {
		bad.add("Session.ValidUntil", "", "not set")
	}
	if s.APIHost != "" {
		bad.add("Session.APIHost", s.APIHost, canonical.CheckHostName(s.APIHost, true))
	}
	return bad
}

// expired returns an error if the session has expired.
func (s Session) expired() error {
	if s.ValidUntil.IsZero() || time.Now().Before(s.ValidUntil) {
		return nil
	}
	return fmt.Errorf("%w at %s by the clock of this machine", ErrSessionExpired, s.ValidUntil.UTC().Format(time.RFC3339))
}

// redactedSession prints like a Session, but has none of its methods.
type redactedSession Session

func (s Session) redacted() redactedSession {
	if s.Signature != "" {
		s.Signature = redact.Mark
	}
	return redactedSession(s)
}

// String returns the fields of s without its signature.
func (s Session) String() string { return fmt.Sprintf("%+v", s.redacted()) }

// GoString returns the fields of s without its signature.
func (s Session) GoString() string { return fmt.Sprintf("%#v", s.redacted()) }

// Format prints s for every verb of package fmt without its signature.
func (s Session) Format(state fmt.State, verb rune) {
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), s.redacted())
}

// MarshalJSON returns the fields of s without its signature.
func (s Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.redacted()) }

// LogValue returns the fields of s that a log may show.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("kvm_id", s.KVMID),
		slog.String("api_host", s.APIHost),
		slog.Time("valid_until", s.ValidUntil),
	)
}
