package edis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A failure is how an attempt failed.
type failure struct {
	outcome   error // ErrNotSent, ErrOutcomeUnknown, or nil: nothing changed
	causes    []error
	transient bool          // another attempt may succeed
	pause     time.Duration // that the service asked for before another attempt
}

// A received is a response that was read, or as much of it as there was.
type received struct {
	status int
	header http.Header
	body   []byte
	err    error // why body is not complete
}

// receive reads a response, at most one byte of its body beyond the limit.
func receive(response *http.Response, limit int64) received {
	got := received{status: response.StatusCode, header: response.Header}
	if isRedirect(got.status) {
		return got // the body adds nothing, and the connection is not worth keeping
	}
	got.body, got.err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if int64(len(got.body)) > limit {
		got.body, got.err = nil, fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
	}
	return got
}

// evaluate says what a response means. It returns nil for a success that was
// accepted.
func (r request) evaluate(got received, documented *contract.Operation) *failure {
	if isRedirect(got.status) {
		return r.redirected(fmt.Sprintf("HTTP %d", got.status), fmt.Sprintf("to %q", got.header.Get("Location")))
	}
	value, err := r.check(got, documented)
	if err == nil && got.status == http.StatusOK {
		return nil
	}
	failed := &failure{outcome: r.outcomeOf(got.status), transient: got.isTransient()}
	if got.status >= http.StatusBadRequest {
		failed.pause = retryAfter(got.header, time.Now())
		message := r.hide.Text(failureMessage(value), 1024)
		failed.causes = append(failed.causes, &APIError{r.id, got.status, message, failed.pause})
	}
	if err != nil {
		failed.causes = append(failed.causes, err)
	}
	return failed
}

// check returns the decoded body of a response, as far as there is one, and an
// error unless the response is documented and, if it is a success, accepted.
func (r request) check(got received, documented *contract.Operation) (value any, err error) {
	if got.err != nil {
		return nil, fmt.Errorf("%s: HTTP %d: %w", r.id, got.status, r.hide.Error(got.err))
	}
	value, err = documented.ValidateResponse(got.status, got.header, got.body)
	switch {
	case err != nil, got.status >= http.StatusBadRequest:
	case got.status == http.StatusOK:
		err = r.accept(got.body)
	default:
		err = errors.New("does not say what became of the call")
	}
	if err == nil {
		return value, nil
	}
	mismatch := &ContractError{Op: r.id, Status: got.status, Reason: r.hide.Text(err.Error(), 512)}
	if !r.logsIn { // the response to a login holds secrets that are not known yet
		mismatch.Body = []byte(r.hide.Text(string(got.body), 512))
	}
	return value, mismatch
}

// isTransient reports whether another attempt may get a better response.
func (got received) isTransient() bool {
	broken := got.err != nil && !errors.Is(got.err, ErrResponseTooLarge) && got.status < http.StatusBadRequest
	return broken || got.status >= http.StatusInternalServerError || got.status == http.StatusTooManyRequests
}

// failureMessage returns the text of a failure. The operations do not agree on the
// name of its field, and createAuthSession has both.
func failureMessage(value any) string {
	body, _ := value.(map[string]any)
	short, _ := body["error"].(string)
	long, _ := body["message"].(string)
	return strings.TrimPrefix(strings.TrimSuffix(short+": "+long, ": "), ": ")
}

// redirected is the failure of a request that was redirected somewhere else.
func (r request) redirected(how, target string) *failure {
	if r.logsIn {
		target = redact.Withheld
	}
	err := fmt.Errorf("%s: %s: %w: %s", r.id, how, ErrRedirect, r.hide.Text(target, 300))
	return &failure{outcome: r.unknown(), causes: []error{err}}
}

// withoutResponse is the failure of a request that got no response.
func (r request) withoutResponse(err error, sent bool) *failure {
	if isUnparsableRedirect(err) {
		return r.redirected("redirected", err.Error())
	}
	failed := &failure{outcome: ErrNotSent, causes: []error{r.hide.Error(err)}, transient: isTransient(err, sent)}
	if sent {
		failed.outcome = r.unknown()
	}
	if sent && r.logsIn && !isConnectionError(err) {
		failed.causes[0] = redact.Withhold(err) // it can quote the response
	}
	return failed
}

// isConnectionError reports whether an error is that of a connection or a context,
// which quotes nothing of a response.
func isConnectionError(err error) bool {
	var connection *net.OpError
	return errors.As(err, &connection) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// outcomeOf returns what a failure with this status says of the records: nil means
// that nothing changed.
//
// A 401 or 429 turns the whole call away. It is not documented whether the service
// applies some of several records before it refuses another one, so any other 4xx
// proves something for a single record only. 408 is a proxy that gave up waiting
// for the service, which may have done its work.
func (r request) outcomeOf(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusTooManyRequests:
		return nil
	case status >= 400 && status <= 499 && status != http.StatusRequestTimeout && r.records == 1:
		return nil
	}
	return r.unknown()
}

// unknown is the outcome of a request that may have been served. One that writes
// nothing changes nothing.
func (r request) unknown() error {
	if r.writes {
		return ErrOutcomeUnknown
	}
	return nil
}
