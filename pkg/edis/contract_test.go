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

// contractCall is a call of one operation, what it sends under the names of the
// document, and what it returns for the documented example of a success.
type contractCall struct {
	call   func(context.Context, *edis.Client) (result any, err error)
	form   url.Values
	result any
}

// contractCalls has every operation that the library offers. The names and values
// are those of the documents as of today; a document with others must fail here.
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
			return c.Login(ctx, edis.Credentials{Email: "owner@example.com", Password: "p+w", KVMID: "kvm_123456_789012"})
		},
		form: url.Values{"email": {"owner@example.com"}, "pw": {"p+w"}, "kvm_id": {"kvm_123456_789012"}},
		result: []edis.Session{{
			KVMID: "kvm_123456_789012", Signature: "example-signature", APIHost: "12345.edis.example", ValidUntil: time.Unix(4102444800, 0),
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

// What a call sends arrives under the names of the document, and is valid against
// the schema of the request. A string is sent as it is, anything else as JSON.
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
			t.Fatalf("the document has an operation %q that no test calls", id)
		}
		called++
		var form url.Values
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || r.URL.Path != path || r.Method != http.MethodPost {
				t.Errorf("%s: %s %s, %v, want POST %s", id, r.Method, r.URL, err, path)
			}
			form = r.PostForm
		})
		_, _ = want.call(t.Context(), newClient(t, s.URL)) // fails: there is no response
		if form.Encode() != want.form.Encode() {
			t.Errorf("%s sends %v, want %v", id, form, want.form)
		}
		schema := item.Post.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
		fields := make(map[string]any)
		for name, property := range schema.Properties {
			var value any = form.Get(name)
			if !property.Value.Type.Is(openapi3.TypeString) {
				if err := json.Unmarshal([]byte(form.Get(name)), &value); err != nil {
					t.Errorf("%s: field %s is not JSON: %v", id, name, err)
				}
			}
			fields[name] = value
		}
		if err := schema.VisitJSON(fields, openapi3.VisitAsRequest()); err != nil || len(form) != len(fields) {
			t.Errorf("%s sends %v, which the document does not describe: %v", id, form, err)
		}
	}
	if called != len(contractCalls) {
		t.Errorf("the document has %d operations, want %d", called, len(contractCalls))
	}
}

// A documentedResponse is one documented response of one operation.
type documentedResponse struct {
	op      string
	status  int
	schema  *openapi3.Schema
	example map[string]any
}

// documentedResponses returns all documented responses, read from the embedded document.
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

// exampleOf returns the documented example of a schema, put together from those
// of its properties where it has none of its own.
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

// callWith makes the call of a contract to a service with this response.
func (c documentedResponse) callWith(t *testing.T, body map[string]any) (result any, err error) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, respondWith(c.status, jsonType, string(encoded)))
	return contractCalls[c.op].call(t.Context(), newClient(t, s.URL))
}

func forEachResponse(t *testing.T, test func(*testing.T, documentedResponse)) {
	t.Helper()
	for _, c := range documentedResponses(t) {
		t.Run(c.op+"/"+strconv.Itoa(c.status), func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// Each documented example has its typed result or outcome.
func TestContractExamples(t *testing.T) {
	t.Parallel()
	forEachResponse(t, func(t *testing.T, c documentedResponse) {
		result, err := c.callWith(t, c.example)
		if c.status == http.StatusOK {
			if want := contractCalls[c.op].result; err != nil || !reflect.DeepEqual(result, want) {
				t.Errorf("the documented success %v gives %v, %v, want %v", c.example, result, err, want)
			}
			return
		}
		c.wantAPIError(t, err)
		unknown := map[string][]error{"setPTR": {edis.ErrOutcomeUnknown}, "deletePTR": {edis.ErrOutcomeUnknown}}
		switch c.status {
		case 400:
			wantErrorIs(t, err)
		case 401:
			wantErrorIs(t, err, edis.ErrUnauthorized)
		case 500:
			wantErrorIs(t, err, append(unknown[c.op], edis.ErrServer)...)
		default:
			t.Errorf("status %d is documented, and no test says what it means", c.status)
		}
	})
}

// wantAPIError fails the test unless err has the status and all text of the example,
// whatever the names of its fields.
func (c documentedResponse) wantAPIError(t *testing.T, err error) {
	t.Helper()
	var got *edis.APIError
	if !errors.As(err, &got) || got.Op != c.op || got.Status != c.status || got.RetryAfter != 0 {
		t.Fatalf("response %v gives %#v", c.example, err)
	}
	rest := got.Message
	for name, value := range c.example {
		if text, ok := value.(string); ok && name != "status" {
			if !strings.Contains(rest, text) {
				t.Errorf("response %v gives the message %q", c.example, got.Message)
			}
			rest = strings.Replace(rest, text, "", 1)
		}
	}
	if strings.Trim(rest, ": ") != "" {
		t.Errorf("response %v gives the message %q", c.example, got.Message)
	}
}

// A response does not count if a property at any depth has another type, is null, or
// is missing though required.
func TestContractMutations(t *testing.T) {
	t.Parallel()
	forEachResponse(t, func(t *testing.T, c documentedResponse) {
		c.testMutations(t, "", c.schema, c.example, func(body map[string]any) map[string]any { return body })
	})
}

// testMutations tries all mutations of part, an example of schema, which whole puts into its
// place in a response.
func (c documentedResponse) testMutations(t *testing.T, place string, schema *openapi3.Schema, part map[string]any, whole func(map[string]any) map[string]any) {
	t.Helper()
	for name, property := range schema.Properties {
		for what, value := range map[string]any{"another type": wrongType(property.Value), "null": nil, "nested": map[string]any{"a": part[name]}} {
			if value == nil && property.Value.Nullable || property.Value.Type.Is(openapi3.TypeObject) && what == "nested" {
				continue
			}
			mutant := maps.Clone(part)
			mutant[name] = value
			c.wantContractError(t, place+"/"+name+" with "+what, whole(mutant))
		}
		mutant := maps.Clone(part)
		delete(mutant, name)
		if slices.Contains(schema.Required, name) {
			c.wantContractError(t, place+"/"+name+" removed", whole(mutant))
		} else if _, err := c.callWith(t, whole(mutant)); errors.Is(err, edis.ErrContract) {
			t.Errorf("%s/%s is optional, but without it: %v", place, name, err)
		}
		into := func(value any) map[string]any {
			mutant := maps.Clone(part)
			mutant[name] = value
			return whole(mutant)
		}
		switch example := part[name].(type) {
		case []any:
			inner, _ := example[0].(map[string]any)
			c.testMutations(t, place+"/"+name+"/0", property.Value.Items.Value, inner, func(item map[string]any) map[string]any { return into([]any{item}) })
		case map[string]any:
			for key, item := range example {
				inner, _ := item.(map[string]any)
				c.testMutations(t, place+"/"+name+"/"+key, property.Value.AdditionalProperties.Schema.Value, inner, func(item map[string]any) map[string]any { return into(map[string]any{key: item}) })
			}
		}
	}
}

// wrongType returns a value that no schema of this type allows, nor, where the
// document gives no type, the client.
func wrongType(schema *openapi3.Schema) any {
	switch {
	case schema.Type == nil:
		return true
	case schema.Type.Is(openapi3.TypeString):
		return 1
	}
	return "1"
}

func (c documentedResponse) wantContractError(t *testing.T, what string, body map[string]any) {
	t.Helper()
	_, err := c.callWith(t, body)
	if !errors.Is(err, edis.ErrContract) {
		t.Errorf("%s: %v, want ErrContract", what, err)
	}
	var api *edis.APIError
	if c.status >= 400 && (!errors.As(err, &api) || api.Status != c.status) {
		t.Errorf("%s: %v does not keep the status %d", what, err, c.status)
	}
}
