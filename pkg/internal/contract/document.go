package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-openapi/jsonpointer"

	"github.com/edisptr/edis-go/gen"
)

// Find returns the operation with this id. The document is decoded at the first
// call of the process, and what a schema says when it is first needed: a program
// that sets a PTR record does not wait for the answers to a login.
func Find(id string) (*Operation, error) {
	operations, err := index()
	if err != nil {
		return nil, err
	}
	operation, ok := operations[id]
	if !ok {
		return nil, fmt.Errorf("edis: the embedded API document has no operation %q", id)
	}
	return operation, checkServer(operation)
}

// Operations returns all operations of the document by their ids, complete and
// checked.
func Operations() (map[string]*Operation, error) {
	operations, err := index()
	if err != nil {
		return nil, err
	}
	for _, operation := range operations {
		if err := operation.complete(); err != nil {
			return nil, err
		}
	}
	return operations, nil
}

// complete returns an error if the document has one that concerns the operation.
func (o *Operation) complete() error {
	if err := checkServer(o); err != nil {
		return err
	}
	for _, answer := range o.answers {
		if _, err := answer(); err != nil {
			return err
		}
	}
	_, err := o.Form()
	return err
}

// index has the operations of the embedded document, decoded once.
var index = sync.OnceValues(func() (map[string]*Operation, error) {
	raw, err := gen.GetSpecJSON()
	if err != nil {
		return nil, fmt.Errorf("edis: the embedded API document: %w", err)
	}
	value, mismatch := decodeJSON(raw)
	d, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("edis: the embedded API document is no JSON object: %s", mismatch)
	}
	return document(d).index()
})

// document is an OpenAPI document as JSON has it.
//
// The loader of kin-openapi would do what is done here, and makes a type of
// each part of the document. But it also reads YAML and fetches references, so
// that with it a program is 0.8 MB larger, and the first call takes 4 ms longer.
type document map[string]any

func (d document) index() (map[string]*Operation, error) {
	operations := make(map[string]*Operation)
	paths, _ := d["paths"].(map[string]any)
	for path, value := range paths {
		item, _ := value.(map[string]any)
		for method, value := range item {
			described, _ := value.(map[string]any)
			id, ok := described["operationId"].(string)
			if !ok {
				continue // the servers of the path, and so on
			}
			answers, err := d.answers(id, described)
			if err != nil {
				return nil, err
			}
			operations[id] = &Operation{
				ID:      id,
				Method:  strings.ToUpper(method),
				Path:    path,
				BaseURL: WithSlash(serverURL(described, item, d)),
				form:    d.schemasOf(id, described["requestBody"]),
				answers: answers,
			}
		}
	}
	return operations, nil
}

// serverURL returns the first server of the innermost level that names any
// (OpenAPI 3.0, "Operation Object": servers override those further out).
func serverURL(levels ...map[string]any) string {
	for _, level := range levels {
		if servers, _ := level["servers"].([]any); len(servers) > 0 {
			first, _ := servers[0].(map[string]any)
			url, _ := first["url"].(string)
			return url
		}
	}
	return ""
}

// WithSlash returns a base URL that ends in a slash, so that the path of an
// operation is added to it and replaces nothing (RFC 3986, section 5.2.3). None
// stays none.
func WithSlash(baseURL string) string {
	if baseURL == "" || strings.HasSuffix(baseURL, "/") {
		return baseURL
	}
	return baseURL + "/"
}

// checkServer refuses a server that secrets must not be sent to.
func checkServer(o *Operation) error {
	if strings.HasPrefix(o.BaseURL, "https://") && !strings.Contains(o.BaseURL, "{") {
		return nil
	}
	return fmt.Errorf("edis: the embedded API document: %s: the server %q is no https address", o.ID, o.BaseURL)
}

// answers returns what makes the schemas of each answer to an operation.
func (d document) answers(id string, described map[string]any) (map[int]func() (schemas, error), error) {
	responses, _ := described["responses"].(map[string]any)
	answers := make(map[int]func() (schemas, error), len(responses))
	for code, response := range responses {
		status, err := strconv.Atoi(strings.TrimSuffix(code, "XX"))
		if err != nil {
			return nil, fmt.Errorf("edis: the embedded API document: %s: the answer %q has no status", id, code)
		}
		answers[status] = d.schemasOf(id, response)
	}
	return answers, nil
}

// schemasOf makes, once, the schemas of a request or an answer.
func (d document) schemasOf(id string, described any) func() (schemas, error) {
	return sync.OnceValues(func() (schemas, error) {
		made, err := d.schemas(described)
		if err != nil {
			return nil, fmt.Errorf("edis: the embedded API document: %s: %w", id, err)
		}
		return made, nil
	})
}

func (d document) schemas(described any) (schemas, error) {
	inlined, err := d.inline(described, nil)
	if err != nil {
		return nil, err
	}
	object, _ := inlined.(map[string]any)
	content, _ := object["content"].(map[string]any)
	made := make(schemas, len(content))
	for mediaType, value := range content {
		media, _ := value.(map[string]any)
		schema, ok := media["schema"]
		if !ok {
			continue // nothing is promised, so nothing is accepted
		}
		raw, err := json.Marshal(schema)
		if err != nil {
			return nil, err
		}
		made[mediaType] = new(openapi3.Schema)
		if err := made[mediaType].UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("the schema for %s: %w", mediaType, err)
		}
	}
	return made, nil
}

// inline returns a value with each reference in it replaced by what it refers
// to; open are the references that the value stands in.
func (d document) inline(value any, open []string) (inlined any, err error) {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["$ref"].(string); ok {
			return d.follow(ref, open)
		}
		object := make(map[string]any, len(value))
		for name, part := range value {
			if object[name], err = d.inline(part, open); err != nil {
				return nil, err
			}
		}
		return object, nil
	case []any:
		list := make([]any, len(value))
		for i, part := range value {
			if list[i], err = d.inline(part, open); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return value, nil
}

// follow returns what a reference into the document refers to.
func (d document) follow(ref string, open []string) (any, error) {
	path, local := strings.CutPrefix(ref, "#")
	if !local || slices.Contains(open, ref) {
		return nil, fmt.Errorf("the reference %q leads out of the document or in a circle", ref)
	}
	pointer, err := jsonpointer.New(path)
	if err != nil {
		return nil, fmt.Errorf("the reference %q: %w", ref, err)
	}
	target, _, err := pointer.Get(map[string]any(d))
	if err != nil {
		return nil, fmt.Errorf("the reference %q: %w", ref, err)
	}
	return d.inline(target, append(slices.Clip(open), ref))
}
