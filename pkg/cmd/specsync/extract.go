package main

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// extract returns a document of these operations and of what they reach.
func (d *document) extract(operations map[string]*operation) (*document, error) {
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, name := range []string{"openapi", "info"} {
		if value := get(d.root, name); value != nil {
			set(root, name, value)
		}
	}
	paths := mapping(root, "paths")
	for _, o := range operations {
		item := mapping(paths, o.path)
		set(item, o.method, o.node)
		for name, value := range fields(o.item) {
			if !slices.Contains(methods, name) && get(item, name) == nil {
				set(item, name, value)
			}
		}
		d.inherit(root, o)
	}
	if err := d.reach(root, paths); err != nil {
		return nil, err
	}
	return &document{root: root}, nil
}

// inherit takes over what an operation has from the document: servers and
// security, where it names none of its own.
func (d *document) inherit(root *yaml.Node, o *operation) {
	servers := get(d.root, "servers")
	if _, level := d.servers(o); level == "document" && servers != nil && get(root, "servers") == nil {
		set(root, "servers", servers)
	}
	security := get(d.root, "security")
	if get(o.node, "security") == nil && len(items(security)) > 0 && get(root, "security") == nil {
		set(root, "security", security)
	}
	for _, requirement := range items(d.security(o)) {
		for name := range fields(requirement) {
			schemes := get(get(d.root, "components"), "securitySchemes")
			if scheme := get(schemes, name); scheme != nil {
				own := mapping(mapping(root, "components"), "securitySchemes")
				if get(own, name) == nil {
					set(own, name, scheme)
				}
			}
		}
	}
}

// reach adds to root all components that node refers to, at any distance.
func (d *document) reach(root, node *yaml.Node) error {
	for name, value := range fields(node) {
		if name == "$ref" && value.Kind == yaml.ScalarNode {
			if err := d.reachReference(root, value); err != nil {
				return err
			}
		}
		if err := d.reach(root, value); err != nil {
			return err
		}
	}
	for _, item := range items(node) {
		if err := d.reach(root, item); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) reachReference(root, reference *yaml.Node) error {
	target, err := d.target(reference)
	if err != nil {
		return err
	}
	parts := strings.Split(strings.TrimPrefix(reference.Value, "#/"), "/")
	if parts[0] != "components" || len(parts) < 3 {
		return nil // to a part of a path, which is there or is reached by itself
	}
	kind := mapping(mapping(root, "components"), parts[1])
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(parts[2])
	if get(kind, name) != nil {
		return nil
	}
	if len(parts) > 3 { // a part of a component: the whole comes along
		target = get(get(get(d.root, "components"), parts[1]), name)
	}
	set(kind, name, target)
	return d.reach(root, target)
}

// servers returns the servers of an operation and the level that names them
// (OpenAPI 3.0, "Operation Object": those further in win).
func (d *document) servers(o *operation) (servers *yaml.Node, level string) {
	for _, at := range []struct {
		level string
		node  *yaml.Node
	}{{"operation", o.node}, {"path", o.item}, {"document", d.root}} {
		if servers := get(at.node, "servers"); len(items(servers)) > 0 {
			return servers, at.level
		}
	}
	return nil, "document"
}

// security returns what an operation asks a caller to prove.
func (d *document) security(o *operation) *yaml.Node {
	if own := get(o.node, "security"); own != nil {
		return own
	}
	return get(d.root, "security")
}

// encode returns the document in the stable form, as it stands in openapi.yaml.
// It writes a copy, as the library takes the tags off what it writes.
func (d *document) encode() ([]byte, error) {
	return yaml.Dump(stable(d.root), yaml.WithIndent(2), yaml.WithLineWidth(100), yaml.WithCompactSeqIndent(false))
}
