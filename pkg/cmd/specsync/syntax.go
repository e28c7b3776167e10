package main

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// parse returns the document of a page, and its root. It must be strictly YAML, or
// strictly JSON if it begins with a brace. The provider publishes the whole document as
// JSON, and YAML, which has braces too, would accept much broken JSON.
func parse(file []byte) (document []byte, root *yaml.Node, err error) {
	document, before, err := findDocument(file)
	if err != nil {
		return nil, nil, err
	}
	content := slices.Concat(bytes.Repeat([]byte("\n"), before), document) // with the lines of the file
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		if err := checkJSON(content); err != nil {
			return nil, nil, err
		}
		content = surrogates.ReplaceAllFunc(content, joinSurrogates)
	}
	var documents []yaml.Node
	err = yaml.Load(content, &documents, yaml.WithAllDocuments())
	syntax := new(yaml.LoadError)
	switch {
	case errors.As(err, &syntax):
		return nil, nil, refuse(syntax.Mark.Line, syntax.Mark.Column, "not YAML: %s", syntax.Message)
	case err != nil:
		return nil, nil, err
	case len(documents) == 0:
		return nil, nil, refuse(1, 1, "the file is empty")
	case len(documents) > 1:
		return nil, nil, refuse(documents[1].Line, documents[1].Column, "a second document begins here")
	}
	return document, documents[0].Content[0], checkNode(&documents[0])
}

// checkJSON refuses all but one JSON value without duplicate names.
func checkJSON(content []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(content))
	_, err := decoder.ReadValue()
	end := len(content) - len(bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n"))
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
		end, err = int(syntax.ByteOffset), syntax.Err
	} else if err == nil && end < len(content) {
		err = errors.New("more text after the end of the document; is it there twice?")
	}
	if err == nil {
		return nil
	}
	before := content[:end]
	return refuse(bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])+1, "not JSON: %w", err)
}

// surrogates matches two escapes in JSON for one character, which YAML does not have.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w`)

func joinSurrogates(pair []byte) []byte {
	char, err := jsontext.AppendUnquote(nil, `"`+string(pair)+`"`)
	if err != nil {
		return pair
	}
	return char
}

// checkNode refuses what YAML readers differ in, and what could reach beyond the
// document. References to other files and hosts are never read. Names that begin with
// "x-" are refused because oapi-codegen copies extensions such as x-go-type into Go
// source, so that a published page could run code where it is taken in.
func checkNode(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode || node.Anchor != "" || node.Style&yaml.TaggedStyle != 0 {
		return refuse(node.Line, node.Column, "an alias, anchor or tag (%s) is not supported; write out what it stands for", node.Value+node.Anchor)
	}
	names := make(map[string]bool)
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			switch value := node.Content[i+1].Value; {
			case names[child.Value] || child.Kind != yaml.ScalarNode || child.ShortTag() == "!!merge":
				return refuse(child.Line, child.Column, "the name %q appears twice in its object, or is not plain text; is the document doubled?", child.Value)
			case strings.HasPrefix(child.Value, "x-"):
				return refuse(child.Line, child.Column, "the name %q is refused, even where it names a field: an extension can put code into what is generated", child.Value)
			case child.Value == "$ref" && !strings.HasPrefix(value, "#/"):
				return refuse(child.Line, child.Column, "the reference %q leads out of the document; other files and hosts are never read", value)
			}
			names[child.Value] = true
		}
		if err := checkNode(child); err != nil {
			return err
		}
	}
	return nil
}
