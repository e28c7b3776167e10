package edis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// logins is the state that the session sources of an account share: the sessions that it
// has, and when it may log in.
type logins struct {
	client      *Client
	credentials Credentials

	mutex     sync.Mutex
	held      *snapshot   // nil before the first login
	replaced  []*snapshot // the last ones before that
	running   *login      // nil if there is none in progress
	failure   *CallError  // of the last login, nil if it succeeded
	ended     time.Time   // when the last login did
	pause     time.Duration
	notBefore time.Time // when the next login may begin
}

// A login is one in progress. What it returns is set when done is closed.
type login struct {
	done     chan struct{}
	snapshot *snapshot
	failed   *CallError
}

const (
	maxLoginPause = time.Minute
	maxRetryAfter = time.Hour // or one wrong header would stop an account for good
	maxReplaced   = 8
)

// latest returns what the account has, after a login if that is needed. need returns how
// fresh what it wants is in a snapshot; it is called with the lock held. A snapshot in
// which it is due still serves if there is no login, or the login fails.
func (l *logins) latest(ctx context.Context, need func(*snapshot) freshness) (*snapshot, *CallError) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(createAuthSession.op, err)
	}
	usable, running, failed := l.begin(ctx, need)
	if running == nil {
		return usable, failed
	}
	select {
	case <-running.done:
	case <-ctx.Done():
		return nil, notSent(createAuthSession.op, ctx.Err())
	}
	switch {
	case running.failed == nil:
		return running.snapshot, nil
	case usable != nil:
		return usable, nil
	}
	own := *running.failed // others wait for the same login
	return nil, &own
}

// begin returns what the account has, if that is usable, and the login to wait for, if one
// is needed. If one is needed and there must be none now, it returns why.
func (l *logins) begin(ctx context.Context, need func(*snapshot) freshness) (usable *snapshot, running *login, failed *CallError) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	found := missing
	if l.held != nil {
		found = need(l.held)
	}
	if found == due || found == fresh {
		usable = l.held
	}
	if found == fresh {
		return usable, nil, nil
	}
	if l.running != nil {
		return usable, l.running, nil
	}
	if failed := l.noLogin(); failed != nil {
		if usable != nil {
			return usable, nil, nil
		}
		return nil, nil, failed
	}
	l.start(ctx, found == rejected)
	return usable, l.running, nil
}

// start starts a login. It serves everyone who waits for it, so it does not end with the
// context of the first; Options limit its time.
func (l *logins) start(ctx context.Context, afterRejection bool) {
	if time.Since(l.notBefore) > maxLoginPause {
		l.pause = 0 // the sessions of the last login worked for a while
	}
	running := &login{done: make(chan struct{}), failed: notSent(createAuthSession.op, errAborted)}
	l.running = running
	go func() {
		defer func() { // also if a RoundTripper panics or ends the goroutine
			if reason := recover(); reason != nil {
				running.failed.Err = fmt.Errorf("the login panicked with a %T", reason)
			}
			l.finish(running, afterRejection)
		}()
		sessions, failed := l.client.logIn(context.WithoutCancel(ctx), l.credentials)
		running.snapshot, running.failed = &snapshot{sessions, time.Now()}, failed
	}()
}

var errAborted = errors.New("the goroutine of the login was ended")

// finish keeps what a login returned, and releases those who wait for it.
func (l *logins) finish(running *login, afterRejection bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.pause = min(max(2*l.pause, time.Second), maxLoginPause)
	if running.failed == nil && !afterRejection {
		l.pause = 0
	}
	wait := l.pause
	if running.failed == nil {
		l.replace(running.snapshot)
	} else {
		wait = max(wait, min(running.failed.RetryAfter, maxRetryAfter))
		if running.failed.Retryable {
			running.failed.RetryAfter = wait
		}
	}
	l.failure, l.ended, l.notBefore = running.failed, time.Now(), time.Now().Add(wait)
	l.running = nil
	close(running.done)
}

// replace replaces what the account has.
func (l *logins) replace(held *snapshot) {
	if l.held != nil {
		l.replaced = append(l.replaced[max(0, len(l.replaced)-maxReplaced+1):], l.held)
	}
	l.held = held
}

// isRefused reports whether a session must be replaced because the service refused one: it
// is the refused one, or is no newer than one that the account never had.
func (l *logins) isRefused(current, refused Session) bool {
	switch {
	case !refused.isUsable() || current.KVMID != refused.KVMID:
		return false
	case current.Signature == refused.Signature:
		return true
	}
	return !l.hasReplaced(refused) && !current.ValidUntil.After(refused.ValidUntil)
}

func (l *logins) hasReplaced(session Session) bool {
	return slices.ContainsFunc(l.replaced, func(earlier *snapshot) bool {
		found, err := earlier.find(session.KVMID)
		return err == nil && found.Signature == session.Signature
	})
}

var errRejectedAgain = errors.New("the service rejects the session of a new login too")

// noLogin returns why there must be no login now, or nil.
func (l *logins) noLogin() *CallError {
	failed := &CallError{Op: createAuthSession.op, Outcome: OutcomeNotSent}
	ended := l.ended.UTC().Format(time.RFC3339)
	switch {
	case len(l.credentials.check()) > 0:
		failed.Err = l.credentials.check().err()
	case l.failure != nil && errors.Is(l.failure, ErrLoginRefused):
		failed.Err = because(l.failure.Err, fmt.Errorf("that was at %s; not retried: repeating a refused login could lock the account", ended))
	case time.Now().Before(l.notBefore):
		reason := errRejectedAgain
		if l.failure != nil {
			reason = l.failure.Err
		}
		failed.Retryable, failed.RetryAfter = true, time.Until(l.notBefore)
		failed.Err = because(reason, fmt.Errorf("that was at %s; the next login is not before %s", ended, l.notBefore.UTC().Format(time.RFC3339)))
	default:
		return nil
	}
	return failed
}
