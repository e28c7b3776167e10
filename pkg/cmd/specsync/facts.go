package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A place is where in an operation a fact stands.
type place struct {
	part    string // "operation", "request", "answer 200", "query parameter x"
	media   string // media type; empty for what stands outside of any
	field   string // field within the body, such as /records/[]/ip
	keyword string // what of it is told; empty: that it is there
}

// facts are all that a document says of an operation, with references resolved,
// so that the names of schemas, which the provider numbers anew with every
// revision, do not count.
type facts map[place]string

// factReader collects facts.
type factReader struct {
	*document
	facts facts
	// open are the schemas that the reader is within; one that is met again
	// holds itself.
	open []*yaml.Node
}

func (d *document) factsOf(o *operation) (facts, error) {
	r := &factReader{document: d, facts: make(facts)}
	servers, level := d.servers(o)
	r.facts[place{part: "operation", keyword: "call"}] = o.call()
	r.facts[place{part: "operation", keyword: "operationId"}] = o.id
	r.facts[place{part: "operation", keyword: "server"}] = addresses(servers)
	r.facts[place{part: "operation", keyword: "server level"}] = level
	if security := d.security(o); len(items(security)) > 0 {
		r.facts[place{part: "operation", keyword: "security"}] = compact(security)
	}
	for name, value := range fields(o.node) {
		switch name {
		case "servers", "security", "parameters", "requestBody", "responses", "operationId":
		default:
			r.facts[place{part: "operation", keyword: name}] = compact(stable(value))
		}
	}
	for _, read := range []func(*operation) error{r.parameters, r.request, r.answers} {
		if err := read(o); err != nil {
			return nil, fmt.Errorf("%s: %w", o.call(), err)
		}
	}
	return r.facts, nil
}

// addresses are those of servers, in their order: the first one counts.
func addresses(servers *yaml.Node) string {
	var all []string
	for _, server := range items(servers) {
		address := text(get(server, "url"))
		for name, variable := range fields(get(server, "variables")) {
			if strings.Contains(address, "{"+name+"}") {
				address += fmt.Sprintf(" (%s: %s)", name, text(get(variable, "default")))
			}
		}
		all = append(all, address)
	}
	return strings.Join(all, ", ")
}

func (r *factReader) parameters(o *operation) error {
	for _, parameter := range append(items(get(o.item, "parameters")), items(get(o.node, "parameters"))...) {
		node, err := r.resolve(parameter)
		if err != nil {
			return err
		}
		at := place{part: text(get(node, "in")) + " parameter " + text(get(node, "name"))}
		if err := r.body(at, node, "name", "in", "schema", "content"); err != nil {
			return err
		}
		if schema := get(node, "schema"); schema != nil {
			if err := r.schema(at, schema); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *factReader) request(o *operation) error {
	node, err := r.resolve(get(o.node, "requestBody"))
	if err != nil || node == nil {
		return err
	}
	return r.body(place{part: "request"}, node, "content")
}

func (r *factReader) answers(o *operation) error {
	for status, response := range fields(get(o.node, "responses")) {
		node, err := r.resolve(response)
		if err != nil {
			return err
		}
		if err := r.body(place{part: "answer " + status}, node, "content"); err != nil {
			return err
		}
	}
	return nil
}

// body reads what has content by media types. The fields named in apart are not
// facts of their own.
func (r *factReader) body(at place, node *yaml.Node, apart ...string) error {
	r.facts[at] = "there"
	for name, value := range fields(node) {
		if !slices.Contains(apart, name) {
			r.facts[at.of(name)] = compact(stable(value))
		}
	}
	for media, content := range fields(get(node, "content")) {
		at := place{part: at.part, media: media}
		r.facts[at] = "there"
		for name, value := range fields(content) {
			if err := r.mediaField(at, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *factReader) mediaField(at place, name string, value *yaml.Node) error {
	switch name {
	case "schema":
		r.facts[at.of("schema")] = "there"
		return r.schema(at, value)
	case "encoding":
		for field, encoding := range fields(value) {
			r.facts[at.in(field).of("encoding")] = compact(stable(encoding))
		}
	default:
		r.facts[at.of(name)] = compact(stable(value))
	}
	return nil
}

func (p place) of(keyword string) place { p.keyword = keyword; return p }
func (p place) in(field string) place   { p.field += "/" + field; return p }

// schema reads a schema and all within it.
func (r *factReader) schema(at place, schema *yaml.Node) error {
	node, err := r.resolve(schema)
	if err != nil {
		return err
	}
	if slices.Contains(r.open, node) {
		r.facts[at.of("recursive")] = "true"
		return nil
	}
	if len(r.facts) > 50_000 {
		return fmt.Errorf("the schemas hold more than %d facts", len(r.facts))
	}
	r.open = append(r.open, node)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	for name, value := range fields(node) {
		if err := r.keyword(at, name, value); err != nil {
			return err
		}
	}
	return nil
}

// keyword reads one keyword of a schema.
func (r *factReader) keyword(at place, name string, value *yaml.Node) error {
	switch {
	case name == "properties":
		return r.inner(at, fields(value))
	case name == "items", name == "not":
		return r.inner(at, one(map[string]string{"items": "[]", "not": "(not)"}[name], value))
	case name == "additionalProperties" && value.Kind == yaml.MappingNode:
		return r.inner(at, one("{}", value))
	case name == "allOf": // all of them hold, as if they were one
		for _, part := range items(value) {
			if err := r.schema(at, part); err != nil {
				return err
			}
		}
	case name == "oneOf", name == "anyOf":
		for i, part := range items(value) {
			if err := r.inner(at, one("("+name+" "+strconv.Itoa(i+1)+")", part)); err != nil {
				return err
			}
		}
	case name == "required":
		for _, field := range items(value) {
			r.facts[at.in(field.Value).of("required")] = "true"
		}
	default:
		r.facts[at.of(name)] = compact(get(stableMapping(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(name), value}}), name))
	}
	return nil
}

// inner reads schemas within a schema.
func (r *factReader) inner(at place, schemas func(func(string, *yaml.Node) bool)) error {
	for name, schema := range schemas {
		r.facts[at.in(name)] = "there"
		if err := r.schema(at.in(name), schema); err != nil {
			return err
		}
	}
	return nil
}

func one(name string, node *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) { yield(name, node) }
}
