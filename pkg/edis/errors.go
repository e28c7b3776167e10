package edis

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// The sentinels say what kind of failure an error is; test for them with
// [errors.Is]. One error may match several: a response with status 500 to a write
// matches both ErrServer and ErrOutcomeUnknown.
var (
	// ErrInvalidInput is returned when an address, a host name, or a field of a Session,
	// Credentials or Options is invalid, or an Account has no such server. Nothing was
	// sent, except perhaps a login. Each invalid item is an InputError.
	ErrInvalidInput = errors.New("invalid input")

	// ErrSessionExpired is returned when a session has expired by the clock of this
	// machine, unless its source is a Renewer. The error also matches ErrNotSent.
	ErrSessionExpired = errors.New("session expired")

	// ErrNotSent is returned when no part of the call reached the service: there was no
	// connection, the context was done, or there was no session. A login for the call may
	// have been sent.
	ErrNotSent = errors.New("not sent, nothing changed")

	// ErrOutcomeUnknown is returned when a write was sent, or may have been, and no
	// response proves what it did. Some or all of its records may have changed: read them
	// back, as ConfirmPTR does. Writes are idempotent, so the call may be repeated, but
	// that is pointless if the error contains an APIError that says the service refused
	// it (most 4xx statuses). A failed write that does not match ErrOutcomeUnknown
	// changed nothing.
	//
	// A 401 or 429 proves that nothing changed. So does any other 4xx status except 408,
	// 460 and 499 if the call was for a single record: it is not documented whether the
	// service applies some records of a call and refuses others.
	ErrOutcomeUnknown = errors.New("outcome unknown, the records may have changed")

	// ErrUnauthorized is returned when the service responds with status 401: it
	// does not accept the session or the credentials.
	ErrUnauthorized = errors.New("unauthorized")

	// ErrRateLimited is returned when the service responds with status 429; see
	// APIError.RetryAfter. The status is not documented, so the error also matches
	// ErrContract.
	ErrRateLimited = errors.New("rate limited")

	// ErrServer is returned when the service responds with a status of 500 or
	// above.
	ErrServer = errors.New("server error")

	// ErrContract is returned when the response is not one that the OpenAPI
	// document describes. The error is a ContractError.
	ErrContract = errors.New("response does not match the API document")

	// ErrRedirect is returned when the service responds with a 3xx status.
	// Redirects are never followed: the session signature is in the body of the
	// request and would be sent along.
	ErrRedirect = errors.New("redirect refused")

	// ErrResponseTooLarge is returned when the response is larger than
	// Options.MaxResponseBytes. The rest of it is not read.
	ErrResponseTooLarge = errors.New("response too large")
)

// An InputError describes one invalid item of the input. Nothing was sent, except perhaps
// a login. It matches [ErrInvalidInput]. The error of a call unwraps to all of its
// invalid items; [errors.As] finds the first.
type InputError struct {
	// Field is what the value is for: the address of an invalid host name, "address", or
	// the name of a parameter or field, such as "Session.KVMID".
	Field string
	// Value is the invalid value. It is never a secret.
	Value string
	// Reason says what is wrong with Value, and how to allow it if that is possible.
	Reason string
}

func (e *InputError) Error() string {
	if e.Value == "" {
		return e.Field + ": " + e.Reason
	}
	return fmt.Sprintf("%q for %s: %s", redact.Clip(e.Value, 300), e.Field, e.Reason)
}

// Unwrap returns [ErrInvalidInput].
func (e *InputError) Unwrap() error { return ErrInvalidInput }

// An APIError is a response with a status of 400 or above. It matches [ErrUnauthorized]
// (401), [ErrRateLimited] (429) or [ErrServer] (500 and above). If the response is
// unusable or its status is not documented, the error of the call also matches
// [ErrContract].
type APIError struct {
	// Op is the operation ID of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Message is the text of the response, at most 1 KiB, without control characters. It
	// is empty if there is none. A text that holds a secret is withheld, and Message says
	// so.
	Message string
	// RetryAfter is how long the service asked to wait before another call (RFC
	// 9110, section 10.2.3). It is zero if it did not ask.
	RetryAfter time.Duration
}

func (e *APIError) Error() string {
	name := http.StatusText(e.Status)
	message := strings.TrimPrefix(e.Message, name+": ") // some responses repeat the name
	return strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", e.Op, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.Status, name)), message), ": ")
}

// Unwrap returns the sentinel for the status, or nil if there is none.
func (e *APIError) Unwrap() error {
	if e.Status >= http.StatusInternalServerError {
		return ErrServer
	}
	return statusErrors[e.Status]
}

var statusErrors = map[int]error{http.StatusUnauthorized: ErrUnauthorized, http.StatusTooManyRequests: ErrRateLimited}

// A ContractError is a response whose status, JSON or schema the OpenAPI document does
// not describe. It matches [ErrContract].
type ContractError struct {
	// Op is the operation ID of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Reason says what does not match.
	Reason string
	// Body is the beginning of the response, at most 512 bytes, without control
	// characters. It is empty for a login and if APIError.Message has the text of the
	// response. A body that holds a secret is withheld, and Body says so.
	Body []byte
}

func (e *ContractError) Error() string {
	text := fmt.Sprintf("%s: HTTP %d: %v: %s", e.Op, e.Status, ErrContract, e.Reason)
	if len(e.Body) > 0 {
		text += fmt.Sprintf(" (body: %q)", e.Body)
	}
	return text
}

// Unwrap returns [ErrContract].
func (e *ContractError) Unwrap() error { return ErrContract }

// A callError is the failure of a call with valid input, or of one attempt. Its causes
// show no secrets, and their texts say nothing about the outcome, which Error appends.
type callError struct {
	outcome   error // ErrNotSent, ErrOutcomeUnknown, or nil: nothing changed
	causes    []error
	write     bool // whose outcome the text says
	attempts  int
	transient bool          // another attempt may succeed
	pause     time.Duration // that the service asked for before another attempt
}

// newCallError joins causes. Of a cause that is itself a callError, it keeps only the
// causes, since the outcome of this call may be another one.
func newCallError(outcome error, causes ...error) *callError {
	e := &callError{outcome: outcome}
	for _, cause := range causes {
		switch cause := cause.(type) { //nolint:errorlint // one that is wrapped has a text of its own
		case *callError:
			e.causes = append(e.causes, cause.causes...)
		case inputErrors:
			e.causes = append(e.causes, cause...)
		default:
			if errors.Is(cause, ErrNotSent) {
				cause = sourceError{cause}
			}
			e.causes = append(e.causes, cause)
		}
	}
	return e
}

func (e *callError) Error() string {
	var texts []string
	for _, cause := range e.causes {
		texts = append(texts, redact.Clip(redact.Printable(cause.Error()), 2048))
	}
	if e.write {
		texts = append(texts, cmp.Or(e.outcome, errUnchanged).Error())
	}
	if e.attempts > 1 {
		texts = append(texts, fmt.Sprintf("after %d attempts", e.attempts))
	}
	return "edis: " + strings.Join(texts, "; ")
}

var errUnchanged = errors.New("nothing changed")

// Unwrap returns the causes and the outcome.
func (e *callError) Unwrap() []error {
	if e.outcome == nil {
		return e.causes
	}
	return append(slices.Clip(e.causes), e.outcome)
}

// A sourceError wraps the error of a caller's session source that matches ErrNotSent,
// which is about the source's login and says nothing about the call.
type sourceError struct{ error }

func (e sourceError) Is(target error) bool { return target != ErrNotSent && errors.Is(e.error, target) }
func (e sourceError) As(target any) bool   { return errors.As(e.error, target) }
