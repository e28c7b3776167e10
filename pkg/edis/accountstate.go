package edis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An accountState is what the session sources of an account share: the sessions that it
// has, and when it may log in.
type accountState struct {
	client      *Client
	credentials Credentials

	mutex     sync.Mutex
	held      *snapshot     // nil before the first login
	replaced  []*snapshot   // the last ones before that
	running   *pendingLogin // nil if there is none in progress
	failure   *CallError    // of the last login, nil if it succeeded
	ended     time.Time     // when the last login did
	pause     time.Duration
	notBefore time.Time // when the next login may begin
}

// A pendingLogin is one in progress. What it returns is set when done is closed.
type pendingLogin struct {
	done     chan struct{}
	snapshot *snapshot
	failed   *CallError
}

const (
	maxLoginPause      = time.Minute
	maxLoginRetryAfter = time.Hour // or one wrong header would stop an account for good
	maxReplaced        = 8
)

// latest returns what the account has, after a login if that is needed. need returns how
// fresh what it wants is in a snapshot; it is called with the lock held. A snapshot in
// which it is due still serves if there is no login, or the login fails.
func (a *accountState) latest(ctx context.Context, need func(*snapshot) freshness) (*snapshot, *CallError) {
	if err := ctx.Err(); err != nil {
		return nil, notSentError(createAuthSession.op, err)
	}
	usable, running, failed := a.begin(ctx, need)
	if running == nil {
		return usable, failed
	}
	select {
	case <-running.done:
	case <-ctx.Done():
		return nil, notSentError(createAuthSession.op, ctx.Err())
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
func (a *accountState) begin(ctx context.Context, need func(*snapshot) freshness) (usable *snapshot, running *pendingLogin, failed *CallError) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found := missing
	if a.held != nil {
		found = need(a.held)
	}
	if found == due || found == fresh {
		usable = a.held
	}
	if found == fresh {
		return usable, nil, nil
	}
	if a.running != nil {
		return usable, a.running, nil
	}
	if failed := a.noLogin(); failed != nil {
		if usable != nil {
			return usable, nil, nil
		}
		return nil, nil, failed
	}
	a.start(ctx, found == rejected)
	return usable, a.running, nil
}

// start starts a login. It serves everyone who waits for it, so it does not end with the
// context of the first; Options limit its time.
func (a *accountState) start(ctx context.Context, afterRejection bool) {
	if time.Since(a.notBefore) > maxLoginPause {
		a.pause = 0 // the sessions of the last login worked for a while
	}
	running := &pendingLogin{done: make(chan struct{}), failed: notSentError(createAuthSession.op, errAborted)}
	a.running = running
	go func() {
		defer func() { // also if a RoundTripper panics or ends the goroutine
			if reason := recover(); reason != nil {
				running.failed.Err = fmt.Errorf("the login panicked with a %T", reason)
			}
			a.finish(running, afterRejection)
		}()
		sessions, failed := a.client.logIn(context.WithoutCancel(ctx), a.credentials)
		running.snapshot, running.failed = &snapshot{sessions, time.Now()}, failed
	}()
}

var errAborted = errors.New("the goroutine of the login was ended")

// finish keeps what a login returned, and releases those who wait for it.
func (a *accountState) finish(running *pendingLogin, afterRejection bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.pause = min(max(2*a.pause, time.Second), maxLoginPause)
	if running.failed == nil && !afterRejection {
		a.pause = 0
	}
	wait := a.pause
	if running.failed == nil {
		a.replace(running.snapshot)
	} else {
		wait = max(wait, min(running.failed.RetryAfter, maxLoginRetryAfter))
		if running.failed.Retryable {
			running.failed.RetryAfter = wait
		}
	}
	a.failure, a.ended, a.notBefore = running.failed, time.Now(), time.Now().Add(wait)
	a.running = nil
	close(running.done)
}

// replace replaces what the account has.
func (a *accountState) replace(held *snapshot) {
	if a.held != nil {
		a.replaced = append(a.replaced[max(0, len(a.replaced)-maxReplaced+1):], a.held)
	}
	a.held = held
}

// isRejected reports whether a session must be replaced because the service rejected one: it
// is the rejected one, or is no newer than one that the account never had.
func (a *accountState) isRejected(current, rejected Session) bool {
	switch {
	case !rejected.isUsable() || current.KVMID != rejected.KVMID:
		return false
	case current.Signature == rejected.Signature:
		return true
	}
	return !a.hasReplaced(rejected) && !current.ValidUntil.After(rejected.ValidUntil)
}

func (a *accountState) hasReplaced(session Session) bool {
	return slices.ContainsFunc(a.replaced, func(earlier *snapshot) bool {
		found, err := earlier.find(session.KVMID)
		return err == nil && found.Signature == session.Signature
	})
}

var errRejectedAgain = errors.New("the service rejects the session of a new login too")

// noLogin returns why there must be no login now, or nil.
func (a *accountState) noLogin() *CallError {
	failed := &CallError{Op: createAuthSession.op, Outcome: OutcomeNotSent}
	ended := a.ended.UTC().Format(time.RFC3339)
	invalid := a.credentials.check().err()
	switch {
	case invalid != nil:
		failed.Err = invalid
	case a.failure != nil && errors.Is(a.failure, ErrLoginRefused):
		failed.Err = because(a.failure.Err, fmt.Errorf("that was at %s; not retried: repeating a refused login could lock the account", ended))
	case time.Now().Before(a.notBefore):
		reason := errRejectedAgain
		if a.failure != nil {
			reason = a.failure.Err
		}
		failed.Retryable, failed.RetryAfter = true, time.Until(a.notBefore)
		failed.Err = because(reason, fmt.Errorf("that was at %s; the next login is not before %s", ended, a.notBefore.UTC().Format(time.RFC3339)))
	default:
		return nil
	}
	return failed
}
