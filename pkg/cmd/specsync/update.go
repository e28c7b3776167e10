package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"time"
)

const vendoredFile, generatedFile = "openapi.yaml", "gen/edis.gen.go"

// steps must succeed in a copy of the module before the module changes.
var steps = []string{"go generate .", "go build ./...", "go test -count=1 -run=^TestContract ./pkg/edis"}

const nextSteps = "openapi.yaml and gen/edis.gen.go are updated; see CONTRIBUTING.md for what to do next, from git diff openapi.yaml on"

// update adopts a document that has been compared.
func (a *app) update(ctx context.Context, c *comparison) (int, error) {
	if !c.isPage {
		return exitUnusable, errors.New("not the page of the one operation that openapi.yaml has, or with more than 24 references: spec-check accepts the whole document, but only that page is vendored")
	}
	err := try(func() {
		old := must(os.ReadFile(a.path(vendoredFile)))
		if bytes.Equal(old, c.document) {
			fmt.Fprintln(a.stdout, "nothing changed, not a byte; openapi.yaml and gen/ stay as they are")
			return
		}
		c.report(a.stdout)
		a.replace(old, c.document, a.generate(ctx, c.document))
		fmt.Fprintln(a.stdout, nextSteps)
	})
	if err != nil {
		return exitFailed, fmt.Errorf("the tree is as before: %w", err)
	}
	return exitDone, nil
}

// generate runs the steps in a copy of the module, and returns the generated code.
func (a *app) generate(ctx context.Context, document []byte) []byte {
	dir := must(os.MkdirTemp("", "specsync-*"))
	defer func() { _ = os.RemoveAll(dir) }()
	check(os.CopyFS(dir, os.DirFS(a.root)))
	check(os.WriteFile(filepath.Join(dir, vendoredFile), document, 0o600))
	for _, step := range steps {
		fmt.Fprintln(a.stderr, "specsync: running", step)
		if err := a.execute(ctx, dir, strings.Fields(step)...); err != nil {
			check(fmt.Errorf("step %q failed: %w", step, err))
		}
	}
	check(ctx.Err())
	return must(os.ReadFile(filepath.Join(dir, generatedFile))) //nolint:gosec // in a directory of our own
}

// replace puts both files in place. Both are on disk before the first one changes, so
// that little can fail in between.
func (a *app) replace(old, document, code []byte) {
	vendored, generated := a.path(vendoredFile), a.path(generatedFile)
	defer func() { _ = errors.Join(os.Remove(vendored+".new"), os.Remove(generated+".new")) }()
	check(os.WriteFile(vendored+".new", document, 0o644)) //nolint:gosec // source code is no secret
	check(os.WriteFile(generated+".new", code, 0o644))    //nolint:gosec // source code is no secret
	check(os.Rename(vendored+".new", vendored))
	if err := os.Rename(generated+".new", generated); err != nil {
		check(errors.Join(err, os.WriteFile(vendored, old, 0o644))) //nolint:gosec // source code is no secret
	}
}

// execute runs a command in a directory.
func execute(ctx context.Context, dir string, command ...string) error {
	cmd := osexec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // one of steps
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets go stop its children
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	for _, line := range lines[max(len(lines)-20, 0):] {
		err = fmt.Errorf("%w\n%s", err, printable(line)) // it may quote the document
	}
	return err
}
