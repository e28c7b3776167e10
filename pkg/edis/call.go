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
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// An operation of the API is its generated request and response models, and the
// generated method that sends the request and returns the response.
type operation[Request, Response any] struct{ endpoint }

var (
	setPTR            = operation[gen.SetPTRForm, gen.SetPTRSuccess]{endpoint{id: "setPTR", send: (*gen.Client).SetPTRWithBody, limit: 64 << 10}}
	getPTR            = operation[gen.GetPTRForm, gen.GetPTRSuccess]{endpoint{id: "getPTR", send: (*gen.Client).GetPTRWithBody, limit: 16 << 20}}
	deletePTR         = operation[gen.DeletePTRForm, gen.DeletePTRSuccess]{endpoint{id: "deletePTR", send: (*gen.Client).DeletePTRWithBody, limit: 64 << 10}}
	createAuthSession = operation[gen.LoginForm, gen.LoginSuccess]{endpoint{id: "createAuthSession", send: (*gen.Client).CreateAuthSessionWithBody, limit: 16 << 20, logsIn: true}}
)

// An endpoint holds everything the client needs to know about an operation other than
// its models.
type endpoint struct {
	id     string // operation ID in the document
	send   func(*gen.Client, context.Context, string, io.Reader, ...gen.RequestEditorFn) (*http.Response, error)
	limit  int64 // of the response in bytes, unless Options say otherwise
	logsIn bool  // has a server of its own, is not repeated, and its response holds new secrets
}

// call performs one call of the API, in five steps:
//
//  1. The caller has put canonical input (input.go) and the session (withSession) into
//     the request model.
//  2. encodeForm (form.go) encodes the model.
//  3. exchange sends the form through the generated client, and retries if that might
//     help (retry.go).
//  4. evaluate (response.go) validates the response against the document.
//  5. The body becomes a response model, from which result, unless it is nil, extracts
//     what the caller wants; or it returns an error if the response breaks a rule that
//     the schema cannot express.
//
// records is the number of records that the call writes, 0 for reads; the outcome of a
// failure depends on it (outcomeOf).
func (op operation[Request, Response]) call(ctx context.Context, c *Client, model Request, records int, as caller, result func(Response) error) error {
	form, err := encodeForm(model)
	if err != nil {
		return newCallError(ErrNotSent, err)
	}
	accept := func(body []byte) error {
		if result == nil {
			return nil // schema validation is enough
		}
		var response Response
		if json.Unmarshal(body, &response, emptyLikePHP) != nil {
			return errors.New("a field has another type than in the API document")
		}
		return result(response)
	}
	return c.exchange(ctx, request{op.endpoint, as, form, records, accept})
}

// A caller is the server that a call is for, and the secrets to hide.
type caller struct {
	kvmID string         // empty for a login to all servers
	hide  redact.Secrets // kept out of errors
}

// A request is one call of an operation.
type request struct {
	endpoint
	caller
	form    []byte
	records int // that are written, 0 for reads
	accept  func(body []byte) error
}

// exchange sends a request until a response is accepted or a retry cannot help.
func (c *Client) exchange(ctx context.Context, r request) error {
	operations, err := contract.Operations()
	documented := operations[r.id]
	if err == nil && documented == nil {
		err = fmt.Errorf("the embedded API document has no operation %q", r.id)
	}
	if err != nil {
		return newCallError(ErrNotSent, err)
	}
	outcome := ErrNotSent
	for attempts := 1; ; attempts++ {
		failed := c.attempt(ctx, r, documented, attempts)
		if failed == nil {
			c.retries.earn()
			return nil
		}
		// An unknown outcome stays unknown, and a call counts as not sent only if none of
		// its attempts was sent.
		if errors.Is(outcome, ErrNotSent) || errors.Is(failed.outcome, ErrOutcomeUnknown) {
			outcome = failed.outcome
		}
		if pause, again := c.pauseAfter(ctx, attempts, r, failed); again && sleep(ctx, pause) == nil {
			continue
		}
		last := *failed // the log may still hold failed
		if err := ctx.Err(); err != nil && !errors.Is(failed, err) {
			last.causes = append(slices.Clip(last.causes), err)
		}
		last.outcome, last.attempts = outcome, attempts
		return &last
	}
}

// attempt sends a request once and evaluates the response.
func (c *Client) attempt(ctx context.Context, r request, documented *contract.Operation, number int) (failed *callError) {
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
	log := slog.New(slog.DiscardHandler)
	if c.options.Logger != nil {
		log = c.options.Logger.With("op", r.id, "url", baseURL, "kvm_id", r.kvmID, "attempt", number)
	}
	started := time.Now()
	response, err := r.send(&service, trace.watch(ctx), contract.FormContentType, bytes.NewReader(r.form), trace.prepare)
	if err != nil {
		failed = r.withoutResponse(err, trace.maybeSent())
		log.DebugContext(ctx, "edis: attempt", "took", time.Since(started), "sent", trace.maybeSent(), "error", failed)
		return failed
	}
	defer func() { _ = response.Body.Close() }()                                             // it was read, or is not wanted
	body, err := readBody(response, min(cmp.Or(c.options.MaxResponseBytes, r.limit), 1<<62)) // it must be possible to add 1
	if failed = r.evaluate(response, body, err, documented); failed != nil {
		log = log.With("error", failed)
	}
	log.DebugContext(ctx, "edis: attempt", "took", time.Since(started), "status", response.StatusCode, "bytes", len(body))
	valid := failed == nil || response.StatusCode >= http.StatusBadRequest && err == nil && !errors.Is(failed, ErrContract)
	if contentType := response.Header.Get("Content-Type"); valid && !contract.IsJSON(contentType) {
		log.WarnContext(ctx, "edis: valid JSON with the wrong content type", "type", r.hide.Text(contentType, 100))
	}
	return failed
}

// prepare completes a request.
func (t *connectionTrace) prepare(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "edis-go (+https://github.com/edisptr/edis-go)")
	r.GetBody = t.guard(r.GetBody)
	return nil
}
