package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/load"
)

// maxValues bounds what references may expand to, so that a few that refer to
// each other cannot keep us busy for more than some seconds. Ours have 600 values.
const maxValues = 5_000

// A document is an OpenAPI document.
type document struct {
	root       map[string]any
	operations map[string]map[string]any // by method and path, such as "POST /set/ptr"
	left       int                       // values that may still be expanded
}

var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

// object returns a value if it is an object, and nil otherwise.
func object(value any) map[string]any {
	found, _ := value.(map[string]any)
	return found
}

func newDocument(content []byte, ours bool) *document {
	root := object(parse(content, ours))
	if version, _ := root["openapi"].(string); !strings.HasPrefix(version, "3.") || object(root["paths"]) == nil {
		refuse(1, 1, `neither an OpenAPI document, with "openapi: 3..." and "paths", nor a page in Markdown with one in a fenced block`)
	}
	d := &document{root, make(map[string]map[string]any), maxValues}
	for path, item := range object(root["paths"]) {
		for name, value := range object(item) {
			if slices.Contains(methods, name) && object(value) != nil {
				d.operations[strings.ToUpper(name)+" "+path] = object(value)
			}
		}
	}
	return d
}

// effective returns an operation with all that holds for it: what references
// point to, and what its path or the document says where it says nothing itself.
func (d *document) effective(key string) map[string]any {
	_, path, _ := strings.Cut(key, " ")
	security, _ := d.root["security"].([]any)
	common := map[string]any{"servers": d.root["servers"], "security": security}
	operation := make(map[string]any)
	for i, holder := range []map[string]any{common, object(object(d.root["paths"])[path]), d.operations[key]} {
		for _, name := range slices.Sorted(maps.Keys(holder)) {
			list, isList := holder[name].([]any)
			switch {
			case slices.Contains(methods, name), name == "servers" && len(list) == 0 && (isList || holder[name] == nil):
				continue
			case name == "servers":
				operation["x-server-level"] = []string{"document", "path", "operation"}[i]
			}
			operation[name] = d.expand(holder[name])
		}
	}
	if requirements, isList := operation["security"].([]any); isList && len(requirements) == 0 {
		delete(operation, "security")
	} else {
		operation["x-security-schemes"] = d.expand(object(d.root["components"])["securitySchemes"])
	}
	return operation
}

// expand returns a value with what references point to in place of them, so that
// the names of components do not count: the provider numbers them anew with each
// revision. open are the references that the value is inside of.
func (d *document) expand(value any, open ...string) any {
	if d.left--; d.left < 0 {
		check(fmt.Errorf("references expand to more than %d values", maxValues))
	}
	switch value := value.(type) {
	case map[string]any:
		if found, ok := value["$ref"].(reference); ok {
			return d.follow(found, open)
		}
		expanded := make(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			expanded[name] = d.expand(value[name], open...)
		}
		return expanded
	case []any:
		expanded := make([]any, len(value))
		for i := range value {
			expanded[i] = d.expand(value[i], open...)
		}
		return expanded
	}
	return value
}

// follow returns what a reference points to. It reads nothing but this document.
func (d *document) follow(r reference, open []string) any {
	var target any = d.root
	names := strings.Split(r.pointer, "/")
	for _, name := range names[1:] {
		target = object(target)[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	isOpen, isReference := slices.Contains(open, r.pointer), object(target)["$ref"] != nil
	switch {
	case names[0] != "#":
		refuse(r.line, r.column, "the reference %q leads out of the document; other files and hosts are never read", r.pointer)
	case target == nil, isOpen && isReference:
		refuse(r.line, r.column, "the reference %q points to nothing, or to itself", r.pointer)
	case isOpen:
		return map[string]any{} // a schema that contains itself
	}
	check(openapi3.ValidateIdentifier(names[min(3, len(names)-1)]))
	return d.expand(target, append(slices.Clone(open), r.pointer)...)
}

// spec returns a document of one operation and of nothing else.
func (d *document) spec(key string, operation map[string]any) *load.SpecInfo {
	method, path, _ := strings.Cut(key, " ")
	content := must(json.Marshal(map[string]any{
		"openapi":    d.root["openapi"],
		"info":       d.root["info"],
		"paths":      map[string]any{path: map[string]any{strings.ToLower(method): operation}},
		"components": map[string]any{"securitySchemes": operation["x-security-schemes"]},
	}))
	return must(load.NewSpecInfoFromData(openapi3.NewLoader(), content, "openapi.json"))
}

// validate applies the rules of OpenAPI to an operation. Examples need not match
// their schemas, as those of the provider often do not.
func (d *document) validate(ctx context.Context, key string, operation map[string]any) {
	err := d.spec(key, operation).Spec.Validate(ctx, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		check(fmt.Errorf("not a valid OpenAPI document: %w", err))
	}
}
