package edis

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// An operation of the API has a generated request and response model. The call in it has
// the fields that are the same for all calls of the operation.
type operation[Request, Response any] struct{ call }

var (
	setPTR            = operation[gen.SetPTRForm, gen.SetPTRSuccess]{call{op: "setPTR", send: (*gen.Client).SetPTRWithBody, limit: 64 << 10}}
	getPTR            = operation[gen.GetPTRForm, gen.GetPTRSuccess]{call{op: "getPTR", send: (*gen.Client).GetPTRWithBody, limit: 16 << 20}}
	deletePTR         = operation[gen.DeletePTRForm, gen.DeletePTRSuccess]{call{op: "deletePTR", send: (*gen.Client).DeletePTRWithBody, limit: 64 << 10}}
	createAuthSession = operation[gen.LoginForm, gen.LoginSuccess]{call{op: "createAuthSession", send: (*gen.Client).CreateAuthSessionWithBody, limit: 16 << 20, logsIn: true}}
)

// A call of the API goes this way:
//
//  1. A method of Client puts canonical input (input.go) into a request model.
//  2. withSession (session.go) adds a session, and calls again with another one if the
//     service rejects it.
//  3. with encodes the model as a form (form.go).
//  4. do makes attempts until one succeeds or another cannot help (retry.go).
//  5. attempt logs what exchange did (log.go).
//  6. exchange sends the form through the generated client and watches how far it gets
//     (trace.go).
//  7. evaluate validates the response against the document and decides what a failure
//     means (response.go). It hands a success to accept, which takes from the response
//     model what the caller wants.
type call struct {
	op     string // operation ID in the document
	send   func(*gen.Client, context.Context, string, io.Reader, ...gen.RequestEditorFn) (*http.Response, error)
	limit  int64 // of the response in bytes, unless Options say otherwise
	logsIn bool  // has a server of its own, is not repeated, and its response has new secrets

	form    []byte
	records int                     // that the call writes, 0 for reads
	accept  func(body []byte) error // nil: a body that is valid is enough
	kvmID   string                  // that the call is for, for the log; empty for a login
	hide    redact.Secrets          // those that were sent
}

// with returns a call of the operation. records is the number of records that it writes,
// 0 for reads; the outcome of a failure depends on it. result, unless it is nil, takes
// what it needs from a valid response. It returns an error if the response breaks a rule
// that the schema cannot express.
func (o operation[Request, Response]) with(model Request, records int, result func(Response) error) call {
	call := o.call
	call.form, call.records = encodeForm(model), records
	if result == nil {
		return call
	}
	call.accept = func(body []byte) error {
		var response Response
		if json.Unmarshal(body, &response, emptyLikePHP) != nil {
			return errors.New("a field has another type than in the API document")
		}
		return result(response)
	}
	return call
}

// do makes a call: it sends the form until a response is accepted or another attempt
// cannot help. It returns nil for success.
func (c *Client) do(ctx context.Context, call call) *CallError {
	if err := ctx.Err(); err != nil {
		return notSentError(call.op, err)
	}
	outcome := OutcomeNotSent
	for attempts := 1; ; attempts++ {
		failed := c.attempt(ctx, call, attempts)
		if failed == nil {
			return nil
		}
		outcome = worse(outcome, failed.Outcome)
		failed.Outcome, failed.Attempts = outcome, attempts
		if pause, again := c.pauseAfter(ctx, call, failed); again && sleep(ctx, pause) == nil {
			continue
		}
		if err := ctx.Err(); err != nil && !errors.Is(failed, err) {
			failed.Err = because(failed.Err, err)
		}
		return failed
	}
}

// attempt makes one attempt of a call, and logs it.
func (c *Client) attempt(caller context.Context, call call, number int) *CallError {
	ctx, cancel := context.WithTimeoutCause(caller, c.options.Timeout, errAttemptTimeout)
	defer cancel()
	service, started := c.serviceOf(call), time.Now()
	got, failed := c.exchange(ctx, caller, service, call)
	if failed != nil && got.status == http.StatusNotFound {
		failed.Err = because(failed.Err, c.otherPath(call))
	}
	if c.options.Logger != nil {
		c.logAttempt(ctx, call, attemptLog{service.Server, number, time.Since(started), got, failed})
	}
	return failed
}

// A received is what the log says of a response, or the zero value without one.
type received struct {
	status      int
	contentType string
	size        int // of the body
}

// exchange sends the form once and evaluates the response. ctx is that of the attempt,
// which may end before the caller's.
func (c *Client) exchange(ctx, caller context.Context, service *gen.Client, call call) (received, *CallError) {
	var trace requestTrace
	response, err := call.send(service, trace.watch(ctx), contract.FormContentType, bytes.NewReader(call.form), trace.prepare)
	if err != nil {
		failed := call.withoutResponse(ownTimeout(caller, err), trace.maybeSent())
		failed.Retryable = failed.Retryable && caller.Err() == nil // else it was not the service that failed
		return received{}, failed
	}
	defer func() { _ = response.Body.Close() }() // it was read, or is not wanted
	early := trace.isEarly()
	limit := min(cmp.Or(c.options.MaxResponseBytes, call.limit), 1<<62) // it must be possible to add 1
	body, err := readBody(ctx, response, limit)
	got := received{response.StatusCode, response.Header.Get("Content-Type"), len(body)}
	return got, call.evaluate(response, body, ownTimeout(caller, err), early)
}

// serviceOf returns the generated client for the server of a call.
func (c *Client) serviceOf(call call) *gen.Client {
	return &gen.Client{Server: c.baseURL(call) + "/", Client: c.http} // without the slash, the path would replace a part of it
}

// baseURL returns the base URL of the server of a call, without a slash at its end.
func (c *Client) baseURL(call call) string {
	configured := c.options.RDNSURL
	if call.logsIn {
		configured = c.options.AuthURL
	}
	return strings.TrimSuffix(cmp.Or(configured, contract.Operations()[call.op].BaseURL), "/")
}

const earlierPrefix = "/kvm/v2"

// otherPath says where else the service may have the path of a PTR call, unless the call
// went there.
func (c *Client) otherPath(call call) error {
	baseURL := c.baseURL(call)
	if call.logsIn || strings.HasSuffix(baseURL, earlierPrefix) {
		return nil
	}
	return fmt.Errorf("earlier material of the provider has this path under %s: to call it there, set Options.RDNSURL to %s and Options.AuthURL to %s",
		earlierPrefix, baseURL+earlierPrefix, c.baseURL(createAuthSession.call))
}
