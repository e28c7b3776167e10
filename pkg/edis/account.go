package edis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// An Account is an EDIS account that logs in once for all its KVM servers: when a session
// is first needed, one minute before one expires, and after the service rejects one. It
// is safe for concurrent use: there is one login at a time, and all calls that wait for
// it share its sessions. [Client.Account] returns one; keep it for as long as the program
// makes calls.
//
// As a [Renewer], an Account is for one server: its only one, or that of
// Credentials.KVMID. For the others, see [Account.Server].
//
// A login that the service refuses (status 400, 401 or 403) is final, since repeating it
// can lock the account: from then on the Account returns its error. After any other
// failure, the first call after a pause logs in again. The pause is 1 second, doubling
// with each failure up to 1 minute, or what Retry-After asks for, up to 1 hour; until it
// ends, the Account returns the last error, which says when the login failed. A session
// that has not expired stays in use.
type Account struct {
	*logins
	kvmID string
}

// Account returns an [Account] that has not logged in yet. If credentials are invalid,
// its first call returns an [InputError].
func (c *Client) Account(credentials Credentials) *Account {
	kvmID := credentials.KVMID
	credentials.KVMID = "" // log in for all servers
	return &Account{&logins{client: c, credentials: credentials}, kvmID}
}

// Server returns the session source of one KVM server, a [Renewer] that shares the logins
// of the account. If kvmID is empty, it is that of the account's only server.
func (a *Account) Server(kvmID string) Renewer { return &Account{a.logins, kvmID} }

// Format prints a without its secrets, whatever the verb. It is safe during a login.
func (a *Account) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, Credentials{KVMID: a.kvmID})
}

// Session returns the session of the server, and logs in if necessary. If the account has
// no such server, or has several and none is named, the error is an [InputError] that
// lists them. Other errors are those of [Client.Login].
func (a *Account) Session(ctx context.Context) (Session, error) { return a.Renew(ctx, Session{}) }

// Renew returns a session to replace one that the service rejected. It logs in unless
// another call has done so since.
func (a *Account) Renew(ctx context.Context, rejected Session) (session Session, err error) {
	works := false
	loginErr := a.update(ctx, rejected.Signature != "", func() bool {
		session, err = a.find(a.kvmID)
		works = err == nil && session.Signature != rejected.Signature
		asked := err != nil && a.failure == nil && time.Since(a.ended) < maxLoginPause
		return works && !session.isDue() || asked
	})
	if loginErr == nil || works && time.Now().Before(session.ValidUntil) {
		return session, err
	}
	return Session{}, loginErr
}

// Sessions returns the usable sessions of the account, one for each KVM server, sorted by
// KVM ID. It logs in if necessary. The errors are those of [Client.Login].
func (a *Account) Sessions(ctx context.Context) (sessions []Session, err error) {
	err = a.update(ctx, false, func() bool {
		sessions = slices.DeleteFunc(slices.Clone(a.sessions), Session.isUnusable)
		return len(sessions) > 0 && !slices.ContainsFunc(sessions, Session.isDue)
	})
	expired := func(s Session) bool { return s.checkExpiry() != nil }
	if err != nil && (len(sessions) == 0 || slices.ContainsFunc(sessions, expired)) {
		return nil, err
	}
	return sessions, nil
}

// logins is the state that the session sources of an account share.
type logins struct {
	client      *Client
	credentials Credentials

	mutex     sync.Mutex
	sessions  []Session     // of the last login that succeeded
	running   chan struct{} // closed when the login in progress ends; nil if there is none
	ended     time.Time     // when the last one did
	failure   error         // of the last one, or nil
	pause     time.Duration // after the last one
	notBefore time.Time     // when the next one may begin
}

const (
	// renewBefore is how long before its expiry a session is renewed, so that it does not
	// expire during a call.
	renewBefore   = time.Minute
	maxLoginPause = time.Minute
	maxRetryAfter = time.Hour // or one wrong header would stop an account for good
)

// A login is where a session comes from.
type login struct {
	hide       redact.Secrets // the credentials, and the signatures of all sessions
	at         time.Time
	validUntil string // of the session, as the service sent it
}

// isUnusable reports whether a session of a login lacks what a call needs.
func (s Session) isUnusable() bool { return s.Signature == "" }

// isDue reports whether it is time to renew a session of a login. One that looked expired
// from the start is not renewed until the service rejects it: the clock of this machine
// is wrong. One with a lifetime of less than two minutes is renewed after half of it.
func (s Session) isDue() bool {
	lifetime := s.ValidUntil.Sub(s.login.at)
	return lifetime > 0 && time.Until(s.ValidUntil) <= min(renewBefore, lifetime/2)
}

// find returns the session of a server.
func (l *logins) find(kvmID string) (Session, error) {
	var servers []string
	for i, session := range l.sessions {
		if session.KVMID == kvmID || kvmID == "" && len(l.sessions) == 1 {
			if session.isUnusable() {
				return Session{}, newCallError(nil, &ContractError{Op: createAuthSession.id, Status: http.StatusOK, Reason: "no usable session for " + session.KVMID})
			}
			return session, nil
		}
		if i < 10 {
			servers = append(servers, strings.TrimSuffix(session.KVMID+" ("+redact.Clip(session.Description, 60)+")", " ()"))
		}
	}
	reason := "the account has the KVM servers " + cmp.Or(strings.Join(servers, ", "), "(none)")
	if more := len(l.sessions) - len(servers); more > 0 {
		reason += fmt.Sprintf(" and %d more", more)
	}
	return Session{}, newCallError(nil, &InputError{"KVMID", kvmID, reason})
}

// update logs in, or waits for the login in progress, unless the sessions are current.
// isCurrent is called with the lock held, and again after a login. rejected means that
// the service rejected a session.
func (l *logins) update(ctx context.Context, rejected bool, isCurrent func() bool) error {
	if err := checkCall(ctx, l.credentials.check()); err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	switch {
	case isCurrent():
		return nil
	case l.running == nil && (isFinal(l.failure) || time.Now().Before(l.notBefore)):
		return l.tooEarly()
	case l.running == nil:
		l.running = make(chan struct{})
		if time.Since(l.notBefore) > maxLoginPause {
			l.pause = 0 // the sessions of the last login worked for a while
		}
		// The login serves everyone who waits for it, so it does not end with the
		// context of the first; Options limit its time.
		go l.logIn(context.WithoutCancel(ctx), rejected)
	}
	running := l.running
	l.mutex.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
	}
	l.mutex.Lock()
	isCurrent()
	if err := ctx.Err(); err != nil {
		return newCallError(nil, err)
	}
	return l.failure
}

// logIn logs in and keeps the result.
func (l *logins) logIn(ctx context.Context, rejected bool) {
	sessions, err := l.client.logIn(ctx, l.credentials)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.ended, l.failure = time.Now(), nil; err == nil {
		l.sessions = sessions
	} else {
		l.failure = newCallError(nil, err)
	}
	l.pause = min(max(2*l.pause, time.Second), maxLoginPause)
	if err == nil && !rejected {
		l.pause = 0
	}
	longer := new(APIError)
	errors.As(err, &longer)
	l.notBefore = l.ended.Add(max(l.pause, min(longer.RetryAfter, maxRetryAfter)))
	close(l.running)
	l.running = nil
}

// isFinal reports whether a login that failed must not be repeated.
func isFinal(failure error) bool {
	refused := new(APIError)
	return errors.As(failure, &refused) && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, refused.Status)
}

var errRejectedAgain = errors.New("the service rejects the session of a new login too")

// tooEarly says why there is no login now.
func (l *logins) tooEarly() error {
	next := "the next is not before " + l.notBefore.UTC().Format(time.RFC3339)
	if isFinal(l.failure) {
		next = "it is not repeated, which could lock the account"
	}
	return newCallError(nil, cmp.Or(l.failure, errRejectedAgain), fmt.Errorf("the login was at %s; %s", l.ended.UTC().Format(time.RFC3339), next))
}
