package edis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A Session authorizes calls for the records of one KVM server until it expires.
// [Client.Login] returns it. A Session is its own [SessionSource].
//
// The signature is a bearer secret. Packages fmt, log, log/slog and encoding/json
// do not show it, except for a Session in an unexported field of a struct, whose
// methods they cannot call. Decoding the JSON of a Session does not restore it.
type Session struct {
	// KVMID identifies the server, such as "kvm_123456_789012". Required.
	KVMID string
	// Signature is the secret that authenticates calls: at most 1 KiB of text without
	// control characters. Required.
	Signature string
	// APIHost is the bare host name that came with the session. It is sent as a form
	// field, but no request goes to it. Optional.
	APIHost string
	// ValidUntil is when the session expires, by the clock of this machine. It is
	// sent as the login returned it, or else in Unix seconds. Required.
	ValidUntil time.Time
	// PrimaryIP is the main address of the server, or the zero Addr if not known.
	PrimaryIP netip.Addr
	// Description is the account owner's name for the server. From a login it is
	// printable text of at most 1 KiB.
	Description string
	// Suspended reports whether the server is suspended.
	Suspended bool

	login *login // that the session comes from, or nil
}

// A SessionSource provides the session for a call. It must be safe for concurrent use. A
// call asks it for a session after validating the input. If it returns an error, nothing
// is sent, and the error of the call wraps it and matches [ErrNotSent].
type SessionSource interface {
	// Session returns a session that is valid now.
	Session(context.Context) (Session, error)
}

// A Renewer is a SessionSource that can replace a session. If the service rejects its
// session (status 401), the call asks for another one and is repeated once. The session
// of a Renewer is sent even if it has expired by the clock of this machine. An [Account]
// is a Renewer; a wrapper around one is too, if it passes on both methods with their
// contexts.
type Renewer interface {
	SessionSource
	// Renew returns a session of the same server to replace one that the service
	// rejected. If many callers have that session, it must log in only once, not for
	// each.
	Renew(ctx context.Context, rejected Session) (Session, error)
}

// Session returns s.
func (s Session) Session(context.Context) (Session, error) { return s, nil }

// validUntil returns the expiry as it is sent: as the login returned it, or Unix seconds
// in decimal.
func (s Session) validUntil() string {
	if s.login != nil {
		return s.login.validUntil
	}
	return strconv.FormatInt(s.ValidUntil.Unix(), 10)
}

// check returns an error for each field with which the session cannot work.
func (s Session) check() (bad inputErrors) {
	if s.KVMID == "" {
		bad.add("Session.KVMID", "", errors.New("empty"))
	}
	bad.add("Session.KVMID", s.KVMID, checkPrintable(s.KVMID))
	bad.add("Session.Signature", "", redact.CheckSecret(s.Signature))
	if s.ValidUntil.IsZero() {
		bad.add("Session.ValidUntil", "", errors.New("not set"))
	}
	if s.APIHost != "" {
		bad.add("Session.APIHost", s.APIHost, canonical.CheckHostName(s.APIHost, true))
	}
	return bad
}

func checkPrintable(text string) error {
	if redact.Printable(text) != text {
		return errors.New("not printable text")
	}
	return nil
}

// checkExpiry returns an error if the session has expired.
func (s Session) checkExpiry() error {
	if s.ValidUntil.IsZero() || time.Now().Before(s.ValidUntil) {
		return nil
	}
	return fmt.Errorf("%w at %s by the clock of this machine", ErrSessionExpired, s.ValidUntil.UTC().Format(time.RFC3339))
}

// secrets returns the secrets that no error of a call with the session may show.
func (s Session) secrets() redact.Secrets {
	if s.login == nil {
		return redact.Secrets{s.Signature}
	}
	return append(slices.Clip(s.login.hide), s.Signature)
}

// redacted returns the exported fields of s without the signature.
func (s Session) redacted() any {
	if s.Signature != "" {
		s.Signature = redact.Mark
	}
	return struct {
		KVMID, Signature, APIHost string
		ValidUntil                time.Time
		PrimaryIP                 netip.Addr
		Description               string
		Suspended                 bool
	}{s.KVMID, s.Signature, s.APIHost, s.ValidUntil, s.PrimaryIP, s.Description, s.Suspended}
}

// Format prints s without the signature, whatever the verb.
func (s Session) Format(state fmt.State, verb rune) {
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), s.redacted())
}

// MarshalText returns the fields of s without the signature; XML and YAML use it.
func (s Session) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(s)), nil }

// MarshalJSON returns the fields of s without the signature.
func (s Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.redacted()) }

// LogValue returns the fields of s without the signature.
func (s Session) LogValue() slog.Value { return slog.AnyValue(s.redacted()) }

// withSession calls send with a session from src, unless the input is bad. If the
// service rejects the session of a Renewer, it calls send once more with another one.
func (c *Client) withSession(ctx context.Context, src SessionSource, bad inputErrors, send func(Session, caller) error) error {
	if fixed, ok := src.(Session); ok {
		bad = append(bad, fixed.check()...) // so that one error names everything
	}
	if fixed, ok := src.(*Session); src == nil || ok && fixed == nil {
		bad.add("src", "", errNil)
	}
	if err := checkCall(ctx, bad); err != nil {
		return err
	}
	renewer, renewable := src.(Renewer)
	session, err := src.Session(ctx)
	if err == nil && !renewable {
		err = session.checkExpiry()
	}
	if err == nil {
		err = session.check().err()
	}
	if err != nil {
		return newCallError(ErrNotSent, err)
	}
	rejected := send(session, caller{session.KVMID, session.secrets()})
	if !renewable || !errors.Is(rejected, ErrUnauthorized) || errors.Is(rejected, ErrOutcomeUnknown) {
		return rejected
	}
	renewed, err := renewer.Renew(ctx, session)
	if err == nil {
		err = renewed.check().err()
	}
	if err != nil {
		return newCallError(nil, rejected, session.secrets().Error(err))
	}
	// A response may still show the old session.
	err = send(renewed, caller{renewed.KVMID, append(session.secrets(), renewed.secrets()...)})
	if errors.Is(err, ErrNotSent) { // the first request was sent
		return newCallError(nil, rejected, err)
	}
	return err
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
