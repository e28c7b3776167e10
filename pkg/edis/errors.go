package edis

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The sentinels say what kind of failure an error is; test for them with
// [errors.Is]. One error may match several: an answer of status 500 to a write
// matches both ErrServer and ErrOutcomeUnknown.
var (
	// ErrInvalidInput: an address, a host name, a field of a Session or of
	// Options was refused. Nothing was sent. Every refused item is an
	// [*InputError].
	ErrInvalidInput = errors.New("invalid input")

	// ErrSessionExpired: the ValidUntil of the session has passed. Nothing was
	// sent.
	ErrSessionExpired = errors.New("session expired")

	// ErrNotSent: no connection to the service was obtained, so it saw nothing
	// of the call and nothing changed.
	ErrNotSent = errors.New("not sent, nothing changed")

	// ErrOutcomeUnknown: a write was sent, or may have been, and no answer
	// proves what became of it. Some or all of its records may have changed.
	// Writes are idempotent: read the records back, or make the call again. A
	// failed write that does not match ErrOutcomeUnknown changed nothing.
	ErrOutcomeUnknown = errors.New("outcome unknown, the records may have changed")

	// ErrUnauthorized: the service answered 401, it does not accept the
	// session.
	ErrUnauthorized = errors.New("unauthorized")

	// ErrRateLimited: the service answered 429; see [APIError.RetryAfter].
	ErrRateLimited = errors.New("rate limited")

	// ErrServer: the service answered with a 5xx status.
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
// sent. It matches [ErrInvalidInput]. A call that refuses several items returns
// one error from which each is reachable.
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
	return fmt.Sprintf("%q for %s: %s", clip(e.Value, 300), e.Field, e.Reason)
}

// Unwrap returns [ErrInvalidInput].
func (e *InputError) Unwrap() error { return ErrInvalidInput }

// inputErrors are all the refused items of one call.
type inputErrors []*InputError

func (e inputErrors) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "edis: %d invalid inputs, nothing sent:", len(e))
	if len(e) == 1 {
		text.Reset()
		text.WriteString("edis: invalid input, nothing sent:")
	}
	for _, item := range e {
		text.WriteString("\n  ")
		text.WriteString(item.Error())
	}
	return text.String()
}

func (e inputErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, item := range e {
		all[i] = item
	}
	return all
}

// orNil keeps an empty list from becoming an error that is not nil.
func (e inputErrors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// An APIError is an answer of the service with a status of 400 or above. It
// matches [ErrUnauthorized] (401), [ErrRateLimited] (429) or [ErrServer]
// (5xx). The status is kept even when the body of the answer is unusable; the
// error of the call then matches [ErrContract] too.
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
	text := fmt.Sprintf("%s: HTTP %d", e.Op, e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (retry after %s)", e.RetryAfter)
	}
	return text
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
	return fmt.Sprintf("%s: HTTP %d: %v: %s (body: %q)", e.Op, e.Status, ErrContract, e.Reason, e.Body)
}

// Unwrap returns [ErrContract].
func (e *ContractError) Unwrap() error { return ErrContract }

// callError is how a call failed after its input was found good: the causes,
// and what is known of the outcome. Its text is made once, without secrets; the
// causes stay reachable with errors.Is and errors.As.
type callError struct {
	text   string
	causes []error
}

func (e *callError) Error() string   { return e.text }
func (e *callError) Unwrap() []error { return e.causes }

// newCallError joins what is not nil of causes. The outcome, ErrNotSent,
// ErrOutcomeUnknown or nil, ends the text.
func newCallError(hide redactor, outcome error, causes ...error) *callError {
	e := &callError{}
	var texts []string
	for _, cause := range append(causes, outcome) {
		if cause != nil {
			e.causes = append(e.causes, cause)
			texts = append(texts, hide.text(cause.Error(), 2048))
		}
	}
	e.text = "edis: " + strings.Join(texts, "; ")
	return e
}
