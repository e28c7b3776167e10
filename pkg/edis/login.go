package edis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// Credentials are the login details of an EDIS account. However they are printed, logged
// or marshaled, the e-mail address and the password are not shown.
type Credentials struct {
	// Email and Password are those of the account. Required.
	Email, Password string
	// KVMID limits the login to one KVM server. [Client.LoginSource] needs it if
	// the account has several.
	KVMID string
}

func (c Credentials) redacted() string {
	return fmt.Sprintf("{Email:%[1]s Password:%[1]s KVMID:%s}", redact.Mark, c.KVMID)
}

// Format prints c without its secrets, whatever the verb.
func (c Credentials) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, c.redacted()) }

// MarshalText returns c without its secrets; JSON and XML use it.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue returns c without its secrets.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c Credentials) check() (bad inputErrors) {
	bad.add("Credentials.Email", "", redact.CheckSecret(c.Email))
	bad.add("Credentials.Password", "", redact.CheckSecret(c.Password))
	return bad
}

// Login logs in and returns a session for each KVM server of the account, or for
// the one that credentials name, sorted by KVM id (operation createAuthSession,
// POST /kvm/v2/get/auth). A login that was sent is never repeated, because failed
// logins can lock an account.
//
// The errors are those of [Client.GetPTR]. Credentials that the service refuses give
// an [*APIError], usually with [ErrUnauthorized].
func (c *Client) Login(ctx context.Context, credentials Credentials) ([]Session, error) {
	if err := checkCall(ctx, credentials.check()); err != nil {
		return nil, err
	}
	form := gen.LoginForm{Email: credentials.Email, KVMID: credentials.KVMID, Pw: credentials.Password}
	hide := redact.Secrets{credentials.Password, credentials.Email}
	var sessions []Session
	err := createAuthSession.call(ctx, c, form, 0, hide, func(response gen.LoginSuccess) (err error) {
		sessions, err = sessionsOf(response)
		return err
	})
	return sessions, err
}

// sessionsOf returns the sessions in a response. Its errors quote nothing of it: it
// holds secrets.
func sessionsOf(response gen.LoginSuccess) (sessions []Session, err error) {
	for _, data := range response.Data {
		session := Session{
			KVMID: data.KVMID, Signature: data.Signature, APIHost: data.APIHost,
			Description: data.Description, Suspended: data.Suspended == "y",
		}
		session.PrimaryIP, _ = netip.ParseAddr(data.PrimaryIP) // zero if it is not known
		if session.ValidUntil, err = parseValidUntil(data.ValidUntil); err != nil {
			return nil, fmt.Errorf("/data/*/valid_until: %w", err)
		}
		if bad := session.check(); len(bad) > 0 {
			return nil, errors.New("/data/*: not a usable session")
		}
		sessions = append(sessions, session)
	}
	slices.SortFunc(sessions, func(a, b Session) int { return strings.Compare(a.KVMID, b.KVMID) })
	return sessions, nil
}

// parseValidUntil reads Unix seconds, as a number or in decimal, or an ISO 8601 time,
// which without a zone is in UTC: the documented samples have had all of them.
func parseValidUntil(value any) (time.Time, error) {
	text, _ := value.(string)
	if number, ok := value.(float64); ok {
		text = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("not a time")
}

// renewBefore is how long before it expires a session is renewed, so that a call
// with it does not come too late.
const renewBefore = time.Minute

// LoginSource returns a source that logs in when a session is first needed, returns
// that session until one minute before it expires, and then logs in again. It also logs
// in again, once per call, if the service rejects the session. It is safe for concurrent
// use: there is one login at a time, and callers that wait for it use its session.
//
// A login that was sent and failed is not repeated, since failed logins can lock an
// account: from then on the source returns its error. Make a new source to try
// again.
func (c *Client) LoginSource(credentials Credentials) SessionSource {
	return &loginSource{client: c, credentials: credentials, lock: make(chan struct{}, 1)}
}

type loginSource struct {
	client      *Client
	credentials Credentials

	lock     chan struct{} // full while a goroutine uses the fields below
	session  Session
	loggedIn time.Time // when the session was obtained
	renewAt  time.Time
	failure  error // of the last login, unless it was not sent
}

// Format prints no secret, and nothing that a concurrent login changes.
func (l *loginSource) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, l.credentials) }

// Session returns the session, and logs in if necessary.
func (l *loginSource) Session(ctx context.Context) (Session, error) {
	return l.sessionSince(ctx, time.Time{})
}

// sessionSince returns a session obtained after the given time, and logs in if
// necessary: at that time the service rejected the session of an earlier login.
func (l *loginSource) sessionSince(ctx context.Context, rejected time.Time) (Session, error) {
	if ctx.Err() != nil {
		return Session{}, ctx.Err()
	}
	select {
	case l.lock <- struct{}{}:
	case <-ctx.Done():
		return Session{}, ctx.Err()
	}
	if l.failure != nil || time.Now().Before(l.renewAt) && l.loggedIn.After(rejected) {
		defer func() { <-l.lock }()
		return l.session, l.failure
	}
	// The login serves everyone who waits for it, so it does not end with the
	// context of the first; Options limit its time.
	done := make(chan func() (Session, error), 1)
	go func() {
		session, err := l.renew(context.WithoutCancel(ctx))
		<-l.lock
		done <- func() (Session, error) { return session, err }
	}()
	select {
	case result := <-done:
		return result()
	case <-ctx.Done():
		return Session{}, ctx.Err()
	}
}

// renew logs in and keeps the result.
func (l *loginSource) renew(ctx context.Context) (session Session, err error) {
	session, err = l.login(ctx)
	if err == nil {
		l.session, l.loggedIn, l.renewAt = session, time.Now(), session.ValidUntil.Add(-renewBefore)
		err = session.checkExpiry()
		if !l.loggedIn.Before(l.renewAt) { // too short to be renewed early
			l.renewAt = session.ValidUntil
		}
	}
	if !errors.Is(err, ErrNotSent) {
		l.failure = err
	}
	return session, err
}

// login logs in and returns the session of the KVM server.
func (l *loginSource) login(ctx context.Context) (Session, error) {
	sessions, err := l.client.Login(ctx, l.credentials)
	if err != nil {
		return Session{}, err
	}
	for _, session := range sessions {
		if session.KVMID == l.credentials.KVMID || len(sessions) == 1 && l.credentials.KVMID == "" {
			return session, nil
		}
	}
	err = fmt.Errorf("Credentials.KVMID %q is none of the account's %d KVM servers", l.credentials.KVMID, len(sessions))
	return Session{}, newCallError(nil, err)
}
