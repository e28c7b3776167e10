package reconcile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// failures are the changes that were not made, by reason.
type failures struct {
	changes, count int
	reasons        []string
	servers        map[string][]string // by reason
	unwrapped      []error             // one for each reason
	retryable      bool
	retryAfter     time.Duration // the longest
}

// add adds a change that was not made.
func (f *failures) add(c *change) {
	f.count++
	if call := new(edis.CallError); errors.As(c.Err, &call) && call.Retryable {
		f.retryable, f.retryAfter = true, max(f.retryAfter, call.RetryAfter)
	}
	reason := reasonOf(c.Err)
	ids, known := f.servers[reason]
	if !known {
		f.reasons, f.unwrapped = append(f.reasons, reason), append(f.unwrapped, c.Err)
	}
	if len(ids) == 0 || ids[len(ids)-1] != c.KVMID {
		f.servers[reason] = append(ids, c.KVMID)
	}
}

// reasonOf returns the text of an error without what it says about the outcome, which that
// of a plan may differ from.
func reasonOf(err error) string {
	if call, ok := err.(*edis.CallError); ok { //nolint:errorlint // one that is wrapped has a text of its own
		return call.Reason()
	}
	return fmt.Sprint(err)
}

// A withoutOutcome is an error whose text is that of reasonOf.
type withoutOutcome struct{ error }

func (e withoutOutcome) Error() string { return reasonOf(e.error) }
func (e withoutOutcome) Unwrap() error { return e.error }

// Error says how many records failed, and why for which servers.
func (f *failures) Error() string {
	var texts []string
	for _, reason := range f.reasons {
		texts = append(texts, strings.TrimPrefix(firstOf(f.servers[reason], 3)+": "+reason, ": "))
	}
	return fmt.Sprintf("%d of %d records failed: %s", f.count, f.changes, strings.Join(texts, "; "))
}

// firstOf names the first few KVM IDs, and counts the others.
func firstOf(kvmIDs []string, most int) string {
	list := strings.Join(kvmIDs[:min(len(kvmIDs), most)], ", ")
	if more := len(kvmIDs) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// Unwrap returns an error for each reason.
func (f *failures) Unwrap() []error { return f.unwrapped }

// callError returns the error of a plan. It matches that of the context, if that ended.
func (f *failures) callError(op string, outcome edis.Outcome, contextErr error) *edis.CallError {
	if contextErr != nil {
		f.unwrapped = append(f.unwrapped, contextErr)
	}
	return &edis.CallError{Op: op, Outcome: outcome, Retryable: f.retryable, RetryAfter: f.retryAfter, Err: f}
}
