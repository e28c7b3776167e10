package edis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A Session permits changes to the records of one KVM server until it expires.
// The operation createAuthSession of the API returns it. A Session is its own
// [SessionSource].
//
// The signature is a bearer secret. Packages fmt, log, log/slog and encoding/json
// do not show it, except for a Session in an unexported field of a struct, whose
// methods they cannot call. Decoding the JSON of a Session does not restore it.
type Session struct {
	// KVMID identifies the server, such as "kvm_123456_789012". Required.
	KVMID string
	// Signature is the secret that proves the session: at most 1 KiB of text
	// without control characters. Required.
	Signature string
	// APIHost is the bare host name that came with the session. It is sent as a
	// field, and never used as an address to call. Optional.
	APIHost string
	// ValidUntil is when the session expires, by the clock of this machine. It is
	// sent in whole seconds. Required.
	ValidUntil time.Time
	// PrimaryIP is the main address of the server, or zero if it is not known.
	PrimaryIP netip.Addr
	// Description is the account owner's name for the server.
	Description string
	// Suspended reports whether the server is suspended.
	Suspended bool
}

// A SessionSource provides the session for a call. It must be safe for concurrent
// use. It is asked once the input of the call is known to be valid; if it returns
// an error, the call ends with that error and nothing is sent.
type SessionSource interface {
	// Session returns a session that is valid now.
	Session(context.Context) (Session, error)
}

// Session returns s.
func (s Session) Session(context.Context) (Session, error) { return s, nil }

// validUntil returns the expiry as it is sent: Unix seconds in decimal.
func (s Session) validUntil() string { return strconv.FormatInt(s.ValidUntil.Unix(), 10) }

// check returns what is wrong with a session that cannot work.
func (s Session) check() (bad inputErrors) {
	if s.KVMID == "" {
		bad.add("Session.KVMID", "", errors.New("empty"))
	}
	bad.add("Session.Signature", "", redact.CheckSecret(s.Signature))
	if s.ValidUntil.IsZero() {
		bad.add("Session.ValidUntil", "", errors.New("not set"))
	}
	if s.APIHost != "" {
		bad.add("Session.APIHost", s.APIHost, canonical.CheckHostName(s.APIHost, true))
	}
	return bad
}

// checkExpiry returns an error if the session has expired.
func (s Session) checkExpiry() error {
	if s.ValidUntil.IsZero() || time.Now().Before(s.ValidUntil) {
		return nil
	}
	return fmt.Errorf("%w at %s by the clock of this machine", ErrSessionExpired, s.ValidUntil.UTC().Format(time.RFC3339))
}

// A redactedSession has the fields of a Session, and not its methods.
type redactedSession Session

func (s Session) redacted() redactedSession {
	if s.Signature != "" {
		s.Signature = redact.Mark
	}
	return redactedSession(s)
}

// String returns the fields of s without the signature.
func (s Session) String() string { return fmt.Sprintf("%+v", s.redacted()) }

// Format prints s without the signature, whatever the verb.
func (s Session) Format(state fmt.State, verb rune) {
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), s.redacted())
}

// MarshalJSON returns the fields of s without the signature.
func (s Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.redacted()) }

// LogValue returns the fields of s without the signature.
func (s Session) LogValue() slog.Value { return slog.AnyValue(s.redacted()) }

// withSession calls send with a session from src, unless the input is bad. If the
// service rejects the session of a LoginSource, it calls send once more with a new one.
// The secrets are those that no text may show.
func (c *Client) withSession(ctx context.Context, src SessionSource, bad inputErrors, send func(Session, redact.Secrets) error) error {
	if fixed, ok := src.(Session); ok {
		bad = append(bad, fixed.check()...) // so that one error names everything
	}
	if fixed, ok := src.(*Session); src == nil || ok && fixed == nil {
		bad.add("src", "", errNil)
	}
	if err := checkCall(ctx, bad); err != nil {
		return err
	}
	session, err := sessionFrom(ctx, src.Session)
	if err != nil {
		return err
	}
	obtained, hide := time.Now(), redact.Secrets{session.Signature}
	login, renewable := src.(*loginSource)
	if renewable {
		hide = append(hide, login.credentials.Password, login.credentials.Email)
	}
	err = send(session, hide)
	if !renewable || !errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	renewed := func(ctx context.Context) (Session, error) { return login.sessionSince(ctx, obtained) }
	session, renewErr := sessionFrom(ctx, renewed)
	if renewErr == nil {
		renewErr = send(session, append(hide, session.Signature)) // a response may still show the old one
	}
	if errors.Is(renewErr, ErrNotSent) { // the first request was sent
		return newCallError(nil, err, renewErr)
	}
	return renewErr
}

var errNil = errors.New("must not be nil")

// checkCall returns an error if a call cannot be made at all.
func checkCall(ctx context.Context, bad inputErrors) error {
	if ctx == nil {
		bad.add("ctx", "", errNil)
	}
	if len(bad) > 0 {
		return bad.err()
	}
	if err := ctx.Err(); err != nil {
		return newCallError(ErrNotSent, err)
	}
	return nil
}

// sessionFrom returns a session that can be sent.
func sessionFrom(ctx context.Context, source func(context.Context) (Session, error)) (Session, error) {
	session, err := source(ctx)
	if err == nil {
		err = session.checkExpiry()
	}
	if err != nil {
		return Session{}, newCallError(ErrNotSent, err)
	}
	return session, session.check().err()
}
