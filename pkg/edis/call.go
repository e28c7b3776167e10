package edis

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// An operation of the API is its generated request model, its generated response
// model, and the generated method that sends the one and gets the other.
type operation[Request, Response any] struct{ endpoint }

var (
	setPTR            = operation[gen.SetPTRForm, gen.SetPTRSuccess]{endpoint{id: "setPTR", send: (*gen.Client).SetPTRWithBody, limit: 64 << 10, writes: true}}
	getPTR            = operation[gen.AddressListForm, gen.GetPTRSuccess]{endpoint{id: "getPTR", send: (*gen.Client).GetPTRWithBody, limit: 16 << 20}}
	deletePTR         = operation[gen.AddressListForm, gen.DeletePTRSuccess]{endpoint{id: "deletePTR", send: (*gen.Client).DeletePTRWithBody, limit: 64 << 10, writes: true}}
	createAuthSession = operation[gen.LoginForm, gen.LoginSuccess]{endpoint{id: "createAuthSession", send: (*gen.Client).CreateAuthSessionWithBody, limit: 16 << 20, logsIn: true}}
)

// An endpoint is what the client has to know of an operation besides its models.
type endpoint struct {
	id     string // operation id in the document
	send   func(*gen.Client, context.Context, string, io.Reader, ...gen.RequestEditorFn) (*http.Response, error)
	limit  int64 // of the response in bytes, unless Options say otherwise
	writes bool  // a failure can leave the outcome unknown
	logsIn bool  // has a server of its own, is not repeated, and its response holds new secrets
}

// call is the way of every call, in five steps:
//
//  1. The caller has put canonical input (input.go) into the request model.
//  2. encodeForm (form.go) encodes the model.
//  3. exchange sends the form through the generated client, and again where that may
//     help (retry.go).
//  4. evaluate (response.go) validates the response against the document.
//  5. The body becomes a response model, and result, unless it is nil, takes from that
//     what the caller wants.
//
// records is the number of records that the call writes, on which the outcome depends
// (outcomeOf). hide has the secrets in the model.
func (op operation[Request, Response]) call(ctx context.Context, c *Client, model Request, records int, hide redact.Secrets, result func(Response) error) error {
	form, err := encodeForm(model)
	if err != nil {
		return err
	}
	accept := func(body []byte) error {
		if result == nil {
			return nil // the schema has said it all
		}
		var response Response
		if err := json.Unmarshal(body, &response); err != nil {
			return err
		}
		return result(response)
	}
	return c.exchange(ctx, request{op.endpoint, form, records, hide, accept})
}

// A request is one call of an operation.
type request struct {
	endpoint
	form    []byte
	records int            // that are written
	hide    redact.Secrets // in the form
	accept  func(body []byte) error
}

// exchange sends a request until a response is accepted or no further attempt may
// help.
func (c *Client) exchange(ctx context.Context, r request) error {
	operations, err := contract.Operations()
	if err != nil {
		return err
	}
	documented, ok := operations[r.id]
	if !ok {
		return fmt.Errorf("edis: the embedded API document has no operation %q", r.id)
	}
	outcome := ErrNotSent
	for attempts := 1; ; attempts++ {
		failed := c.attempt(ctx, r, documented)
		if failed == nil {
			c.retries.earn()
			return nil
		}
		// An unknown outcome stays unknown, and a call is not sent only if no attempt was.
		if errors.Is(outcome, ErrNotSent) || errors.Is(failed.outcome, ErrOutcomeUnknown) {
			outcome = failed.outcome
		}
		if pause, again := c.pauseAfter(attempts, r, failed); again && sleep(ctx, pause) == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			failed.causes = append(failed.causes, err)
		}
		failed.outcome, failed.attempts = outcome, attempts
		return failed
	}
}

// attempt sends a request once and evaluates the response.
func (c *Client) attempt(ctx context.Context, r request, documented *contract.Operation) *callError {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return &callError{outcome: ErrNotSent, causes: []error{err}}
	}
	baseURL := c.options.RDNSURL
	if r.logsIn {
		baseURL = c.options.AuthURL
	}
	baseURL = strings.TrimSuffix(cmp.Or(baseURL, documented.BaseURL), "/") + "/" // or the path would replace a part of it
	service := gen.Client{Server: baseURL, Client: c.http}
	var trace connectionTrace
	started := time.Now()
	response, err := r.send(&service, trace.watch(ctx), contract.FormContentType, bytes.NewReader(r.form), setHeader)
	if err != nil {
		c.log(ctx, r, started, slog.Bool("sent", trace.maybeSent()))
		return r.withoutResponse(err, trace.maybeSent())
	}
	defer func() { _ = response.Body.Close() }() // it was read, or is not wanted
	body, err := readBody(response, min(cmp.Or(c.options.MaxResponseBytes, r.limit), 1<<40))
	c.log(ctx, r, started, slog.Int("status", response.StatusCode), slog.Int("bytes", len(body)))
	return r.evaluate(response, body, err, documented)
}

func setHeader(_ context.Context, request *http.Request) error {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "edis-go (+https://github.com/edisptr/edis-go)")
	return nil
}

func (c *Client) log(ctx context.Context, r request, started time.Time, result ...slog.Attr) {
	if c.options.Logger != nil {
		result = append(result, slog.String("op", r.id), slog.Duration("took", time.Since(started)))
		c.options.Logger.LogAttrs(ctx, slog.LevelDebug, "edis: attempt", result...)
	}
}
