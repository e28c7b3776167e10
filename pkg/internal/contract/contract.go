// Package contract is what the embedded OpenAPI document promises: where an
// operation is served, what it takes, and which answers it may give.
package contract

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/edisptr/edis-go/gen"
)

// FormContentType is the media type of every request of the API.
const FormContentType = "application/x-www-form-urlencoded"

// An Operation is one operation of the document.
type Operation struct {
	ID           string
	Method, Path string
	BaseURL      string // server and nothing else, as the document writes it
	Form         *openapi3.Schema
	responses    *openapi3.Responses
}

// Operations returns the operations of the document by their ids. It parses the
// document once per process, at the first call.
var Operations = sync.OnceValues(func() (map[string]*Operation, error) {
	document, err := gen.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("edis: the embedded API document: %w", err)
	}
	operations := make(map[string]*Operation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			baseURL := serverURL(document, item, operation)
			if err := checkServer(operation.OperationID, baseURL); err != nil {
				return nil, err
			}
			operations[operation.OperationID] = &Operation{
				ID:        operation.OperationID,
				Method:    method,
				Path:      path,
				BaseURL:   baseURL,
				Form:      operation.RequestBody.Value.Content[FormContentType].Schema.Value,
				responses: operation.Responses,
			}
		}
	}
	return operations, nil
})

// serverURL returns the first server of the innermost level that names any
// (OpenAPI 3.0, "Operation Object": servers override those further out).
func serverURL(document *openapi3.T, item *openapi3.PathItem, operation *openapi3.Operation) string {
	levels := []openapi3.Servers{item.Servers, document.Servers}
	if operation.Servers != nil {
		levels = append([]openapi3.Servers{*operation.Servers}, levels...)
	}
	for _, servers := range levels {
		if len(servers) > 0 {
			return servers[0].URL
		}
	}
	return ""
}

// checkServer refuses a server that secrets must not be sent to.
func checkServer(operation, baseURL string) error {
	if strings.HasPrefix(baseURL, "https://") && !strings.Contains(baseURL, "{") {
		return nil
	}
	return fmt.Errorf("edis: the embedded API document: the server of %s, %q, is no https address", operation, baseURL)
}

// Answer holds an answer against the document: its status, its media type, its
// JSON, which is decoded once and strictly, and its schema. It returns the
// decoded body, and in words what does not match; then the body may be missing.
func (o *Operation) Answer(status int, header http.Header, raw []byte) (body map[string]any, mismatch string) {
	schema, mismatch := o.schema(status, header)
	if mismatch != "" {
		return nil, mismatch
	}
	var value any
	// Refuses duplicate names and invalid UTF-8, which encoding/json accepts.
	// Since v1.27 the module is a mirror of encoding/json/v2 of Go 1.27, under the
	// Go compatibility promise, and an alias of it there; so importers of this
	// package share a stable version.
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, jsonMismatch(err)
	}
	body, isObject := value.(map[string]any)
	// Without DisableSchemaErrorDetails the error quotes the value, however
	// large it is and whatever secret it holds.
	err := schema.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.DisableSchemaErrorDetails())
	switch {
	case err != nil:
		return body, schemaMismatch(err)
	case !isObject:
		return nil, "not a JSON object"
	}
	return body, ""
}

// jsonMismatch names the place and the kind of a fault. The error itself quotes
// names, and shortens them, so that a secret in one could not be found again.
func jsonMismatch(err error) string {
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

// schema finds the schema of an answer by its status and media type, which is
// parsed and not searched for "json". JSON is UTF-8 (RFC 8259, section 8.1), so
// a charset that says otherwise is a mismatch.
func (o *Operation) schema(status int, header http.Header) (schema *openapi3.Schema, mismatch string) {
	response := o.responses.Status(status)
	if response == nil {
		return nil, fmt.Sprintf("status %d is not documented", status)
	}
	values := header.Values("Content-Type")
	if len(values) != 1 {
		return nil, fmt.Sprintf("%d content types, want one", len(values))
	}
	mediaType, parameters, err := mime.ParseMediaType(values[0])
	if err != nil {
		return nil, fmt.Sprintf("content type %q: %v", values[0], err)
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return nil, fmt.Sprintf("charset %q", charset)
	}
	content := response.Value.Content[mediaType]
	if content == nil || content.Schema == nil {
		return nil, fmt.Sprintf("content type %q is not documented for status %d", mediaType, status)
	}
	return content.Schema.Value, ""
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
