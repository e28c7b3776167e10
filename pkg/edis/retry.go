package edis

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

// maxPause is the longest pause before another attempt that the service can ask for.
const maxPause = 30 * time.Second

// backOff returns a random pause after the given number of attempts: up to 0.5 seconds
// after the first, and up to twice as long after each further one, at most 5 seconds.
func backOff(attempts int) time.Duration {
	return rand.N(min(time.Second/4<<min(attempts, 10), 5*time.Second)) //nolint:gosec // not a secret
}

// pauseAfter returns how long to wait before the next attempt, and whether there is one.
func (c *Client) pauseAfter(ctx context.Context, attempts int, r request, failed *callError) (pause time.Duration, again bool) {
	repeatable := !r.logsIn || errors.Is(failed.outcome, ErrNotSent)
	pause = max(failed.pause, backOff(attempts))
	deadline, limited := ctx.Deadline()
	tooLate := failed.pause > maxPause || limited && time.Until(deadline) <= pause
	again = failed.transient && repeatable && attempts < c.options.MaxAttempts && ctx.Err() == nil && !tooLate && c.retries.spend()
	return pause, again
}

// isTransient reports whether a request without a response may get one next time. It may
// if it was sent, or if it could not connect, but not if the host is unknown or could not
// prove its identity.
func isTransient(err error, sent bool) bool {
	var lookup *net.DNSError
	var dial *net.OpError
	var network net.Error
	switch {
	case sent:
		return true
	case errors.As(err, &lookup):
		return lookup.IsTemporary || lookup.IsTimeout
	case errors.As(err, &network) && network.Timeout():
		return true
	}
	return errors.As(err, &dial) && dial.Op == "dial"
}

// A retryBudget keeps the calls of a client from overloading a service that is
// down: a retry takes a token, and ten successes give one back.
type retryBudget struct{ spent atomic.Int64 } // in tenths of a token

const retryTokens = 50

func (b *retryBudget) spend() bool {
	if b.spent.Add(10) <= 10*retryTokens {
		return true
	}
	b.spent.Add(-10)
	return false
}

func (b *retryBudget) earn() {
	if spent := b.spent.Load(); spent > 0 {
		b.spent.CompareAndSwap(spent, spent-1) // losing one to another goroutine does not matter
	}
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
