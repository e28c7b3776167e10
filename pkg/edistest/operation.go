package edistest

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// The operations of the API, named after the methods of [edis.Client] that call them, for
// [Server.Fail]. The values are the operation IDs of the API document, which are also in
// the errors of package edis.
const (
	SetPTR    = "setPTR"
	GetPTR    = "getPTR" // also called by ListPTR and ConfirmPTR
	DeletePTR = "deletePTR"
	Login     = "createAuthSession"
)

// A route is one operation of the API document and how the fake serves it.
type route struct {
	*contract.Operation
	serve   func(*Server, map[string]any) reply // nil for the operations that need a session
	names   func(fields map[string]any) (map[netip.Addr]string, error)
	writes  bool
	failure func(status int, text string) reply
}

// routes returns the routes of all operations of the document, by operation ID.
func routes(documented map[string]*contract.Operation) map[string]route {
	served := map[string]route{
		SetPTR:    {names: wantedNames, writes: true, failure: failureAs("error")},
		DeletePTR: {names: noNames, writes: true, failure: failureAs("message")},
		GetPTR:    {names: noNames, failure: failureAs("error")},
		Login:     {serve: (*Server).logIn, failure: loginFailure},
	}
	routes := make(map[string]route)
	for id, operation := range documented {
		r, ok := served[id]
		if !ok {
			panic(fmt.Sprintf("edistest: the API document has an operation %q that the fake does not serve", id))
		}
		r.Operation = operation
		routes[id] = r
	}
	return routes
}

// requestSchema returns the schema of the form.
func (r route) requestSchema() *openapi3.Schema {
	return r.RequestBody.Value.Content[contract.FormContentType].Schema.Value
}

// example returns the documented example of a field of a success, or an empty string
// if there is none.
func (r route) example(field string) string {
	schema := r.Responses.Status(http.StatusOK).Value.Content[contract.JSONContentType].Schema.Value
	if schema.Properties[field] == nil {
		return ""
	}
	example, _ := schema.Properties[field].Value.Example.(string)
	return example
}

// A reply is a response before it is encoded.
type reply struct {
	status int
	body   map[string]any
}

// failureAs returns a function that makes the reply to a failed request. The document has
// two names for the field of its text.
func failureAs(field string) func(int, string) reply {
	return func(status int, text string) reply {
		return reply{status, map[string]any{"status": "error", field: text}}
	}
}

// response encodes a reply and validates it against the document.
func (r route) response(usual reply) response {
	body := encode(usual)
	if _, err := r.ValidateResponse(usual.status, body); err != nil {
		return r.response(r.failure(http.StatusInternalServerError, "the response would not match the document: "+err.Error()))
	}
	return response{status: usual.status, contentType: contract.JSONContentType, body: body}
}

func encode(r reply) []byte {
	body, err := json.Marshal(r.body, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("edistest: a map of strings does not marshal: %v", err))
	}
	return body
}
