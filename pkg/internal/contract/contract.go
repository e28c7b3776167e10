// Package contract is what the embedded OpenAPI document promises: where an
// operation is served, what it takes, and which answers it may give.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// FormContentType is the media type of every request of the API.
const FormContentType = "application/x-www-form-urlencoded"

// An Operation is one operation of the document.
type Operation struct {
	ID           string
	Method, Path string
	BaseURL      string // server and nothing else, as the document writes it
	Form         *openapi3.Schema
	answers      map[int]map[string]*openapi3.Schema // by status (4 stands for 4XX) and media type
}

// Answer holds an answer against the document: its status, its media type, its
// JSON, which is decoded once and strictly, and its schema. It returns the
// decoded body, and in words what does not match; then the body may be missing.
func (o *Operation) Answer(status int, header http.Header, raw []byte) (body map[string]any, mismatch string) {
	schema, mismatch := o.schema(status, header)
	if mismatch != "" {
		return nil, mismatch
	}
	// encoding/json accepts a name twice in an object and invalid UTF-8; this
	// look ahead, which allocates nothing, does not. Decoding with the package
	// json of the same module would make a program 0.6 MB larger.
	if !jsontext.Value(raw).IsValid() {
		return nil, jsonMismatch(raw)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, "JSON with a number out of range"
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

// jsonMismatch names the place and the kind of the fault in what is not valid
// JSON. The error itself quotes names, and shortens them, so that a secret in
// one could not be found again.
func jsonMismatch(raw []byte) string {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	_, err := decoder.ReadValue()
	if err == nil {
		_, err = decoder.ReadToken() // there is something behind the value
	}
	kind, at := "not JSON", int64(0)
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = syntax.ByteOffset
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		kind = "JSON with a name twice in an object"
	case errors.Is(err, io.ErrUnexpectedEOF):
		kind = "JSON that ends too early"
	}
	return fmt.Sprintf("%s, at byte %d", kind, at)
}

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
	answers, ok := o.answers[status]
	if !ok {
		answers, ok = o.answers[status/100]
	}
	if !ok {
		return nil, fmt.Sprintf("status %d is not documented", status)
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
