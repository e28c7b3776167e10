package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// A syntaxError says in words what is wrong, and where in the file.
type syntaxError struct {
	line, column int
	reason       string
}

func (e *syntaxError) Error() string {
	if e.column == 0 {
		return fmt.Sprintf("line %d: %s", e.line, e.reason)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.line, e.column, e.reason)
}

func at(line, column int, reason string) error { return &syntaxError{line, column, reason} }

// parse reads a block as JSON or YAML. A block that begins with a brace is held
// to be JSON: the provider publishes its whole document as such, and YAML, which
// allows braces too, would read much broken JSON without a word.
func parse(from block) (*yaml.Node, error) {
	content := from.content
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		if err := checkJSON(content); err != nil {
			err.line += from.before
			return nil, err
		}
		content = asYAML(content)
	}
	return parseYAML(content, from.before)
}

// escape is an escape in a JSON text, two of which may make one character.
var escape = regexp.MustCompile(`\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\.`)

// asYAML turns valid JSON into the same in YAML, line by line: YAML knows neither
// pairs of escapes for characters beyond U+FFFF, nor tabs between values.
func asYAML(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("\t"), []byte(" "))
	return escape.ReplaceAllFunc(content, func(escaped []byte) []byte {
		if len(escaped) == len(`\u`) {
			return escaped
		}
		unescaped, err := jsontext.AppendUnquote(nil, `"`+string(escaped)+`"`)
		if err != nil {
			return escaped
		}
		return unescaped
	})
}

// checkJSON returns nil if content is one JSON value without a name given twice.
func checkJSON(content []byte) *syntaxError {
	decoder := jsontext.NewDecoder(bytes.NewReader(content))
	_, err := decoder.ReadValue()
	if err == nil {
		rest := content[decoder.InputOffset():]
		space := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
		if space == len(rest) {
			return nil
		}
		return jsonError(content, len(content)-len(rest)+space, "more text after the end of the document; is it there twice?")
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return jsonError(content, int(decoder.InputOffset()), err.Error())
	}
	offset := int(syntax.ByteOffset)
	return jsonError(content, offset, jsonReason(content, offset, syntax.Err))
}

// jsonError turns an offset into line and column, both from 1.
func jsonError(content []byte, offset int, reason string) *syntaxError {
	before := content[:min(offset, len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return &syntaxError{line, column, reason}
}

// jsonReason says what a person does wrong who writes JSON by hand, which is how
// the published document comes to be.
func jsonReason(content []byte, offset int, err error) string {
	text := err.Error()
	before := bytes.TrimRight(content[:offset], " \t\r\n")
	trailing := bytes.HasSuffix(before, []byte(",")) && offset < len(content) && strings.IndexByte("}]", content[offset]) >= 0
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the document ends too early"
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "this name is there twice in its object"
	case trailing:
		return "a comma with nothing after it"
	case strings.Contains(text, "at start of string"):
		return "object key without quotes"
	case strings.Contains(text, "(expecting ','"):
		return "a comma is missing, or a quotation mark within a text is not escaped"
	case strings.Contains(text, "(expecting ':')"):
		return "a colon is missing after an object key"
	case strings.Contains(text, "non-control character"):
		return "a line break or another control character within a text"
	}
	return "not JSON: " + text
}

// parseYAML returns the one document in content.
func parseYAML(content []byte, before int) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err != nil {
		return nil, yamlError(err, before)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, at(second.Line+before, second.Column, "a second document begins here")
	case !errors.Is(err, io.EOF):
		return nil, yamlError(err, before)
	}
	root := &first
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	if odd, reason := oddity(root); odd != nil {
		return nil, at(odd.Line+before, odd.Column, reason)
	}
	return root, nil
}

func yamlError(err error, before int) error {
	var load *yaml.LoadError
	if errors.As(err, &load) {
		return at(load.Mark.Line+before, load.Mark.Column, "not YAML: "+load.Message)
	}
	return fmt.Errorf("not YAML: %w", err)
}

// oddity returns the first node that we cannot rely on, and why: a name that a
// mapping holds twice, which nodes, unlike Go values, are loaded with, or an
// alias, which may be within what it stands for, or stand for very much.
func oddity(node *yaml.Node) (odd *yaml.Node, reason string) {
	seen := make(map[string]bool)
	for i, child := range node.Content {
		isName := node.Kind == yaml.MappingNode && i%2 == 0
		switch {
		case child.Kind == yaml.AliasNode:
			return child, "an alias (*" + bounded(child.Value) + "), which is not supported; write out what it stands for"
		case isName && seen[child.Value]:
			return child, fmt.Sprintf("the name %q is there twice in its object; is the document doubled?", bounded(child.Value))
		case isName:
			seen[child.Value] = true
		}
		if odd, reason := oddity(child); odd != nil {
			return odd, reason
		}
	}
	return nil, ""
}
