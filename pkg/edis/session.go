package edis

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// A Session is the right to change the records of one KVM server until it
// expires, as the operation createAuthSession of the API hands it out. It is
// its own [SessionSource].
//
// The signature is a bearer secret. However a Session is printed, logged or
// marshalled, the signature is not shown.
type Session struct {
	// KVMID names the server, such as "kvm_123456_789012". Required.
	KVMID string
	// Signature is the secret that proves the session. Required.
	Signature string
	// APIHost is the bare host name that came with the session. It is sent as
	// a field, never used as an address to call. Optional.
	APIHost string
	// ValidUntil is when the session expires; it is sent in whole seconds.
	// Required.
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
	Session(context.Context) (Session, error)
}

// Session returns s, so that a Session is its own source.
func (s Session) Session(context.Context) (Session, error) { return s, nil }

// maxSignatureLength bounds what has to be found again in texts that must not
// show it.
const maxSignatureLength = 4 << 10

func unprintable(char rune) bool { return char == utf8.RuneError || printable(char) != char }

// check refuses a session that cannot work, before it is sent.
func (s Session) check(now time.Time) error {
	var bad inputErrors
	refuse := func(field, value, reason string) {
		bad = append(bad, &InputError{Field: "Session." + field, Value: value, Reason: reason})
	}
	if s.KVMID == "" {
		refuse("KVMID", "", "empty")
	}
	switch {
	case s.Signature == "":
		refuse("Signature", "", "empty")
	case len(s.Signature) > maxSignatureLength || strings.ContainsFunc(s.Signature, unprintable):
		refuse("Signature", redacted, fmt.Sprintf("not a printable text of at most %d bytes", maxSignatureLength))
	}
	if s.ValidUntil.IsZero() {
		refuse("ValidUntil", "", "not set")
	}
	if s.APIHost != "" {
		if reason := checkHostName(strings.ToLower(s.APIHost), true); reason != "" {
			refuse("APIHost", s.APIHost, reason)
		}
	}
	if len(bad) > 0 {
		return bad
	}
	if !now.Before(s.ValidUntil) {
		return newCallError(redactor{s.Signature}, ErrNotSent,
			fmt.Errorf("%w at %s", ErrSessionExpired, s.ValidUntil.UTC().Format(time.RFC3339)))
	}
	return nil
}

// redactedSession prints like a Session, but has none of its methods.
type redactedSession Session

func (s Session) redacted() redactedSession {
	if s.Signature != "" {
		s.Signature = redacted
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
