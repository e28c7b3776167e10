package edis

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// receipt is what one attempt brought back from the service.
type receipt struct {
	status int
	header http.Header
	raw    []byte
	err    error // why raw is not the whole body
}

// receive reads an answer, but not more than limit bytes and one of its body.
func receive(response *http.Response, limit int64) receipt {
	r := receipt{status: response.StatusCode, header: response.Header}
	if isRedirect(r.status) {
		return r // a body adds nothing, and the connection is not worth keeping
	}
	if response.ContentLength > limit {
		r.err = tooLarge(limit)
		return r
	}
	r.raw, r.err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if int64(len(r.raw)) > limit {
		r.raw, r.err = r.raw[:limit], tooLarge(limit)
	}
	return r
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
}

func isRedirect(status int) bool { return status >= 300 && status <= 399 }

// understand turns what was received into the decoded body of a success, or
// into the reasons for which it is none. It does not judge the outcome.
func (r receipt) understand(id string, spec *specOperation, hide redactor) (body map[string]any, failures []error) {
	if isRedirect(r.status) {
		return nil, []error{fmt.Errorf("%s: HTTP %d: %w: to %q", id, r.status, ErrRedirect, r.header.Get("Location"))}
	}
	var unusable error
	if r.err != nil {
		unusable = fmt.Errorf("%s: HTTP %d: %w", id, r.status, r.err)
	} else {
		var reason string
		if body, reason = r.decode(spec); reason != "" {
			unusable = &ContractError{
				Op:     id,
				Status: r.status,
				Reason: hide.text(reason, 512),
				Body:   hide.bytes(r.raw, 512),
			}
		}
	}
	if r.status >= http.StatusBadRequest {
		failures = append(failures, &APIError{
			Op:         id,
			Status:     r.status,
			Message:    hide.text(errorMessage(body), 1024),
			RetryAfter: retryAfter(r.header, time.Now()),
		})
	}
	if unusable != nil {
		failures = append(failures, unusable)
	}
	return body, failures
}

// decode holds the answer against the document: status, media type, strict
// JSON, schema. Its body is decoded once. A mismatch is returned in words,
// together with what could be decoded.
func (r receipt) decode(spec *specOperation) (body map[string]any, mismatch string) {
	mediaType, mismatch := r.mediaType()
	if mismatch != "" {
		return nil, mismatch
	}
	schema, mismatch := spec.schema(r.status, mediaType)
	if mismatch != "" {
		return nil, mismatch
	}
	var value any
	// Refuses duplicate names, invalid UTF-8, trailing data and nesting beyond
	// 10,000 levels; encoding/json accepts the first three.
	if err := json.Unmarshal(r.raw, &value); err != nil {
		return nil, err.Error()
	}
	body, _ = value.(map[string]any)
	// Without DisableSchemaErrorDetails the error quotes the value, however
	// large it is and whatever secret it holds.
	if err := schema.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.DisableSchemaErrorDetails()); err != nil {
		return body, schemaMismatch(err)
	}
	if body == nil {
		return nil, "not a JSON object"
	}
	if !succeeded(r.status) && r.status < http.StatusBadRequest {
		return nil, fmt.Sprintf("status %d does not tell what became of the call", r.status)
	}
	return body, ""
}

// mediaType returns the parsed media type of the answer. JSON is UTF-8 (RFC
// 8259, section 8.1), so a charset that says otherwise is a mismatch.
func (r receipt) mediaType() (mediaType, mismatch string) {
	values := r.header.Values("Content-Type")
	if len(values) != 1 {
		return "", fmt.Sprintf("%d Content-Type headers", len(values))
	}
	mediaType, parameters, err := mime.ParseMediaType(values[0])
	if err != nil {
		return "", fmt.Sprintf("content type %q: %v", values[0], err)
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return "", fmt.Sprintf("charset %q", charset)
	}
	return mediaType, ""
}

// schemaMismatch names the place and the reason, never the value.
func schemaMismatch(err error) string {
	var mismatch *openapi3.SchemaError
	if !errors.As(err, &mismatch) {
		return err.Error()
	}
	if place := mismatch.JSONPointer(); len(place) > 0 {
		return fmt.Sprintf("/%s: %s", strings.Join(place, "/"), mismatch.Reason)
	}
	return mismatch.Reason
}

// errorMessage returns what a failed answer says; the operations of the
// document do not agree on the name of the field.
func errorMessage(body map[string]any) string {
	for _, field := range []string{"error", "message"} {
		if text, ok := body[field].(string); ok {
			return text
		}
	}
	return ""
}

// retryAfter reads the header of that name, seconds or a date (RFC 9110,
// section 10.2.3). What is absent, malformed or past is zero.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// outcomeOf says what a failed write of so many records did, by the status of
// its answer: nil means that nothing changed.
//
// A 401 or 429 turns the whole call away. Whether the service applies some of
// several records before it refuses the others is not documented, so any other
// 4xx proves something for a single record only. 408 is a proxy giving up on
// the service, which may have done its work.
func outcomeOf(status, records int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusTooManyRequests:
		return nil
	case status == http.StatusRequestTimeout:
		return ErrOutcomeUnknown
	case status >= 400 && status <= 499 && records == 1:
		return nil
	}
	return ErrOutcomeUnknown
}
