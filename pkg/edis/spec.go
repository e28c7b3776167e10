package edis

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/gen"
)

// specOperation is what the OpenAPI document says of one operation.
type specOperation struct {
	baseURL   string
	responses *openapi3.Responses
}

// loadSpec parses the embedded document once per process, at the first call.
var loadSpec = sync.OnceValues(func() (map[string]*specOperation, error) {
	document, err := gen.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("edis: the embedded API document: %w", err)
	}
	operations := make(map[string]*specOperation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			baseURL, err := serverURL(document, item, operation)
			if err != nil {
				return nil, fmt.Errorf("edis: the embedded API document: %s %s: %w", method, path, err)
			}
			operations[operation.OperationID] = &specOperation{baseURL: baseURL, responses: operation.Responses}
		}
	}
	return operations, nil
})

// findOperation returns what the document says of an operation.
func findOperation(id string) (*specOperation, error) {
	operations, err := loadSpec()
	if err != nil {
		return nil, err
	}
	operation, ok := operations[id]
	if !ok {
		return nil, fmt.Errorf("edis: the embedded API document has no operation %q", id)
	}
	return operation, nil
}

// serverURL returns the first server of the innermost level that names any
// (OpenAPI 3.0, "Operation Object": servers override those further out).
func serverURL(document *openapi3.T, item *openapi3.PathItem, operation *openapi3.Operation) (string, error) {
	servers := document.Servers
	if len(item.Servers) > 0 {
		servers = item.Servers
	}
	if operation.Servers != nil && len(*operation.Servers) > 0 {
		servers = *operation.Servers
	}
	if len(servers) == 0 {
		return "", errors.New("no server")
	}
	first := servers[0].URL
	if strings.ContainsAny(first, "{}") {
		return "", fmt.Errorf("the address of the server, %s, has variables", first)
	}
	return withSlash(first), nil
}

// withSlash makes a base URL one that operation paths can be resolved against
// without losing its last element (RFC 3986, section 5.2.3).
func withSlash(baseURL string) string { return strings.TrimSuffix(baseURL, "/") + "/" }

// schema returns the schema of an answer, or the reason for which there is
// none: its status or its media type is not documented.
func (o *specOperation) schema(status int, mediaType string) (schema *openapi3.Schema, undocumented string) {
	response := o.responses.Status(status)
	if response == nil {
		return nil, fmt.Sprintf("status %d is not documented", status)
	}
	content := response.Value.Content[mediaType]
	if content == nil || content.Schema == nil {
		return nil, fmt.Sprintf("content type %q is not documented for status %d", mediaType, status)
	}
	return content.Schema.Value, ""
}

// succeeded tells whether an answer of this status, when it is valid, means
// that the call did what was asked. The document knows no other.
func succeeded(status int) bool { return status == http.StatusOK }
