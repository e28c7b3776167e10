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

// steps must succeed in a copy of the module before the module changes. They
// show whether this code works with the new document.
var steps = []string{"go generate .", "go build ./...", "go test -count=1 -run=^TestContract ./pkg/edis"}

const nextSteps = "openapi.yaml and gen/edis.gen.go are updated; see CONTRIBUTING.md for what to do next, from git diff openapi.yaml on"

// update adopts a document that has been compared.
func (a *app) update(ctx context.Context, c *comparison) (int, error) {
	if bytes.Equal(c.vendored, c.document) {
		fmt.Fprintln(a.stdout, "nothing changed, not a byte; openapi.yaml and gen/ stay as they are")
		return exitDone, nil
	}
	fmt.Fprint(a.stdout, c.report())
	code, err := a.generate(ctx, c.document)
	if err == nil {
		err = a.replace(c.vendored, c.document, code)
	}
	if err != nil {
		return exitFailed, fmt.Errorf("the tree is as before: %w", err)
	}
	fmt.Fprintln(a.stdout, nextSteps)
	return exitDone, nil
}

// generate runs the steps in a copy of the module, and returns the generated code.
func (a *app) generate(ctx context.Context, document []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "specsync-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, os.DirFS(a.root)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, vendoredFile), document, 0o600); err != nil { //nolint:gosec // in a directory of our own
		return nil, err
	}
	for _, step := range steps {
		fmt.Fprintln(a.stderr, "specsync: running", step)
		if err := errors.Join(a.execute(ctx, dir, strings.Fields(step)...), ctx.Err()); err != nil {
			return nil, fmt.Errorf("step %q failed: %w", step, err)
		}
	}
	return os.ReadFile(filepath.Join(dir, generatedFile)) //nolint:gosec // in a directory of our own
}

// replace puts both files in place. Both are on disk before the first one changes, so
// that little can fail in between.
func (a *app) replace(old, document, code []byte) error {
	vendored, generated := filepath.Join(a.root, vendoredFile), filepath.Join(a.root, generatedFile)
	defer func() { _ = errors.Join(os.Remove(vendored+".new"), os.Remove(generated+".new")) }()
	for name, content := range map[string][]byte{vendored: document, generated: code} {
		if err := os.WriteFile(name+".new", content, 0o644); err != nil { //nolint:gosec // source code is no secret
			return err
		}
	}
	if err := os.Rename(vendored+".new", vendored); err != nil {
		return err
	}
	if err := os.Rename(generated+".new", generated); err != nil {
		return errors.Join(err, os.WriteFile(vendored, old, 0o644)) //nolint:gosec // source code is no secret
	}
	return nil
}

// execute runs a command in a directory. Its error quotes the last lines of the output.
func execute(ctx context.Context, dir string, command ...string) error {
	cmd := osexec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // one of steps
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets go stop its children
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return fmt.Errorf("%w\n%s", err, strings.Join(lines[max(len(lines)-20, 0):], "\n"))
}
