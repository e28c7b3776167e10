package edis_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/edis"
)

// calls makes a call of each operation that the library offers.
var calls = map[string]func(context.Context, *edis.Client) error{
	"setPTR": func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, session(), onePTR) },
	"deletePTR": func(ctx context.Context, c *edis.Client) error {
		return c.DeletePTR(ctx, session(), addr("192.0.2.10"))
	},
	"getPTR": func(ctx context.Context, c *edis.Client) error {
		_, err := c.GetPTR(ctx, session(), addr("192.0.2.10"), addr("192.168.1.1")) // those of the examples
		return err
	},
	"createAuthSession": func(ctx context.Context, c *edis.Client) error {
		_, err := c.Login(ctx, credentials)
		return err
	},
}

// contract is one documented answer of one operation.
type contract struct {
	op      string
	status  int
	schema  *openapi3.Schema
	example map[string]any
}

// contracts are all the documented answers, read from the embedded document, so
// that they change when it does.
func contracts(t *testing.T) []contract {
	t.Helper()
	document, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	var all []contract
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				code, err := strconv.Atoi(status)
				if err != nil {
					t.Fatalf("%s documents the status %q, which is no number", operation.OperationID, status)
				}
				schema := response.Value.Content[jsonType].Schema.Value
				all = append(all, contract{operation.OperationID, code, schema, exampleOf(t, schema)})
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

// answerWith makes the call of a contract at a service that gives this answer.
func (c contract) answerWith(t *testing.T, body map[string]any) error {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	call, ok := calls[c.op]
	if !ok {
		t.Fatalf("the document has an operation %q that no test calls", c.op)
	}
	s := serve(t, replying(c.status, jsonType, string(encoded)))
	return call(t.Context(), newClient(t, s.URL))
}

func forEachContract(t *testing.T, test func(*testing.T, contract)) {
	t.Helper()
	for _, c := range contracts(t) {
		t.Run(c.op+"/"+strconv.Itoa(c.status), func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// Each documented example has its typed outcome.
func TestContractExamples(t *testing.T) {
	t.Parallel()
	forEachContract(t, func(t *testing.T, c contract) {
		err := c.answerWith(t, c.example)
		if c.status == http.StatusOK {
			if err != nil {
				t.Errorf("the documented success %v gives %v", c.example, err)
			}
			return
		}
		wantAPIError(t, err, c)
		unknown := map[string][]error{"setPTR": {edis.ErrOutcomeUnknown}, "deletePTR": {edis.ErrOutcomeUnknown}}
		switch c.status {
		case 400:
			wantIs(t, err)
		case 401:
			wantIs(t, err, edis.ErrUnauthorized)
		case 500:
			wantIs(t, err, append(unknown[c.op], edis.ErrServer)...)
		default:
			t.Errorf("status %d is documented, and no test says what it means", c.status)
		}
	})
}

// wantAPIError fails the test unless err carries status and text of the example.
func wantAPIError(t *testing.T, err error, c contract) {
	t.Helper()
	short, _ := c.example["error"].(string)
	long, _ := c.example["message"].(string)
	message := short + long
	if short != "" && long != "" {
		message = short + ": " + long
	}
	want := edis.APIError{Op: c.op, Status: c.status, Message: message}
	var got *edis.APIError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("answer %v gives %#v, want %#v", c.example, got, want)
	}
}

// Each property with another type, or null, or removed where it is required,
// makes an answer that does not count; so it is at every depth.
func TestContractMutations(t *testing.T) {
	t.Parallel()
	forEachContract(t, func(t *testing.T, c contract) {
		c.mutate(t, "", c.schema, c.example, func(body map[string]any) map[string]any { return body })
	})
}

// mutate tries all mutations of part, which is an example of schema and which
// whole puts into its place in an answer.
func (c contract) mutate(t *testing.T, place string, schema *openapi3.Schema, part map[string]any, whole func(map[string]any) map[string]any) {
	t.Helper()
	for name, property := range schema.Properties {
		for what, value := range map[string]any{"another type": otherType(property.Value), "null": nil, "nested": map[string]any{"a": part[name]}} {
			if value == nil && property.Value.Nullable || property.Value.Type.Is(openapi3.TypeObject) && what == "nested" {
				continue
			}
			mutant := maps.Clone(part)
			mutant[name] = value
			c.wantRefused(t, place+"/"+name+" with "+what, whole(mutant))
		}
		mutant := maps.Clone(part)
		delete(mutant, name)
		if slices.Contains(schema.Required, name) {
			c.wantRefused(t, place+"/"+name+" removed", whole(mutant))
		} else if err := c.answerWith(t, whole(mutant)); errors.Is(err, edis.ErrContract) {
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
			c.mutate(t, place+"/"+name+"/0", property.Value.Items.Value, inner, func(item map[string]any) map[string]any { return into([]any{item}) })
		case map[string]any:
			for key, item := range example {
				inner, _ := item.(map[string]any)
				c.mutate(t, place+"/"+name+"/"+key, property.Value.AdditionalProperties.Schema.Value, inner, func(item map[string]any) map[string]any { return into(map[string]any{key: item}) })
			}
		}
	}
}

// otherType returns a value that no schema of this type allows, nor, where the
// document gives no type, the client.
func otherType(schema *openapi3.Schema) any {
	switch {
	case schema.Type == nil:
		return true
	case schema.Type.Is(openapi3.TypeString):
		return 1
	}
	return "1"
}

func (c contract) wantRefused(t *testing.T, what string, body map[string]any) {
	t.Helper()
	err := c.answerWith(t, body)
	if !errors.Is(err, edis.ErrContract) {
		t.Errorf("%s: %v, want ErrContract", what, err)
	}
	var api *edis.APIError
	if c.status >= 400 && (!errors.As(err, &api) || api.Status != c.status) {
		t.Errorf("%s: %v does not keep the status %d", what, err, c.status)
	}
}
