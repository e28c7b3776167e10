package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// refuse says where in the file something is wrong.
func refuse(line, column int, format string, args ...any) {
	check(fmt.Errorf("line %d, column %d: "+format, append([]any{line, column}, args...)...))
}

// surrogates matches two escapes in JSON for one character, which YAML does not have.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w`)

// parse returns a document as objects, lists and scalars. One that begins with a
// brace must be JSON, which is how the provider publishes the whole document:
// YAML has braces too, and would accept much broken JSON.
func parse(content []byte, ours bool) any {
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		checkJSON(content)
		content = surrogates.ReplaceAllFunc(content, func(pair []byte) []byte { return must(jsontext.AppendUnquote(nil, `"`+string(pair)+`"`)) })
	}
	var documents []yaml.Node
	err := yaml.Load(content, &documents, yaml.WithAllDocuments())
	var syntax *yaml.LoadError
	switch {
	case errors.As(err, &syntax):
		refuse(syntax.Mark.Line, syntax.Mark.Column, "not YAML: %s", syntax.Message)
	case err == nil && len(documents) == 0:
		refuse(1, 1, "the file is empty")
	case err == nil && len(documents) > 1:
		refuse(documents[1].Line, documents[1].Column, "a second document begins here")
	}
	check(err)
	return decode(documents[0].Content[0], ours)
}

// A reference is the value of "$ref".
type reference struct {
	pointer      string
	line, column int
}

// decode returns the value of a node. It refuses what the generator might read
// differently, and in the provider's document all names that begin with "x-":
// oapi-codegen copies extensions such as x-go-type into Go source, so that a
// published page could run code where it is taken in.
func decode(node *yaml.Node, ours bool) (value any) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" || node.Style&yaml.TaggedStyle != 0 {
		refuse(node.Line, node.Column, "an alias, anchor or tag (%s) is not supported; write out what it stands for", node.Value+node.Anchor)
	}
	if node.Kind == yaml.SequenceNode {
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = decode(item, ours)
		}
		return list
	}
	if node.Kind != yaml.MappingNode {
		check(node.Decode(&value))
		return value
	}
	object := make(map[string]any)
	for i := 0; i < len(node.Content); i += 2 {
		key, name := node.Content[i], node.Content[i].Value
		decode(key, ours)
		_, double := object[name]
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			refuse(key.Line, key.Column, "a name that is not plain text is not supported")
		case double:
			refuse(key.Line, key.Column, "the name %q appears twice in its object; is the document doubled?", name)
		case strings.HasPrefix(name, "x-") && !ours:
			refuse(key.Line, key.Column, "the name %q is refused, even where it names a field: an extension can put code into what is generated", name)
		}
		object[name] = decode(node.Content[i+1], ours)
		if pointer, isText := object[name].(string); isText && name == "$ref" {
			object[name] = reference{pointer, key.Line, key.Column}
		}
	}
	return object
}

// jsonReasons say what jsontext reports in the words of someone who edits JSON by
// hand, which is how the published document comes to be.
var jsonReasons = [][2]string{
	{"unexpected EOF", "the document ends too early"},
	{"duplicate object member name", "this name appears twice in its object"},
	{"at start of string", "an object key without quotation marks"},
	{"(expecting ','", "a comma is missing, or a quotation mark inside a text is not escaped"},
	{"(expecting ':')", "a colon is missing after an object key"},
	{"non-control character", "a line break or another control character inside a text"},
	{"", "not JSON"},
}

// checkJSON refuses all but one JSON value without duplicate names.
func checkJSON(content []byte) {
	decoder := jsontext.NewDecoder(bytes.NewReader(content))
	_, err := decoder.ReadValue()
	rest := bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n")
	reason := "more text after the end of the document; is it there twice?"
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		rest = content[syntax.ByteOffset:]
		i := slices.IndexFunc(jsonReasons, func(row [2]string) bool { return strings.Contains(syntax.Err.Error(), row[0]) })
		reason = jsonReasons[i][1]
	}
	before := content[:len(content)-len(rest)]
	if err != nil && bytes.HasSuffix(bytes.TrimSpace(before), []byte(",")) && bytes.IndexAny(rest, "}]") == 0 {
		reason = "a comma with nothing after it"
	}
	if err != nil || len(rest) > 0 {
		refuse(bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])+1, "%s", reason)
	}
}
