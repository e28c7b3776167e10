package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/speakeasy-api/openapi/overlay"
	yamlv3 "gopkg.in/yaml.v3" // the overlay library works on its nodes
)

// A comparison is what SPEC changes.
type comparison struct {
	document []byte   // the published bytes
	single   bool     // of one operation, as a documentation page is
	isPage   bool     // of the operation that openapi.yaml has
	changes  []string // lines of the report, which begin with their grade
}

// compare compares a file with what we rely on, operation by operation.
func (a *app) compare(ctx context.Context, c *comparison, file []byte) {
	vendored, overlaid := a.ours()
	document, before := findDocument(file)
	theirs := newDocument(slices.Concat(bytes.Repeat([]byte("\n"), before), document), false)
	c.document, c.single = document, len(theirs.operations) == 1
	if len(theirs.operations) <= 1 { // it may be taken in, so nothing in it may refer to other hosts
		theirs.expand(theirs.root)
	}
	for _, key := range slices.Sorted(maps.Keys(overlaid.operations)) {
		relied, isVendored := overlaid.effective(key), vendored.operations[key] != nil
		j := judge{document: overlaid, key: key, was: relied, relied: relied, prefix: "added"}
		if isVendored {
			j.was, j.prefix = vendored.effective(key), ""
		}
		switch {
		case theirs.operations[key] != nil:
			c.isPage = c.single && isVendored
			is := theirs.effective(key)
			if isVendored || is["operationId"] == relied["operationId"] {
				theirs.validate(ctx, key, is)
			}
			c.changes = append(c.changes, j.changes(is)...)
		case isVendored || !c.single:
			c.changes = append(c.changes, j.line("breaking", key+" is gone", "released versions still call it"))
		}
	}
	slices.Sort(c.changes) // the names of the grades are in the right order
}

// ours returns openapi.yaml as it is, and with overlay.yaml applied to it by the
// library that the generator uses.
func (a *app) ours() (vendored, overlaid *document) {
	content := must(os.ReadFile(a.path(vendoredFile)))
	var root yamlv3.Node
	check(yamlv3.Unmarshal(content, &root))
	check(must(overlay.Parse(a.path("overlay.yaml"))).ApplyTo(&root))
	return newDocument(content, true), newDocument(must(yamlv3.Marshal(&root)), true)
}

// report prints a line for each change, and one to sum up. It returns the exit
// status of check.
func (c *comparison) report(to io.Writer) int {
	status, summary := exitDone, "nothing that concerns us changed"
	for _, change := range c.changes {
		fmt.Fprintln(to, change)
	}
	switch {
	case len(c.changes) > 0 && !strings.HasPrefix(c.changes[0], "wording"):
		status, summary = exitChanged, "something that concerns us changed"
	case len(c.changes) > 0:
		summary += ", only wording"
	}
	if c.single {
		summary += "; this is the page of one operation, and the others are not compared"
	}
	fmt.Fprintln(to, summary)
	return status
}

const maxLine = 500 // characters

// printable returns text of a document as it may go to a terminal: on one line,
// bounded, and without control and format characters.
func printable(text string, most int) string {
	runes := []rune(text)
	for i, char := range runes {
		if !unicode.IsPrint(char) {
			runes[i] = ' '
		}
	}
	if len(runes) > most {
		return string(runes[:most]) + " ..."
	}
	return string(runes)
}
