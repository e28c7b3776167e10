package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/gen"
)

// documentOf reads a document of one operation, called op.
func documentOf(t *testing.T, operation string) document {
	t.Helper()
	var d document
	err := json.Unmarshal([]byte(`{
		"servers": [{"url": "https://a.example"}],
		"paths": {"/a~b": {"summary": "s", "post": `+operation+`}},
		"components": {"schemas": {
			"word": {"type": "string"},
			"words": {"type": "array", "items": {"$ref": "#/components/schemas/word"}},
			"tree": {"type": "array", "items": {"$ref": "#/components/schemas/tree"}}
		}}
	}`), &d)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// opWith is an operation with these answers.
func opWith(answers string) string {
	return `{"operationId": "op", "requestBody": {"content": {"` + FormContentType + `": {"schema": {"type": "object"}}}}, "responses": {` + answers + `}}`
}

func TestReferencesAreFollowed(t *testing.T) {
	t.Parallel()
	d := documentOf(t, opWith(`"200": {"content": {"application/json": {"schema": {"properties": {"list": {"$ref": "#/components/schemas/words"}}}}}},
		"4XX": {"content": {"text/plain": {}, "application/json": {"schema": {"$ref": "#/paths/~1a~0b/post/responses/200/content/application~1json/schema"}}}}`))
	operations, err := d.index()
	if err != nil {
		t.Fatal(err)
	}
	op := operations["op"]
	header := map[string][]string{"Content-Type": {"application/json"}}
	for _, status := range []int{200, 404, 418} {
		if _, got := op.Answer(status, header, []byte(`{"list":["a","b"]}`)); got != "" {
			t.Errorf("%d: %s", status, got)
		}
		if _, got := op.Answer(status, header, []byte(`{"list":["a",5]}`)); got != "/list/1: value must be a string" {
			t.Errorf("%d: the mismatch is %q", status, got)
		}
	}
	if _, got := op.Answer(300, header, []byte(`{}`)); got != "status 300 is not documented" {
		t.Errorf("300: %q", got)
	}
	// Of text/plain nothing is promised.
	header["Content-Type"] = []string{"text/plain"}
	if _, got := op.Answer(404, header, []byte(`{}`)); got != `content type "text/plain" is not documented for status 404` {
		t.Errorf("text/plain: %q", got)
	}
}

func TestUnusableDocuments(t *testing.T) {
	t.Parallel()
	answer := func(schema string) string {
		return opWith(`"200": {"content": {"application/json": {"schema": ` + schema + `}}}`)
	}
	for operation, want := range map[string]string{
		answer(`{"$ref": "#/components/schemas/tree"}`):                         `"#/components/schemas/tree" leads out of the document or in a circle`,
		answer(`{"$ref": "other.yaml#/a"}`):                                     `"other.yaml#/a" leads out`,
		answer(`{"$ref": "#/components/schemas/none"}`):                         `"#/components/schemas/none"`,
		answer(`{"$ref": "#none"}`):                                             `"#none"`,
		answer(`{"allOf": [{"$ref": "#/x"}]}`):                                  `"#/x"`,
		answer(`{"type": 5}`):                                                   "the schema for application/json",
		opWith(`"default": {}`):                                                 `the answer "default" has no status`,
		`{"operationId": "op"}`:                                                 "the request has no schema for " + FormContentType,
		`{"operationId": "op", "requestBody": {"$ref": "#/x"}}`:                 `"#/x"`,
		`{"operationId": "op", "servers": [{"url": "http://a.example"}]}`:       `the server "http://a.example/" is no https address`,
		`{"operationId": "op", "servers": [{"url": "https://{host}.example"}]}`: "is no https address",
	} {
		operations, err := documentOf(t, operation).index()
		if err == nil {
			err = operations["op"].complete()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "edis: the embedded API document: op: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want an error with %s", operation, err, want)
		}
	}
	if _, err := Find("none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("Find(none) = %v", err)
	}
}

// A server in the clear is refused before anything is sent, not only in tests.
func TestFindChecksTheServer(t *testing.T) { //nolint:paralleltest // replaces the document
	embedded := index
	defer func() { index = embedded }()
	index = documentOf(t, `{"operationId": "op", "servers": [{"url": "http://a.example"}]}`).index
	if _, err := Find("op"); err == nil || !strings.Contains(err.Error(), "is no https address") {
		t.Errorf("Find(op) = %v, want its server refused", err)
	}
}

// What is read here of the embedded document is what the loader of kin-openapi
// reads.
func TestLoaderAgrees(t *testing.T) {
	t.Parallel()
	loaded, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	operations, err := Operations()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for path, item := range loaded.Paths.Map() {
		for method, want := range item.Operations() {
			got := operations[want.OperationID]
			if got == nil || got.Path != path || got.Method != method || got.BaseURL != item.Servers[0].URL+"/" {
				t.Errorf("%s %s is %+v", method, path, got)
				continue
			}
			found++
			form, err := got.Form()
			if err != nil {
				t.Fatal(err)
			}
			wantSchema(t, form, want.RequestBody.Value.Content[FormContentType].Schema.Value)
			if len(got.answers) != want.Responses.Len() {
				t.Errorf("%s has %d answers, want %d", got.ID, len(got.answers), want.Responses.Len())
			}
			for status, answer := range got.answers {
				schemas, err := answer()
				if err != nil {
					t.Fatal(err)
				}
				wantSchema(t, schemas["application/json"], want.Responses.Status(status).Value.Content["application/json"].Schema.Value)
			}
		}
	}
	if found == 0 || found != len(operations) {
		t.Errorf("%d operations, the loader has %d", len(operations), found)
	}
}

// wantSchema fails the test unless all the parts of a schema are in another at the
// same place. The walk visits what is referred to twice only once.
func wantSchema(t *testing.T, got, want *openapi3.Schema) {
	t.Helper()
	has := partsOf(t, got)
	for place, part := range partsOf(t, want) {
		if has[place] != part {
			t.Errorf("the schema has %s at %q, want %s", has[place], place, part)
		}
	}
}

func partsOf(t *testing.T, schema *openapi3.Schema) map[string]string {
	t.Helper()
	parts := make(map[string]string)
	err := openapi3.NewSchemaRef("", schema).WalkSubtree(func(place string, part *openapi3.SchemaRef) error {
		flat := *part.Value
		flat.Properties, flat.Items, flat.AdditionalProperties = nil, nil, openapi3.AdditionalProperties{}
		raw, err := flat.MarshalJSON()
		parts[place] = string(raw)
		return err
	})
	if err != nil || len(parts) == 0 {
		t.Fatalf("%d parts of %v: %v", len(parts), schema, err)
	}
	return parts
}
