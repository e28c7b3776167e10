package edis

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// readBody reads the body of a response, at most one byte beyond the limit.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
	}
	return bytes.TrimPrefix(body, []byte("\ufeff")), err // a byte order mark
}

// emptyLikePHP decodes an empty map that arrives as a list, and an empty list that
// arrives as an object. The schemas allow only empty ones there.
var emptyLikePHP = json.WithUnmarshalers(json.JoinUnmarshalers(
	emptyFrom('{', []gen.GetPTRRecord{}), emptyFrom('[', map[string]string{}), emptyFrom('[', map[string]stdjson.RawMessage{}),
))

func emptyFrom[T any](kind jsontext.Kind, empty T) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(decoder *jsontext.Decoder, value *T) error {
		if decoder.PeekKind() != kind {
			return errors.ErrUnsupported
		}
		*value = empty
		return decoder.SkipValue()
	})
}

// evaluate returns the failure that a response means, or nil for a success that was
// accepted. readErr is why the body is incomplete.
func (r request) evaluate(response *http.Response, body []byte, readErr error, documented *contract.Operation) *callError {
	status := response.StatusCode
	if status >= 300 && status <= 399 {
		return r.redirected(fmt.Sprintf("HTTP %d", status), fmt.Sprintf("to %q", response.Header.Get("Location")))
	}
	value, err := r.validate(response, body, readErr, documented)
	if err == nil && status == http.StatusOK {
		return nil
	}
	failed := &callError{outcome: r.outcomeOf(status)}
	if status >= http.StatusBadRequest {
		failed.transient = status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
		failed.pause = retryAfter(response.Header, time.Now())
		failed.causes = append(failed.causes, &APIError{r.id, status, r.hide.Text(failureMessage(value), 1024), failed.pause})
	} else {
		failed.transient = readErr != nil && !errors.Is(readErr, ErrResponseTooLarge) // the connection broke
	}
	if err != nil {
		failed.causes = append(failed.causes, err)
	}
	return failed
}

// validate returns the decoded body, as far as there is one, and an error unless the
// response is documented and, if it is a success, accepted.
func (r request) validate(response *http.Response, body []byte, readErr error, documented *contract.Operation) (value any, err error) {
	if readErr != nil {
		return nil, fmt.Errorf("%s: HTTP %d: %w", r.id, response.StatusCode, r.hide.Error(readErr))
	}
	value, err = documented.ValidateResponse(response.StatusCode, body)
	switch {
	case err != nil, response.StatusCode >= http.StatusBadRequest:
	case response.StatusCode == http.StatusOK:
		err = r.accept(body)
	default:
		err = errors.New("does not say whether the call succeeded")
	}
	if err == nil {
		return value, nil
	}
	mismatch := &ContractError{Op: r.id, Status: response.StatusCode, Reason: r.hide.Text(err.Error(), 512)}
	// The response to a login holds secrets that are not known yet, and an APIError
	// shows what a failure says.
	if !r.logsIn && (response.StatusCode < http.StatusBadRequest || failureMessage(value) == "") {
		mismatch.Body = []byte(r.hide.Text(string(body), 512))
	}
	return value, mismatch
}

// failureMessage returns the text of a failure. The operations do not agree on the
// name of its field, and createAuthSession has both.
func failureMessage(value any) string {
	body, _ := value.(map[string]any)
	short, _ := body["error"].(string)
	long, _ := body["message"].(string)
	return strings.TrimPrefix(strings.TrimSuffix(short+": "+long, ": "), ": ")
}

// redirected returns the failure of a request that was redirected.
func (r request) redirected(how, target string) *callError {
	if r.logsIn {
		target = redact.Withheld
	}
	err := fmt.Errorf("%s: %s: %w: %s", r.id, how, ErrRedirect, r.hide.Text(target, 300))
	return &callError{outcome: r.outcomeOf(0), causes: []error{err}}
}

// withoutResponse returns the failure of a request that got no response.
func (r request) withoutResponse(err error, sent bool) *callError {
	// http.Client gives up on a Location that is not a URL before it asks CheckRedirect,
	// and only its text says so.
	if strings.Contains(err.Error(), "failed to parse Location header") {
		return r.redirected("redirected", err.Error())
	}
	failed := &callError{outcome: ErrNotSent, causes: []error{r.hide.Error(err)}, transient: isTransient(err, sent)}
	if sent {
		failed.outcome = r.outcomeOf(0)
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

// outcomeOf returns what a failed request that was sent did to the records: nil means
// that nothing changed. The status is 0 if there is no usable response.
//
// A 401 or 429 rejects the whole call. It is not documented whether the service
// applies some of several records before it refuses another one, so any other 4xx
// proves something for a single record only. 408, and 460 and 499 of some proxies, are
// from a proxy that gave up waiting for the service, which may have done its work.
func (r request) outcomeOf(status int) error {
	rejected := status == http.StatusUnauthorized || status == http.StatusTooManyRequests
	gaveUp := slices.Contains([]int{http.StatusRequestTimeout, 460, 499}, status)
	refused := r.records == 1 && status >= 400 && status <= 499 && !gaveUp
	if r.records > 0 && !rejected && !refused {
		return ErrOutcomeUnknown
	}
	return nil
}
