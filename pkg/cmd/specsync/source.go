package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

const maxSize = 16 << 20 // the provider's whole document has 0.2 MB

// read returns the content of a file or of an https URL.
func (a *app) read(ctx context.Context, spec string) []byte {
	var source io.ReadCloser
	if strings.Contains(spec, "://") {
		request := must(http.NewRequestWithContext(ctx, http.MethodGet, spec, http.NoBody)) //nolint:gosec // the user names the address
		client := *a.client
		client.Timeout, client.CheckRedirect = 30*time.Second, onlyHTTPS
		check(onlyHTTPS(request, nil))
		response := must(client.Do(request)) //nolint:bodyclose,gosec // closed below; the user names the address
		source = response.Body
		if response.StatusCode != http.StatusOK {
			check(errors.Join(fmt.Errorf("the response is %s, want 200 OK", response.Status), source.Close()))
		}
	} else {
		source = must(os.Open(spec)) //nolint:gosec // the user names the file
	}
	defer func() { _ = source.Close() }()
	content := must(io.ReadAll(io.LimitReader(source, maxSize+1)))
	if len(content) > maxSize {
		check(fmt.Errorf("larger than %d MB", maxSize>>20))
	}
	return content
}

// onlyHTTPS refuses plain HTTP and more than 5 redirects: what is fetched becomes part of
// the code of everyone who imports the library.
func onlyHTTPS(request *http.Request, via []*http.Request) error {
	if request.URL.Scheme != "https" || len(via) > 5 {
		return fmt.Errorf("request to %s refused: want https, and at most 5 redirects", request.URL)
	}
	return nil
}

var (
	// fence opens or closes a fenced block (CommonMark 4.5).
	fence      = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^\r\n]*)[\r\n]*$")
	isDocument = regexp.MustCompile(`(?m)^\s*\{?\s*["']?openapi["']?\s*:`)
)

// findDocument returns the document that a page holds in a fenced block, or else
// the whole file, and the number of lines before it.
func findDocument(file []byte) (document []byte, before int) {
	document = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")) // byte order mark
	lines, marker, begin := bytes.SplitAfter(document, []byte("\n")), "", 0
	for i, line := range lines {
		found := fence.FindStringSubmatch(string(line))
		switch {
		case found == nil:
		case marker == "" && (found[1][0] == '~' || !strings.Contains(found[2], "`")):
			marker, begin = found[1], i+1
		case marker != "" && strings.HasPrefix(found[1], marker) && strings.TrimSpace(found[2]) == "":
			marker = ""
			inside := bytes.Join(lines[begin:i], nil)
			switch found := isDocument.Match(inside); {
			case found && before > 0:
				refuse(begin, 1, "a second document in a fenced block; the first begins at line %d", before)
			case found:
				document, before = inside, begin
			}
		}
	}
	if marker != "" && isDocument.Match(bytes.Join(lines[begin:], nil)) {
		refuse(begin, 1, "the fenced block that begins here does not end; is the page cut off?")
	}
	return document, before
}

// refuse fails with an error that says where in the file something is wrong.
func refuse(line, column int, format string, args ...any) {
	check(fmt.Errorf("line %d, column %d: "+format, append([]any{line, column}, args...)...))
}

// surrogates matches two escapes in JSON for one character, which YAML does not have.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w`)

// checkSyntax refuses what is not strictly YAML. A document that begins with a brace must
// be JSON, which is how the provider publishes the whole document: YAML has braces too,
// and would accept much broken JSON.
func checkSyntax(content []byte) {
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
	checkNode(&documents[0])
}

// checkNode refuses what YAML readers differ in, and what could reach beyond the
// document: references to other files and hosts, which are never read, and names that
// begin with "x-", since oapi-codegen copies extensions such as x-go-type into Go source,
// so that a published page could run code where it is taken in.
func checkNode(node *yaml.Node) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" || node.Style&yaml.TaggedStyle != 0 {
		refuse(node.Line, node.Column, "an alias, anchor or tag (%s) is not supported; write out what it stands for", node.Value+node.Anchor)
	}
	names := make(map[string]bool)
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			switch value := node.Content[i+1].Value; {
			case names[child.Value] || child.Kind != yaml.ScalarNode || child.ShortTag() == "!!merge":
				refuse(child.Line, child.Column, "the name %q appears twice in its object, or is not plain text; is the document doubled?", child.Value)
			case strings.HasPrefix(child.Value, "x-"):
				refuse(child.Line, child.Column, "the name %q is refused, even where it names a field: an extension can put code into what is generated", child.Value)
			case child.Value == "$ref" && !strings.HasPrefix(value, "#/"):
				refuse(child.Line, child.Column, "the reference %q leads out of the document; other files and hosts are never read", value)
			}
			names[child.Value] = true
		}
		checkNode(child)
	}
}

// jsonReasons reword the errors of jsontext for someone who edits JSON by hand, as the
// publisher does.
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
	rest, reason := bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n"), "more text after the end of the document; is it there twice?"
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
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
