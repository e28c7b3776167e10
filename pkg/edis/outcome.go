package edis

import (
	"fmt"
	"log/slog"
)

// An Outcome says what a call did to the records. The zero value is the careful one.
type Outcome int

const (
	// OutcomeUnknown means that some or all records of the call may have changed. Read
	// them back, as ConfirmPTR does. A write may be repeated, because it sets what the
	// first one set.
	OutcomeUnknown Outcome = iota
	// OutcomeNotSent means that nothing of the call reached the service. A login for it
	// may have.
	OutcomeNotSent
	// OutcomeUnchanged means that the call was sent and changed nothing. The service
	// refused it, or it was a read.
	OutcomeUnchanged
	// OutcomeDone means that a valid response confirmed the call.
	OutcomeDone
)

// String returns "unknown", "not sent", "unchanged" or "done".
func (o Outcome) String() string {
	switch o {
	case OutcomeUnknown:
		return "unknown"
	case OutcomeNotSent:
		return "not sent"
	case OutcomeUnchanged:
		return "unchanged"
	case OutcomeDone:
		return "done"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// LogValue returns the name of the outcome.
func (o Outcome) LogValue() slog.Value { return slog.StringValue(o.String()) }

// sentence returns what the text of an error says about the records.
func (o Outcome) sentence() string {
	switch o {
	case OutcomeNotSent:
		return "not sent, nothing changed"
	case OutcomeUnchanged:
		return "nothing changed"
	case OutcomeUnknown, OutcomeDone:
	}
	return "outcome unknown, the records may have changed"
}

// OutcomeOf returns the outcome of the call that returned err, from the outermost
// [CallError] in it. The outcome is OutcomeDone for nil. It is OutcomeUnknown for an
// error that has no CallError, such as one of another package or one that lost its cause.
//
// For joined errors, the outcome is the worst of theirs, and OutcomeUnknown if one of
// them has no CallError. But [errors.Join] drops nil, so it hides the calls that
// succeeded. After several calls, ask for the outcome of each.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeDone
	}
	switch e := err.(type) { //nolint:errorlint // walks the tree
	case *CallError:
		if e != nil && (e.Outcome == OutcomeNotSent || e.Outcome == OutcomeUnchanged) {
			return e.Outcome
		} // a failure that claims success proves nothing
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return OutcomeOf(inner)
		}
	case interface{ Unwrap() []error }:
		return worstOutcome(e.Unwrap())
	}
	return OutcomeUnknown
}

func worstOutcome(errs []error) Outcome {
	if len(errs) == 0 {
		return OutcomeUnknown
	}
	outcome := OutcomeNotSent
	for _, err := range errs {
		if err == nil {
			return OutcomeUnknown
		}
		outcome = worse(outcome, OutcomeOf(err))
	}
	return outcome
}

// worse returns the outcome of two failures together: unknown if one is, and not sent only
// if both are.
func worse(a, b Outcome) Outcome {
	switch {
	case a == OutcomeNotSent:
		return b
	case b == OutcomeNotSent, a == b:
		return a
	}
	return OutcomeUnknown
}
