package edis

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// The sentinels say why a call failed. Test for them with [errors.Is]. One error may
// match several. They do not say what a failed call did to the records, which [OutcomeOf]
// does.
var (
	// ErrInvalidInput is returned when an address, a host name, or a field of a Session,
	// Credentials or Options is invalid, or an Account has no such server. Each invalid
	// item is an InputError. The call was not sent, but a login may have been.
	ErrInvalidInput = errors.New("invalid input")

	// ErrSessionExpired is returned when a session has expired by the clock of this
	// machine, unless its source is a Renewer. The call was not sent.
	ErrSessionExpired = errors.New("session expired")

	// ErrUnauthorized is returned when the service responds with status 401. It does not
	// accept the session or the credentials.
	ErrUnauthorized = errors.New("unauthorized")

	// ErrLoginRefused is returned when the service refuses the credentials, with status
	// 400, 401 or 403. Do not repeat the login, because that could lock the account. An
	// Account remembers the refusal and returns it again.
	ErrLoginRefused = errors.New("login refused")

	// ErrRateLimited is returned when the service responds with status 429. See
	// CallError.RetryAfter.
	ErrRateLimited = errors.New("rate limited")

	// ErrServer is returned when the service responds with a status of 500 or above.
	ErrServer = errors.New("server error")

	// ErrContract is returned when a response does not match the API document. The error
	// is a ContractError. A status of 400 or above alone is not a mismatch.
	ErrContract = errors.New("response does not match the API document")

	// ErrRedirect is returned when the service responds with a 3xx status. Redirects are
	// never followed, because they would carry the secrets in the request to another
	// server.
	ErrRedirect = errors.New("redirect refused")

	// ErrResponseTooLarge is returned when a response is larger than
	// Options.MaxResponseBytes. The rest of it is not read.
	ErrResponseTooLarge = errors.New("response too large")
)

// A CallError is the failure of a call. Methods of [Client], [Account] and [Server] that
// call the service return it directly, not wrapped.
type CallError struct {
	// Op is the operation ID in the API document, such as "setPTR".
	Op string
	// Outcome says what all attempts of the call together did to the records.
	Outcome Outcome
	// Attempts is the number of attempts. It is 0 if the call failed before the first.
	Attempts int
	// Retryable reports whether the same call may succeed later. It may if there was no
	// connection or it broke, an attempt timed out, a lookup failed temporarily, or a
	// login has to wait. It also may after status 408, 429, 460, 499, and 500 or above.
	Retryable bool
	// RetryAfter is how long to wait before repeating the call, counted from its return.
	// It is zero if neither the service nor the Account asked to wait.
	RetryAfter time.Duration
	// Err says why the call failed. It may unwrap to several errors.
	Err error
}

// Error says where and why the call failed. It ends with the outcome, except for reads
// and logins.
func (e *CallError) Error() string {
	text := "edis: " + e.Reason()
	if e.Op == getPTR.op || e.Op == createAuthSession.op {
		return text // never writes
	}
	return text + "; " + e.Outcome.sentence()
}

// Reason says where and why the call failed, without the outcome. It is for use in a
// longer text whose outcome may differ.
func (e *CallError) Reason() string {
	text := e.Op + ": " + reasonOf(e.Err)
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", e.Attempts)
	}
	return text
}

// Unwrap returns e.Err.
func (e *CallError) Unwrap() error { return e.Err }

func reasonOf(err error) string {
	if call, ok := err.(*CallError); ok { //nolint:errorlint // one that is wrapped has a text of its own
		return call.Reason()
	}
	return fmt.Sprint(err) // nil too: a caller may build a CallError
}

// reasons are several reasons for one failure.
type reasons []error

func (r reasons) Error() string {
	texts := make([]string, len(r))
	for i, err := range r {
		texts[i] = reasonOf(err)
	}
	return strings.Join(texts, "; ")
}

func (r reasons) Unwrap() []error { return r }

// because returns one error for several reasons, of which some may be nil.
func because(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return reasons(errs)
}

// notSentError returns the failure of a call for a reason that may be the failure of a login.
func notSentError(op string, reason error) *CallError {
	failed := &CallError{Op: op, Outcome: OutcomeNotSent, Err: reason}
	if login := new(CallError); errors.As(reason, &login) {
		failed.Retryable, failed.RetryAfter = login.Retryable, login.RetryAfter
	}
	return failed
}

// An InputError describes one invalid item of the input. It matches [ErrInvalidInput].
// The error of a call unwraps to all of its invalid items. [errors.As] finds the first.
type InputError struct {
	// Field is what the value is for. It is the address of an invalid host name,
	// "address" for an invalid address, or the name of a parameter or field, such as
	// "Session.KVMID".
	Field string
	// Value is the invalid value. It is empty if there is none or it is a secret.
	Value string
	// Reason completes the sentence that begins with Field and Value, for example "has
	// the character '*'".
	Reason string
}

func (e *InputError) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Reason
	}
	return fmt.Sprintf("%s: %q %s", e.Field, redact.Clip(e.Value, 300), e.Reason)
}

// Unwrap returns [ErrInvalidInput].
func (e *InputError) Unwrap() error { return ErrInvalidInput }

// An APIError is a response with a status of 400 or above. It matches [ErrUnauthorized]
// (401), [ErrRateLimited] (429) or [ErrServer] (500 and above).
type APIError struct {
	// Op is the operation ID in the API document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Message is the text of the response, at most 1 KiB, without control characters. It
	// is empty if there is none. A text that contains a secret of the call is withheld,
	// and Message says so.
	Message string
}

func (e *APIError) Error() string {
	name := http.StatusText(e.Status)
	message := strings.TrimPrefix(e.Message, name+": ") // some responses repeat the name
	return strings.TrimSuffix(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.Status, name))+": "+message, ": ")
}

// Unwrap returns the sentinel for the status, or nil if there is none.
func (e *APIError) Unwrap() error {
	switch {
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusTooManyRequests:
		return ErrRateLimited
	case e.Status >= http.StatusInternalServerError:
		return ErrServer
	}
	return nil
}

// A ContractError is a response that does not match the API document. It may have an
// undocumented status below 400, invalid JSON, or another schema. It matches
// [ErrContract]. Beside an [APIError], it says that a documented failure has an
// unexpected body.
type ContractError struct {
	// Op is the operation ID in the API document, such as "setPTR".
	Op string
	// Status is the HTTP status code.
	Status int
	// Reason says what does not match.
	Reason string
	// Body is the beginning of the response, at most 512 bytes, without control
	// characters. It is empty for a login, and if APIError.Message has the text of the
	// response. A body that contains a secret of the call is withheld, and Body says so.
	Body []byte
}

func (e *ContractError) Error() string {
	text := fmt.Sprintf("%v (HTTP %d): %s", ErrContract, e.Status, e.Reason)
	if len(e.Body) > 0 {
		text += fmt.Sprintf(" (body: %q)", e.Body)
	}
	return text
}

// Unwrap returns [ErrContract].
func (e *ContractError) Unwrap() error { return ErrContract }
