package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// used are the operations of the API that this module calls.
var used = []string{"createAuthSession", "deletePTR", "getPTR", "setPTR"}

// methods are the keys of a path item that hold operations.
var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

// A document is an OpenAPI document. It is kept as nodes, so that what this
// program does not know is taken over as it is.
type document struct {
	root   *yaml.Node
	before int // lines before it in its file
}

// An operation is one operation of a document and where it stands.
type operation struct {
	id, path, method string
	item, node       *yaml.Node // path item; operation
}

func (o *operation) call() string { return strings.ToUpper(o.method) + " " + o.path }

// load reads a document, or the one that a page holds.
func load(content []byte) (*document, error) {
	found, err := findDocument(content)
	if err != nil {
		return nil, err
	}
	root, err := parse(found)
	switch {
	case err != nil:
		return nil, err
	case root.Kind != yaml.MappingNode || get(root, "openapi") == nil:
		return nil, at(found.before+1, 1, `this is not an OpenAPI document: it has no field "openapi"`)
	case !strings.HasPrefix(get(root, "openapi").Value, "3."):
		version := get(root, "openapi")
		return nil, at(found.before+version.Line, version.Column, fmt.Sprintf("the document says openapi: %q; want version 3", bounded(version.Value)))
	case get(root, "paths") == nil || get(root, "paths").Kind != yaml.MappingNode:
		return nil, at(found.before+1, 1, `the document has no object "paths"`)
	}
	return &document{root, found.before}, nil
}

// operations returns all operations, in the order of path and method.
func (d *document) operations() []*operation {
	var all []*operation
	for path, item := range fields(get(d.root, "paths")) {
		for _, method := range methods {
			if node := get(item, method); node != nil {
				all = append(all, &operation{text(get(node, "operationId")), path, method, item, node})
			}
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.call(), b.call()) })
	return all
}

// usedOperations returns the operations that we use by the ids that we know them
// by. One whose id is new is known by the path and method that it had before.
func (d *document) usedOperations(before map[string]*operation) map[string]*operation {
	found := make(map[string]*operation)
	all := d.operations()
	for _, id := range used {
		for _, o := range all {
			if o.id == id {
				found[id] = o
			}
		}
		for _, o := range all {
			known := before[id]
			if found[id] == nil && known != nil && o.path == known.path && o.method == known.method {
				found[id] = o
			}
		}
	}
	return found
}

// resolve follows references within the document until it is at an object.
func (d *document) resolve(node *yaml.Node) (*yaml.Node, error) {
	start := node
	for range 32 {
		reference := get(node, "$ref")
		if reference == nil || reference.Kind != yaml.ScalarNode {
			return node, nil
		}
		target, err := d.target(reference)
		if err != nil {
			return nil, err
		}
		node = target
	}
	return nil, d.at(start, "a reference leads to itself")
}

// target returns what a reference such as "#/components/schemas/x" points to.
func (d *document) target(reference *yaml.Node) (*yaml.Node, error) {
	rest, ok := strings.CutPrefix(reference.Value, "#/")
	if !ok {
		return nil, d.at(reference, fmt.Sprintf("the reference %q leads out of the document", bounded(reference.Value)))
	}
	node := d.root
	for part := range strings.SplitSeq(rest, "/") {
		node = get(node, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
	}
	if node == nil {
		return nil, d.at(reference, fmt.Sprintf("the reference %q points to nothing", bounded(reference.Value)))
	}
	return node, nil
}

// at says where in the file of the document something is wrong.
func (d *document) at(node *yaml.Node, reason string) error {
	return at(node.Line+d.before, node.Column, reason)
}
