package main

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A fact is one statement of a document, with its place as a JSON Pointer (RFC 6901).
// The normal form of an operation is the sorted list of its facts.
type fact struct {
	pointer, value string
	kind           kind
}

type kind int

const (
	wire     kind = iota // whatever is not one of the others
	limit                // on the wire too, and among what overlay.yaml adds
	dataType             // likewise
	wording              // texts and examples
)

// A rule says what is below a name in the document.
type rule struct {
	kind  kind
	names bool // an object with names that the provider chose, instead of keywords of OpenAPI
}

// rules has the keywords that differ from rule{wire, false}.
var rules = map[string]rule{
	"description": {kind: wording}, "summary": {kind: wording}, "title": {kind: wording}, "tags": {kind: wording},
	"example": {wording, true}, "examples": {wording, true}, "externalDocs": {kind: wording},

	"required": {kind: limit}, "enum": {kind: limit}, "nullable": {kind: limit}, "additionalProperties": {kind: limit}, "encoding": {limit, true},
	"minLength": {kind: limit}, "minItems": {kind: limit}, "maxItems": {kind: limit}, "minProperties": {kind: limit}, "maxProperties": {kind: limit},
	"type": {kind: dataType},

	"properties": {wire, true}, "patternProperties": {wire, true}, "$defs": {wire, true}, "schemas": {wire, true}, "default": {wire, true},
	"responses": {wire, true}, "content": {wire, true}, "headers": {wire, true}, "variables": {wire, true}, "callbacks": {wire, true},
	"links": {wire, true}, "parameters": {wire, true}, "requestBodies": {wire, true}, "securitySchemes": {wire, true}, "paths": {wire, true},
}

// References can stand for exponentially much. The provider's whole document has 0.4 MB
// of facts, at a depth of 15.
const maxForm, maxDepth = 2 << 20, 100

// RFC 6901, section 3.
var escapePointer, unescapePointer = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// A normalizer collects the facts of a document.
type normalizer struct {
	root  *yaml.Node
	facts []fact
	bytes int                   // in facts
	open  map[*yaml.Node]string // the nodes that are being expanded, and their pointers
}

// operation returns the facts of POST at path, or none if it is not there, with the
// servers and the security requirements that are in force (OpenAPI 3.0, "Operation
// Object": the inner level wins).
func operation(root *yaml.Node, path string) ([]fact, error) {
	item := child(root, "paths", path)
	post := child(item, "post")
	if post == nil {
		return nil, nil
	}
	inForce := map[string]*yaml.Node{
		"servers":                cmp.Or(child(item, "servers"), child(root, "servers")),
		"security":               child(root, "security"),
		"parameters of the path": child(item, "parameters"),
	}
	if security := cmp.Or(child(post, "security"), child(root, "security")); security != nil && len(security.Content) > 0 {
		inForce["securitySchemes"] = child(root, "components", "securitySchemes")
	}
	all := &yaml.Node{Kind: yaml.MappingNode, Content: slices.Clone(post.Content)}
	for name, value := range inForce {
		if child(post, name) == nil && value != nil {
			all.Content = append(all.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
		}
	}
	facts, err := normalForm(root, all)
	isNone := func(f fact) bool { return f.pointer == "/servers" || f.pointer == "/security" } // an empty list
	return slices.DeleteFunc(facts, isNone), err
}

// normalForm returns the facts of a node of the document, with references resolved.
func normalForm(root, node *yaml.Node) ([]fact, error) {
	n := &normalizer{root: root, open: make(map[*yaml.Node]string)}
	if err := n.expand("", node, rule{}); err != nil {
		return nil, err
	}
	slices.SortFunc(n.facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.pointer, b.pointer), cmp.Compare(a.value, b.value))
	})
	return n.facts, nil
}

func (n *normalizer) add(pointer, value string, kind kind) {
	n.facts = append(n.facts, fact{pointer, value, kind})
	n.bytes += len(pointer) + len(value)
}

// expand adds the facts of a node at pointer.
func (n *normalizer) expand(pointer string, node *yaml.Node, r rule) error {
	above, again := n.open[node]
	switch {
	case n.bytes > maxForm || len(n.open) > maxDepth:
		return refuse(node.Line, node.Column, "too large or too deep once its references are resolved; do they refer to each other?")
	case again:
		n.add(pointer, "as above at "+above, r.kind)
		return nil
	case node.Kind == yaml.ScalarNode:
		n.add(pointer, scalar(node), r.kind)
		return nil
	case child(node, "x-undocumented") != nil:
		return nil // overlay.yaml describes it although the provider does not
	}
	n.open[node] = pointer
	defer delete(n.open, node)
	before := len(n.facts)
	for name, value := range members(node) {
		if err := n.member(pointer, name, value, r, node.Kind); err != nil {
			return err
		}
	}
	// What has only texts is empty on the wire, but must not be gone there.
	if !slices.ContainsFunc(n.facts[before:], func(f fact) bool { return f.kind != wording || r.kind == wording }) {
		n.add(pointer, map[bool]string{true: "{}", false: "[]"}[node.Kind == yaml.MappingNode], r.kind)
	}
	return nil
}

// member adds the facts of a member of an object or a list at pointer.
func (n *normalizer) member(pointer, name string, value *yaml.Node, r rule, parent yaml.Kind) error {
	known := rules[name]
	switch {
	case r.names && parent == yaml.SequenceNode: // keeps its order
	case r.names:
		r.names = false
	case parent == yaml.SequenceNode && value.Kind == yaml.ScalarNode:
		name = "-" // a set
	case parent == yaml.SequenceNode:
	case name == "$ref":
		target, err := n.resolve(value)
		if err != nil {
			return err
		}
		return n.expand(pointer, target, r)
	case strings.HasPrefix(name, "x-"):
		return nil // only overlay.yaml has any
	case r.kind == wire, known.kind == wording:
		r = known
	default:
		r.names = known.names
	}
	return n.expand(pointer+"/"+escape(name), value, r)
}

// scalar returns the value of a node in a form that is safe for a terminal.
func scalar(node *yaml.Node) string {
	if node.ShortTag() == "!!str" {
		return strconv.Quote(node.Value)
	}
	return node.Value
}

// escape returns a name as part of a JSON Pointer, in a form that is safe for a terminal.
func escape(name string) string {
	quoted := strconv.Quote(escapePointer.Replace(name))
	return quoted[1 : len(quoted)-1]
}

// resolve returns what a reference in the document refers to.
func (n *normalizer) resolve(reference *yaml.Node) (*yaml.Node, error) {
	node := n.root
	for part := range strings.SplitSeq(strings.TrimPrefix(reference.Value, "#/"), "/") {
		name, _ := url.PathUnescape(part) // or empty, which finds nothing
		node = child(node, unescapePointer.Replace(name))
	}
	if node == nil {
		return nil, refuse(reference.Line, reference.Column, "the reference %q points to nothing", reference.Value)
	}
	return node, nil
}

// child returns what is at the end of a path of names or indices, or nil.
func child(node *yaml.Node, path ...string) *yaml.Node {
	for _, wanted := range path {
		var found *yaml.Node
		for name, value := range members(node) {
			if name == wanted {
				found = value
			}
		}
		node = found
	}
	return node
}

// members returns the values of an object by name, or of a list by index.
func members(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil {
			return
		}
		for i, value := range node.Content {
			name := strconv.Itoa(i)
			if node.Kind == yaml.MappingNode {
				name = node.Content[i&^1].Value
			}
			if (node.Kind == yaml.SequenceNode || i%2 == 1) && !yield(name, value) {
				return
			}
		}
	}
}
