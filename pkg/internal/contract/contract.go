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
// process. A document that is not usable is a defect of the build, so Operations panics.
var Operations = sync.OnceValue(func() map[string]*Operation {
	document, err := gen.GetSpec()
	if err == nil {
		var operations map[string]*Operation
		if operations, err = operationsOf(document); err == nil {
			return operations
		}
	}
	panic(fmt.Sprintf("the embedded API document: %v", err))
})

func operationsOf(document *openapi3.T) (map[string]*Operation, error) {
	operations := make(map[string]*Operation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			baseURL := serverURL(document, item, operation)
			// Secrets go to https only, and never to a host that a response names.
			if !strings.HasPrefix(baseURL, "https://") || strings.Contains(baseURL, "{") {
				return nil, fmt.Errorf("%s %s: the server %q is not an https URL", method, path, baseURL)
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

// A Mismatch is how a response differs from the document.
type Mismatch struct {
	// Kind says what differs. It quotes nothing of the response.
	Kind string
	// Detail is the place and the reason. It may quote a name in the JSON, but no value.
	Detail string
}

func (m *Mismatch) Error() string { return strings.TrimSuffix(m.Kind+", "+m.Detail, ", ") }

// ValidateResponse checks the status of a response, decodes its JSON strictly, and
// validates it against the schema. The content type does not matter: if it is wrong, the
// content can still be right. An error is a [*Mismatch]. The decoded value may be returned
// with an error.
func (o *Operation) ValidateResponse(status int, body []byte) (value any, err error) {
	invalid := json.Unmarshal(body, &value) // refuses duplicate names and invalid UTF-8
	if invalid != nil {
		value = nil
	}
	response := o.Responses.Status(status)
	switch {
	case response == nil:
		return value, &Mismatch{Kind: fmt.Sprintf("status %d is not documented", status)}
	case invalid != nil:
		return nil, &Mismatch{"not valid JSON", jsonDetail(invalid)}
	}
	schema := response.Value.Content[JSONContentType].Schema.Value
	if err := schema.VisitJSON(value, openapi3.VisitAsResponse()); err != nil {
		return value, &Mismatch{"not of the documented schema", schemaDetail(err)}
	}
	return value, nil
}

// IsDocumented reports whether the document describes responses with the status.
func (o *Operation) IsDocumented(status int) bool { return o.Responses.Status(status) != nil }

// IsJSON reports whether a content type is that of JSON in UTF-8 (RFC 8259, sections 8.1
// and 11).
func IsJSON(contentType string) bool {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == JSONContentType && strings.EqualFold(cmp.Or(parameters["charset"], "utf-8"), "utf-8")
}

// jsonDetail names the fault and its place. The text of the error also quotes names in the
// JSON, truncated, so that a secret in one could not be recognized.
func jsonDetail(err error) string {
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
		return fmt.Sprintf("at byte %d: %v", syntax.ByteOffset, syntax.Err)
	}
	return ""
}

// schemaDetail names the place of a mismatch and the reason. The text of the error also
// quotes the value, of any size.
func schemaDetail(err error) string {
	mismatch := new(openapi3.SchemaError)
	if !errors.As(err, &mismatch) {
		return err.Error()
	}
	return "/" + strings.Join(mismatch.JSONPointer(), "/") + ": " + mismatch.Reason
}
