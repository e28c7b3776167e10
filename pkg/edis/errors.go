package edis

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// The sentinels say what kind of failure an error is; test for them with
// [errors.Is]. One error may match several: an answer of status 500 to a write
// matches both ErrServer and ErrOutcomeUnknown.
var (
	// ErrInvalidInput: an address, a host name, a field of a Session or of
	// Options was refused. Nothing was sent. Every refused item is an
	// [*InputError].
	ErrInvalidInput = errors.New("invalid input")

	// ErrSessionExpired: the ValidUntil of the session has passed by the clock of
	// this machine. The error matches ErrNotSent as well.
	ErrSessionExpired = errors.New("session expired")

	// ErrNotSent: nothing of the call reached the service, because no connection
	// was obtained, the context was done, or there was no session to send. A
	// login for the call may have been sent.
	ErrNotSent = errors.New("not sent, nothing changed")

	// ErrOutcomeUnknown: a write was sent, or may have been, and no answer
	// proves what became of it. Some or all of its records may have changed.
	// Writes are idempotent: read the records back, or make the call again. A
	// failed write that does not match ErrOutcomeUnknown changed nothing.
	//
	// A status of 4xx proves that nothing changed if the call was for a single
	// record (but for 408), or is 401 or 429. It is not documented whether the
	// service applies some records of a call and refuses others.
	ErrOutcomeUnknown = errors.New("outcome unknown, the records may have changed")

	// ErrUnauthorized: the service answered 401, it does not accept the
	// session.
	ErrUnauthorized = errors.New("unauthorized")

	// ErrRateLimited: the service answered 429; see [APIError.RetryAfter]. The
	// status is not documented, so the error matches ErrContract as well.
	ErrRateLimited = errors.New("rate limited")

	// ErrServer: the service answered with a status of 500 or above.
	ErrServer = errors.New("server error")

	// ErrContract: the answer is not one that the OpenAPI document describes.
	// The error is a [*ContractError].
	ErrContract = errors.New("answer does not match the API document")

	// ErrRedirect: the service answered with a 3xx status. Redirects are never
	// followed, because the session signature is in the body of the request
	// and would go along.
	ErrRedirect = errors.New("redirect refused")

	// ErrResponseTooLarge: the answer is larger than
	// [Options.MaxResponseBytes]; the rest of it was not read.
	ErrResponseTooLarge = errors.New("answer too large")
)

// An InputError is one item of the input that was refused before anything was
// sent. It matches [ErrInvalidInput]. The error of a call unwraps to all of its
// refused items; errors.As finds the first.
type InputError struct {
	// Field says what the value was meant for: the address whose host name was
	// refused, "address", or the name of a parameter or field, such as
	// "Session.KVMID".
	Field string
	// Value is what was refused. It is never a secret.
	Value string
	// Reason says why, and where there is a way to permit it, which.
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

// An APIError is an answer of the service with a status of 400 or above. It
// matches [ErrUnauthorized] (401), [ErrRateLimited] (429) or [ErrServer]
// (500 and above). The status is kept even when the answer is unusable or its
// status not documented; the error of the call then matches [ErrContract] too.
type APIError struct {
	// Op is the operation id of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Message is what the service said, at most 1 KiB, with secrets and
	// control characters replaced; empty when it said nothing usable.
	Message string
	// RetryAfter is how long the service asked to wait before another call
	// (RFC 9110, section 10.2.3); zero if it did not say.
	RetryAfter time.Duration
}

func (e *APIError) Error() string {
	name := http.StatusText(e.Status)
	said := strings.TrimPrefix(e.Message, name+": ") // some answers repeat the name
	return strings.TrimSuffix(fmt.Sprintf("%s: HTTP %d %s: %s", e.Op, e.Status, name, said), ": ")
}

// Unwrap returns the sentinel of the status, or nil where there is none.
func (e *APIError) Unwrap() error {
	switch {
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusTooManyRequests:
		return ErrRateLimited
	case e.Status >= 500:
		return ErrServer
	}
	return nil
}

// A ContractError is an answer that the OpenAPI document does not describe: its
// status, its media type, its JSON or its schema. It matches [ErrContract].
type ContractError struct {
	// Op is the operation id of the OpenAPI document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Reason says what does not match.
	Reason string
	// Body is the beginning of the answer, at most 512 bytes, with secrets
	// replaced.
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

// callError is how a call failed after its input was found good: the causes,
// and what is known of the outcome. Its text is made once, without secrets.
type callError struct {
	text   string
	causes []error
}

func (e *callError) Error() string   { return e.text }
func (e *callError) Unwrap() []error { return e.causes }

// newCallError joins the causes, which show no secrets, and the outcome after so
// many attempts: ErrNotSent, ErrOutcomeUnknown, or nil where nothing changed.
func newCallError(outcome error, attempts int, causes ...error) *callError {
	if outcome != nil {
		causes = append(causes, outcome)
	}
	texts := make([]string, len(causes))
	for i, cause := range causes {
		texts[i] = strings.TrimSuffix(strings.TrimPrefix(cause.Error(), "edis: "), "; nothing changed")
	}
	if outcome == nil {
		texts = append(texts, "nothing changed")
	}
	if attempts > 1 {
		texts = append(texts, fmt.Sprintf("after %d attempts", attempts))
	}
	return &callError{"edis: " + strings.Join(texts, "; "), causes}
}
