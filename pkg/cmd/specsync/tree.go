package main

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// get returns the value of a mapping's field, or nil.
func get(node *yaml.Node, name string) *yaml.Node {
	for key, value := range fields(node) {
		if key == name {
			return value
		}
	}
	return nil
}

// fields are the names and values of a mapping; none of anything else.
func fields(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}

// items are the elements of a sequence; none of anything else.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// text is the value of a scalar; empty if there is none.
func text(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	return node.Value
}

// set adds a field to a mapping that does not have it.
func set(node *yaml.Node, name string, value *yaml.Node) {
	node.Content = append(node.Content, scalar(name), value)
}

// mapping returns the mapping that a field holds, which it makes if need be.
func mapping(node *yaml.Node, name string) *yaml.Node {
	if found := get(node, name); found != nil {
		return found
	}
	made := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	set(node, name, made)
	return made
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// leading are the names that stand first in their mapping, for the reader; all
// others follow in the order of the alphabet.
var leading = []string{
	"openapi", "info", "title", "version", "servers", "url", "tags", "summary", "description", "operationId",
	"parameters", "requestBody", "responses", "type", "properties", "required", "paths", "components",
}

// rank is the place of a name in the stable form. Of two versions of a document
// in another order, the same comes out.
func rank(name string) int {
	if i := slices.Index(leading, name); i >= 0 {
		return i
	}
	return len(leading)
}

// unordered are the names of lists whose order means nothing.
var unordered = []string{"required", "enum", "tags", "type"}

// stable returns a copy of a node in the stable form: sorted, and without styles
// and comments.
func stable(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.MappingNode {
		return stableMapping(node)
	}
	result := &yaml.Node{Kind: node.Kind, Tag: node.ShortTag(), Value: node.Value}
	if strings.Contains(node.Value, "\n") {
		result.Style = yaml.LiteralStyle
	}
	for _, item := range node.Content {
		result.Content = append(result.Content, stable(item))
	}
	return result
}

func stableMapping(node *yaml.Node) *yaml.Node {
	type field struct {
		name  string
		value *yaml.Node
	}
	var sorted []field
	for name, value := range fields(node) {
		value = stable(value)
		if value.Kind == yaml.SequenceNode && slices.Contains(unordered, name) {
			slices.SortFunc(value.Content, func(a, b *yaml.Node) int { return strings.Compare(compact(a), compact(b)) })
		}
		sorted = append(sorted, field{name, value})
	}
	slices.SortFunc(sorted, func(a, b field) int {
		if byRank := rank(a.name) - rank(b.name); byRank != 0 {
			return byRank
		}
		return strings.Compare(a.name, b.name)
	})
	result := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, f := range sorted {
		set(result, f.name, f.value)
	}
	return result
}

// plain are texts that compact leaves without quotation marks.
var plain = regexp.MustCompile(`^[a-zA-Z][\w./:-]*$`)

// compact returns a node on one line, for comparing and for people; the order of
// its mappings does not count.
func compact(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	switch {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str" && !plain.MatchString(node.Value):
		return strconv.Quote(node.Value) // "1" and 1 are not the same
	case node.Kind == yaml.ScalarNode:
		return node.Value
	}
	var parts []string
	for _, item := range items(node) {
		parts = append(parts, compact(item))
	}
	if node.Kind == yaml.SequenceNode {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for name, value := range fields(node) {
		parts = append(parts, name+": "+compact(value))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

// bounded is text of the document as it may go to a terminal: short, on one
// line, and without control characters.
func bounded(text string) string {
	const most = 100
	text = strings.Map(func(char rune) rune {
		if char < ' ' || char == 0x7f || char >= 0x80 && char < 0xa0 {
			return ' '
		}
		return char
	}, text)
	if short := []rune(text); len(short) > most {
		return string(short[:most]) + " ..."
	}
	return text
}
