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

// exampleOf puts together the documented examples of the properties.
func exampleOf(t *testing.T, schema *openapi3.Schema) map[string]any {
	t.Helper()
	example := make(map[string]any)
	for name, property := range schema.Properties {
		if property.Value.Example == nil {
			t.Fatalf("property %q has no documented example", name)
		}
		example[name] = property.Value.Example
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
		switch c.status {
		case 400:
			wantIs(t, err)
		case 401:
			wantIs(t, err, edis.ErrUnauthorized)
		case 500:
			wantIs(t, err, edis.ErrServer, edis.ErrOutcomeUnknown)
		default:
			t.Errorf("status %d is documented, and no test says what it means", c.status)
		}
	})
}

// wantAPIError fails the test unless err carries status and text of the example.
func wantAPIError(t *testing.T, err error, c contract) {
	t.Helper()
	text := c.example["error"]
	if text == nil {
		text = c.example["message"]
	}
	want := edis.APIError{Op: c.op, Status: c.status, Message: text.(string)}
	var got *edis.APIError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("answer %v gives %#v, want %#v", c.example, got, want)
	}
}

// Each property with another type, or null, or removed where it is required,
// makes an answer that does not count.
func TestContractMutations(t *testing.T) {
	t.Parallel()
	forEachContract(t, func(t *testing.T, c contract) {
		for name, property := range c.schema.Properties {
			for what, value := range map[string]any{"another type": otherType(property.Value), "null": nil, "nested": map[string]any{"a": c.example[name]}} {
				mutant := maps.Clone(c.example)
				mutant[name] = value
				c.wantRefused(t, name+" with "+what, mutant)
			}
			mutant := maps.Clone(c.example)
			delete(mutant, name)
			if slices.Contains(c.schema.Required, name) {
				c.wantRefused(t, name+" removed", mutant)
			} else if err := c.answerWith(t, mutant); errors.Is(err, edis.ErrContract) {
				t.Errorf("%s is optional, but without it: %v", name, err)
			}
		}
	})
}

func otherType(schema *openapi3.Schema) any {
	if schema.Type.Is(openapi3.TypeString) {
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
