package edis

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
	"github.com/edisptr/edis-go/pkg/internal/transport"
)

// operation is one operation of the API, as far as the document does not
// describe it.
type operation struct {
	id         string // operation id of the document
	newRequest func(server, contentType string, body io.Reader) (*http.Request, error)
	limit      int64 // of the answer in bytes, unless Options say otherwise
	writes     bool  // a failure can leave the outcome unknown
	logsIn     bool  // has a server of its own, is never repeated, and its answer holds new secrets
}

var (
	setPTR            = operation{id: "setPTR", newRequest: gen.NewSetPTRRequestWithBody, limit: 64 << 10, writes: true}
	getPTR            = operation{id: "getPTR", newRequest: gen.NewGetPTRRequestWithBody, limit: 16 << 20}
	deletePTR         = operation{id: "deletePTR", newRequest: gen.NewDeletePTRRequestWithBody, limit: 64 << 10, writes: true}
	createAuthSession = operation{id: "createAuthSession", newRequest: gen.NewCreateAuthSessionRequestWithBody, limit: 16 << 20, logsIn: true}
)

// request is one call of an operation.
type request struct {
	operation
	form  []byte
	count int            // of the records that are written
	hide  redact.Secrets // the secrets in the form
	// read takes the result from the body of a valid success, or returns what in
	// it is not as the document means it. Nil where there is no result.
	read func(body map[string]any) (mismatch string)
}

// callPTR makes a call with a session from src, unless the input is bad. If the
// service does not accept the session of a LoginSource, the call is made once
// more with a new one.
func (c *Client) callPTR(ctx context.Context, op operation, src SessionSource, records canonical.Records, bad refusals, read func(map[string]any) string) error {
	if fixed, ok := src.(Session); ok {
		bad = append(bad, fixed.check()...) // to name all that is wrong at once
	}
	if fixed, ok := src.(*Session); src == nil || ok && fixed == nil {
		bad.add("src", "nil", "a call needs a session")
	}
	if err := checkCall(ctx, bad); err != nil {
		return err
	}
	session, err := sessionFrom(ctx, src.Session)
	if err != nil {
		return err
	}
	obtained, hide := time.Now(), redact.Secrets{session.Signature}
	login, renewable := src.(*loginSource)
	if renewable {
		hide = append(hide, login.credentials.Password, login.credentials.Email)
	}
	err = c.call(ctx, request{op, ptrForm(session, records), len(records.List), hide, read})
	if !renewable || !errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	renewed := func(ctx context.Context) (Session, error) { return login.sessionSince(ctx, obtained) }
	session, loginErr := sessionFrom(ctx, renewed)
	if loginErr != nil {
		return newCallError(nil, 1, err, loginErr)
	}
	hide = append(hide, session.Signature) // an answer may still speak of the old one
	return c.call(ctx, request{op, ptrForm(session, records), len(records.List), hide, read})
}

// checkCall tells why a call cannot be made at all.
func checkCall(ctx context.Context, bad refusals) error {
	if ctx == nil {
		bad.add("ctx", "nil", "a call needs a context")
	}
	if len(bad) > 0 {
		return bad.err()
	}
	if err := ctx.Err(); err != nil {
		return newCallError(ErrNotSent, 1, err)
	}
	return nil
}

// sessionFrom returns a session that can be sent.
func sessionFrom(ctx context.Context, source func(context.Context) (Session, error)) (Session, error) {
	session, err := source(ctx)
	if err == nil {
		err = session.expired()
	}
	if err != nil {
		return Session{}, newCallError(ErrNotSent, 1, err)
	}
	return session, session.check().err()
}

// call sends a request, and sends it again where that may help, and understands
// the answer. Every call of every operation comes through here.
func (c *Client) call(ctx context.Context, r request) error {
	p, err := c.prepare(r.operation)
	if err != nil {
		return err
	}
	outcome, pauses := ErrNotSent, newPauses()
	for attempts := 1; ; attempts++ {
		failed := c.attempt(ctx, r, p)
		if failed == nil {
			c.retries.earn()
			return nil
		}
		outcome = worseOf(outcome, failed.outcome)
		if pause, again := c.pauseBefore(r, attempts, failed, pauses); again && sleep(ctx, pause) == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			failed.causes = append(failed.causes, err)
		}
		return newCallError(outcome, attempts, failed.causes...)
	}
}

// attempt sends the form once.
func (c *Client) attempt(ctx context.Context, r request, p prepared) *failure {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return &failure{outcome: ErrNotSent, causes: []error{err}}
	}
	var trace transport.Trace
	started := time.Now()
	response, err := c.http.Do(transport.WithForm(r.form, p.request.WithContext(trace.Watch(ctx))))
	if err != nil {
		sent := !trace.NotSent()
		c.log(ctx, r, started, slog.Bool("sent", sent))
		failed := &failure{outcome: ErrNotSent, causes: []error{r.hide.Cause(err)}, transient: isTransient(err, sent)}
		if sent {
			failed.outcome = r.unknown()
		}
		return failed
	}
	defer func() { _ = response.Body.Close() }() // the answer is read, or given up
	got := receive(response, min(cmp.Or(c.options.MaxResponseBytes, r.limit), 1<<40))
	c.log(ctx, r, started, slog.Int("status", got.status), slog.Int("bytes", len(got.raw)))
	return got.understand(r, p.documented)
}

func (c *Client) log(ctx context.Context, r request, started time.Time, what ...slog.Attr) {
	if c.options.Logger != nil {
		what = append(what, slog.String("op", r.id), slog.Duration("took", time.Since(started)))
		c.options.Logger.LogAttrs(ctx, slog.LevelDebug, "edis: attempt", what...)
	}
}

// prepared is what all calls of an operation have in common.
type prepared struct {
	documented *contract.Operation
	request    *http.Request // without context and form; is copied, never changed
}

// prepare makes it once: to make a request, which parses its address three times,
// takes longer than to encode 10 records.
func (c *Client) prepare(op operation) (prepared, error) {
	if p, ok := c.prepared.Load(op.id); ok {
		return p.(prepared), nil
	}
	documented, err := contract.Find(op.id)
	if err != nil {
		return prepared{}, err
	}
	baseURL := c.options.RDNSURL
	if op.logsIn {
		baseURL = c.options.AuthURL
	}
	request, err := op.newRequest(cmp.Or(baseURL, documented.BaseURL), contract.FormContentType, nil)
	if err != nil {
		return prepared{}, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "edis-go (+https://github.com/edisptr/edis-go)")
	p := prepared{documented, request}
	c.prepared.Store(op.id, p)
	return p, nil
}
