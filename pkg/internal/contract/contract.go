// Package contract is what the embedded OpenAPI document promises: where an
// operation is served, what it takes, and which answers it may give.
package contract

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// FormContentType is the media type of every request of the API.
const FormContentType = "application/x-www-form-urlencoded"

// An Operation is one operation of the document.
type Operation struct {
	ID           string
	Method, Path string
	BaseURL      string // the server that the document names, ending in a slash
	form         func() (schemas, error)
	answers      map[int]func() (schemas, error) // by status; 4 stands for 4XX
}

// schemas are those of a request or an answer, by media type.
type schemas map[string]*openapi3.Schema

// Form returns the schema of the request.
func (o *Operation) Form() (*openapi3.Schema, error) {
	forms, err := o.form()
	if err != nil {
		return nil, err
	}
	if forms[FormContentType] == nil {
		return nil, fmt.Errorf("edis: the embedded API document: %s: the request has no schema for %s", o.ID, FormContentType)
	}
	return forms[FormContentType], nil
}

// Answer holds an answer against the document: its status, its media type, its
// JSON, which is decoded once and strictly, and its schema. It returns the
// decoded body, and in words what does not match; then the body may be missing.
func (o *Operation) Answer(status int, header http.Header, raw []byte) (body map[string]any, mismatch string) {
	schema, mismatch := o.schema(status, header)
	if mismatch != "" {
		return nil, mismatch
	}
	value, mismatch := decodeJSON(raw)
	if mismatch != "" {
		return nil, mismatch
	}
	body, isObject := value.(map[string]any)
	err := schema.VisitJSON(value, visitOptions...)
	switch {
	case err != nil:
		return body, schemaMismatch(err)
	case !isObject:
		return nil, "not a JSON object"
	}
	return body, ""
}

// Without DisableSchemaErrorDetails an error quotes the value, however large it
// is and whatever secret it holds.
var visitOptions = []openapi3.SchemaValidationOption{openapi3.VisitAsResponse(), openapi3.DisableSchemaErrorDetails()}

// Example returns the documented example of a field in the JSON answer of a
// status; empty if there is none.
func (o *Operation) Example(status int, field string) string {
	schema, _ := o.schema(status, http.Header{"Content-Type": {"application/json"}})
	if schema == nil || schema.Properties[field] == nil {
		return ""
	}
	example, _ := schema.Properties[field].Value.Example.(string)
	return example
}

// schema finds the schema of an answer by its status and media type.
func (o *Operation) schema(status int, header http.Header) (schema *openapi3.Schema, mismatch string) {
	answer, ok := o.answers[status]
	if !ok {
		answer, ok = o.answers[status/100]
	}
	if !ok {
		return nil, fmt.Sprintf("status %d is not documented", status)
	}
	answers, err := answer()
	if err != nil {
		return nil, err.Error()
	}
	values := header.Values("Content-Type")
	if len(values) != 1 {
		return nil, fmt.Sprintf("%d content types, want one", len(values))
	}
	if schema = answers[values[0]]; schema != nil {
		return schema, "" // to the letter, as a rule
	}
	mediaType, mismatch := parseMediaType(values[0])
	if mismatch != "" {
		return nil, mismatch
	}
	if schema = answers[mediaType]; schema == nil {
		return nil, fmt.Sprintf("content type %q is not documented for status %d", mediaType, status)
	}
	return schema, ""
}

// parseMediaType parses a content type rather than searching it for "json". JSON
// is UTF-8 (RFC 8259, section 8.1), so a charset that says otherwise is a
// mismatch.
func parseMediaType(contentType string) (mediaType, mismatch string) {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Sprintf("content type %q: %v", contentType, err)
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
