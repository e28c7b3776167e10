package edis

import (
	"context"
	"errors"
	"fmt"
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
// A Session is plain data and can be stored, but encoding it redacts its Signature. To
// store a session, encode a struct that embeds it and has a Signature of type string. See
// the example of [Client.Account].
type Session struct {
	// KVMID identifies the server, such as "kvm_123456_789012". Required.
	KVMID string
	// Signature is the secret that authenticates calls. Required. It is empty in a
	// session from a login that no call can use.
	Signature Secret
	// APIHost is the bare host name that came with the session. It is sent as a form
	// field, but no request goes to it. Optional.
	APIHost string
	// ValidUntil is when the session expires, by the clock of this machine. It is sent in
	// Unix seconds. Required, and in UTC with whole seconds in a session from a login.
	ValidUntil time.Time
	// PrimaryIP is the main address of the server, or the zero Addr if it is not known.
	PrimaryIP netip.Addr
	// Description is the account owner's name for the server. In a session from a login,
	// it is printable text of at most 1 KiB.
	Description string
	// Suspended reports whether the server is suspended.
	Suspended bool
}

// A SessionSource provides the session for a call. It must be safe for concurrent use. A
// call validates its input and then asks for a session. If the source returns an error,
// nothing is sent, and the error of the call wraps that error.
type SessionSource interface {
	// Session returns a session that is valid now.
	Session(context.Context) (Session, error)
}

// A Renewer is a SessionSource that can replace a session. If the service rejects its
// session (status 401), the call asks for another one and is repeated once, unless an
// earlier attempt has an unknown outcome. The session of a Renewer is sent even if it has
// expired by the clock of this machine.
//
// A [Server] of an [Account] is a Renewer. A wrapper around one is too, if it passes on
// both methods with their contexts.
type Renewer interface {
	SessionSource
	// Renew returns a session of the same server to replace one that the service
	// rejected. If many callers have that session, Renew must log in only once.
	Renew(ctx context.Context, rejected Session) (Session, error)
}

// Session returns s.
func (s Session) Session(context.Context) (Session, error) { return s, nil }

// validUntil returns the expiry as it is sent.
func (s Session) validUntil() string { return strconv.FormatInt(s.ValidUntil.Unix(), 10) }

// isUsable reports whether a session from a login has what a call needs.
func (s Session) isUsable() bool { return s.Signature != "" }

// check returns an error for each field with which the session cannot work.
func (s Session) check() (bad inputErrors) {
	if s.KVMID == "" {
		bad.add("Session.KVMID", "", errors.New("is empty"))
	}
	bad.add("Session.KVMID", s.KVMID, checkPrintable(s.KVMID))
	bad.add("Session.Signature", "", redact.CheckSecret(string(s.Signature)))
	if s.ValidUntil.IsZero() {
		bad.add("Session.ValidUntil", "", errors.New("is not set"))
	}
	if s.APIHost != "" {
		bad.add("Session.APIHost", s.APIHost, canonical.CheckHostName(s.APIHost, true))
	}
	return bad
}

func checkPrintable(text string) error {
	if redact.Printable(text) != text {
		return errors.New("is not printable text")
	}
	return nil
}

// checkExpiry returns an error if the session has expired.
func (s Session) checkExpiry() error {
	if time.Now().Before(s.ValidUntil) {
		return nil
	}
	return fmt.Errorf("%w at %s by the clock of this machine; log in again", ErrSessionExpired, s.ValidUntil.UTC().Format(time.RFC3339))
}

// currentSession returns a session from src that can be sent.
func currentSession(ctx context.Context, src SessionSource) (Session, error) {
	session, err := src.Session(ctx)
	if err == nil {
		err = session.check().err()
	}
	if _, renewable := src.(Renewer); err == nil && !renewable {
		err = session.checkExpiry()
	}
	return session, err
}

// renewedSession returns a session that can be sent in place of a rejected one.
func renewedSession(ctx context.Context, renewer Renewer, rejected Session) (Session, error) {
	renewed, err := renewer.Renew(ctx, rejected)
	if err == nil && renewed.KVMID != rejected.KVMID {
		err = &InputError{"Session.KVMID", renewed.KVMID, fmt.Sprintf("is another server than %q, whose session was rejected", rejected.KVMID)}
	}
	if err == nil {
		err = renewed.check().err()
	}
	return renewed, err
}

// withSession makes a call with a session from src, unless the input is bad. If the
// service rejects the session of a Renewer, it makes the call once more with another one.
func (c *Client) withSession(ctx context.Context, src SessionSource, op string, bad inputErrors, callWith func(Session) call) error {
	if fixed, ok := src.(Session); ok {
		bad = append(bad, fixed.check()...) // so that one error names everything
	}
	if err := bad.err(); err != nil {
		return notSentError(op, err)
	}
	session, err := currentSession(ctx, src)
	if err != nil {
		return notSentError(op, err)
	}
	failed := c.doWith(ctx, session, nil, callWith)
	renewer, renewable := src.(Renewer)
	switch {
	case failed == nil:
		return nil
	case !renewable, !errors.Is(failed, ErrUnauthorized), failed.Outcome == OutcomeUnknown:
		return failed
	}
	return c.withRenewed(ctx, renewer, session, failed, callWith)
}

// withRenewed repeats a call whose session was rejected.
func (c *Client) withRenewed(ctx context.Context, renewer Renewer, rejected Session, failed *CallError, callWith func(Session) call) error {
	hide := redact.Secrets{string(rejected.Signature)} // a response may still show it
	renewed, err := renewedSession(ctx, renewer, rejected)
	if err != nil {
		reason := notSentError(failed.Op, err)
		failed.Err = because(failed.Err, hide.Error(err))
		failed.Retryable, failed.RetryAfter = reason.Retryable, reason.RetryAfter
		return failed
	}
	again := c.doWith(ctx, renewed, hide, callWith)
	if again == nil {
		return nil
	}
	if again.Outcome == OutcomeNotSent {
		again.Err = because(failed.Err, again.Err)
	}
	again.Outcome, again.Attempts = worse(failed.Outcome, again.Outcome), failed.Attempts+again.Attempts
	return again
}

// doWith makes a call with a session, whose signature is hidden beside other secrets.
func (c *Client) doWith(ctx context.Context, session Session, hide redact.Secrets, callWith func(Session) call) *CallError {
	call := callWith(session)
	call.kvmID, call.hide = session.KVMID, append(slices.Clip(hide), string(session.Signature))
	return c.do(ctx, call)
}
