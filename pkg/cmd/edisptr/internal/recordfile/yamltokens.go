package recordfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// loadYAML returns the document that content consists of, or nil if it is empty.
func loadYAML(content []byte) (*yaml.Node, error) {
	// The nodes take far more memory than the text, so the limit is checked before
	// parsing. A record takes a line or a comma; there may be as many comments.
	if max(bytes.Count(content, []byte("\n")), bytes.Count(content, []byte(","))) > 2*maxRecords {
		return nil, fmt.Errorf("more than %d lines or commas; split the file", 2*maxRecords)
	}
	loader, err := yaml.NewLoader(yamlReader(content))
	if err != nil {
		return nil, err
	}
	var document, second yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one YAML document; split the file")
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

var (
	// yamlVersion matches the beginning of a file up to the version of YAML.
	yamlVersion = regexp.MustCompile(`\A(?:[ \t\r]*(?:#.*)?\n)*%YAML[ \t]+1\.[0-9]+`)
	// flowStart matches a file up to a line that begins with a brace or bracket, if only
	// comments and empty lines come before it.
	flowStart = regexp.MustCompile(`\A((?:[ \t\r]*(?:#.*)?\n)*)[ \t]*[\[{]`)
)

// yamlReader returns content as the parser reads it.
func yamlReader(content []byte) io.Reader {
	// The parser refuses every version but 1.1, although it reads 1.2.
	if match := yamlVersion.FindIndex(content); match != nil {
		end := match[1]
		dot := bytes.LastIndexByte(content[:end], '.')
		return io.MultiReader(bytes.NewReader(content[:dot]), strings.NewReader(".1"), bytes.NewReader(content[end:]))
	}
	// Without a document marker before it, the parser takes a brace for the start of a key,
	// and keeps all tokens up to its end.
	if match := flowStart.FindSubmatch(content); match != nil {
		start := len(match[1])
		return io.MultiReader(bytes.NewReader(content[:start]), strings.NewReader("--- "), bytes.NewReader(content[start:]))
	}
	return bytes.NewReader(content)
}

// yamlTokenizer returns the tokens of a YAML document. It walks the nodes, because decoding
// into a Go map would lose line numbers and duplicate keys, and compares the keys of an
// object pair by pair.
type yamlTokenizer struct {
	root  *yaml.Node
	start position
	stack []yamlFrame
}

// yamlFrame is a map or list whose tokens are being returned.
type yamlFrame struct {
	node *yaml.Node
	next int // index in node.Content
}

func (t *yamlTokenizer) next() token {
	if len(t.stack) == 0 {
		root := t.root
		if t.root = nil; root == nil {
			return token{at: t.start}
		}
		return t.open(root, false)
	}
	top := &t.stack[len(t.stack)-1]
	if top.next == len(top.node.Content) {
		t.stack = t.stack[:len(t.stack)-1]
		if top.node.Kind == yaml.SequenceNode {
			return token{kind: listEnd, at: t.position(top.node)}
		}
		return token{kind: objectEnd, at: t.position(top.node)}
	}
	node, isKey := top.node.Content[top.next], top.node.Kind == yaml.MappingNode && top.next%2 == 0
	top.node.Content[top.next] = nil // so that its memory can be used for the records
	top.next++
	return t.open(node, isKey)
}

// open returns the first token of a node.
func (t *yamlTokenizer) open(node *yaml.Node, isKey bool) token {
	at := t.position(node)
	switch {
	case node.Kind == yaml.AliasNode || isKey && node.Value == "<<":
		return token{invalid, "aliases (*name) and merge keys (<<) are not supported; write the records out", at}
	case isKey && (node.Kind != yaml.ScalarNode || node.Value == ""):
		return token{invalid, "no IP address or KVM ID before the colon", at}
	case node.Kind == yaml.MappingNode:
		t.stack = append(t.stack, yamlFrame{node: node})
		return token{kind: objectStart, at: at}
	case node.Kind == yaml.SequenceNode:
		t.stack = append(t.stack, yamlFrame{node: node})
		return token{kind: listStart, at: at}
	case isKey:
		return token{scalar, node.Value, at}
	default:
		return token{scalarKind(node), node.Value, at}
	}
}

// scalarKind returns the kind of a value. Only an explicit null counts as one: an absent
// value may have been cut off.
func scalarKind(node *yaml.Node) tokenKind {
	switch tag := node.ShortTag(); {
	case tag == "!!str":
		return scalar
	case tag != "!!null":
		return otherScalar
	case slices.Contains([]string{"null", "Null", "NULL", "~"}, node.Value):
		return null
	default:
		return missing
	}
}

func (t *yamlTokenizer) position(node *yaml.Node) position {
	return position{t.start.file, int32(node.Line), int32(node.Column)} //nolint:gosec // a file has at most 256 MiB
}
