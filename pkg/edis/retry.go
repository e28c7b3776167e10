package edis

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// failure is how an attempt failed.
type failure struct {
	outcome   error // ErrNotSent, ErrOutcomeUnknown, or nil: nothing changed
	causes    []error
	transient bool          // the next attempt may do better
	pause     time.Duration // that the service asked for before it
}

// maxPause is how long a call waits at most because the service asks for it.
const maxPause = 30 * time.Second

// newPauses are between the attempts of a call: at random between zero and 0.5
// seconds, then between zero and twice as much, up to 5 seconds.
func newPauses() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 250 * time.Millisecond, RandomizationFactor: 1, Multiplier: 2, MaxInterval: 2500 * time.Millisecond,
	}
}

// pauseBefore tells whether there is another attempt after so many, and how long
// to wait for it.
func (c *Client) pauseBefore(r request, attempts int, failed *failure, pauses backoff.BackOff) (pause time.Duration, again bool) {
	repeatable := !r.logsIn || errors.Is(failed.outcome, ErrNotSent)
	if !failed.transient || !repeatable || attempts >= c.options.MaxAttempts || failed.pause > maxPause || !c.retries.spend() {
		return 0, false
	}
	return max(failed.pause, pauses.NextBackOff()), true
}

// worseOf is what is known after two attempts that failed: an unknown outcome
// stays, and not sent is only what was never sent.
func worseOf(a, b error) error {
	if errors.Is(a, ErrNotSent) || errors.Is(b, ErrOutcomeUnknown) {
		return b
	}
	return a
}

// isTransient tells whether a request that got no answer may get one next time.
// One that was sent may: something went wrong on the way. One that was not sent
// may if there was no connection yet or the wait was too long; but not if the
// host is unknown or proved to be another.
func isTransient(err error, sent bool) bool {
	var lookup *net.DNSError
	var dial *net.OpError
	var slow net.Error
	switch {
	case sent:
		return true
	case errors.As(err, &lookup):
		return lookup.IsTemporary || lookup.IsTimeout
	case errors.As(err, &slow) && slow.Timeout():
		return true
	}
	return errors.As(err, &dial) && dial.Op == "dial"
}

// retryBudget keeps the calls of a client from storming a service that is down:
// a retry takes a token, and ten successes give one back.
type retryBudget struct{ spent atomic.Int64 } // in tenths

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
		b.spent.CompareAndSwap(spent, spent-1) // a success lost to another is no matter
	}
}

// sleep waits, but not longer than ctx.
func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}
