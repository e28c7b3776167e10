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
	// ErrInvalidInput is returned when an address, a host name, a field of a
	// Session or of Options is not valid, or an Account has no such server. Nothing
	// was sent, except perhaps a login. Every invalid item is an InputError.
	ErrInvalidInput = errors.New("invalid input")

	// ErrSessionExpired is returned when the ValidUntil of the session has passed
	// by the clock of this machine. The error matches ErrNotSent as well.
	ErrSessionExpired = errors.New("session expired")

	// ErrNotSent is returned when nothing of the call reached the service: there
	// was no connection, the context was done, or there was no session to send.
	// A login for the call may have been sent.
	ErrNotSent = errors.New("not sent, nothing changed")

	// ErrOutcomeUnknown is returned when a write was sent, or may have been, and
	// no response proves what became of it. Some or all of its records may have
	// changed: read them back, as ConfirmPTR does. Writes are idempotent, so the
	// call may also be repeated, but that is pointless if an APIError in the error
	// says that the service refused it (most 4xx statuses). A failed write that does
	// not match ErrOutcomeUnknown changed nothing.
	//
	// A 4xx status proves that nothing changed if the call was for a single
	// record (except 408, 460 and 499), or if it is 401 or 429. It is not documented whether
	// the service applies some records of a call and refuses others.
	ErrOutcomeUnknown = errors.New("outcome unknown, the records may have changed")

	// ErrUnauthorized is returned when the service responds with status 401: it
	// does not accept the session or the credentials.
	ErrUnauthorized = errors.New("unauthorized")

	// ErrRateLimited is returned when the service responds with status 429; see
	// APIError.RetryAfter. The status is not documented, so the error matches
	// ErrContract as well.
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

// An InputError is one item of the input that is not valid. Nothing was sent, except
// perhaps a login. It matches [ErrInvalidInput]. The error of a call unwraps to all of its invalid
// items; errors.As finds the first.
type InputError struct {
	// Field is what the value was given for: the address of an invalid host name,
	// "address", or the name of a parameter or field, such as "Session.KVMID".
	Field string
	// Value is the invalid value. It is never a secret.
	Value string
	// Reason says what is wrong with it, and how to permit it where that is
	// possible.
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

// An APIError is a response with a status of 400 or above. It matches
// [ErrUnauthorized] (401), [ErrRateLimited] (429) or [ErrServer] (500 and above).
// The status is kept even when the response is unusable or its status is not
// documented; the error of the call then matches [ErrContract] too.
type APIError struct {
	// Op is the operation id of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Message is the text of the response, at most 1 KiB, without control
	// characters. It is empty if there is none, and says so if it is withheld
	// because it holds a secret.
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

// Unwrap returns the sentinel of the status, or nil where there is none.
func (e *APIError) Unwrap() error {
	if e.Status >= http.StatusInternalServerError {
		return ErrServer
	}
	return statusErrors[e.Status]
}

var statusErrors = map[int]error{http.StatusUnauthorized: ErrUnauthorized, http.StatusTooManyRequests: ErrRateLimited}

// A ContractError is a response that the OpenAPI document does not describe: its
// status, its media type, its JSON or its schema. It matches [ErrContract].
type ContractError struct {
	// Op is the operation id of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Reason says what does not match.
	Reason string
	// Body is the beginning of the response, at most 512 bytes, without control
	// characters. It is empty for a login and where APIError.Message has the text
	// of the response, and says so if it is withheld because it holds a secret.
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

// A callError is how a call with valid input failed, or one attempt of it. Its causes
// show no secrets. It is rendered once, by the caller, so its causes have no texts of
// their own about the outcome.
type callError struct {
	outcome   error // ErrNotSent, ErrOutcomeUnknown, or nil: nothing changed
	causes    []error
	write     bool // whose outcome the text says
	attempts  int
	transient bool          // another attempt may succeed
	pause     time.Duration // that the service asked for before another attempt
}

// newCallError joins causes. Of one that is an error of this package, only its causes
// are kept, since its outcome is not that of this call.
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

// A sourceError is the error of a caller's session source that did not send a login,
// which says nothing about the call.
type sourceError struct{ error }

func (e sourceError) Is(target error) bool { return target != ErrNotSent && errors.Is(e.error, target) }
func (e sourceError) As(target any) bool   { return errors.As(e.error, target) }
