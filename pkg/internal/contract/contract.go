// Package contract reads the embedded OpenAPI document: where operations are served, and
// what their responses hold.
package contract

import (
	"cmp"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/edisptr/edis-go/gen"
)

// The media types of all requests and all responses of the API.
const (
	FormContentType = "application/x-www-form-urlencoded"
	JSONContentType = "application/json"
)

// An Operation is one operation of the document, with its place in it.
type Operation struct {
	*openapi3.Operation
	Method, Path string
	BaseURL      string // of the server that the document names
}

// Operations returns all operations by ID. The embedded document is loaded once per
// process.
var Operations = sync.OnceValues(func() (map[string]*Operation, error) {
	document, err := gen.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("the embedded API document: %w", err)
	}
	return operationsOf(document)
})

func operationsOf(document *openapi3.T) (map[string]*Operation, error) {
	operations := make(map[string]*Operation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			baseURL := serverURL(document, item, operation)
			// Secrets go to https only, and never to a host that a response names.
			if !strings.HasPrefix(baseURL, "https://") || strings.Contains(baseURL, "{") {
				return nil, fmt.Errorf("the embedded API document: %s %s: the server %q is not an https URL", method, path, baseURL)
			}
			operations[operation.OperationID] = &Operation{operation, method, path, baseURL}
		}
	}
	return operations, nil
}

// serverURL returns the first server of the innermost level that names any
// (OpenAPI 3.0, "Operation Object": the inner level overrides the outer).
func serverURL(document *openapi3.T, item *openapi3.PathItem, operation *openapi3.Operation) string {
	servers := slices.Concat(item.Servers, document.Servers)
	if operation.Servers != nil {
		servers = slices.Concat(*operation.Servers, servers)
	}
	if len(servers) == 0 {
		return ""
	}
	return servers[0].URL
}

// ValidateResponse checks the status of a response, decodes its JSON strictly, and
// validates it against the schema. The content type does not matter: if it is wrong, the
// content can still be right. An error names the mismatch, never a value. The decoded
// value may be returned with an error.
func (o *Operation) ValidateResponse(status int, body []byte) (value any, err error) {
	invalid := json.Unmarshal(body, &value) // refuses duplicate names and invalid UTF-8
	if invalid != nil {
		value = nil
	}
	response := o.Responses.Status(status)
	switch {
	case response == nil:
		return value, fmt.Errorf("status %d is not documented", status)
	case invalid != nil:
		return nil, jsonError(invalid)
	}
	schema := response.Value.Content[JSONContentType].Schema.Value
	return value, schemaError(schema.VisitJSON(value, openapi3.VisitAsResponse()))
}

// IsJSON reports whether a content type is that of JSON in UTF-8 (RFC 8259, sections 8.1
// and 11).
func IsJSON(contentType string) bool {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == JSONContentType && strings.EqualFold(cmp.Or(parameters["charset"], "utf-8"), "utf-8")
}

// jsonError names the fault and its place. The original error also quotes names in the
// JSON, truncated, so that a secret in one could not be recognized.
func jsonError(err error) error {
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON, at byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return errors.New("not valid JSON")
}

// schemaError names the place of a mismatch and the reason. The original error quotes
// the value, of any size.
func schemaError(err error) error {
	mismatch := new(openapi3.SchemaError)
	if !errors.As(err, &mismatch) {
		return err
	}
	place := "/" + strings.Join(mismatch.JSONPointer(), "/")
	return fmt.Errorf("%s: %s", place, mismatch.Reason)
}
