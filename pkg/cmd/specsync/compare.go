package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
	"github.com/oasdiff/oasdiff/report"
	"github.com/speakeasy-api/openapi/overlay"
	yamlv3 "gopkg.in/yaml.v3" // the overlay library works on its nodes
)

// A comparison is the result of comparing SPEC with what we rely on.
type comparison struct {
	document []byte   // the published bytes
	single   bool     // of one path, as a documentation page is
	isPage   bool     // of the path that openapi.yaml has, and fit to be taken in
	changes  []string // lines of the report, which begin with their grade
}

// compare compares a file with what we rely on, path by path: openapi.yaml as it is, and
// for the operations that it does not have, what overlay.yaml adds to it.
func (a *app) compare(ctx context.Context, file []byte) *comparison {
	c := new(comparison)
	document, before := findDocument(file)
	checkSyntax(slices.Concat(bytes.Repeat([]byte("\n"), before), document)) // with the lines of the file
	c.document = document
	theirs, vendored, overlaid := loadDocument(c.document), loadDocument(must(os.ReadFile(a.path(vendoredFile)))), loadDocument(a.overlaid())
	c.single = theirs.Paths.Len() == 1
	for path, item := range overlaid.Paths.Map() {
		base, isVendored := overlaid, vendored.Paths.Value(path) != nil
		if isVendored {
			// References to references can expand without end in what is generated; the
			// page has 5 of them.
			base, item, c.isPage = vendored, vendored.Paths.Value(path), c.single && theirs.Paths.Value(path) != nil && bytes.Count(c.document, []byte("$ref")) <= 24
		} else if c.single {
			continue // a page says nothing of the others
		}
		is := theirs.Paths.Value(path)
		if is == nil || is.Post == nil {
			c.add("breaking", item.Post.OperationID, "POST "+path+" is gone: released versions still call it")
			continue
		}
		check(is.Validate(ctx, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()))
		c.operation(item.Post.OperationID, only(base, path), only(theirs, path), isVendored)
	}
	slices.Sort(c.changes) // the names of the grades are in the right order
	return c
}

// overlaid returns openapi.yaml with overlay.yaml applied to it by the library that the
// generator uses.
func (a *app) overlaid() []byte {
	var root yamlv3.Node
	check(yamlv3.Unmarshal(must(os.ReadFile(a.path(vendoredFile))), &root))
	check(must(overlay.Parse(a.path("overlay.yaml"))).ApplyTo(&root))
	return must(yamlv3.Marshal(&root))
}

// loadDocument loads a document that was found to be strict YAML or JSON. kin-openapi
// reads no other file and no other host.
func loadDocument(content []byte) *openapi3.T {
	document := must(openapi3.NewLoader().LoadFromData(content))
	// A line break in a text would add a line to the outline of oasdiff.
	oneLine := strings.NewReplacer(`\\`, `\\`, `\n`, " ", `\r`, " ").Replace(string(must(document.MarshalJSON())))
	document = must(openapi3.NewLoader().LoadFromData([]byte(oneLine)))
	if document.Paths == nil || !strings.HasPrefix(document.OpenAPI, "3.") {
		check(errors.New(`neither an OpenAPI document, with "openapi: 3..." and "paths", nor a page in Markdown with one in a fenced block`))
	}
	return document
}

// only returns a document of one path, with the servers and the security requirements
// that are in force (OpenAPI 3.0, "Operation Object": the inner level wins).
func only(document *openapi3.T, path string) *load.SpecInfo {
	item := *document.Paths.Value(path)
	operation, servers := *item.Post, document.Servers
	if len(item.Servers) > 0 {
		servers = item.Servers
	}
	if operation.Servers == nil || len(*operation.Servers) == 0 {
		operation.Servers = &servers
	}
	if operation.Security = cmp.Or(operation.Security, &document.Security); len(*operation.Security) == 0 {
		operation.Security = nil
	}
	item.Servers, item.Post = nil, &operation
	return &load.SpecInfo{Spec: &openapi3.T{OpenAPI: document.OpenAPI, Info: &openapi3.Info{}, Paths: openapi3.NewPaths(openapi3.WithPath(path, &item))}}
}

type rule struct {
	difference     *regexp.Regexp
	grade, meaning string
}

// rules grade a difference in the outline of oasdiff; the first match counts. Differences
// without a match are left to the checks of oasdiff.
var rules = []rule{
	{regexp.MustCompile(`(^|: )(Description|Examples?|ExternalDocs|Summary|Tags|Title) changed`), "wording", "nothing on the wire"},
	{regexp.MustCompile(`^Servers|^Security`), "breaking", "released versions still send requests, session included, where and as before"},
	{regexp.MustCompile(`Encodings changed`), "breaking", "the service may read a field in another way than it is sent"},
	{regexp.MustCompile(`^Responses: (New|Deleted) response`), "breaking", "released versions know only the old statuses"},
	{regexp.MustCompile(`^OperationID`), "compatible", "our code looks the operation up by its id"},
	{regexp.MustCompile(`^Request.*: (New required property: (email|ip|kvm_id|pw|signature|valid_until)$|Deleted required)`), "compatible", "the library always sends it"},
	{regexp.MustCompile(`^Responses.*: New required property|: New (property|media type)`), "compatible", "released versions keep working"},
	{regexp.MustCompile(`: (New|Deleted) required property`), "breaking", "released versions may leave it out, or miss it"},
	{regexp.MustCompile(`: (Deleted (property|media type)|Type changed|Format changed)`), "breaking", "released versions still send it, or expect it"},
}

// tightened matches what overlay.yaml says about an operation and the provider does not.
var tightened = regexp.MustCompile(`Deleted (required property|enum values)|Min\w+ changed from \d+ to 0$|Nullable changed from true|AdditionalProperties: Schema deleted|Max(Items|Props) changed from 0 to|Type changed from ''|: Deleted property: data$`)

// operation adds a line for each difference of one operation.
func (c *comparison) operation(id string, was, is *load.SpecInfo, isVendored bool) {
	differences, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(diff.WithExcludeElements([]string{"extensions"})), was, is)
	check(err)
	verdicts := checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), differences, sources, checker.INFO)
	unruled := rule{nil, "compatible", "released versions keep working"}
	if len(verdicts) == 0 {
		unruled = rule{nil, "breaking", "oasdiff has no check for this; take a look"}
	} else if verdicts.HasLevelOrHigher(checker.WARN) {
		unruled = rule{nil, "breaking", "released versions send or expect something else"}
	}
	for _, difference := range leaves(report.GetTextReportAsString(differences)) {
		r := unruled
		if i := slices.IndexFunc(rules, func(r rule) bool { return r.difference.MatchString(difference) }); i >= 0 {
			r = rules[i]
		}
		if isVendored || r.grade != "wording" && !tightened.MatchString(difference) { // the words of overlay.yaml are ours
			c.add(r.grade, id, difference+": "+r.meaning)
		}
	}
}

func (c *comparison) add(grade, id, difference string) {
	c.changes = append(c.changes, printable(fmt.Sprintf("%-10s  %s: %s", grade, id, difference)))
}

var (
	bullet  = regexp.MustCompile(`^( *)- (.*)$`)
	heading = regexp.MustCompile(`^(?:(?:Content|Schema|Properties|Required|Items) changed|Modified [^:]*: (.*)|([^:']*) changed)$`)
)

// leaves returns the innermost lines of oasdiff's outline, which lists all differences,
// each with what it stands below.
func leaves(outline string) (all []string) {
	var place []string
	lines := strings.Split(outline, "\n")
	for i, line := range lines {
		found := bullet.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		depth := len(found[1]) / 2
		place = append(place[:min(depth, len(place))], heading.ReplaceAllString(found[2], "$1$2"))
		if next := bullet.FindStringSubmatch(lines[i+1]); next == nil || len(next[1]) <= len(found[1]) {
			names := slices.DeleteFunc(slices.Clone(place[:depth]), func(name string) bool { return name == "" })
			all = append(all, strings.TrimPrefix(strings.Join(names, "/")+": "+found[2], ": "))
		}
	}
	return all
}

// report prints a line for each change and a summary. It returns the exit status.
func (c *comparison) report(to io.Writer) int {
	status, summary := exitDone, "nothing that concerns us changed"
	if len(c.changes) > 0 && !strings.HasPrefix(c.changes[0], "wording") {
		status, summary = exitChanged, "something that concerns us changed"
	}
	if c.single {
		summary += "; this is the page of one operation, and the others are not compared"
	}
	fmt.Fprintln(to, strings.Join(append(c.changes, summary), "\n"))
	return status
}

// printable returns text of a document in a form that is safe for a terminal: on one
// line, bounded, and without control and format characters.
func printable(text string) string {
	text = strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return ' '
	}, text)
	return strings.ToValidUTF8(text[:min(500, len(text))], "")
}
