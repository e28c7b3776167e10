package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// An oasdiffEntry is what we read of a line of "oasdiff changelog -f json".
type oasdiffEntry struct {
	Text  string `json:"text"`
	Level int    `json:"level"` // 3: an error
	ID    string `json:"operationId"`
}

// secondOpinion asks oasdiff, if it is to be asked, and adds what it holds to be
// breaking in an operation where we have seen nothing of the kind. It has many
// more rules for schemas than we have, but none for servers and encoding, and
// takes form fields and removed statuses lightly, so it never lowers a grade.
func (a *app) secondOpinion(ctx context.Context, result *comparison, p pair) error {
	if a.oasdiff == "" || !slices.ContainsFunc(result.changes, func(c change) bool { return c.grade == compatible }) {
		return nil
	}
	entries, err := a.askOasdiff(ctx, result.document, p)
	if err != nil {
		result.asides = append(result.asides, "no second opinion: "+err.Error())
		return ctx.Err()
	}
	for _, entry := range entries {
		seen := func(c change) bool { return c.grade == breaking && c.id == entry.ID }
		if entry.Level >= 3 && p.before[entry.ID] != nil && !slices.ContainsFunc(result.changes, seen) {
			result.changes = slices.Insert(result.changes, 0, change{breaking, entry.ID, bounded(entry.Text), "so says oasdiff; have a look"})
		}
	}
	return nil
}

func (a *app) askOasdiff(ctx context.Context, after []byte, p pair) ([]oasdiffEntry, error) {
	extracted, err := p.old.extract(p.before)
	if err != nil {
		return nil, err
	}
	before, err := extracted.encode()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "specsync-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, content := range map[string][]byte{"before.yaml": before, "after.yaml": after} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	output, err := a.run(ctx, dir, "go", "run", a.oasdiff, "changelog", "-f", "json", "before.yaml", "after.yaml")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.oasdiff, err)
	}
	var entries []oasdiffEntry
	if err := json.Unmarshal(output, &entries); err != nil {
		return nil, fmt.Errorf("%s: what it printed is not JSON: %w", a.oasdiff, err)
	}
	return entries, nil
}
