package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	generator "github.com/oapi-codegen/oapi-codegen/v2/pkg/util"
	"github.com/rogpeppe/go-internal/diff"
	"go.yaml.in/yaml/v4"
)

// A comparison is the result of comparing SPEC with what we rely on.
type comparison struct {
	document       []byte // the published one
	root           *yaml.Node
	loaded         *openapi3.T
	vendored       []byte // openapi.yaml
	single, isPage bool   // the document has one path; that of openapi.yaml
	wire, wording  string // unified diffs
}

// compare compares SPEC with what we rely on, operation by operation: openapi.yaml as it
// is, and for the operations that it does not have, what overlay.yaml adds to it.
func (a *app) compare(ctx context.Context, spec string) (*comparison, error) {
	c, err := a.published(ctx, spec)
	if err != nil {
		return nil, err
	}
	c.vendored, err = os.ReadFile(filepath.Join(a.root, vendoredFile))
	if err != nil {
		return nil, err
	}
	_, vendored, err := parse(c.vendored)
	if err != nil {
		return nil, err
	}
	overlaid, err := a.overlaid()
	if err != nil {
		return nil, err
	}
	for path := range members(child(overlaid, "paths")) {
		if child(vendored, "paths", path) != nil {
			c.isPage = c.single && child(c.root, "paths", path) != nil
			err = c.add(ctx, path, vendoredFile, vendored)
		} else if !c.single { // a page says nothing of the others
			err = c.add(ctx, path, "overlay.yaml", overlaid)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// published returns the document of SPEC, if it is fit to be generated from.
func (a *app) published(ctx context.Context, spec string) (*comparison, error) {
	file, err := a.read(ctx, spec)
	if err != nil {
		return nil, err
	}
	document, root, err := parse(file)
	if err != nil {
		return nil, err
	}
	if version := child(root, "openapi"); version == nil || !strings.HasPrefix(version.Value, "3.") || child(root, "paths") == nil {
		return nil, errors.New(`neither an OpenAPI document, with "openapi: 3..." and "paths", nor a page in Markdown with one in a fenced block`)
	}
	if _, err := normalForm(root, root); err != nil { // the generator expands all of it
		return nil, err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(document) // reads no other file and no other host
	return &comparison{document: document, root: root, loaded: loaded, single: len(child(root, "paths").Content) == 2}, err
}

// overlaid returns the root of openapi.yaml with overlay.yaml as the generator applies it,
// except that an action may already aim at a document that is about to be adopted.
func (a *app) overlaid() (*yaml.Node, error) {
	loaded, err := generator.LoadSwaggerWithOverlay(filepath.Join(a.root, vendoredFile), generator.LoadSwaggerWithOverlayOpts{Path: filepath.Join(a.root, "overlay.yaml")})
	if err != nil {
		return nil, err
	}
	content, err := loaded.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Load(content, &document); err != nil {
		return nil, err
	}
	return document.Content[0], nil
}

// add adds how an operation differs from that of a file of ours.
func (c *comparison) add(ctx context.Context, path, file string, ours *yaml.Node) error {
	if item := c.loaded.Paths.Value(path); item != nil {
		if err := item.Validate(ctx, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
			return err
		}
	}
	was, err := operation(ours, path)
	if err != nil {
		return err
	}
	is, err := operation(c.root, path)
	if err != nil {
		return err
	}
	if is == nil {
		was = []fact{{"POST", path, wire}}
	} else if file != vendoredFile {
		was, is = withoutAdditions(was, is)
	}
	c.wire += unified("wire: POST "+path, file, was, is, func(f fact) bool { return f.kind != wording })
	if file == vendoredFile { // the words of overlay.yaml are ours
		c.wording += unified("wording: POST "+path, file, was, is, func(f fact) bool { return f.kind == wording })
	}
	return nil
}

// withoutAdditions leaves out what only overlay.yaml says, such as that a field is
// required, and the types of what it leaves open.
func withoutAdditions(ours, theirs []fact) (was, is []fact) {
	inOurs, inTheirs := places(ours), places(theirs)
	was = slices.DeleteFunc(ours, func(f fact) bool {
		isOpen := f.value == "{}" && inTheirs[f.pointer]
		return (f.kind == limit || isOpen) && !slices.Contains(theirs, f)
	})
	is = slices.DeleteFunc(slices.Clone(theirs), func(f fact) bool {
		return f.kind == dataType && !inOurs[f.pointer] && inOurs[parent(f.pointer)]
	})
	return was, is
}

// places returns the pointers of facts and of what they are in.
func places(facts []fact) map[string]bool {
	all := make(map[string]bool)
	for _, f := range facts {
		for pointer := f.pointer; pointer != "" && !all[pointer]; pointer = parent(pointer) {
			all[pointer] = true
		}
	}
	return all
}

func parent(pointer string) string { return pointer[:max(strings.LastIndexByte(pointer, '/'), 0)] }

// unified returns a unified diff of some of the facts, below a heading. It is empty if
// they are the same.
func unified(heading, file string, was, is []fact, include func(fact) bool) string {
	text := func(facts []fact) (lines []byte) {
		for _, f := range facts {
			if include(f) {
				lines = fmt.Appendf(lines, "%s %s\n", f.pointer, f.value)
			}
		}
		return lines
	}
	_, body, differs := strings.Cut(string(diff.Diff(file, text(was), "published", text(is))), "\n")
	if !differs {
		return ""
	}
	return heading + "\n" + body
}

// report returns the differences and a summary.
func (c *comparison) report() string {
	summary := "nothing changed on the wire"
	if c.wire != "" {
		summary = "something changed on the wire"
	}
	if c.single {
		summary += "; this is the page of one operation, and the others are not compared"
	}
	return c.wire + c.wording + summary + "\n"
}
