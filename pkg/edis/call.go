package edis

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/edisptr/edis-go/gen"
)

// operation is one operation of the API, as far as the document does not
// describe it.
type operation struct {
	id   string // operation id of the document
	send func(client *gen.Client, ctx context.Context, contentType string, body io.Reader, editors ...gen.RequestEditorFn) (*http.Response, error)
}

var setPTR = operation{id: "setPTR", send: (*gen.Client).SetPTRWithBody}

// call makes one call of op for so many records: session, form, answer. It
// returns the decoded body of a valid success.
func (c *Client) call(ctx context.Context, op operation, src SessionSource, records int, form func(Session) []byte) (map[string]any, error) {
	spec, err := findOperation(op.id)
	if err != nil {
		return nil, err
	}
	session, err := c.session(ctx, src)
	if err != nil {
		return nil, err
	}
	hide := redactor{session.Signature}
	got, outcome, err := c.attempt(ctx, op, spec, form(session))
	if err != nil {
		return nil, newCallError(hide, outcome, err)
	}
	body, failures := got.understand(op.id, spec, hide)
	if len(failures) > 0 {
		return nil, newCallError(hide, outcomeOf(got.status, records), failures...)
	}
	return body, nil
}

// session asks src for a session that can be sent.
func (c *Client) session(ctx context.Context, src SessionSource) (Session, error) {
	if err := ctx.Err(); err != nil {
		return Session{}, newCallError(nil, ErrNotSent, err)
	}
	session, err := src.Session(ctx)
	if err != nil {
		return Session{}, newCallError(redactor{session.Signature}, ErrNotSent, err)
	}
	return session, session.check(time.Now())
}

// attempt sends the form once. An error means that no answer came; outcome then
// tells whether the form may have reached the service.
func (c *Client) attempt(ctx context.Context, op operation, spec *specOperation, form []byte) (got receipt, outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connection connectionTrace
	started := time.Now()
	client := &gen.Client{Server: c.baseURL(spec), Client: c.http}
	response, err := op.send(client, connection.watch(ctx), formContentType, bytes.NewReader(form), setHeaders)
	if err != nil {
		outcome = connection.outcome()
		c.logger.LogAttrs(ctx, slog.LevelDebug, "edis: no answer", slog.String("op", op.id),
			slog.Duration("after", time.Since(started)), slog.String("outcome", outcome.Error()))
		return receipt{}, outcome, err
	}
	defer func() { _ = response.Body.Close() }() // the answer is read, or given up
	got = receive(response, c.maxResponseBytes)
	c.logger.LogAttrs(ctx, slog.LevelDebug, "edis: answer", slog.String("op", op.id),
		slog.Duration("after", time.Since(started)), slog.Int("status", got.status), slog.Int("bytes", len(got.raw)))
	return got, nil, nil
}

// Shared by all requests, so that setting a header allocates nothing.
var (
	acceptHeader    = []string{"application/json"}
	userAgentHeader = []string{"edis-go (+https://github.com/edisptr/edis-go)"}
)

func setHeaders(_ context.Context, request *http.Request) error {
	request.Header["Accept"] = acceptHeader
	request.Header["User-Agent"] = userAgentHeader
	return nil
}

// connectionTrace watches whether a request got a connection. Without one it
// cannot have reached the service; this proves it where the text of an error
// would be a guess.
type connectionTrace struct{ wanted, obtained atomic.Bool }

func (t *connectionTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.obtained.Store(true) },
	})
}

// outcome is that of a request to which no answer came. A transport that
// reports nothing to the trace proves nothing.
func (t *connectionTrace) outcome() error {
	if t.wanted.Load() && !t.obtained.Load() {
		return ErrNotSent
	}
	return ErrOutcomeUnknown
}
