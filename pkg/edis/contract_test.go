package edis_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/edis"
)

// A contractCall is a call of one operation.
type contractCall struct {
	call   func(context.Context, *edis.Client) (result any, err error)
	form   url.Values // what it sends
	result any        // what it returns for the documented example of a success
}

// contractCalls has a call of every operation, by operation ID. The names are copied
// from the document on purpose: the tests must fail if the document renames one.
var contractCalls = map[string]contractCall{
	"setPTR": {
		call: func(ctx context.Context, c *edis.Client) (any, error) {
			return nil, c.SetPTR(ctx, contractSession, map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com"})
		},
		form: sessionForm(`{"192.0.2.10":"mail.example.com"}`),
	},
	"deletePTR": {
		call: func(ctx context.Context, c *edis.Client) (any, error) {
			return nil, c.DeletePTR(ctx, contractSession, addr("192.0.2.10"))
		},
		form: sessionForm(`["192.0.2.10"]`),
	},
	"getPTR": {
		call: func(ctx context.Context, c *edis.Client) (any, error) {
			return c.GetPTR(ctx, contractSession, addr("192.0.2.10"))
		},
		form:   sessionForm(`["192.0.2.10"]`),
		result: map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com"},
	},
	"createAuthSession": {
		call: func(ctx context.Context, c *edis.Client) (any, error) {
			return c.Login(ctx, edis.Credentials{Email: "owner@example.com", Password: "p+w"})
		},
		form: url.Values{"email": {"owner@example.com"}, "pw": {"p+w"}},
		result: []edis.Session{{
			KVMID: "kvm_123456_789012", Signature: "example-signature", APIHost: "12345.edis.example", ValidUntil: time.Unix(4102444800, 0).UTC(),
			PrimaryIP: addr("192.0.2.1"), Description: "mail server", Suspended: true,
		}},
	},
}

var contractSession = edis.Session{KVMID: "kvm_123456_789012", Signature: "example-signature", APIHost: "12345.edis.example", ValidUntil: time.Unix(4102444800, 0)}

func sessionForm(ip string) url.Values {
	return url.Values{
		"ip": {ip}, "kvm_id": {"kvm_123456_789012"}, "signature": {"example-signature"},
		"api_host": {"12345.edis.example"}, "valid_until": {"4102444800"},
	}
}

// Each call sends the documented fields, which are valid against the schema of the
// request. Strings are sent unchanged, all other types as JSON.
func TestContractRequests(t *testing.T) {
	t.Parallel()
	document, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	for path, item := range document.Paths.Map() {
		id := item.Post.OperationID
		want, ok := contractCalls[id]
		if !ok {
			t.Fatalf("contractCalls has no call of operation %q", id)
		}
		called++
		var form url.Values
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || r.URL.Path != path || r.Method != http.MethodPost {
				t.Errorf("%s sends %s %s, %v, want POST %s", id, r.Method, r.URL, err, path)
			}
			form = r.PostForm
		})
		_, _ = want.call(t.Context(), newClient(t, s.URL)) // fails: the response is empty
		if form.Encode() != want.form.Encode() {
			t.Errorf("%s sends %v, want %v", id, form, want.form)
		}
		schema := item.Post.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
		fields := make(map[string]any)
		for name, property := range schema.Properties {
			if !form.Has(name) && !slices.Contains(schema.Required, name) {
				continue
			}
			var value any = form.Get(name)
			if !property.Value.Type.Is(openapi3.TypeString) {
				if err := json.Unmarshal([]byte(form.Get(name)), &value); err != nil {
					t.Errorf("%s sends %s = %q, which is not JSON: %v", id, name, form.Get(name), err)
				}
			}
			fields[name] = value
		}
		if err := schema.VisitJSON(fields, openapi3.VisitAsRequest()); err != nil || len(form) != len(fields) {
			t.Errorf("%s sends %v, which does not match the document: %v", id, form, err)
		}
	}
	if called != len(contractCalls) {
		t.Errorf("the document has %d operations, want %d", called, len(contractCalls))
	}
}

// A documentedResponse is a response of an operation in the document.
type documentedResponse struct {
	op      string
	status  int
	schema  *openapi3.Schema
	example map[string]any
}

// documentedResponses returns all responses in the embedded document.
func documentedResponses(t *testing.T) []documentedResponse {
	t.Helper()
	document, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	var all []documentedResponse
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				code, err := strconv.Atoi(status)
				if err != nil {
					t.Fatalf("%s documents the status %q, which is not a number", operation.OperationID, status)
				}
				schema := response.Value.Content[jsonType].Schema.Value
				all = append(all, documentedResponse{operation.OperationID, code, schema, exampleOf(t, schema)})
			}
		}
	}
	return all
}

// exampleOf returns the documented example of a schema. If it has none, the example
// consists of those of its properties.
func exampleOf(t *testing.T, schema *openapi3.Schema) map[string]any {
	t.Helper()
	if example, ok := schema.Example.(map[string]any); ok {
		return example
	}
	example := make(map[string]any)
	for name, property := range schema.Properties {
		switch {
		case property.Value.Example != nil:
			example[name] = property.Value.Example
		case property.Value.Type.Is(openapi3.TypeArray):
			example[name] = []any{exampleOf(t, property.Value.Items.Value)}
		case property.Value.Type.Is(openapi3.TypeObject):
			example[name] = exampleOf(t, property.Value)
		default:
			t.Fatalf("property %q has no documented example", name)
		}
	}
	return example
}

// callWith calls the operation on a service that responds with the status of r and
// this body.
func (r documentedResponse) callWith(t *testing.T, body map[string]any) (result any, err error) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, respondWith(r.status, jsonType, string(encoded)))
	return contractCalls[r.op].call(t.Context(), newClient(t, s.URL))
}

func forEachResponse(t *testing.T, test func(*testing.T, documentedResponse)) {
	t.Helper()
	for _, r := range documentedResponses(t) {
		t.Run(r.op+"/"+strconv.Itoa(r.status), func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

// Each documented example gives the right result or error.
func TestContractExamples(t *testing.T) {
	t.Parallel()
	forEachResponse(t, func(t *testing.T, r documentedResponse) {
		result, err := r.callWith(t, r.example)
		if r.status == http.StatusOK {
			if want := contractCalls[r.op].result; err != nil || !reflect.DeepEqual(result, want) {
				t.Errorf("response %v gives %v, %v, want %v", r.example, result, err, want)
			}
			return
		}
		r.wantAPIError(t, err)
		want, expected := map[int][]error{400: nil, 401: {edis.ErrUnauthorized}, 500: {edis.ErrServer}}[r.status]
		if !expected {
			t.Fatalf("status %d is documented, but has no test", r.status)
		}
		if r.op == "createAuthSession" && r.status < 500 {
			want = append(want, edis.ErrLoginRefused)
		}
		outcome := edis.OutcomeUnchanged
		if r.status == 500 && (r.op == "setPTR" || r.op == "deletePTR") {
			outcome = edis.OutcomeUnknown
		}
		wantOutcome(t, err, outcome, want...)
	})
}

// wantAPIError fails the test unless err is an APIError with the status and all of
// the text of the example, and no other text.
func (r documentedResponse) wantAPIError(t *testing.T, err error) {
	t.Helper()
	var got *edis.APIError
	if !errors.As(err, &got) || got.Op != r.op || got.Status != r.status {
		t.Fatalf("response %v gives %#v, want an APIError of %s with status %d", r.example, err, r.op, r.status)
	}
	rest := got.Message
	for name, value := range r.example {
		if text, ok := value.(string); ok && name != "status" {
			if !strings.Contains(rest, text) {
				t.Errorf("response %v gives the message %q, want it to contain %q", r.example, got.Message, text)
			}
			rest = strings.Replace(rest, text, "", 1)
		}
	}
	if strings.Trim(rest, ": ") != "" {
		t.Errorf("response %v gives the message %q, want only the texts of the response", r.example, got.Message)
	}
}

// A response is rejected if a property, at any depth, has the wrong type, is null, or
// is required and missing.
func TestContractMutations(t *testing.T) {
	t.Parallel()
	forEachResponse(t, func(t *testing.T, r documentedResponse) {
		r.testMutations(t, "", r.schema, r.example, func(example map[string]any) map[string]any { return example })
	})
}

// testMutations changes each property of example, which is an example of schema.
// response returns the body of a response with a changed example in it, at path.
func (r documentedResponse) testMutations(t *testing.T, path string, schema *openapi3.Schema, example map[string]any, response func(example map[string]any) map[string]any) {
	t.Helper()
	required := schema.Required
	for name, property := range schema.Properties {
		path, schema := path+"/"+name, property.Value
		with := func(value any) map[string]any {
			mutant := maps.Clone(example)
			mutant[name] = value
			return response(mutant)
		}
		for mutation, value := range map[string]any{"wrong type": wrongType(schema), "null": nil, "nested": map[string]any{"a": example[name]}} {
			switch {
			case value == nil && schema.Nullable, schema.Type.Is(openapi3.TypeObject) && mutation == "nested":
			case schema.Type == nil && schema.Items == nil && schema.AdditionalProperties.Schema == nil && name != "valid_until": // any type is as good as none
				if _, err := r.callWith(t, with(value)); err != nil {
					t.Errorf("%s: %s: err = %v, want nil", path, mutation, err)
				}
			default:
				r.wantContractError(t, path+": "+mutation, with(value))
			}
		}
		mutant := maps.Clone(example)
		delete(mutant, name)
		if slices.Contains(required, name) || path == "/records" { // without data, which is in another test
			r.wantContractError(t, path+": missing", response(mutant))
		} else if _, err := r.callWith(t, response(mutant)); errors.Is(err, edis.ErrContract) {
			t.Errorf("%s is optional, but a response without it gives %v", path, err)
		}
		switch value := example[name].(type) {
		case []any:
			item, _ := value[0].(map[string]any)
			r.testMutations(t, path+"/0", schema.Items.Value, item, func(item map[string]any) map[string]any { return with([]any{item}) })
		case map[string]any:
			for key, item := range value {
				item, _ := item.(map[string]any)
				r.testMutations(t, path+"/"+key, sessionSchema(schema), item, func(item map[string]any) map[string]any { return with(map[string]any{key: item}) })
			}
		}
	}
}

// sessionSchema returns the documented one of the schemas for a session in data.
func sessionSchema(data *openapi3.Schema) *openapi3.Schema {
	return data.AdditionalProperties.Schema.Value.AnyOf[0].Value
}

// wrongType returns a value that the schema does not allow. Where the schema gives no
// type, it is one that the client does not accept.
func wrongType(schema *openapi3.Schema) any {
	switch {
	case schema.Type == nil:
		return true
	case schema.Type.Is(openapi3.TypeString):
		return 1
	}
	return "1"
}

func (r documentedResponse) wantContractError(t *testing.T, mutation string, body map[string]any) {
	t.Helper()
	_, err := r.callWith(t, body)
	if !errors.Is(err, edis.ErrContract) {
		t.Errorf("%s: err = %v, want ErrContract", mutation, err)
	}
	var api *edis.APIError
	if r.status >= 400 && (!errors.As(err, &api) || api.Status != r.status) {
		t.Errorf("%s: err = %v, want an APIError with status %d", mutation, err, r.status)
	}
}
