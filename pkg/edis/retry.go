package edis

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxCallRetryAfter is the longest pause before another attempt that the service can ask for.
const maxCallRetryAfter = 30 * time.Second

// backOff returns a random pause after the given number of attempts: up to 0.5 seconds
// after the first, and up to twice as long after each further one, at most 5 seconds.
func backOff(attempts int) time.Duration {
	return rand.N(min(time.Second/4<<min(attempts, 10), 5*time.Second)) //nolint:gosec // not a secret
}

// pauseAfter returns how long to wait after a failed attempt, and whether there is another
// one. A login that was sent is not repeated: failed logins can lock an account.
func (c *Client) pauseAfter(ctx context.Context, call call, failed *CallError) (pause time.Duration, again bool) {
	pause = max(failed.RetryAfter, backOff(failed.Attempts))
	deadline, limited := ctx.Deadline()
	tooLong := failed.RetryAfter > maxCallRetryAfter || limited && time.Until(deadline) <= pause
	repeatable := failed.Retryable && (!call.logsIn || failed.Outcome == OutcomeNotSent)
	return pause, repeatable && failed.Attempts < c.options.MaxAttempts && ctx.Err() == nil && !tooLong
}

// retryAfter parses the Retry-After header: seconds or a date (RFC 9110, section 10.2.3).
// An absent, malformed or past value is zero.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	const longest = 1 << 33 // seconds that a Duration holds
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), longest)) * time.Second
	}
	at, _ := http.ParseTime(value) // zero, and so long past, if it is not a date
	return max(0, at.Sub(now))
}

// isTransient reports whether a request without a response may get one next time. It may
// if it was sent, or if there was no connection or it broke, but not if the host is unknown
// or could not prove its identity.
func isTransient(err error, sent bool) bool {
	var lookup *net.DNSError
	var connection *net.OpError
	var network net.Error
	switch {
	case sent:
		return true
	case errors.As(err, &lookup):
		return lookup.IsTemporary || lookup.IsTimeout
	case errors.As(err, &network) && network.Timeout():
		return true
	}
	broken := []string{"dial", "proxyconnect", "read", "write"} // within the TLS handshake too
	return errors.As(err, &connection) && slices.Contains(broken, connection.Op) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// errAttemptTimeout ends an attempt that takes longer than Options.Timeout.
var errAttemptTimeout error = attemptTimeout{errors.New("the attempt timed out (Options.Timeout)")}

// An attemptTimeout is a timeout within an attempt: that of Options, of the HTTP client or
// of its dialer. It is a net.Error, and no error of a context: net and net/http make no
// difference between their own timeouts and the end of the caller's context.
type attemptTimeout struct{ err error }

func (e attemptTimeout) Error() string   { return e.err.Error() }
func (e attemptTimeout) Timeout() bool   { return true }
func (e attemptTimeout) Temporary() bool { return true }

// Is reports whether the error matches target, which is not one of a context.
func (e attemptTimeout) Is(target error) bool {
	return !isContextError(target) && errors.Is(e.err, target)
}

// As makes the causes available.
func (e attemptTimeout) As(target any) bool { return errors.As(e.err, target) }

func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// ownTimeout returns err, as an [attemptTimeout] if it matches an error of a context
// although that of the caller has not ended.
func ownTimeout(caller context.Context, err error) error {
	if err != nil && caller.Err() == nil && isContextError(err) {
		return attemptTimeout{err}
	}
	return err
}

// sleep waits for the pause, or returns the error of ctx when that is done first.
func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}
