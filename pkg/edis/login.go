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

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// Credentials log in to an EDIS account. However they are printed, logged or
// marshalled, e-mail and password are not shown.
type Credentials struct {
	// Email and Password are those of the account. Required.
	Email, Password string
	// KVMID limits the login to one KVM server. [Client.LoginSource] needs it
	// where the account has several.
	KVMID string
}

func (c Credentials) redacted() string {
	return fmt.Sprintf("{Email:%[1]s Password:%[1]s KVMID:%s}", redact.Mark, c.KVMID)
}

// Format prints c for every verb of package fmt without its secrets.
func (c Credentials) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, c.redacted()) }

// MarshalText returns c without its secrets; JSON and XML use it.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue returns what a log may show of c.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c Credentials) check() (bad refusals) {
	bad.add("Credentials.Email", "", redact.CheckSecret(c.Email))
	bad.add("Credentials.Password", "", redact.CheckSecret(c.Password))
	return bad
}

// Login logs in and returns a session for each KVM server of the account, or
// for the one that c names, sorted by KVM id (operation createAuthSession, POST
// /kvm/v2/get/auth). A login that was sent is never repeated by itself, because
// failed logins can lock an account.
//
// The errors are those of [Client.GetPTR]; refused credentials give an
// [*APIError], as a rule with [ErrUnauthorized].
func (c *Client) Login(ctx context.Context, credentials Credentials) ([]Session, error) {
	if err := checkCall(ctx, credentials.check()); err != nil {
		return nil, err
	}
	var sessions []Session
	err := c.call(ctx, request{
		operation: createAuthSession,
		form:      loginForm(credentials),
		hide:      redact.Secrets{credentials.Password, credentials.Email},
		read: func(body map[string]any) (mismatch string) {
			sessions, mismatch = readSessions(body)
			return mismatch
		},
	})
	return sessions, err
}

// readSessions takes the sessions from a valid answer.
func readSessions(body map[string]any) (sessions []Session, mismatch string) {
	for id, value := range body["data"].(map[string]any) { // as the schema says, and so on
		fields := value.(map[string]any)
		text := func(field string) string { text, _ := fields[field].(string); return text }
		session := Session{
			KVMID:       text("kvm_id"),
			Signature:   text("signature"),
			APIHost:     text("api_host"),
			Description: text("description"),
			Suspended:   text("suspended") == "y",
		}
		session.PrimaryIP, _ = netip.ParseAddr(text("primary_ip")) // zero if not told
		var ok bool
		if session.ValidUntil, ok = readTime(fields["valid_until"]); !ok {
			return nil, "/data/" + id + "/valid_until is no time"
		}
		if bad := session.check(); len(bad) > 0 {
			return nil, "/data/" + id + ": " + bad[0].Error()
		}
		sessions = append(sessions, session)
	}
	slices.SortFunc(sessions, func(a, b Session) int { return strings.Compare(a.KVMID, b.KVMID) })
	return sessions, ""
}

// readTime reads Unix seconds, as a number or in decimal, or an ISO 8601 time;
// the documented samples have had all of them.
func readTime(value any) (at time.Time, ok bool) {
	switch value := value.(type) {
	case float64:
		return time.Unix(int64(value), 0), value == float64(int64(value)) && value > 0
	case string:
		if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
			return time.Unix(seconds, 0), seconds > 0
		}
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
			if at, err := time.Parse(layout, value); err == nil {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// renewBefore is how long before it expires a session is renewed: a call with it
// must not come too late.
const renewBefore = time.Minute

// LoginSource returns a source that logs in when a session is first asked for,
// hands that session out until one minute before it expires, and then logs in
// again; and once more if the service does not accept the session of a call.
// It is safe for concurrent use: one login is under way at a time, and those who
// wait meanwhile use the session that it gives.
//
// A login that was sent and failed is not repeated, since failed logins can lock
// an account: from then on its error is the answer. Make a new source to try
// again.
func (c *Client) LoginSource(credentials Credentials) SessionSource {
	return &loginSource{client: c, credentials: credentials, turn: make(chan struct{}, 1)}
}

type loginSource struct {
	client      *Client
	credentials Credentials

	turn     chan struct{} // full while a goroutine uses what follows
	session  Session
	loggedIn time.Time // when the session came
	renewAt  time.Time
	failure  error // of the last login, if it was sent
}

// Format prints no secret, and nothing that a login changes meanwhile.
func (l *loginSource) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, l.credentials) }

// Session returns the session, logging in if need be.
func (l *loginSource) Session(ctx context.Context) (Session, error) {
	return l.sessionSince(ctx, time.Time{})
}

// sessionSince returns a session from a login after the given time: at that time
// the service did not accept the one from before.
func (l *loginSource) sessionSince(ctx context.Context, refused time.Time) (Session, error) {
	if ctx.Err() != nil {
		return Session{}, ctx.Err()
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return Session{}, ctx.Err()
	}
	if l.failure != nil || time.Now().Before(l.renewAt) && l.loggedIn.After(refused) {
		defer func() { <-l.turn }()
		return l.session, l.failure
	}
	// The login serves all that wait for their turn, so it does not end with
	// the context of the first; Options bound it.
	done := make(chan func() (Session, error), 1)
	go func() {
		session, err := l.logIn(context.WithoutCancel(ctx))
		<-l.turn
		done <- func() (Session, error) { return session, err }
	}()
	select {
	case result := <-done:
		return result()
	case <-ctx.Done():
		return Session{}, ctx.Err()
	}
}

// logIn logs in and keeps the result.
func (l *loginSource) logIn(ctx context.Context) (session Session, err error) {
	session, err = l.login(ctx)
	if err == nil {
		l.loggedIn, l.renewAt, err = time.Now(), session.ValidUntil.Add(-renewBefore), session.expired()
		if !l.loggedIn.Before(l.renewAt) { // so short that it must do until its end
			l.renewAt = session.ValidUntil
		}
	}
	l.session = session
	if !errors.Is(err, ErrNotSent) {
		l.failure = err
	}
	return session, err
}

// login logs in and picks the session of the KVM server.
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
	return Session{}, fmt.Errorf("edis: Credentials.KVMID is %q, which names none of the account's %d KVM servers", l.credentials.KVMID, len(sessions))
}
