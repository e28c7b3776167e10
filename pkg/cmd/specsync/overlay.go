package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/speakeasy-api/openapi/overlay"
	"go.yaml.in/yaml/v4"
	yamlv3 "gopkg.in/yaml.v3"
)

// overlaid is overlay.yaml, read by the library that the generator uses, so that
// a target matches here if and only if it matches there. That library has an
// older YAML library in its interface.
type overlaid struct {
	*overlay.Overlay
	lines []int // of the actions in the file
}

// readOverlay reads overlay.yaml. A module without one has no actions.
func readOverlay(file string) (*overlaid, error) {
	content, err := os.ReadFile(file) //nolint:gosec // a file of the module
	if errors.Is(err, fs.ErrNotExist) {
		return &overlaid{Overlay: &overlay.Overlay{}}, nil
	}
	if err != nil {
		return nil, err
	}
	parsed, err := overlay.ParseReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	result := &overlaid{Overlay: parsed}
	for _, action := range items(get(root.Content[0], "actions")) {
		result.lines = append(result.lines, action.Line)
	}
	return result, nil
}

// older returns a document as nodes of the older YAML library.
func older(d *document) (*yamlv3.Node, error) {
	content, err := d.encode()
	if err != nil {
		return nil, err
	}
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(content, &root); err != nil {
		return nil, err
	}
	return &root, nil
}

// apply returns the document that the library relies on.
func (o *overlaid) apply(d *document) (*document, error) {
	root, err := older(d)
	if err != nil {
		return nil, err
	}
	if err := o.ApplyTo(root); err != nil {
		return nil, fmt.Errorf("overlay.yaml: %w", err)
	}
	content, err := yamlv3.Marshal(root)
	if err != nil {
		return nil, err
	}
	node, err := parseYAML(content, 0)
	if err != nil {
		return nil, err
	}
	return &document{root: node}, nil
}

// notes says, action by action, what the new document does to overlay.yaml.
func (o *overlaid) notes(old, fresh *document) ([]string, error) {
	before, err := older(old)
	if err != nil {
		return nil, err
	}
	after, err := older(fresh)
	if err != nil {
		return nil, err
	}
	var notes []string
	for i, action := range o.Actions {
		path, err := o.NewPath(action.Target, nil)
		if err != nil {
			return nil, fmt.Errorf("overlay.yaml, line %d: %w", o.lines[i], err)
		}
		if note := noteOn(action, path.Query(before), path.Query(after)); note != "" {
			notes = append(notes, fmt.Sprintf("overlay.yaml, line %d: %s %s", o.lines[i], action.Target, note))
		}
		// Later actions may aim at what this one adds.
		for _, root := range []*yamlv3.Node{before, after} {
			if err := o.only(action).ApplyTo(root); err != nil {
				return nil, fmt.Errorf("overlay.yaml, line %d: %w", o.lines[i], err)
			}
		}
	}
	return notes, nil
}

// only returns the overlay with one action.
func (o *overlaid) only(action overlay.Action) *overlay.Overlay {
	single := *o.Overlay
	single.Actions = []overlay.Action{action}
	return &single
}

// noteOn says what became of one action; nothing if it is as needed as before.
func noteOn(action overlay.Action, before, after []*yamlv3.Node) string {
	switch {
	case len(after) == 0 && action.Remove:
		return "is redundant: what it removes is not there"
	case len(after) == 0:
		return "no longer matches: generation will fail until it is changed"
	case action.Remove || action.Copy != "":
		return ""
	}
	held := heldIn(&action.Update, after)
	for name := range heldIn(&action.Update, before) {
		delete(held, name)
	}
	switch {
	case allHold(&action.Update, after):
		return "is redundant: the document says all of it"
	case len(held) == 0:
		return ""
	}
	return describeHeld(&action.Update, held)
}

// describeHeld names what an action adds or corrects and the document now has.
func describeHeld(update *yamlv3.Node, held map[string]bool) string {
	var same, other []string
	for name := range fieldsV3(update) {
		same0, ok := held[name]
		switch {
		case ok && same0:
			same = append(same, name)
		case ok:
			other = append(other, name)
		}
	}
	var parts []string
	if len(same)+len(other) == len(update.Content)/2 {
		parts = append(parts, "has become redundant, unless it corrects the document")
	}
	if len(same) > 0 {
		parts = append(parts, "the document now says the same on "+strings.Join(same, ", "))
	}
	if len(other) > 0 {
		parts = append(parts, "the document now has, in other words or with other values, "+strings.Join(other, ", "))
	}
	return strings.Join(parts, "; ")
}

// heldIn returns the fields of an update that one of the targets has, and
// whether they all have it with the same value.
func heldIn(update *yamlv3.Node, targets []*yamlv3.Node) map[string]bool {
	held := make(map[string]bool)
	for name, value := range fieldsV3(update) {
		for _, target := range targets {
			for own, ownValue := range fieldsV3(target) {
				if own == name {
					held[name] = holds(ownValue, value)
				}
			}
		}
	}
	return held
}

func allHold(update *yamlv3.Node, targets []*yamlv3.Node) bool {
	for _, target := range targets {
		if !holds(target, update) {
			return false
		}
	}
	return true
}

// holds tells whether a node already says all that an update says.
func holds(node, update *yamlv3.Node) bool {
	switch {
	case node.Kind != update.Kind:
		return false
	case update.Kind == yamlv3.ScalarNode:
		return node.Value == update.Value && node.ShortTag() == update.ShortTag()
	case update.Kind == yamlv3.SequenceNode:
		for _, item := range update.Content {
			if !anyHolds(node.Content, item) {
				return false
			}
		}
		return true
	}
	for name, value := range fieldsV3(update) {
		var own []*yamlv3.Node
		for key, value := range fieldsV3(node) {
			if key == name {
				own = append(own, value)
			}
		}
		if !anyHolds(own, value) {
			return false
		}
	}
	return true
}

func anyHolds(nodes []*yamlv3.Node, update *yamlv3.Node) bool {
	for _, node := range nodes {
		if holds(node, update) {
			return true
		}
	}
	return false
}

// fieldsV3 is fields for the older YAML library.
func fieldsV3(node *yamlv3.Node) func(func(string, *yamlv3.Node) bool) {
	return func(yield func(string, *yamlv3.Node) bool) {
		for i := 0; node.Kind == yamlv3.MappingNode && i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}
