package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/edisptr/edis-go/pkg/edis"
)

// errLost is an error that has lost its CallError, as careless wrapping does.
var errLost = fmt.Errorf("cannot set: %v", refused) //nolint:errorlint // that is the point

var (
	refused    = &edis.CallError{Op: "setPTR", Outcome: edis.OutcomeUnchanged, Err: errors.New("no")}
	unsent     = &edis.CallError{Op: "setPTR", Outcome: edis.OutcomeNotSent, Err: errors.New("no")}
	unclear    = &edis.CallError{Op: "setPTR", Err: errors.New("no")}
	boasting   = &edis.CallError{Op: "setPTR", Outcome: edis.OutcomeDone, Err: errors.New("no")}
	impossible = &edis.CallError{Op: "setPTR", Outcome: 17, Err: errors.New("no")}
)

// nothingInside is an error whose causes are none.
type nothingInside struct{ error }

func (nothingInside) Unwrap() []error { return nil }

// OutcomeOf is careful with everything that is not the error of one call.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want edis.Outcome
	}{
		{"nil", nil, edis.OutcomeDone},
		{"a call", refused, unchanged},
		{"a call that was not sent", unsent, notSent},
		{"a call with an unknown outcome", unclear, unknown},
		{"a call, wrapped", fmt.Errorf("mine: %w", fmt.Errorf("cannot set: %w", unsent)), notSent},
		{"a call, without its cause", errLost, unknown},
		{"another package's error", errors.New("disk full"), unknown},
		{"a context's error", context.Canceled, unknown},
		{"a sentinel alone", edis.ErrInvalidInput, unknown},
		{"no call in a CallError", (*edis.CallError)(nil), unknown},
		{"an empty CallError", &edis.CallError{}, unknown},
		{"a failure that claims success", boasting, unknown},
		{"an outcome that does not exist", impossible, unknown},
		{"a call within a call", &edis.CallError{Op: "setPTR", Outcome: unchanged, Err: unsent}, unchanged},
		{"a call with a known outcome within one without", &edis.CallError{Op: "setPTR", Err: unsent}, unknown},
		{"several calls", errors.Join(refused, unsent, refused), unchanged},
		{"several calls that were not sent", errors.Join(unsent, unsent), notSent},
		{"several calls, one unknown", errors.Join(unsent, refused, unclear), unknown},
		{"several calls, the first unknown", errors.Join(unclear, unsent), unknown},
		{"several calls, one claims success", errors.Join(refused, boasting), unknown},
		{"several calls and another error", errors.Join(refused, errors.New("disk full")), unknown},
		{"several calls, wrapped", fmt.Errorf("mine: %w", errors.Join(unsent, fmt.Errorf("b: %w", refused))), unchanged},
		{"two verbs", fmt.Errorf("%w and %w", unsent, refused), unchanged},
		{"a nil among several", severalErrors{unsent, nil, refused}, unknown},
		{"nil alone among several", severalErrors{nil}, unknown},
		{"none among several", severalErrors{}, unknown},
		{"several without any", nothingInside{errors.New("a")}, unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := edis.OutcomeOf(test.err); got != test.want {
				t.Errorf("OutcomeOf(%v) = %v, want %v", test.err, got, test.want)
			}
		})
	}
	if zero := edis.Outcome(0); zero != edis.OutcomeUnknown {
		t.Errorf("the zero Outcome is %v, want unknown", zero)
	}
}

type severalErrors []error

func (severalErrors) Error() string     { return "several" }
func (s severalErrors) Unwrap() []error { return s }

func TestOutcomeNames(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[edis.Outcome]string{
		edis.OutcomeUnknown: "unknown", edis.OutcomeNotSent: "not sent", edis.OutcomeUnchanged: "unchanged", edis.OutcomeDone: "done", 17: "Outcome(17)",
	} {
		if got := outcome.String(); got != want || outcome.LogValue().String() != want {
			t.Errorf("Outcome(%d).String() = %q, want %q", int(outcome), got, want)
		}
	}
}

// The text of an error says what failed, where and why, each once. That of a write ends
// with the outcome; a read and a login change nothing, and do not say so.
func TestCallErrorText(t *testing.T) {
	t.Parallel()
	rejected := respondWith(401, jsonType, errorBody)
	badLogin := respondWith(401, jsonType, `{"error":"Unauthorized","code":401,"message":"wrong password"}`)
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		call    func(context.Context, *edis.Client) error
		want    string
	}{
		{"a write that changed nothing", rejected, apiCalls()["SetPTR"].call, "edis: setPTR: HTTP 401 Unauthorized: some reason; nothing changed"},
		{"a write with an unknown outcome", serverError, apiCalls()["DeletePTR"].call,
			"edis: deletePTR: HTTP 500 Internal Server Error: some reason (after 3 attempts); outcome unknown, the records may have changed"},
		{"a write that was not sent", succeed, func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, session(), nil) },
			"edis: setPTR: address is missing; give at least one; not sent, nothing changed"},
		{"a read", rejected, apiCalls()["GetPTR"].call, "edis: getPTR: HTTP 401 Unauthorized: some reason"},
		{"a login", badLogin, apiCalls()["Login"].call, "edis: createAuthSession: login refused: HTTP 401 Unauthorized: wrong password"},
		{"a write whose login failed", badLogin, func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, c.Account(credentials), onePTR) },
			"edis: setPTR: createAuthSession: login refused: HTTP 401 Unauthorized: wrong password; not sent, nothing changed"},
		{"a status without a name", respondWith(499, "", ""), apiCalls()["GetPTR"].call, "edis: getPTR: HTTP 499 (after 3 attempts)"},
		{"a context that ends", succeed, func(ctx context.Context, c *edis.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return c.SetPTR(ctx, session(), onePTR)
		}, "edis: setPTR: context canceled; not sent, nothing changed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, test.handler)
				if err := test.call(t.Context(), s.client); err == nil || err.Error() != test.want {
					t.Errorf("error = %v\nwant    %s", err, test.want)
				}
			})
		})
	}
}

// A caller may build a CallError, for example in a test.
func TestCallErrorOfCaller(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"edis: apply: no; nothing changed":                                       &edis.CallError{Op: "apply", Outcome: unchanged, Err: errors.New("no")},
		"edis: setPTR: no; outcome unknown, the records may have changed":        boasting,
		"edis: setPTR: <nil>; outcome unknown, the records may have changed":     &edis.CallError{Op: "setPTR"},
		"edis: getPTR: mine: edis: setPTR: no; not sent, nothing changed":        &edis.CallError{Op: "getPTR", Err: fmt.Errorf("mine: %w", unsent)},
		"edis: setPTR: getPTR: no (after 2 attempts); not sent, nothing changed": &edis.CallError{Op: "setPTR", Outcome: notSent, Err: &edis.CallError{Op: "getPTR", Attempts: 2, Err: errors.New("no")}},
	} {
		if got := err.Error(); got != want {
			t.Errorf("error = %q, want %q", got, want)
		}
	}
}
