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

// readBody reads the body of a response, at most one byte beyond the limit, until ctx is
// done.
func readBody(ctx context.Context, response *http.Response, limit int64) ([]byte, error) {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil // its body is the connection, which no timeout ends
	}
	stop := context.AfterFunc(ctx, func() { _ = response.Body.Close() }) // a RoundTripper may not know ctx
	defer stop()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
	case err != nil && ctx.Err() != nil:
		err = context.Cause(ctx)
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
// accepted. readErr is why the body is incomplete. early means that the response began
// before the request was sent, so that it may be the response to something else.
func (call call) evaluate(response *http.Response, body []byte, readErr error, early bool) *CallError {
	status := response.StatusCode
	if status >= 300 && status <= 399 {
		return call.redirected(fmt.Sprintf("HTTP %d", status), fmt.Sprintf("to %q", response.Header.Get("Location")))
	}
	value, invalid := call.validate(status, body, readErr)
	if invalid == nil && early {
		invalid = errEarly
	}
	if invalid == nil && status == http.StatusOK {
		return nil
	}
	failed := &CallError{Op: call.op, Outcome: call.outcomeAfter(status, early), Err: invalid}
	if status < http.StatusBadRequest {
		failed.Retryable = readErr != nil && !errors.Is(readErr, ErrResponseTooLarge) && !isContextError(readErr) // the connection broke
		return failed
	}
	failed.Retryable = mayPass(status)
	failed.RetryAfter = retryAfter(response.Header, time.Now())
	var refused error = &APIError{call.op, status, call.hide.Text(failureMessage(value), 1024)}
	if call.logsIn && refusesLogin(status) {
		refused = fmt.Errorf("%w: %w", ErrLoginRefused, refused)
	}
	failed.Err = because(refused, invalid)
	return failed
}

var errEarly = errors.New("the response began before the request was sent")

// mayPass reports whether a failure with the status may pass: the service or a proxy did
// not get to the call, or gave up on it.
func mayPass(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || gaveUp(status)
}

// gaveUp reports whether the status is from a server or a proxy that gave up waiting, for
// the client or for the service, which may have done its work. Some proxies have 460 and
// 499 for that.
func gaveUp(status int) bool {
	return slices.Contains([]int{http.StatusRequestTimeout, 460, 499}, status)
}

func refusesLogin(status int) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, status)
}

// validate returns the decoded body, as far as there is one, and an error if the response
// is unusable: a documented one that is not as documented, or a success that is not
// accepted. A failure that is not documented is not invalid.
func (call call) validate(status int, body []byte, readErr error) (value any, err error) {
	if readErr != nil {
		return nil, fmt.Errorf("HTTP %d: %w", status, call.safeError(readErr))
	}
	documented := contract.Operations()[call.op]
	value, err = documented.ValidateResponse(status, body)
	switch {
	case status >= http.StatusBadRequest && !documented.IsDocumented(status):
		return value, nil
	case err == nil && status == http.StatusOK && call.accept != nil:
		err = call.accept(body)
	case err == nil && status < http.StatusBadRequest && status != http.StatusOK:
		err = errors.New("does not say whether the call succeeded")
	}
	if err == nil || isContextError(err) {
		return value, err
	}
	return value, call.mismatch(status, value, body, err)
}

// mismatch describes a response that is not as documented. Of a login nothing is quoted:
// its response has secrets that are not known yet. Nor is a body whose text an APIError
// has.
func (call call) mismatch(status int, value any, body []byte, reason error) *ContractError {
	mismatch := &ContractError{Op: call.op, Status: status, Reason: call.hide.Text(reason.Error(), 512)}
	if differs := new(contract.Mismatch); call.logsIn && errors.As(reason, &differs) {
		mismatch.Reason = differs.Kind
	}
	if !call.logsIn && (status < http.StatusBadRequest || failureMessage(value) == "") {
		mismatch.Body = []byte(call.hide.Text(string(body), 512))
	}
	return mismatch
}

// failureMessage returns the text of a failure. The operations do not agree on the
// name of its field, some have two, and others of the provider have a third.
func failureMessage(value any) string {
	body, _ := value.(map[string]any)
	var texts []string
	for _, field := range []string{"error", "message", "msg"} {
		if text, _ := body[field].(string); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ": ")
}

// redirected returns the failure of a request that was redirected.
func (call call) redirected(how, target string) *CallError {
	target = call.hide.Text(target, 300)
	if call.logsIn {
		target = redact.Withheld
	}
	return &CallError{Op: call.op, Outcome: call.outcomeAfter(0, false), Err: fmt.Errorf("%s: %w: %s", how, ErrRedirect, target)}
}

// withoutResponse returns the failure of a request that got no response.
func (call call) withoutResponse(err error, sent bool) *CallError {
	// http.Client gives up on a Location that is not a URL before it asks CheckRedirect,
	// and only its text says so.
	if strings.Contains(err.Error(), "failed to parse Location header") {
		return call.redirected("redirected", err.Error())
	}
	failed := &CallError{Op: call.op, Outcome: OutcomeNotSent, Retryable: isTransient(err, sent), Err: call.hide.Error(err)}
	if sent {
		failed.Outcome, failed.Err = call.outcomeAfter(0, false), call.safeError(err)
	}
	return failed
}

// safeError returns an error of net/http that may quote a response, without the secrets of
// the call. For a login, that is an error of a connection: others can quote new secrets.
func (call call) safeError(err error) error {
	if call.logsIn && !isConnectionError(err) {
		return redact.Withhold(err)
	}
	return call.hide.Error(err)
}

// isConnectionError reports whether an error is that of a connection, a context or a
// limit, which quotes nothing of a response.
func isConnectionError(err error) bool {
	var network *net.OpError
	var timeout attemptTimeout
	quotesNothing := []error{io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded, context.Canceled, ErrResponseTooLarge}
	return errors.As(err, &network) || errors.As(err, &timeout) ||
		slices.ContainsFunc(quotesNothing, func(target error) bool { return errors.Is(err, target) })
}

// outcomeAfter returns what a failed request that was sent did to the records. The status is
// 0 if there is no usable response.
//
// A 401 or 429 rejects the whole call. It is not documented whether the service
// applies some of several records before it refuses another one, so any other 4xx
// means that nothing changed for a single record only, unless its sender gave up waiting.
// A response that began early means nothing.
func (call call) outcomeAfter(status int, early bool) Outcome {
	rejected := status == http.StatusUnauthorized || status == http.StatusTooManyRequests
	refused := call.records == 1 && status >= 400 && status <= 499 && !gaveUp(status)
	if call.records == 0 || !early && (rejected || refused) {
		return OutcomeUnchanged
	}
	return OutcomeUnknown
}
