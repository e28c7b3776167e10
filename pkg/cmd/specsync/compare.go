package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// A comparison is what SPEC changes.
type comparison struct {
	spec     string
	changes  []change
	notes    []string // on overlay.yaml
	asides   []string // what a reader of the answer should know besides
	uncover  []string // operations of openapi.yaml that a page of one operation leaves out
	document []byte   // what would stand in openapi.yaml
}

// concerns tells whether anything but wording changed.
func (c *comparison) concerns() bool {
	return slices.ContainsFunc(c.changes, func(c change) bool { return c.grade > wording })
}

// compare reads SPEC and holds it against openapi.yaml.
func (a *app) compare(ctx context.Context, spec string) (*comparison, error) {
	if err := a.pending(); err != nil {
		return nil, err
	}
	current := filepath.Join(a.root, "openapi.yaml")
	old, oldOperations, err := a.ours(current)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", current, err)
	}
	content, err := a.read(ctx, spec)
	if err != nil {
		return nil, err
	}
	result := &comparison{spec: spec}
	fresh, operations, err := theirs(content, oldOperations)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec, err)
	}
	pair := pair{old: old, fresh: fresh, before: oldOperations, after: operations}
	if err := a.fill(ctx, result, pair); err != nil {
		return nil, fmt.Errorf("%s: %w", spec, err)
	}
	return result, nil
}

// ours reads the document that we have.
func (a *app) ours(file string) (*document, map[string]*operation, error) {
	content, err := os.ReadFile(file) //nolint:gosec // a file of the module
	if err != nil {
		return nil, nil, err
	}
	d, err := load(content)
	if err != nil {
		return nil, nil, err
	}
	operations := d.usedOperations(nil)
	if len(operations) == 0 {
		return nil, nil, fmt.Errorf("no operation of %s; is this the folder of the module?", strings.Join(used, ", "))
	}
	return d, operations, nil
}

// theirs reads the document that is held against ours.
func theirs(content []byte, before map[string]*operation) (*document, map[string]*operation, error) {
	d, err := load(content)
	if err != nil {
		return nil, nil, err
	}
	return d, d.usedOperations(before), nil
}

// A pair is two documents and the operations of each that we use.
type pair struct {
	old, fresh    *document
	before, after map[string]*operation
}

// fill compares a pair.
func (a *app) fill(ctx context.Context, result *comparison, p pair) error {
	extracted, err := p.fresh.extract(p.after)
	if err != nil {
		return err
	}
	if result.document, err = extracted.encode(); err != nil {
		return err
	}
	if err := validate(ctx, result.document, len(p.after)); err != nil {
		return err
	}
	overlaid, err := readOverlay(filepath.Join(a.root, "overlay.yaml"))
	if err != nil {
		return err
	}
	relied, err := overlaid.apply(p.old)
	if err != nil {
		return err
	}
	for _, id := range used {
		changes, err := p.compare(result, id, relied)
		if err != nil {
			return err
		}
		result.changes = append(result.changes, changes...)
	}
	slices.SortStableFunc(result.changes, func(a, b change) int { return int(b.grade - a.grade) })
	if len(result.changes) > 0 {
		if result.notes, err = overlaid.notes(p.old, extracted); err != nil {
			return err
		}
	}
	return a.secondOpinion(ctx, result, p)
}

// validate holds what was taken out against the rules of OpenAPI. Examples are
// not held against their schemas: the provider's differ now and then.
func validate(ctx context.Context, content []byte, operations int) error {
	if operations == 0 {
		return nil
	}
	parsed, err := openapi3.NewLoader().LoadFromData(content)
	if err != nil {
		return fmt.Errorf("not a valid OpenAPI document: %s", bounded(err.Error()))
	}
	err = parsed.Validate(ctx, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return fmt.Errorf("not a valid OpenAPI document: %s", bounded(err.Error()))
	}
	return nil
}

// compare compares one operation.
func (p pair) compare(result *comparison, id string, relied *document) ([]change, error) {
	before, after := p.before[id], p.after[id]
	described := relied.usedOperations(nil)[id]
	switch {
	case before == nil && after == nil:
		return nil, nil
	case after == nil && p.isPage():
		result.uncover = append(result.uncover, id)
		return nil, nil
	case after == nil:
		return []change{{breaking, id, before.call() + " is gone", "released versions go on to call it"}}, nil
	case before == nil && described == nil:
		return []change{{compatible, id, after.call() + " is new", "nothing describes it so far"}}, nil
	case before == nil:
		return p.promoted(id, after, relied, described)
	}
	is, err := p.fresh.factsOf(after)
	if err != nil {
		return nil, err
	}
	was, err := p.old.factsOf(before)
	if err != nil {
		return nil, err
	}
	g := grader{was: was, is: is}
	if described != nil {
		if g.relied, err = relied.factsOf(described); err != nil {
			return nil, err
		}
	}
	return g.changes(id), nil
}

func (g grader) changes(id string) []change {
	var all []change
	for _, d := range differences(g.was, g.is) {
		grade, meaning := g.grade(d)
		all = append(all, change{grade, id, d.describe(), meaning})
	}
	return all
}

// isPage tells whether SPEC is the page of the one operation setPTR, which says
// nothing of the others.
func (p pair) isPage() bool {
	return len(p.fresh.operations()) == 1 && p.after["setPTR"] != nil
}

// promoted compares an operation that the document did not have with what
// overlay.yaml says of it. Where calls go, the document wins; in all else
// overlay.yaml, which is applied to the new document too.
func (p pair) promoted(id string, after *operation, relied *document, described *operation) ([]change, error) {
	is, err := p.fresh.factsOf(after)
	if err != nil {
		return nil, err
	}
	was, err := relied.factsOf(described)
	if err != nil {
		return nil, err
	}
	changes := []change{{compatible, id, after.call() + " is new in the document", "so far overlay.yaml alone describes it"}}
	g := grader{was: was, is: is, relied: was}
	for _, d := range differences(was, is) {
		grade, meaning := g.grade(d)
		switch d.keyword {
		case "call", "server", "security":
			changes = append(changes, change{grade, id, d.describe(), meaning})
		case "", "type", "encoding":
			changes = append(changes, change{compatible, id, "unlike in overlay.yaml, " + d.describe(), "overlay.yaml goes on to apply; look which is right"})
		}
	}
	return changes, nil
}
